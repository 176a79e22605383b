# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether images are there and run on the task's platform. ECS reports either only by tasks that stop at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..aws import ecr, sts
from ..aws.errors import AwsError
from ..aws.session import Aws
from ..common.invocation import Invocation
from .other_registry import Missing, OtherRegistry, Unreachable
from .reference import Reference, parse

# ECS's names in those of images.
_PLATFORMS = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}
ARCHITECTURES = tuple(_PLATFORMS)


@dataclass(frozen=True)
class _Source:
    """Where an image's manifest and its configuration are read."""

    manifest: Callable[[str], dict[str, Any] | None]
    configuration: Callable[[str], dict[str, Any]]


def findings(call: Invocation, containers: Sequence[Mapping[str, Any]], architecture: str | None) -> Iterator[str]:
    """A sentence for each image that has no build for the task's architecture: of any registry that can be read from here."""
    for container in containers:
        named = parse(container["image"])
        found = _platforms(call, named) if named and named.digest else None
        yield from _mismatch(container, found, architecture)


def by_tag(
    call: Invocation, containers: Sequence[Mapping[str, Any]], architecture: str | None, unchecked: list[str]
) -> Iterator[str]:
    """A sentence for each image by tag, from where tasks will pull it, that is not there or has no build for the architecture.

    What cannot be read from here is added to `unchecked`.
    """
    for container in containers:
        named = parse(container["image"])
        if named is None or named.digest:
            continue
        subject = f"image {container['image']} of container {container['name']}"
        # What anybody is told to be missing may be there for who has the login.
        private = bool(container.get("repository_credentials"))
        try:
            source, where, is_cache = _source_of_tag(call, named)
            manifest = source.manifest(named.tag or "latest")
            if manifest is not None:
                yield from _mismatch(container, _built_for(source, manifest), architecture)
            elif is_cache():
                unchecked.append(f"{subject}: {where} fetches it when it is pulled for the first time")
            else:
                yield _missing(container, where)
        except Missing as missing:
            if private:
                unchecked.append(f"{subject}: {missing}")
            else:
                yield _missing(container, named.host or "docker.io")
        except (AwsError, Unreachable) as cause:
            # Tasks may reach a registry that this machine does not.
            unchecked.append(f"{subject}: {str(cause).rstrip('.')}")


def _missing(container: Mapping[str, Any], where: str) -> str:
    return f"image {container['image']} of container {container['name']} does not exist in {where}: push it, or correct its name"


def _mismatch(container: Mapping[str, Any], found: set[str] | None, architecture: str | None) -> Iterator[str]:
    desired = _PLATFORMS[architecture or "X86_64"]
    if found is not None and desired not in found:
        yield (
            f"image {container['image']} of container {container['name']} is built for {', '.join(sorted(found))}, and the "
            f"task runs on {desired}: set service_architecture, or build for that platform (registry_build.platform)"
        )


def _source_of_tag(call: Invocation, named: Reference) -> tuple[_Source, str, Callable[[], bool]]:
    """Where tasks pull the image from, its name for people, and whether that is a cache of another registry."""
    if named.ecr:
        account, region = named.ecr

        def is_cache() -> bool:
            # The rules of another account cannot be read.
            return account != sts.caller(call.aws)["account"] or _is_cache(call.aws.elsewhere(region), named.name)

        return _of_ecr(call, named, account), f"the ECR of account {account} in {region}", is_cache
    if named.host and named.may_be_in_ecr:
        repository = ecr.find_repository(call.aws, named.name)
        if repository is not None and repository["repositoryUri"] == named.repository:
            return _of_ecr(call, named, None), f"ECR repository {named.name}", lambda: _is_cache(call.aws, named.name)
    # Without a host a task definition means Docker Hub.
    public = named if named.host else replace(named, repository=f"docker.io/{named.repository}")
    return _of_other(public), public.host, lambda: False


def _is_cache(aws: Aws, name: str) -> bool:
    """Whether ECR would pull it through from elsewhere. ROOT is the prefix of all names.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
    """
    parts = name.split("/")
    prefixes = ["/".join(parts[:count]) for count in range(1, len(parts))]
    return bool(ecr.pull_through_caches(aws, ["ROOT", *prefixes]))


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
        lambda which: ecr.manifest(aws, named.name, which, *more),
        lambda digest: ecr.image_configuration(aws, named.name, digest, *more),
    )


def _of_other(named: Reference) -> _Source:
    registry = OtherRegistry(named)
    return _Source(lambda which: registry.manifest(which)[1], registry.configuration)


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
