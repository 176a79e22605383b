# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether images run on the task's platform. ECS reports a mismatch only by tasks that stop at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..aws import ecr
from ..aws.errors import AwsError
from ..common.invocation import Invocation
from .other_registry import OtherRegistry, Unreachable
from .reference import Reference, parse

# ECS's names in those of images.
_PLATFORMS = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}


@dataclass(frozen=True)
class _Source:
    """Where an image's manifest and its configuration are read."""

    manifest: Callable[[str], dict[str, Any] | None]
    configuration: Callable[[str], dict[str, Any]]


def findings(call: Invocation, containers: Sequence[Mapping[str, Any]], architecture: str | None) -> Iterator[str]:
    """A sentence for each image that has no build for the task's architecture: of any registry that can be read from here."""
    desired = _PLATFORMS[architecture or "X86_64"]
    for container in containers:
        named = parse(container["image"])
        found = _platforms(call, named) if named and named.digest else None
        if found is not None and desired not in found:
            yield (
                f"image {container['image']} of container {container['name']} is built for {', '.join(sorted(found))}, and the "
                f"task runs on {desired}: set service_architecture, or build for that platform (registry_build.platform)"
            )


def _platforms(call: Invocation, named: Reference) -> set[str] | None:
    """None where nothing can be said: the image can't be read from here, or is of a kind that names no platform."""
    digest = str(named.digest)
    # A digest is the content's: where ECR has it, it is the image that runs, whichever registry it is named by.
    own = _of_ecr(call, named, None)
    if named.may_be_in_ecr and (manifest := own.manifest(digest)) is not None:
        return _built_for(own, manifest)
    if not named.host:
        return None
    source = _of_ecr(call, named, named.ecr[0]) if named.ecr else _of_other(named)
    try:
        manifest = source.manifest(digest)
        return _built_for(source, manifest) if manifest is not None else None
    except (AwsError, Unreachable) as cause:
        # Tasks may reach a registry that this machine does not.
        call.progress.line(f"platform of {named.repository} not looked at: {str(cause).rstrip('.')}")
        return None


def _of_ecr(call: Invocation, named: Reference, account: str | None) -> _Source:
    aws = call.aws.elsewhere(named.ecr[1]) if account and named.ecr else call.aws
    more = (account,) if account else ()
    return _Source(
        lambda digest: ecr.manifest(aws, named.name, digest, *more),
        lambda digest: ecr.image_configuration(aws, named.name, digest, *more),
    )


def _of_other(named: Reference) -> _Source:
    registry = OtherRegistry(named)
    return _Source(lambda digest: registry.manifest(digest)[1], registry.configuration)


def _built_for(source: _Source, manifest: Mapping[str, Any]) -> set[str] | None:
    if "manifests" in manifest:
        # Attestations stand beside the images, for a platform that there is not.
        named = {_name(entry["platform"]) for entry in manifest["manifests"] if "platform" in entry} - {
            "unknown/unknown"
        }
        return named or None
    if "config" not in manifest:
        return None
    configuration = source.configuration(manifest["config"]["digest"])
    return {_name(configuration)} if "architecture" in configuration else None


def _name(platform: Mapping[str, Any]) -> str:
    return f"{platform.get('os', 'linux')}/{platform['architecture']}"
