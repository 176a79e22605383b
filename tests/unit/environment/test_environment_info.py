"""What is read of an environment refuses what modules of other collections would write to, where others made it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.environment.environment_info import run
from ansible_collections.pear.fargate.plugins.modules.environment_info import ARGUMENT_SPEC
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from moto import mock_aws

REGION = "eu-central-1"
CLAIMS = {"bucket": "corp-logs", "hosted_zone": "corp.example"}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield


def read(**options: Any) -> dict[str, Any]:
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"environment": "corp", "parts": ["identity"], **options})
    assert not validated.error_messages
    return run(Invocation(validated.validated_parameters, Aws({"region": REGION}), False))


def test_a_bucket_and_a_zone_of_others_are_refused_unless_they_are_adopted(account: None) -> None:
    assert read(claims=CLAIMS)["environment"]["account"], "what is not there yet is nobody's"
    s3, route53 = boto3.client("s3", REGION), boto3.client("route53")
    s3.create_bucket(Bucket="corp-logs", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_tagging(Bucket="corp-logs", Tagging={"TagSet": [{"Key": "Owner", "Value": "platform"}]})
    zone = route53.create_hosted_zone(Name="corp.example", CallerReference="1")["HostedZone"]["Id"].rpartition("/")[2]
    with pytest.raises(Failure) as refused:
        read(claims=CLAIMS)
    assert (
        "Bucket corp-logs exists, and no tag says that it belongs to environment corp (its tags: Owner=platform)"
        in str(refused.value)
    )
    assert "Hosted zone corp.example exists" in str(refused.value)
    with pytest.raises(Failure, match="Hosted zone"):
        read(claims=CLAIMS, adopt=["bucket"])
    assert read(claims=CLAIMS, adopt=["bucket", "hosted_zone"])
    ours = [{"Key": "pear:environment", "Value": "corp"}]
    s3.put_bucket_tagging(Bucket="corp-logs", Tagging={"TagSet": ours})
    route53.change_tags_for_resource(ResourceType="hostedzone", ResourceId=zone, AddTags=ours)
    assert read(claims=CLAIMS)
    assert read(), "nothing is looked at that is not claimed"


def test_certificates_say_when_they_end(account: None) -> None:
    """By that a self-signed one is replaced before it does."""
    acm = boto3.client("acm", REGION)
    pem, key = self_signed(days=7)
    arn = acm.import_certificate(Certificate=pem, PrivateKey=key)["CertificateArn"]
    (imported,) = read(parts=["certificates"])["environment"]["certificates"]
    assert imported["arn"] == arn
    assert 6 * 86_400 < imported["ends_at"] - time.time() <= 7 * 86_400


def self_signed(days: int) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "corp.example")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(datetime.now(UTC) - timedelta(days=1))
    signed = made.not_valid_after(datetime.now(UTC) + timedelta(days=days)).sign(key, SHA256())
    return signed.public_bytes(Encoding.PEM), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
