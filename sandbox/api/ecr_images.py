"""ECR's images: what was pushed, under which tags, how large it is, and what a scan said of it.

The API is the truth: the registry behind the front keeps manifests by digest only, and serves what is listed here.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.core.utils import utcnow
from moto.ecr.models import Image, Repository

from ..errors import ApiError


@dataclass(frozen=True)
class Scan:
    """The result of a scan; clean unless findings were planted, for nothing here looks into images."""

    status: str = "COMPLETE"
    findings: tuple[dict[str, Any], ...] = ()
    completed_at: datetime = field(default_factory=utcnow)

    @property
    def summary(self) -> dict[str, Any]:
        counts: dict[str, int] = {}
        for finding in self.findings:
            counts[finding["severity"]] = counts.get(finding["severity"], 0) + 1
        return {
            "imageScanCompletedAt": self.completed_at,
            "vulnerabilitySourceUpdatedAt": self.completed_at,
            "findingSeverityCounts": counts,
        }

    @property
    def state(self) -> dict[str, str]:
        described = {"COMPLETE": "The scan was completed successfully."}.get(self.status, f"The scan is {self.status}.")
        return {"status": self.status, "description": described}


@dataclass(frozen=True)
class Pushed:
    """A manifest that the registry took."""

    manifest: str
    media_type: str
    digest: str
    tag: str | None


class PushedImage(Image):
    """moto's image, with the attributes that DescribeImages reads and moto does not know."""

    def __init__(self, pushed: Pushed, repository: Repository) -> None:
        tag: Any = None  # record() gives it its tag
        super().__init__(repository.account_id, tag, pushed.manifest, repository.name, pushed.media_type, pushed.digest)
        self.scan: Scan | None = None
        manifest = json.loads(pushed.manifest)
        self.size = _size(manifest, repository.images)
        # Of an artifact that belongs to an image: that image's digest.
        self.refers_to: str | None = manifest.get("subject", {}).get("digest")
        self.artifact_type: str | None = manifest.get("artifactType")

    def get_image_size_in_bytes(self) -> int:
        return self.size

    @property
    def image_scan_status(self) -> dict[str, str] | None:
        return self.scan.state if self.scan else None

    @property
    def image_scan_findings_summary(self) -> dict[str, Any] | None:
        return self.scan.summary if self.scan and self.scan.status == "COMPLETE" else None

    @property
    def artifact_media_type(self) -> str | None:
        config: dict[str, str] = json.loads(self.image_manifest).get("config", {})
        return config.get("mediaType")


def _size(manifest: dict[str, Any], images: Sequence[Any]) -> int:
    """Bytes of an image's compressed layers and its configuration; of a list of images, those of the largest."""
    if "layers" in manifest:
        return int(manifest["config"]["size"]) + sum(int(layer["size"]) for layer in manifest["layers"])
    members = {member["digest"] for member in manifest.get("manifests", [])}
    return max((image.size for image in images if image.image_digest in members), default=0)


def record(repository: Repository, pushed: Pushed) -> PushedImage:
    """List what was pushed and move its tag to it; raises ApiError where the tag must stay where it is."""
    images: list[Any] = repository.images
    known = next((image for image in images if image.image_digest == pushed.digest), None)
    bearer = next((image for image in images if pushed.tag in image.image_tags), None)
    if bearer is not None and is_frozen(repository, str(pushed.tag)):
        raise ApiError(
            "ImageTagAlreadyExistsException",
            f"The image tag '{pushed.tag}' already exists in the '{repository.name}' repository and cannot be "
            "overwritten because the tag is immutable.",
        )
    image: PushedImage = known or PushedImage(pushed, repository)
    if known is None:
        images.append(image)
    if pushed.tag:
        if bearer is not None:
            # moto deletes the image that loses its last tag; ECR keeps it, untagged, to be pulled by its digest.
            bearer.remove_tag(pushed.tag)
            bearer.image_tag = bearer.image_tags[-1] if bearer.image_tags else None
        image.update_tag(pushed.tag)
    return image


def is_frozen(repository: Repository, tag: str) -> bool:
    """Whether a tag that exists may not be moved."""
    filters: Sequence[Any] = repository.image_tag_mutability_exclusion_filters or ()
    excepted = any(fnmatch.fnmatchcase(tag, exclusion["filter"]) for exclusion in filters)
    mutability = repository.image_tag_mutability
    return mutability.startswith("IMMUTABLE") is not excepted
