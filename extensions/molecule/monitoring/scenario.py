"""Alarms, topics and dashboards as AWS reports them; the manual change: an alarm deleted."""

from __future__ import annotations

import boto3

PAGES = {"critical"}
WARNS = {"colour-without-target", "latency-p99", "latency-trend"}
# Told by the alarm critical; the notice tells nobody.
SILENT = {"cpu", "error-share", "memory", "no-healthy-target", "unhealthy-targets"}
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
    assert any("website" in dashboard["DashboardName"] for dashboard in dashboards)
    assert any(dashboard["DashboardName"].endswith("-Environment") for dashboard in dashboards)


def side_effect() -> None:
    cloudwatch = boto3.client("cloudwatch")
    names = sorted(alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"])
    cloudwatch.delete_alarms(AlarmNames=[next(name for name in names if "website" in name)])
