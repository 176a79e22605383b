"""The repository and its image as ECR reports them; the manual change: mutable tags."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import boto3

# By priority. Two images of each build, since its list of parts is one.
EXPIRES = {
    1: ("released-", "imageCountMoreThan", 100),
    2: ("untagged", "sinceImagePushed", 14),
    3: ("sbom-", "imageCountMoreThan", 500),
    4: ("any", "imageCountMoreThan", 400),
}


def verify() -> None:
    ecr = boto3.client("ecr")
    (found,) = ecr.describe_repositories(repositoryNames=["website"])["repositories"]
    assert found["imageTagMutability"] == "IMMUTABLE"
    assert found["imageScanningConfiguration"]["scanOnPush"]
    images = ecr.describe_images(repositoryName="website")["imageDetails"]
    (image,) = [image for image in images if not image["imageTags"][0].startswith("sbom-")]
    assert image["imageDigest"].startswith("sha256:")
    assert f"released-{image['imageDigest'][7:19]}" in image["imageTags"]
    subject = {"repositoryName": "website", "subjectId": {"imageDigest": image["imageDigest"]}}
    (parts,) = ecr.list_image_referrers(**subject)["referrers"]
    assert parts["artifactType"] == "application/vnd.cyclonedx+json"
    assert "usr/sbin/nginx" in [component["name"] for component in content(ecr, parts["digest"])["components"]]
    rules = json.loads(ecr.get_lifecycle_policy(repositoryName="website")["lifecyclePolicyText"])["rules"]
    assert {rule["rulePriority"]: _expires(rule) for rule in rules} == EXPIRES, rules


def _expires(rule: dict[str, Any]) -> tuple[str, str, int]:
    """What a rule counts, and how many stay."""
    chosen = rule["selection"]
    assert rule["action"] == {"type": "expire"}, rule
    which = ", ".join(chosen.get("tagPrefixList") or chosen.get("tagPatternList") or [chosen["tagStatus"]])
    return which, chosen["countType"], chosen["countNumber"]


def content(ecr: Any, digest: str) -> Any:
    """What the only layer of an artifact holds."""
    requested = {"repositoryName": "website", "imageIds": [{"imageDigest": digest}]}
    manifest = json.loads(ecr.batch_get_image(**requested)["images"][0]["imageManifest"])
    layer = manifest["layers"][0]["digest"]
    address = ecr.get_download_url_for_layer(repositoryName="website", layerDigest=layer)["downloadUrl"]
    with urllib.request.urlopen(address) as kept:
        return json.load(kept)


def side_effect() -> None:
    boto3.client("ecr").put_image_tag_mutability(repositoryName="website", imageTagMutability="MUTABLE")
