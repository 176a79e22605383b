"""ECR as its clients see it: the engine pushes and pulls, boto3 lists what is there."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import tarfile
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.engine import EngineError
from tests.sandbox.conftest import Running
from tests.sandbox.world import login

Aws = Callable[[str], Any]


@dataclass
class Shelf:
    """A repository, an engine that is logged in, and small images to push."""

    running: Running
    name: str
    uri: str
    folder: Path

    @property
    def ecr(self) -> Any:
        return self.running.client("ecr")

    def push(self, tag: str, content: str) -> str:
        """Push an image with one file; return its digest."""
        archive = self.folder / "layer.tar"
        with tarfile.open(archive, "w") as layers:
            entry = tarfile.TarInfo("content")
            entry.size = len(content)
            layers.addfile(entry, io.BytesIO(content.encode()))
        digest_file = self.folder / "digest"
        reference = f"{self.uri}:{tag}"
        self.running.engine.call("import", str(archive), reference)
        self.running.engine.call("push", "--digestfile", str(digest_file), reference)
        return digest_file.read_text()

    def images(self) -> dict[str, dict[str, Any]]:
        """What DescribeImages says, by digest."""
        described = self.ecr.describe_images(repositoryName=self.name)["imageDetails"]
        return {image["imageDigest"]: image for image in described}

    def pull(self, reference: str) -> None:
        self.running.engine.call("pull", f"{self.uri}{reference}")

    def refuses(self, *command: str) -> str:
        with pytest.raises(EngineError) as refused:
            self.running.engine.call(*command)
        return str(refused.value)


@pytest.fixture
def new_shelf(sandbox: Running, tmp_path: Path) -> Callable[..., Shelf]:
    def make(**settings: Any) -> Shelf:
        name = f"shelf/{uuid.uuid4().hex[:8]}"
        made = sandbox.client("ecr").create_repository(repositoryName=name, **settings)["repository"]
        return Shelf(sandbox, name, made["repositoryUri"], tmp_path)

    login(sandbox)
    return make


@pytest.fixture
def shelf(new_shelf: Callable[..., Shelf]) -> Shelf:
    return new_shelf()


def refusal(call: Callable[..., Any], **request: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**request)
    return str(refused.value.response["Error"]["Code"])


def plant(running: Running, **findings: Any) -> None:
    url = f"{running.settings.endpoint}/_sandbox/ecr/findings"
    body = json.dumps(findings).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST"), timeout=10) as answer:
        assert answer.status == 200


def test_what_is_pushed_is_listed_and_pulled_by_its_digest(shelf: Shelf) -> None:
    assert shelf.uri == f"{shelf.running.settings.registry}/{shelf.name}"
    digest = shelf.push("1.0", "one")
    image = shelf.images()[digest]
    assert image["imageTags"] == ["1.0"]
    assert image["imageSizeInBytes"] > 0
    assert image["imagePushedAt"].tzinfo is not None
    shelf.running.engine.call("rmi", "--force", f"{shelf.uri}:1.0")
    shelf.pull(f"@{digest}")
    assert shelf.ecr.list_images(repositoryName=shelf.name)["imageIds"] == [{"imageDigest": digest, "imageTag": "1.0"}]
    manifest = shelf.ecr.batch_get_image(repositoryName=shelf.name, imageIds=[{"imageDigest": digest}])["images"][0]
    assert json.loads(manifest["imageManifest"])["schemaVersion"] == 2


def test_what_an_image_runs_on_is_read_without_pulling_it(shelf: Shelf) -> None:
    digest = shelf.push("1.0.0", "one")
    (image,) = shelf.ecr.batch_get_image(repositoryName=shelf.name, imageIds=[{"imageDigest": digest}])["images"]
    blob = json.loads(image["imageManifest"])["config"]["digest"]
    url = shelf.ecr.get_download_url_for_layer(repositoryName=shelf.name, layerDigest=blob)["downloadUrl"]
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert json.load(answer)["architecture"] == "amd64"


def test_a_tag_that_moves_leaves_the_image_that_bore_it(shelf: Shelf) -> None:
    first, second = shelf.push("live", "one"), shelf.push("live", "two")
    assert shelf.images()[second]["imageTags"] == ["live"]
    assert "imageTags" not in shelf.images()[first]
    shelf.pull(f"@{first}")


def test_an_immutable_tag_is_never_overwritten(new_shelf: Callable[..., Shelf]) -> None:
    shelf = new_shelf(imageTagMutability="IMMUTABLE")
    digest = shelf.push("1.0", "one")
    with pytest.raises(EngineError, match="cannot be overwritten because the tag is immutable"):
        shelf.push("1.0", "two")
    assert list(shelf.images()) == [digest]
    shelf.ecr.put_image_tag_mutability(repositoryName=shelf.name, imageTagMutability="MUTABLE")
    moved_to = shelf.push("1.0", "two")
    assert shelf.images()[moved_to]["imageTags"] == ["1.0"]


def test_excepted_tags_of_an_immutable_repository_move(new_shelf: Callable[..., Shelf]) -> None:
    shelf = new_shelf(
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "dev-*"}],
    )
    shelf.push("dev-1", "one")
    moved_to = shelf.push("dev-1", "two")
    assert shelf.images()[moved_to]["imageTags"] == ["dev-1"]
    shelf.push("1.0", "one")
    with pytest.raises(EngineError, match="immutable"):
        shelf.push("1.0", "two")


def test_a_repository_must_have_been_created(shelf: Shelf) -> None:
    digest = shelf.push("1.0", "one")
    elsewhere = f"{shelf.running.settings.registry}/nowhere:1.0"
    shelf.running.engine.call("tag", f"{shelf.uri}:1.0", elsewhere)
    said = shelf.refuses("push", elsewhere)
    assert "The repository with name 'nowhere' does not exist in the registry with id '123456789012'" in said
    shelf.ecr.delete_repository(repositoryName=shelf.name, force=True)
    assert "does not exist in the registry" in shelf.refuses("pull", f"{shelf.uri}@{digest}")


def test_without_a_login_nothing_is_answered(shelf: Shelf) -> None:
    digest = shelf.push("1.0", "one")
    shelf.running.engine.call("logout", shelf.running.settings.registry)
    assert "unauthorized" in shelf.refuses("pull", f"{shelf.uri}@{digest}")
    wrong = ("login", "--username", "AWS", "--password", "wrong", shelf.running.settings.registry)
    assert "invalid username/password" in shelf.refuses(*wrong)
    login(shelf.running)


def test_a_deleted_image_is_gone_for_the_engine_too(shelf: Shelf) -> None:
    digest = shelf.push("1.0", "one")
    shelf.running.engine.call("tag", f"{shelf.uri}:1.0", f"{shelf.uri}:latest")
    shelf.running.engine.call("push", f"{shelf.uri}:latest")
    untagged = shelf.ecr.batch_delete_image(repositoryName=shelf.name, imageIds=[{"imageTag": "latest"}])
    assert untagged["imageIds"] == [{"imageDigest": digest, "imageTag": "latest"}]
    assert "manifest unknown" in shelf.refuses("pull", f"{shelf.uri}:latest")
    shelf.pull(f"@{digest}")
    shelf.ecr.batch_delete_image(repositoryName=shelf.name, imageIds=[{"imageDigest": digest}])
    assert shelf.images() == {}
    assert "manifest unknown" in shelf.refuses("pull", f"{shelf.uri}@{digest}")


def test_an_image_is_tagged_again_without_the_engine(shelf: Shelf) -> None:
    digest = shelf.push("1.0", "one")
    ids = [{"imageDigest": digest}]
    image = shelf.ecr.batch_get_image(repositoryName=shelf.name, imageIds=ids)["images"][0]
    request = {
        "repositoryName": shelf.name,
        "imageManifest": image["imageManifest"],
        "imageManifestMediaType": image["imageManifestMediaType"],
        "imageTag": "stable",
    }
    assert shelf.ecr.put_image(**request)["image"]["imageId"] == {"imageDigest": digest, "imageTag": "stable"}
    assert sorted(shelf.images()[digest]["imageTags"]) == ["1.0", "stable"]
    shelf.pull(":stable")
    assert refusal(shelf.ecr.put_image, **request) == "ImageAlreadyExistsException"
    other = json.loads(image["imageManifest"])
    other["layers"][0]["digest"] = f"sha256:{'0' * 64}"
    assert refusal(shelf.ecr.put_image, **{**request, "imageManifest": json.dumps(other)}) == "LayersNotFoundException"


@pytest.mark.long
def test_a_scan_reports_what_was_planted(new_shelf: Callable[..., Shelf]) -> None:
    shelf = new_shelf(imageScanningConfiguration={"scanOnPush": True})
    clean = shelf.push("clean", "one")
    image = shelf.images()[clean]
    assert image["imageScanStatus"]["status"] == "COMPLETE"
    assert image["imageScanFindingsSummary"]["findingSeverityCounts"] == {}
    finding = {"name": "CVE-2026-0001", "severity": "CRITICAL", "uri": "https://example.com/CVE-2026-0001"}
    plant(shelf.running, repository=shelf.name, findings=[finding])
    sick = shelf.push("sick", "two")
    request = {"repositoryName": shelf.name, "imageId": {"imageTag": "sick"}}
    shelf.ecr.get_waiter("image_scan_complete").wait(**request)
    found = shelf.ecr.describe_image_scan_findings(**request)
    assert found["imageId"] == {"imageDigest": sick, "imageTag": "sick"}
    assert found["imageScanFindings"]["findings"] == [finding]
    assert shelf.images()[sick]["imageScanFindingsSummary"]["findingSeverityCounts"] == {"CRITICAL": 1}
    plant(shelf.running, repository=shelf.name, image="clean", status="FAILED")
    assert shelf.images()[clean]["imageScanStatus"]["status"] == "FAILED"
    assert "imageScanFindingsSummary" not in shelf.images()[clean]


@pytest.mark.long
def test_an_image_is_scanned_only_where_that_was_asked_for(shelf: Shelf) -> None:
    digest = shelf.push("1.0", "one")
    request = {"repositoryName": shelf.name, "imageId": {"imageDigest": digest}}
    assert "imageScanStatus" not in shelf.images()[digest]
    assert refusal(shelf.ecr.describe_image_scan_findings, **request) == "ScanNotFoundException"
    shelf.ecr.start_image_scan(**request)
    assert shelf.ecr.describe_image_scan_findings(**request)["imageScanFindings"]["findings"] == []
    assert refusal(shelf.ecr.start_image_scan, **request) == "LimitExceededException"


@pytest.mark.long
def test_what_refers_to_an_image_is_found_by_it(shelf: Shelf) -> None:
    image = shelf.push("subject", "an image")
    listed, nothing = b'{"bomFormat": "CycloneDX"}', b"{}"
    for content in (listed, nothing, nothing):
        upload(shelf, content)
    kind = "application/vnd.cyclonedx+json"
    layers = [
        {"mediaType": media_type, "size": len(content), "digest": f"sha256:{hashlib.sha256(content).hexdigest()}"}
        for media_type, content in ((kind, listed), ("application/vnd.oci.empty.v1+json", nothing))
    ]
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": kind,
        "config": layers[1],
        "layers": layers[:1],
        "subject": {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": image, "size": 1},
    }
    put = {"repositoryName": shelf.name, "imageManifestMediaType": manifest["mediaType"], "imageTag": "listed"}
    digest = shelf.ecr.put_image(**put, imageManifest=json.dumps(manifest))["image"]["imageId"]["imageDigest"]

    def referrers(**wanted: Any) -> list[str]:
        subject = {"repositoryName": shelf.name, "subjectId": {"imageDigest": image}}
        return [one["digest"] for one in shelf.ecr.list_image_referrers(**subject, **wanted)["referrers"]]

    assert referrers() == referrers(filter={"artifactTypes": [kind]}) == [digest]
    assert referrers(filter={"artifactTypes": ["application/spdx+json"]}) == []
    address = shelf.ecr.get_download_url_for_layer(repositoryName=shelf.name, layerDigest=layers[0]["digest"])
    with urllib.request.urlopen(address["downloadUrl"]) as kept:
        assert kept.read() == listed


def upload(shelf: Shelf, content: bytes) -> None:
    """In parts of five bytes, which the last one need not have; a layer that is there is not taken again."""
    ecr = shelf.ecr
    begun = ecr.initiate_layer_upload(repositoryName=shelf.name)
    of = {"repositoryName": shelf.name, "uploadId": begun["uploadId"]}
    for first in range(0, len(content), 5):
        part = content[first : first + 5]
        last = first + len(part) - 1
        told = ecr.upload_layer_part(**of, partFirstByte=first, partLastByte=last, layerPartBlob=part)
        assert told["lastByteReceived"] == last
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    with contextlib.suppress(ecr.exceptions.LayerAlreadyExistsException):
        assert ecr.complete_layer_upload(**of, layerDigests=[digest])["layerDigest"] == digest
