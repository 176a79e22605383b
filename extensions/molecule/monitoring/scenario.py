"""Alarms and dashboards as CloudWatch reports them; the manual change: an alarm deleted."""

from __future__ import annotations

import boto3


def verify() -> None:
    cloudwatch = boto3.client("cloudwatch")
    alarms = cloudwatch.describe_alarms()["MetricAlarms"]
    ours = [alarm for alarm in alarms if "website" in alarm["AlarmName"]]
    assert len(ours) >= 4, [alarm["AlarmName"] for alarm in alarms]
    assert all(alarm["AlarmActions"] for alarm in ours)
    assert any(
        "website" in dashboard["DashboardName"] for dashboard in cloudwatch.list_dashboards()["DashboardEntries"]
    )


def side_effect() -> None:
    cloudwatch = boto3.client("cloudwatch")
    names = sorted(alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"])
    cloudwatch.delete_alarms(AlarmNames=[next(name for name in names if "website" in name)])
