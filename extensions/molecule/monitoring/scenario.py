"""Alarms, topics, dashboards and sampling rules as AWS reports them; the manual change: an alarm deleted, a rule edited."""

from __future__ import annotations

import boto3

PAGES = {"critical"}
WARNS = {"colour-without-target", "latency-p99", "latency-trend"}
# Told by the alarm critical; notices tell nobody.
SILENT = {"cpu", "error-share", "live-without-target", "memory", "no-healthy-target", "unhealthy-targets"}
SILENT |= {"traffic-on-green", "without-target-blue", "without-target-green"}
COUNTED = {
    "warn": {"deployment-stuck", "scaling-events", "task-restarts"},
    "silent": {"crash-loop", "deploying", "missing-tasks"},
}
SHARED = {"balancer-errors": "local-alarms", "certificate-expiry": "local-warnings"}


def alarms(prefix: str) -> dict[str, str]:
    """The topic that each alarm tells, by its kind; empty for none."""
    found = boto3.client("cloudwatch").describe_alarms(
        AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    return {
        alarm["AlarmName"].rpartition("/")[2]: ",".join(topic.rpartition(":")[2] for topic in alarm["AlarmActions"])
        for alarm in [*found["MetricAlarms"], *found["CompositeAlarms"]]
    }


def verify() -> None:
    expected = {
        **dict.fromkeys(PAGES, "local-alarms"),
        **dict.fromkeys(WARNS | COUNTED["warn"], "local-warnings"),
        **dict.fromkeys(SILENT | COUNTED["silent"], ""),
    }
    assert alarms("local/website/") == expected
    # Scenarios share a sandbox: another one may have made the file system.
    files = boto3.client("efs").describe_file_systems()["FileSystems"]
    assert alarms("local/*/") == SHARED | ({"file-system-io": "local-warnings"} if files else {})
    topics = {topic["TopicArn"].rpartition(":")[2] for topic in boto3.client("sns").list_topics()["Topics"]}
    assert set(SHARED.values()) <= topics
    dashboards = boto3.client("cloudwatch").list_dashboards()["DashboardEntries"]
    names = {dashboard["DashboardName"] for dashboard in dashboards}
    assert names == {"local-eu-central-1-website", "local-eu-central-1-Environment"}, names
    assert rule() == (
        "website",
        1.0,
        {"pear:environment": "local", "pear:service": "website", "pear:component": "monitoring"},
    )


def rule() -> tuple[str, float, dict[str, str]]:
    """The service that the rule of the inventory matches, its share, and our tags."""
    xray = boto3.client("xray")
    rules = [record["SamplingRule"] for record in xray.get_sampling_rules()["SamplingRuleRecords"]]
    found = next(rule for rule in rules if rule["RuleName"] == "local-website-orders")
    tags = xray.list_tags_for_resource(ResourceARN=found["RuleARN"])["Tags"]
    ours = {tag["Key"]: tag["Value"] for tag in tags if tag["Key"].startswith("pear:")}
    return found["ServiceName"], found["FixedRate"], ours


def side_effect() -> None:
    boto3.client("xray").update_sampling_rule(SamplingRuleUpdate={"RuleName": "local-website-orders", "FixedRate": 0.5})
    cloudwatch = boto3.client("cloudwatch")
    names = sorted(alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"])
    cloudwatch.delete_alarms(AlarmNames=[next(name for name in names if "website" in name)])
