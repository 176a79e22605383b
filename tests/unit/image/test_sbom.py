"""An image's list of parts: what a generator may print, and the artifact that is made of it."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import ecr
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.image import sbom
from botocore.stub import Stubber

DIGEST = f"sha256:{'1' * 64}"
OTHER = f"sha256:{'2' * 64}"
CYCLONE = {"bomFormat": "CycloneDX", "components": [{"type": "file", "name": "nginx"}]}


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (CYCLONE, ("application/vnd.cyclonedx+json", 1)),
        ({"spdxVersion": "SPDX-2.3", "packages": [{}, {}]}, ("application/spdx+json", 2)),
    ],
)
def test_cyclonedx_and_spdx_are_known_by_what_they_say(printed: Any, expected: tuple[str, int]) -> None:
    assert sbom.kind(json.dumps(printed).encode()) == expected


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        (b"nginx 1.22", "neither CycloneDX nor SPDX"),
        (b"[]", "neither CycloneDX nor SPDX"),
        (b'{"artifacts": []}', "neither CycloneDX nor SPDX"),
        (b'{"bomFormat": "CycloneDX", "components": []}', "a list without any part"),
    ],
)
def test_what_is_no_list_of_parts_is_not_attached(printed: bytes, message: str) -> None:
    with pytest.raises(Failure, match=message):
        sbom.kind(printed)


def test_the_generator_is_looked_for_before_anything_is_built() -> None:
    sbom.check_command([sys.executable, "x", "{archive}"])
    with pytest.raises(Failure, match="begins with no-such-syft, which is no program"):
        sbom.check_command(["no-such-syft", "{archive}"])
    with pytest.raises(Failure, match=r"has no \{archive\}"):
        sbom.check_command([sys.executable, "x"])


def test_a_generator_that_fails_is_told_by_its_last_lines() -> None:
    with pytest.raises(Failure, match=r"(?s)exit status 3.*no such archive"):
        sbom._generate([sys.executable, "-c", "import sys; print('no such archive', file=sys.stderr); sys.exit(3)"])


def test_the_same_list_of_the_same_image_is_the_same_artifact() -> None:
    subject = {"mediaType": "application/vnd.docker.distribution.manifest.v2+json", "digest": DIGEST, "size": 528}
    listed = json.dumps(CYCLONE).encode()
    made = sbom.manifest("application/vnd.cyclonedx+json", listed, subject)
    assert made == sbom.manifest("application/vnd.cyclonedx+json", listed, subject)
    found = json.loads(made)
    assert (found["subject"], found["artifactType"]) == (subject, "application/vnd.cyclonedx+json")
    assert [layer["size"] for layer in found["layers"]] == [len(listed)]
    # The empty JSON object, whose digest the OCI specification names.
    assert found["config"]["digest"] == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_all_that_refers_to_an_image_is_read_however_much_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    aws = Aws({"region": "eu-central-1"})
    requested = {"repositoryName": "shop", "subjectId": {"imageDigest": DIGEST}, "filter": {"artifactTypes": ["a"]}}
    one = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 1}
    with Stubber(aws.client("ecr")) as stub:
        stub.add_response(
            "list_image_referrers", {"referrers": [{"digest": DIGEST, **one}], "nextToken": "more"}, requested
        )
        stub.add_response(
            "list_image_referrers", {"referrers": [{"digest": OTHER, **one}]}, {**requested, "nextToken": "more"}
        )
        assert ecr.referrers(aws, "shop", DIGEST, ["a"]) == [DIGEST, OTHER]
        stub.assert_no_pending_responses()
