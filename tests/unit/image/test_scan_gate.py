"""What passes the gate of a scan, and what does not: limits, findings put aside, scans that are late or missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.image import scan_gate
from ansible_collections.pear.fargate.plugins.modules.container_image import ARGUMENT_SPEC
from botocore.stub import Stubber

from ..clocks import QuickClock

REGION = "eu-central-1"
DIGEST = f"sha256:{'1' * 64}"
IMAGE = {"repositoryName": "scores", "imageId": {"imageDigest": DIGEST}}
OPENSSL = {
    "name": "CVE-2026-1",
    "severity": "CRITICAL",
    "attributes": [{"key": "package_name", "value": "openssl"}],
}
INSPECTED = {
    "severity": "HIGH",
    "status": "ACTIVE",
    "packageVulnerabilityDetails": {"vulnerabilityId": "CVE-2026-2", "vulnerablePackages": [{"name": "zlib"}]},
}


@pytest.fixture
def ecr(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    client = Aws({"region": REGION}).client("ecr")
    monkeypatch.setattr(Aws, "client", lambda *_: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def answers(ecr: Stubber, status: str, **findings: Any) -> None:
    said = {"imageScanStatus": {"status": status}}
    if findings:
        said["imageScanFindings"] = {"imageScanCompletedAt": datetime.now(UTC), **findings}
    ecr.add_response("describe_image_scan_findings", said, IMAGE)


def judge(**options: Any) -> dict[str, Any]:
    given = {"limits": {"critical": 0, "high": 1}, **options}
    validated = ArgumentSpecValidator(ARGUMENT_SPEC["scan_gate"]["options"]).validate(given)
    assert not validated.error_messages
    params = {**validated.validated_parameters, "repository": "scores", "digest": DIGEST}
    return scan_gate.run(Invocation(params, Aws({"region": REGION}), clock=QuickClock()))


def test_no_more_than_is_allowed_passes(ecr: Stubber) -> None:
    answers(ecr, "ACTIVE", enhancedFindings=[INSPECTED, {**INSPECTED, "status": "SUPPRESSED"}])
    assert judge()["counts"] == {"HIGH": 1}


def test_one_too_many_is_named_with_its_package(ecr: Stubber) -> None:
    answers(ecr, "COMPLETE", findings=[OPENSSL])
    with pytest.raises(Failure, match=r"1 CRITICAL \(allowed 0\)") as failed:
        judge()
    assert "CRITICAL CVE-2026-1 openssl" in str(failed.value)


def test_findings_of_an_enhanced_scan_count(ecr: Stubber) -> None:
    answers(ecr, "ACTIVE", enhancedFindings=[INSPECTED])
    with pytest.raises(Failure, match="HIGH CVE-2026-2 zlib"):
        judge(limits={"high": 0})


def test_what_is_put_aside_with_a_reason_does_not_count(ecr: Stubber) -> None:
    answers(ecr, "COMPLETE", findings=[OPENSSL])
    assert judge(ignore={"CVE-2026-1": "no TLS is spoken there"})["ignored"] == ["CVE-2026-1"]


def test_a_scan_under_way_is_waited_for(ecr: Stubber) -> None:
    for status in ("PENDING", "IN_PROGRESS"):
        answers(ecr, status)
    ecr.add_client_error("describe_image_scan_findings", "ScanNotFoundException")
    answers(ecr, "COMPLETE", findings=[])
    assert judge()["status"] == "COMPLETE"


@pytest.mark.parametrize("code", ["RepositoryNotFoundException", "ImageNotFoundException"])
def test_an_image_of_elsewhere_has_no_result(ecr: Stubber, code: str) -> None:
    ecr.add_client_error("describe_image_scan_findings", code)
    with pytest.raises(Failure, match="NOT_IN_ECR"):
        judge()


@pytest.mark.parametrize("status", ["FAILED", "UNSUPPORTED_IMAGE", "SCAN_ELIGIBILITY_EXPIRED"])
def test_no_result_passes_only_where_that_is_said(ecr: Stubber, status: str) -> None:
    answers(ecr, status)
    with pytest.raises(Failure, match="does not pass"):
        judge()
    answers(ecr, status)
    assert "passes all the same" in judge(without_result="pass")["warnings"][0]
