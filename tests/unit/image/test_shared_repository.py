"""Services that share a repository: builds of the same content do not race, and tags do not change with each run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.ecr import digest_of, put_artifact
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.image import container_image, ecr_repository
from ansible_collections.pear.fargate.plugins.modules.container_image import ARGUMENT_SPEC as IMAGE
from ansible_collections.pear.fargate.plugins.modules.ecr_repository import ARGUMENT_SPEC as REPOSITORY
from botocore.stub import Stubber
from moto import mock_aws

from .manifests import KIND, MANIFEST

REGION = "eu-central-1"


@pytest.fixture
def ecr(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setattr(container_image.build, "find_engine", lambda _: "podman")
    with mock_aws():
        yield boto3.client("ecr", REGION)


class Engine:
    """Builds and pushes as the test says: `when` is the moment at which another run pushes the same tag."""

    def __init__(self, ecr: Any, when: str) -> None:
        self.ecr, self.when, self.name = ecr, when, "podman"
        self.pushes = 0

    def put(self, reference: str) -> None:
        tag = reference.rpartition(":")[2]
        self.ecr.put_image(repositoryName="scores", imageManifest=MANIFEST, imageTag=tag)

    def build(self, planned: Any, reference: str, labels: Any) -> None:
        if self.when == "during the build":
            self.put(reference)

    def logged_in(self, *login: str) -> Any:
        return nullcontext()

    def push(self, reference: str) -> None:
        self.pushes += 1
        if self.when == "before the push":
            self.put(reference)
            raise Failure(f"Failed to push {reference}: tag is immutable")
        if self.when == "never, and the push fails":
            raise Failure(f"Failed to push {reference}: no route to host")
        self.put(reference)


def built(ecr: Any, monkeypatch: pytest.MonkeyPatch, folder: Path, when: str) -> tuple[dict[str, Any], Engine]:
    engine = Engine(ecr, when)
    monkeypatch.setattr(container_image.build, "Engine", lambda *_: engine)
    (folder / "Containerfile").write_text("FROM scratch\n")
    given = ArgumentSpecValidator(IMAGE).validate({"repository": "scores", "context": str(folder)})
    assert not given.error_messages
    return container_image.run(Invocation(given.validated_parameters, Aws({"region": REGION}))), engine


@pytest.mark.parametrize(
    ("when", "changed", "pushes"),
    [("never", True, 1), ("during the build", False, 0), ("before the push", False, 1)],
)
def test_an_image_that_another_run_pushed_meanwhile_is_used(
    ecr: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, when: str, changed: bool, pushes: int
) -> None:
    ecr.create_repository(repositoryName="scores", imageTagMutability="IMMUTABLE")
    answer, engine = built(ecr, monkeypatch, tmp_path, when)
    (image,) = ecr.describe_images(repositoryName="scores")["imageDetails"]
    assert answer["image"]["digest"] == image["imageDigest"]
    assert (answer["changed"], engine.pushes) == (changed, pushes)


@pytest.mark.parametrize(
    ("refusal", "digest"),
    [
        pytest.param("ImageAlreadyExistsException", digest_of(MANIFEST.encode()), id="the same list"),
        pytest.param("ImageTagAlreadyExistsException", "sha256:first", id="another list of the same image"),
    ],
)
def test_a_list_of_parts_that_another_run_attached_meanwhile_is_used(refusal: str, digest: str) -> None:
    """A generator that writes the time into its list makes another artifact, for the same immutable tag."""
    client = boto3.client("ecr", REGION, aws_access_key_id="testing", aws_secret_access_key="testing")
    with Stubber(client) as answers:
        answers.add_client_error("put_image", refusal)
        answers.add_response("describe_images", {"imageDetails": [{"imageDigest": "sha256:first"}]})
        aws = cast(Aws, SimpleNamespace(client=lambda _: client))
        assert put_artifact(aws, "scores", MANIFEST, KIND, "sbom-1") == digest


def test_a_push_that_fails_for_another_reason_fails(ecr: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ecr.create_repository(repositoryName="scores", imageTagMutability="IMMUTABLE")
    with pytest.raises(Failure, match="no route to host"):
        built(ecr, monkeypatch, tmp_path, "never, and the push fails")


def provisioned(service: str) -> dict[str, Any]:
    options = {"name": "scores", "tags": {"pear:component": "registry"}, "first_tags": {"pear:service": service}}
    given = ArgumentSpecValidator(REPOSITORY).validate(options)
    assert not given.error_messages
    return ecr_repository.run(Invocation(given.validated_parameters, Aws({"region": REGION})))


def test_a_shared_repository_keeps_the_name_of_its_first_service(ecr: Any) -> None:
    assert provisioned("one")["changed"]
    assert not provisioned("two")["changed"]
    assert not provisioned("one")["changed"]
    arn = ecr.describe_repositories(repositoryNames=["scores"])["repositories"][0]["repositoryArn"]
    tags = {tag["Key"]: tag["Value"] for tag in ecr.list_tags_for_resource(resourceArn=arn)["tags"]}
    assert tags == {"pear:component": "registry", "pear:service": "one"}


def test_a_repository_without_a_name_gets_one(ecr: Any) -> None:
    ecr.create_repository(
        repositoryName="scores", imageTagMutability="IMMUTABLE", tags=[{"Key": "pear:component", "Value": "registry"}]
    )
    provisioned("two")
    assert not provisioned("one")["changed"]


def test_tags_of_two_environments_on_a_shared_repository_settle(ecr: Any) -> None:
    def of(team: str) -> dict[str, Any]:
        first = {"pear:service": "scores", "cost-centre": team}
        options = {"name": "scores", "tags": {"pear:component": "registry"}, "first_tags": first}
        return ecr_repository.run(
            Invocation(
                ArgumentSpecValidator(REPOSITORY).validate(options).validated_parameters, Aws({"region": REGION})
            )
        )

    assert of("staging")["changed"]
    assert not of("production")["changed"]
    assert not of("staging")["changed"]


def test_the_role_writes_the_tags_of_an_environment_once() -> None:
    tasks = yaml.safe_load((Path(__file__).resolve().parents[3] / "roles/registry/tasks/main.yml").read_text())
    options = tasks[0]["pear.fargate.ecr_repository"]
    assert options["tags"] == {"pear:component": "registry"}
    assert "environment_tags" in options["first_tags"]
