"""The zone as Route 53 has it; somebody deletes the service's name."""

from __future__ import annotations

from typing import Any

import boto3

NAME = "www.local.example.test."


def _records(route53: Any) -> tuple[str, list[dict[str, Any]]]:
    (zone,) = route53.list_hosted_zones_by_name(DNSName="local.example.test")["HostedZones"]
    records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    return zone["Id"], [one for one in records if one["Name"] == NAME]


def verify() -> None:
    _, (record,) = _records(boto3.client("route53"))
    (balancer,) = boto3.client("elbv2").describe_load_balancers(Names=["local"])["LoadBalancers"]
    assert record["Type"] == "A"
    assert record["AliasTarget"]["DNSName"].rstrip(".").endswith(balancer["DNSName"])
    assert record["AliasTarget"]["HostedZoneId"] == balancer["CanonicalHostedZoneId"]


def side_effect() -> None:
    route53 = boto3.client("route53")
    zone, (record,) = _records(route53)
    change = {"Changes": [{"Action": "DELETE", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)
