# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon CloudWatch: one function per call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .errors import aws_call
from .session import Aws

# Limits of DescribeAlarms and GetMetricData.
_ALARMS_PER_CALL = 100
_QUERIES_PER_CALL = 500


@dataclass(frozen=True)
class Metric:
    """One statistic of one metric."""

    namespace: str
    name: str
    statistic: str
    dimensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Window:
    """From when to when, in periods of how many seconds."""

    start: float
    end: float
    period_seconds: int


@aws_call("read the state of alarms")
def alarm_states(aws: Aws, names: Sequence[str]) -> dict[str, str]:
    """States by name, of metric and composite alarms; one that does not exist is missing."""
    client = aws.client("cloudwatch")
    found: dict[str, str] = {}
    for start in range(0, len(names), _ALARMS_PER_CALL):
        pages = client.get_paginator("describe_alarms").paginate(
            AlarmNames=list(names[start : start + _ALARMS_PER_CALL]), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        for page in pages:
            for one in [*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])]:
                found[one["AlarmName"]] = one["StateValue"]
    return found


@aws_call("read metrics")
def values(aws: Aws, metrics: Mapping[str, Metric], window: Window) -> dict[str, tuple[float, ...]]:
    """Each metric's values over the window, oldest first; a metric without data has none."""
    if not metrics:
        return {}
    # Ids must begin with a lower case letter and hold letters, digits and underscores only.
    ids = {f"m{number}": name for number, name in enumerate(metrics)}
    found: dict[str, list[float]] = {name: [] for name in metrics}
    queries = [_query(one_id, metrics[name], window.period_seconds) for one_id, name in ids.items()]
    for start in range(0, len(queries), _QUERIES_PER_CALL):
        pages = (
            aws.client("cloudwatch")
            .get_paginator("get_metric_data")
            .paginate(
                MetricDataQueries=queries[start : start + _QUERIES_PER_CALL],
                StartTime=datetime.fromtimestamp(window.start, UTC),
                EndTime=datetime.fromtimestamp(window.end, UTC),
                ScanBy="TimestampAscending",
            )
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                found[ids[result["Id"]]] += result["Values"]
    return {name: tuple(series) for name, series in found.items()}


def _query(one_id: str, metric: Metric, period_seconds: int) -> dict[str, Any]:
    return {
        "Id": one_id,
        "MetricStat": {
            "Metric": {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in sorted(metric.dimensions.items())],
            },
            "Period": period_seconds,
            "Stat": metric.statistic,
        },
        "ReturnData": True,
    }
