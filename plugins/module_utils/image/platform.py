# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether images run on the task's platform. ECS reports a mismatch only by tasks that stop at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..aws import ecr
from ..common.invocation import Invocation

# ECS's names in those of images.
_PLATFORMS = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}
_REFERENCE = re.compile(r"^(?:[^/@]*[.:][^/@]*/)?(?P<repository>[^@:]+)(?::[^@/]+)?@(?P<digest>sha256:[0-9a-f]{64})$")


def findings(call: Invocation, containers: Sequence[Mapping[str, Any]], architecture: str | None) -> Iterator[str]:
    """A sentence for each image of this account's ECR that has no build for the task's architecture."""
    desired = _PLATFORMS[architecture or "X86_64"]
    for container in containers:
        named = _REFERENCE.match(container["image"])
        # A digest is the content's: where ECR has it, it is the image that runs, whichever registry it is named by.
        found = _platforms(call, named["repository"], named["digest"]) if named else None
        if found is not None and desired not in found:
            yield (
                f"image {container['image']} of container {container['name']} is built for {', '.join(sorted(found))}, and the "
                f"task runs on {desired}: set service_architecture, or build for that platform (registry_build.platform)"
            )


def _platforms(call: Invocation, repository: str, digest: str) -> set[str] | None:
    """None where nothing can be said: the image is not in this ECR, or is of a kind that names no platform."""
    manifest = ecr.manifest(call.aws, repository, digest)
    if manifest is None:
        return None
    if "manifests" in manifest:
        # Attestations stand beside the images, for a platform that there is not.
        named = {_name(entry["platform"]) for entry in manifest["manifests"] if "platform" in entry} - {
            "unknown/unknown"
        }
        return named or None
    if "config" not in manifest:
        return None
    configuration = ecr.image_configuration(call.aws, repository, manifest["config"]["digest"])
    return {_name(configuration)} if "architecture" in configuration else None


def _name(platform: Mapping[str, Any]) -> str:
    return f"{platform.get('os', 'linux')}/{platform['architecture']}"
