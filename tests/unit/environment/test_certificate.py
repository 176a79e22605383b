"""A certificate against moto: requested once, proven in the zone, found again; the wait ends in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.environment.acm_validated_certificate import (
    run,
    validation_records,
)
from ansible_collections.pear.fargate.plugins.modules.acm_validated_certificate import ARGUMENT_SPEC
from moto import mock_aws
from moto.acm import models

REGION = "eu-central-1"


class Clock:
    """Moves only when someone sleeps; `meanwhile` is what happens in the world then."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        made = boto3.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")
        yield made["HostedZone"]["Id"].rpartition("/")[2]


def invoke(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"domain": "scores.example.com", **options})
    assert not validated.error_messages
    return run(Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode, Clock()))


def test_it_is_requested_once_and_proven_in_the_zone(zone: str) -> None:
    assert invoke(zone="example.com", check_mode=True)["changed"]
    assert boto3.client("acm", REGION).list_certificates()["CertificateSummaryList"] == []
    made = invoke(zone="example.com", wait=False)
    assert made["changed"]
    written = boto3.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    proofs = {(r["Name"].rstrip("."), r["ResourceRecords"][0]["Value"]) for r in written if r["Type"] == "CNAME"}
    assert proofs == {(r["name"].rstrip("."), r["value"]) for r in made["validation_records"]}
    again = invoke(zone="example.com", wait=False)
    assert not again["changed"]
    assert again["certificate_arn"] == made["certificate_arn"]


def test_other_alternative_names_are_another_certificate(zone: str) -> None:
    first = invoke(wait=False)
    second = invoke(wait=False, alternative_names=["www.scores.example.com"])
    assert second["changed"]
    assert second["certificate_arn"] != first["certificate_arn"]


def test_a_wait_in_vain_names_the_records_to_look_for(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.CertBundle, "describe", _pending(models.CertBundle.describe))
    with pytest.raises(Failure, match=r"Waited 60 s for ACM to issue .*PENDING_VALIDATION.*CNAME.*name servers"):
        invoke(zone="example.com", timeout_seconds=60)


def _pending(describe: Any) -> Any:
    def still_pending(bundle: Any) -> dict[str, Any]:
        answer: dict[str, Any] = describe(bundle)
        answer["Certificate"]["Status"] = "PENDING_VALIDATION"
        return answer

    return still_pending


def test_a_wildcard_and_its_parent_share_one_record() -> None:
    record = {"Name": "_a.example.com.", "Type": "CNAME", "Value": "_b.acm-validations.aws."}
    options = [{"DomainName": name, "ResourceRecord": record} for name in ("example.com", "*.example.com")]
    assert validation_records({"DomainValidationOptions": options}) == [
        {"name": record["Name"], "value": record["Value"]}
    ]


MARK = {"pear:environment": "staging"}


def certificates() -> list[str]:
    return [
        found["CertificateArn"] for found in boto3.client("acm", REGION).list_certificates()["CertificateSummaryList"]
    ]


def test_ours_is_removed_and_one_of_others_with_the_same_names_stays(zone: str) -> None:
    others = boto3.client("acm", REGION).request_certificate(DomainName="scores.example.com")["CertificateArn"]
    ours = boto3.client("acm", REGION).request_certificate(
        DomainName="scores.example.com", Tags=[{"Key": "pear:environment", "Value": "staging"}]
    )["CertificateArn"]
    assert invoke(check_mode=True, state="absent", tags=MARK)["changed"]
    assert certificates() == [others, ours]
    message = invoke(state="absent", tags=MARK)
    assert (message["changed"], message["certificate_arn"]) == (True, ours)
    assert certificates() == [others]
    assert not invoke(state="absent", tags=MARK)["changed"]


def test_tags_of_ours_are_put_right_and_those_of_others_stay(zone: str) -> None:
    acm = boto3.client("acm", REGION)
    made = invoke(wait=False, tags=MARK)["certificate_arn"]
    acm.add_tags_to_certificate(CertificateArn=made, Tags=[{"Key": "by-hand", "Value": "yes"}])
    assert not invoke(wait=False, tags=MARK)["changed"]
    assert invoke(wait=False, tags={**MARK, "team": "games"}, purge_tags=True)["changed"]
    assert {tag["Key"] for tag in acm.list_tags_for_certificate(CertificateArn=made)["Tags"]} == {*MARK, "team"}
    assert not invoke(wait=False, tags={"pear:environment": "production"}, purge_tags=True)["changed"]
