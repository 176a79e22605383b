"""The load balancer as ELB reports it; the manual changes: a lower idle timeout, and a certificate that ends in a week."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


def _balancer(elbv2: Any) -> dict[str, Any]:
    (found,) = elbv2.describe_load_balancers(Names=["local"])["LoadBalancers"]
    return dict(found)


def verify() -> None:
    elbv2 = boto3.client("elbv2")
    found = _balancer(elbv2)
    zones = {zone["ZoneName"] for zone in found["AvailabilityZones"]}
    assert zones == {f"eu-central-1{letter}" for letter in "abc"}
    assert (found["Scheme"], found["IpAddressType"]) == ("internet-facing", "ipv4")
    groups = boto3.client("ec2").describe_security_groups(GroupIds=found["SecurityGroups"])["SecurityGroups"]
    assert [group["GroupName"] for group in groups] == ["local-load-balancer"]
    listeners = {
        (listener["Protocol"], listener["Port"]): listener
        for listener in elbv2.describe_listeners(LoadBalancerArn=found["LoadBalancerArn"])["Listeners"]
    }
    assert set(listeners) == {("HTTP", 80), ("HTTPS", 443)}
    (answer,) = listeners["HTTPS", 443]["DefaultActions"]
    assert (answer["Type"], answer["FixedResponseConfig"]["StatusCode"]) == ("fixed-response", "404")
    (redirect,) = listeners["HTTP", 80]["DefaultActions"]
    assert redirect["Type"] == "redirect"
    assert redirect["RedirectConfig"] == {
        "Protocol": "HTTPS", "Port": "443", "Host": "#{host}", "Path": "/#{path}", "Query": "#{query}", "StatusCode": "HTTP_301",
    }  # fmt: skip
    assert listeners["HTTPS", 443]["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    attributes = elbv2.describe_load_balancer_attributes(LoadBalancerArn=found["LoadBalancerArn"])["Attributes"]
    now = {attribute["Key"]: attribute["Value"] for attribute in attributes}
    assert now["idle_timeout.timeout_seconds"] == "60"
    assert now["routing.http.drop_invalid_header_fields.enabled"] == "true"
    certificate = boto3.client("acm").describe_certificate(CertificateArn=_certificate(elbv2))["Certificate"]
    assert certificate["NotAfter"] > datetime.now(UTC) + timedelta(days=300)


def _certificate(elbv2: Any) -> str:
    """ARN of the certificate of the HTTPS listener."""
    listeners = elbv2.describe_listeners(LoadBalancerArn=_balancer(elbv2)["LoadBalancerArn"])["Listeners"]
    (https,) = [listener for listener in listeners if listener["Protocol"] == "HTTPS"]
    return str(https["Certificates"][0]["CertificateArn"])


def _week() -> dict[str, bytes]:
    """A certificate for the environment's domain that ends in a week, as ImportCertificate takes it."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "local.example.test")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(datetime.now(UTC) - timedelta(days=1))
    signed = made.not_valid_after(datetime.now(UTC) + timedelta(days=7)).sign(key, SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {"Certificate": signed.public_bytes(Encoding.PEM), "PrivateKey": private}


def side_effect() -> None:
    elbv2 = boto3.client("elbv2")
    lower = [{"Key": "idle_timeout.timeout_seconds", "Value": "5"}]
    elbv2.modify_load_balancer_attributes(LoadBalancerArn=_balancer(elbv2)["LoadBalancerArn"], Attributes=lower)
    boto3.client("acm").import_certificate(CertificateArn=_certificate(elbv2), **_week())
