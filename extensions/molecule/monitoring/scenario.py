"""Alarms, topics, dashboards, saved queries, metric filters and what X-Ray has, as AWS reports them.

The manual change: an alarm, a query, a filter and a group are deleted, and a sampling rule is edited.
"""

from __future__ import annotations

import json
from typing import Any

import boto3

PAGES = {"critical", "burn-fast-availability"}
WARNS = {"burn-slow-availability", "colour-without-target", "latency-p99", "latency-trend"}
# Told by the alarm critical; notices tell nobody.
SILENT = {"cpu", "error-share", "live-without-target", "memory", "no-healthy-target", "unhealthy-targets"}
SILENT |= {"traffic-on-green", "without-target-blue", "without-target-green"}
SILENT |= {
    f"burn-window-availability-{time}"
    for time in ("1h-of-1h", "5m-of-1h", "6h-of-6h", "30m-of-6h", "72h-of-72h", "6h-of-72h")
}
COUNTED = {
    "warn": {"deployment-stuck", "scaling-events", "task-restarts"},
    "silent": {"crash-loop", "deploying", "missing-tasks"},
}
QUERIES = {
    "by version, the latest first",
    "errors by route",
    "errors of one version",
    "lines of nginx",
    "one request or trace",
    "slowest requests",
}
LOG_GROUP = "/pear/local/website"
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
    assert "Refused requests" in titles("local-eu-central-1-website")
    assert {name: query["logGroupNames"] for name, query in queries().items()} == {
        name: [LOG_GROUP] for name in QUERIES
    }
    assert filters() == {"refused": ('" 403 "', "Refused", "local/website", "1")}
    assert group() == 'service("website")'
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


def titles(dashboard: str) -> set[str]:
    body = json.loads(boto3.client("cloudwatch").get_dashboard(DashboardName=dashboard)["DashboardBody"])
    return {widget["properties"].get("title", "") for widget in body["widgets"]}


def queries() -> dict[str, dict[str, Any]]:
    """The saved queries of the service, by their names below its own."""
    prefix = "local/website/"
    found = boto3.client("logs").describe_query_definitions(queryDefinitionNamePrefix=prefix)["queryDefinitions"]
    return {query["name"].removeprefix(prefix): query for query in found}


def filters() -> dict[str, tuple[str, str, str, str]]:
    """Pattern, metric, namespace and value of each metric filter on the service's log."""
    found = {}
    for each in boto3.client("logs").describe_metric_filters(logGroupName=LOG_GROUP)["metricFilters"]:
        (metric,) = each["metricTransformations"]
        place = (metric["metricName"], metric["metricNamespace"], metric["metricValue"])
        found[each["filterName"]] = (each["filterPattern"], *place)
    return found


def group() -> str:
    """The filter expression of the service's group of traces."""
    return str(boto3.client("xray").get_group(GroupName="local-website")["Group"]["FilterExpression"])


def side_effect() -> None:
    logs = boto3.client("logs")
    logs.delete_query_definition(queryDefinitionId=queries()["errors by route"]["queryDefinitionId"])
    logs.delete_metric_filter(logGroupName=LOG_GROUP, filterName="refused")
    boto3.client("xray").delete_group(GroupName="local-website")
    boto3.client("xray").update_sampling_rule(SamplingRuleUpdate={"RuleName": "local-website-orders", "FixedRate": 0.5})
    # None that a composite alarm names: CloudWatch deletes no such alarm.
    boto3.client("cloudwatch").delete_alarms(AlarmNames=["local/website/latency-p99"])
