"""The load balancer as ELB reports it; the manual change: a lower idle timeout."""

from __future__ import annotations

from typing import Any

import boto3


def _balancer(elbv2: Any) -> dict[str, Any]:
    (found,) = elbv2.describe_load_balancers(Names=["local"])["LoadBalancers"]
    return dict(found)


def verify() -> None:
    elbv2 = boto3.client("elbv2")
    found = _balancer(elbv2)
    assert len(found["AvailabilityZones"]) == 3
    listeners = {
        listener["Protocol"]: listener
        for listener in elbv2.describe_listeners(LoadBalancerArn=found["LoadBalancerArn"])["Listeners"]
    }
    assert listeners["HTTPS"]["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] == "404"
    assert listeners["HTTP"]["DefaultActions"][0]["RedirectConfig"]["Protocol"] == "HTTPS"
    assert "TLS13" in listeners["HTTPS"]["SslPolicy"]
    attributes = elbv2.describe_load_balancer_attributes(LoadBalancerArn=found["LoadBalancerArn"])["Attributes"]
    now = {attribute["Key"]: attribute["Value"] for attribute in attributes}
    assert now["idle_timeout.timeout_seconds"] == "60"
    assert now["routing.http.drop_invalid_header_fields.enabled"] == "true"


def side_effect() -> None:
    elbv2 = boto3.client("elbv2")
    lower = [{"Key": "idle_timeout.timeout_seconds", "Value": "5"}]
    elbv2.modify_load_balancer_attributes(LoadBalancerArn=_balancer(elbv2)["LoadBalancerArn"], Attributes=lower)
