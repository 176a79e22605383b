"""Alarms and dashboards as CloudWatch has them; somebody deletes an alarm."""

from __future__ import annotations

import boto3


def verify() -> None:
    cloudwatch = boto3.client("cloudwatch")
    alarms = cloudwatch.describe_alarms()["MetricAlarms"]
    ours = [one for one in alarms if "website" in one["AlarmName"]]
    assert len(ours) >= 4, [one["AlarmName"] for one in alarms]
    assert all(one["AlarmActions"] for one in ours)
    assert any("website" in one["DashboardName"] for one in cloudwatch.list_dashboards()["DashboardEntries"])


def side_effect() -> None:
    cloudwatch = boto3.client("cloudwatch")
    names = sorted(one["AlarmName"] for one in cloudwatch.describe_alarms()["MetricAlarms"])
    cloudwatch.delete_alarms(AlarmNames=[next(one for one in names if "website" in one)])
