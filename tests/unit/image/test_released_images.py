"""Images that were released outlive the builds that follow: the lifecycle policy, worked out as ECR does it; and their tags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.image import container_image
from ansible_collections.pear.fargate.plugins.module_utils.image import ecr_repository as repository
from moto import mock_aws

from .manifests import MANIFEST

REGION = "eu-central-1"


def expired(policy: dict[str, Any], images: list[set[str]]) -> set[int]:
    """Indexes of images, newest first, given by their tags, that a policy of counts expires.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html: an image that matches the
    tagging requirements of a rule cannot be expired by a rule with a lower priority; counts take in such images all the same.
    """
    gone: set[int] = set()
    spoken_for: set[int] = set()
    for rule in sorted(policy["rules"], key=lambda rule: rule["rulePriority"]):
        selection = rule["selection"]
        if selection["countType"] != "imageCountMoreThan":
            continue
        prefixes = selection.get("tagPrefixList")
        matching = [
            index
            for index, tags in enumerate(images)
            if prefixes is None or all(any(tag.startswith(prefix) for tag in tags) for prefix in prefixes)
        ]
        gone |= set(matching[selection["countNumber"] :]) - spoken_for
        spoken_for |= set(matching)
    return gone


def test_what_was_released_outlives_the_builds_after_it() -> None:
    policy = repository.lifecycle(14, 200, 100)
    assert policy is not None
    images = [{f"build-{number}"} for number in range(1000)] + [{"v1", "released-aaaaaaaaaaaa"}]
    gone = expired(policy, images)
    assert 1000 not in gone
    assert gone == set(range(200, 1000))


def test_released_images_go_too_in_the_end() -> None:
    policy = repository.lifecycle(14, 200, 100)
    assert policy is not None
    assert expired(policy, [{f"released-{number}"} for number in range(150)]) == set(range(100, 150))


def test_without_the_rule_a_busy_repository_would_lose_them() -> None:
    policy = repository.lifecycle(0, 200, 0)
    assert policy is not None
    assert 300 in expired(policy, [{f"build-{number}"} for number in range(300)] + [{"released-aaaaaaaaaaaa"}])


def test_lists_of_parts_stay_as_long_as_the_images_that_they_belong_to() -> None:
    policy = repository.lifecycle(14, 200, 100)
    assert policy is not None
    assert expired(policy, [{f"build-{number}"} for number in range(1000)] + [{"sbom-aaaaaaaaaaaa"}]) == set(
        range(200, 1000)
    )
    assert expired(policy, [{f"sbom-{number}"} for number in range(350)]) == set(range(300, 350))


@pytest.fixture
def ecr(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("ecr", REGION)
        client.create_repository(repositoryName="scores", imageTagMutability="IMMUTABLE")
        client.put_image(repositoryName="scores", imageManifest=MANIFEST, imageTag="1.4.2")
        yield client


def found(check_mode: bool = False) -> dict[str, Any]:
    desired = {"repository": "scores", "image": "scores:1.4.2", "tag": None, "mark_released": True}
    return container_image.run(Invocation(desired, Aws({"region": REGION}), check_mode))


def tags(ecr: Any) -> set[str]:
    (image,) = ecr.describe_images(repositoryName="scores")["imageDetails"]
    return set(image["imageTags"])


def test_an_image_is_marked_once_and_not_in_check_mode(ecr: Any) -> None:
    assert found(True)["changed"]
    assert tags(ecr) == {"1.4.2"}
    marked = found()
    assert marked["changed"]
    assert tags(ecr) == {"1.4.2", f"released-{marked['image']['digest'][7:19]}"}
    again = found()
    assert not again["changed"]
    assert again["image"]["tag"] == "1.4.2"
