"""An imported certificate against moto: found by its name and tags, re-imported under its ARN, removed where it is ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.environment.acm_imported_certificate import run
from ansible_collections.pear.fargate.plugins.modules.acm_imported_certificate import ARGUMENT_SPEC
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from moto import mock_aws

REGION = "eu-central-1"
STAGING = {"pear:environment": "staging"}


def pem() -> dict[str, str]:
    """A self-signed certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "scores.example.com")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    certificate = builder.not_valid_after(now + timedelta(days=30)).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
        "private_key": private.decode(),
    }


@pytest.fixture
def acm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.client("acm", REGION)


def invoke(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    given = {"name": "staging", "tags": STAGING, **options}
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given)
    assert not validated.error_messages
    return run(Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode))


def arns(acm: Any) -> list[str]:
    return [found["CertificateArn"] for found in acm.list_certificates()["CertificateSummaryList"]]


def test_it_keeps_its_arn_when_it_is_renewed(acm: Any) -> None:
    first = invoke(**pem())
    assert first["changed"]
    assert invoke(**pem())["certificate_arn"] == first["certificate_arn"]
    assert arns(acm) == [first["certificate_arn"]]


def test_ours_is_removed_and_one_of_the_same_name_of_others_stays(acm: Any) -> None:
    ours = invoke(**pem())["certificate_arn"]
    others = invoke(**pem(), tags={"pear:environment": "production"})["certificate_arn"]
    assert invoke(True, state="absent")["changed"]
    assert sorted(arns(acm)) == sorted([ours, others])
    assert invoke(state="absent")["changed"]
    assert arns(acm) == [others]
    assert not invoke(state="absent")["changed"]


def test_tags_that_are_not_listed_go_only_where_that_is_said(acm: Any) -> None:
    given = pem()
    arn = invoke(**given, tags={**STAGING, "by-hand": "yes"})["certificate_arn"]
    assert invoke(True, **given, purge_tags=True)["changed"]
    assert invoke(**given, tags={**STAGING, "team": "games"}, purge_tags=True)["changed"]
    tags = {tag["Key"] for tag in acm.list_tags_for_certificate(CertificateArn=arn)["Tags"]}
    assert tags == {*STAGING, "Name", "team"}
