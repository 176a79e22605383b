# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS Certificate Manager: one function per call."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from .errors import aws_call
from .session import Aws
from .tags import tag_list

# Without this filter ACM lists RSA 1024 and 2048 only.
_KEY_TYPES = ["RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"]


@aws_call("list the certificates")
def certificates(aws: Aws) -> list[dict[str, Any]]:
    """Summaries of certificates that serve or wait for validation."""
    pages = (
        aws.client("acm")
        .get_paginator("list_certificates")
        .paginate(
            CertificateStatuses=["ISSUED", "PENDING_VALIDATION"],
            Includes={"keyTypes": _KEY_TYPES},
        )
    )
    return [summary for page in pages for summary in page["CertificateSummaryList"]]


@aws_call("read certificate {arn}")
def describe_certificate(aws: Aws, arn: str) -> dict[str, Any]:
    return aws.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]


@aws_call("request a certificate for {domain}")
def request_certificate(
    aws: Aws, domain: str, alternative_names: list[str], key_algorithm: str, tags: dict[str, str]
) -> str:
    request: dict[str, Any] = {
        "DomainName": domain,
        "ValidationMethod": "DNS",
        "KeyAlgorithm": key_algorithm,
        # A request that is repeated within the hour (a lost answer) yields the same certificate, not a second one.
        "IdempotencyToken": hashlib.sha256(repr((domain, alternative_names, key_algorithm)).encode()).hexdigest()[:32],
    }
    if tags:
        request["Tags"] = tag_list(tags)
    if alternative_names:
        request["SubjectAlternativeNames"] = alternative_names
    return aws.client("acm").request_certificate(**request)["CertificateArn"]


@aws_call("read certificate {arn}")
def get_certificate(aws: Aws, arn: str) -> tuple[str, str]:
    """Certificate and chain, PEM; the chain is empty where none was imported."""
    answer = aws.client("acm").get_certificate(CertificateArn=arn)
    return answer["Certificate"].strip(), answer.get("CertificateChain", "").strip()


@aws_call("read the tags of {arn}")
def tags(aws: Aws, arn: str) -> dict[str, str]:
    found = aws.client("acm").list_tags_for_certificate(CertificateArn=arn)["Tags"]
    return {tag["Key"]: tag.get("Value", "") for tag in found}


@aws_call("tag {arn}")
def tag(aws: Aws, arn: str, desired: Mapping[str, str]) -> None:
    aws.client("acm").add_tags_to_certificate(CertificateArn=arn, Tags=tag_list(desired))


@aws_call("untag {arn}")
def untag(aws: Aws, arn: str, keys: list[str]) -> None:
    aws.client("acm").remove_tags_from_certificate(CertificateArn=arn, Tags=[{"Key": key} for key in keys])


@aws_call("import the certificate")
def import_certificate(
    aws: Aws, arn: str | None, certificate: str, private_key: str, chain: str, tags: dict[str, str]
) -> str:
    """Import a new certificate with tags, or replace the certificate with this ARN, which keeps its tags."""
    request: dict[str, Any] = {"Certificate": certificate.encode(), "PrivateKey": private_key.encode()}
    if chain:
        request["CertificateChain"] = chain.encode()
    if arn:
        request["CertificateArn"] = arn
    elif tags:
        request["Tags"] = tag_list(tags)
    return aws.client("acm").import_certificate(**request)["CertificateArn"]


@aws_call("delete certificate {arn}")
def delete_certificate(aws: Aws, arn: str) -> None:
    aws.client("acm").delete_certificate(CertificateArn=arn)
