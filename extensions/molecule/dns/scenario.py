"""The zone as Route 53 reports it, and the alarm on its check; the manual change: record deleted, alarm actions off."""

from __future__ import annotations

from typing import Any

import boto3

NAME = "www.local.example.test."
FURTHER = "game.local.example.test."
ALARM = "local/*health-check-eu-central-1/website"


def _records(route53: Any, name: str = NAME) -> tuple[str, list[dict[str, Any]]]:
    (zone,) = route53.list_hosted_zones_by_name(DNSName="local.example.test")["HostedZones"]
    records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    return zone["Id"], [record for record in records if record["Name"] == name]


def verify() -> None:
    _zone_id, (record,) = _records(boto3.client("route53"))
    (balancer,) = boto3.client("elbv2").describe_load_balancers(Names=["local"])["LoadBalancers"]
    assert record["Type"] == "A"
    assert record["AliasTarget"]["DNSName"].rstrip(".").endswith(balancer["DNSName"])
    assert record["AliasTarget"]["HostedZoneId"] == balancer["CanonicalHostedZoneId"]
    _zone_id, (record,) = _records(boto3.client("route53"), FURTHER)
    (balancer,) = boto3.client("elbv2").describe_load_balancers(Names=["local-games"])["LoadBalancers"]
    assert record["AliasTarget"]["DNSName"].rstrip(".") == balancer["DNSName"]

    # Where Route 53 keeps its metrics, wherever the environment is.
    (alarm,) = boto3.client("cloudwatch", "us-east-1").describe_alarms(AlarmNames=[ALARM])["MetricAlarms"]
    assert alarm["Dimensions"] == [{"Name": "HealthCheckId", "Value": record["HealthCheckId"]}]
    assert alarm["ActionsEnabled"]
    (topic,) = boto3.client("sns", "us-east-1").list_topics()["Topics"]
    assert alarm["AlarmActions"] == [topic["TopicArn"]]


def side_effect() -> None:
    route53 = boto3.client("route53")
    zone, (record,) = _records(route53)
    boto3.client("cloudwatch", "us-east-1").disable_alarm_actions(AlarmNames=[ALARM])
    change = {"Changes": [{"Action": "DELETE", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)
