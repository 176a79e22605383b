"""The repository and its image as ECR has them; somebody makes tags mutable."""

from __future__ import annotations

import boto3


def verify() -> None:
    ecr = boto3.client("ecr")
    (found,) = ecr.describe_repositories(repositoryNames=["website"])["repositories"]
    assert found["imageTagMutability"] == "IMMUTABLE"
    assert found["imageScanningConfiguration"]["scanOnPush"]
    (image,) = ecr.describe_images(repositoryName="website")["imageDetails"]
    assert image["imageDigest"].startswith("sha256:")
    assert f"released-{image['imageDigest'][7:19]}" in image["imageTags"]
    assert ecr.get_lifecycle_policy(repositoryName="website")["lifecyclePolicyText"]


def side_effect() -> None:
    boto3.client("ecr").put_image_tag_mutability(repositoryName="website", imageTagMutability="MUTABLE")
