# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon CloudWatch: one function per call."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from .errors import aws_call, is_code
from .session import Aws
from .tags import tag_list, tags_of

# Limits of DescribeAlarms and GetMetricData.
_ALARMS_PER_CALL = 100
_TYPES = ["MetricAlarm", "CompositeAlarm"]
_QUERIES_PER_CALL = 500
# When a period began, in seconds since 1970, and its value.
Series: TypeAlias = "tuple[tuple[float, float], ...]"


@dataclass(frozen=True)
class Metric:
    """One statistic of one metric."""

    namespace: str
    name: str
    statistic: str
    dimensions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dashboard:
    """A dashboard, whose body is the text of a JSON document."""

    arn: str
    body: str


@dataclass(frozen=True)
class Window:
    """A time range, divided into periods."""

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
            AlarmNames=list(names[start : start + _ALARMS_PER_CALL]), AlarmTypes=_TYPES
        )
        for page in pages:
            for alarm in _both(page):
                found[alarm["AlarmName"]] = alarm["StateValue"]
    return found


@aws_call("read the alarms that begin with {prefix}")
def alarms(aws: Aws, prefix: str) -> list[dict[str, Any]]:
    """Metric and composite alarms."""
    pages = aws.client("cloudwatch").get_paginator("describe_alarms")
    return [alarm for page in pages.paginate(AlarmNamePrefix=prefix, AlarmTypes=_TYPES) for alarm in _both(page)]


def _both(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])]


@aws_call("read alarms")
def alarms_named(aws: Aws, names: Sequence[str]) -> list[dict[str, Any]]:
    """Alarms by name; one that does not exist is missing."""
    found: list[dict[str, Any]] = []
    for start in range(0, len(names), _ALARMS_PER_CALL):
        some = list(names[start : start + _ALARMS_PER_CALL])
        pages = aws.client("cloudwatch").get_paginator("describe_alarms")
        found += [alarm for page in pages.paginate(AlarmNames=some, AlarmTypes=_TYPES) for alarm in _both(page)]
    return found


@aws_call("put alarm {name}")
def put_alarm(aws: Aws, name: str, request: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    """Create the alarm or replace all of its settings. CloudWatch takes the tags of new alarms only."""
    client = aws.client("cloudwatch")
    put = client.put_composite_alarm if "AlarmRule" in request else client.put_metric_alarm
    put(**{**request, "AlarmName": name}, Tags=tag_list(tags))


def create_in_alarm(aws: Aws, name: str, request: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    """Create an alarm whose first state is ALARM, of which nobody is told: CloudWatch notifies of changes of the state only.

    An alarm that is put again keeps its state.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    put_alarm(aws, name, {**request, "ActionsEnabled": False}, tags)
    set_alarm_state(aws, name, "ALARM", "Nothing that it watches has been there yet.")
    put_alarm(aws, name, request, tags)


@aws_call("read the tags of {arn}")
def tags(aws: Aws, arn: str) -> dict[str, str]:
    return tags_of(aws.client("cloudwatch").list_tags_for_resource(ResourceARN=arn))


@aws_call("remove tags of {arn}")
def untag(aws: Aws, arn: str, keys: list[str]) -> None:
    aws.client("cloudwatch").untag_resource(ResourceARN=arn, TagKeys=keys)


@aws_call("tag {arn}")
def tag(aws: Aws, arn: str, tags: Mapping[str, str]) -> None:
    aws.client("cloudwatch").tag_resource(ResourceARN=arn, Tags=tag_list(tags))


@aws_call("delete alarms")
def delete_alarms(aws: Aws, names: Sequence[str], composites: Collection[str] = ()) -> None:
    """Composite alarms first, as others may be named in their rules; CloudWatch takes one of them in a call."""
    metric = [name for name in names if name not in composites]
    parts = [[name] for name in names if name in composites]
    parts += [metric[start : start + _ALARMS_PER_CALL] for start in range(0, len(metric), _ALARMS_PER_CALL)]
    for part in parts:
        aws.client("cloudwatch").delete_alarms(AlarmNames=part)


@aws_call("set the state of alarm {name}")
def set_alarm_state(aws: Aws, name: str, state: str, reason: str) -> None:
    aws.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)


@aws_call("read the history of alarm {name}")
def alarm_actions(aws: Aws, name: str, since: float) -> list[str]:
    """What CloudWatch says of each action that the alarm took, oldest first."""
    return [item["HistorySummary"] for item in _history(aws, name, "Action", since)]


def _history(aws: Aws, name: str, kind: str, since: float) -> list[dict[str, Any]]:
    pages = aws.client("cloudwatch").get_paginator("describe_alarm_history")
    found = pages.paginate(
        AlarmName=name,
        AlarmTypes=_TYPES,
        HistoryItemType=kind,
        StartDate=datetime.fromtimestamp(since, UTC),
        EndDate=datetime.now(UTC),
        ScanBy="TimestampAscending",
    )
    return [item for page in found for item in page["AlarmHistoryItems"]]


@aws_call("read dashboard {name}")
def dashboard(aws: Aws, name: str) -> Dashboard | None:
    client = aws.client("cloudwatch")
    try:
        found = client.get_dashboard(DashboardName=name)
        return Dashboard(found["DashboardArn"], found["DashboardBody"])
    except client.exceptions.ClientError as cause:
        # The service model names DashboardNotFoundError; the API answers ResourceNotFound.
        if is_code(cause, "ResourceNotFound", "DashboardNotFoundError"):
            return None
        raise


@aws_call("put dashboard {name}")
def put_dashboard(aws: Aws, name: str, body: str) -> list[str]:
    """Write a dashboard; return CloudWatch's warnings."""
    answer = aws.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=body)
    return [message["Message"] for message in answer.get("DashboardValidationMessages", [])]


@aws_call("delete dashboards")
def delete_dashboards(aws: Aws, names: Sequence[str]) -> None:
    aws.client("cloudwatch").delete_dashboards(DashboardNames=list(names))


@aws_call("list the dashboards that begin with {prefix}")
def dashboards(aws: Aws, prefix: str) -> dict[str, str]:
    """ARNs by name."""
    pages = aws.client("cloudwatch").get_paginator("list_dashboards").paginate(DashboardNamePrefix=prefix)
    return {
        dashboard["DashboardName"]: dashboard["DashboardArn"]
        for page in pages
        for dashboard in page["DashboardEntries"]
    }


def values(aws: Aws, metrics: Mapping[str, Metric], window: Window) -> dict[str, tuple[float, ...]]:
    """Each metric's values over the window, oldest first; a metric without data has none."""
    return {name: tuple(value for _time, value in points) for name, points in series(aws, metrics, window).items()}


@aws_call("read metrics")
def series(aws: Aws, metrics: Mapping[str, Metric], window: Window) -> dict[str, Series]:
    """Each metric's data points over the window, oldest first; a metric without data has none."""
    if not metrics:
        return {}
    # Ids must begin with a lower case letter and hold letters, digits and underscores only.
    ids = {f"m{number}": name for number, name in enumerate(metrics)}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in metrics}
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
                times = (moment.timestamp() for moment in result["Timestamps"])
                found[ids[result["Id"]]] += zip(times, result["Values"], strict=True)
    return {name: tuple(points) for name, points in found.items()}


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


@aws_call("read the use of Fargate (cloudwatch:GetMetricStatistics)")
def fargate_vcpus_used(aws: Aws) -> float:
    """The most vCPUs that ran at once within the last quarter of an hour; AWS counts them once a minute."""
    now = datetime.now(UTC)
    answer = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Usage",
        MetricName="ResourceCount",
        Dimensions=[
            {"Name": "Type", "Value": "Resource"},
            {"Name": "Resource", "Value": "vCPU"},
            {"Name": "Service", "Value": "Fargate"},
            {"Name": "Class", "Value": "Standard/OnDemand"},
        ],
        StartTime=now - timedelta(minutes=15),
        EndTime=now,
        Period=300,
        Statistics=["Maximum"],
    )
    return max((float(datapoint["Maximum"]) for datapoint in answer["Datapoints"]), default=0.0)
