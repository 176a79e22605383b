"""CloudWatch: metrics of what really happened here, metric math, and alarms that are evaluated. moto keeps the rest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterCombination, InvalidParameterValue, ValidationError
from moto.cloudwatch.models import CloudWatchBackend, MetricDatum
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from ..metrics.queries import InvalidQuery, Query, check_period, evaluate
from ..metrics.samples import Samples, UnknownStatistic
from ..metrics.store import Metric, Regions
from .cloudwatch_alarms import AlarmClock
from .overlay import patch
from .state import Sandbox

_LARGE_ANSWER = 100_800


def tag_dashboards_too(original: Any, backend: Any, arn: str, tags: dict[str, str]) -> None:
    """CloudWatch tags alarms, dashboards, metric streams and rules of Contributor Insights; moto alarms only."""
    if any(dashboard.arn == arn for dashboard in backend.dashboards.values()):
        backend.tagger.tag_resource(arn, backend.tagger.convert_dict_to_tags_input(tags))
    else:
        original(backend, arn, tags)


def forget_their_tags(original: Any, backend: Any, dashboards: list[str]) -> Any:
    arns = [backend.dashboards[name].arn for name in dashboards if name in backend.dashboards]
    refused = original(backend, dashboards)
    if refused is None:
        for arn in arns:
            backend.tagger.delete_all_tags_for_resource(arn)
    return refused


class MetricCalls:
    """The calls about metrics, answered from the sandbox's own store."""

    def __init__(self, metrics: Regions) -> None:
        self._metrics = metrics

    def install(self) -> None:
        patch(CloudWatchBackend, "tag_resource", ("self", "arn", "tags"))(tag_dashboards_too)
        patch(CloudWatchBackend, "delete_dashboards", ("self", "dashboards"))(forget_their_tags)
        patch(CloudWatchBackend, "put_metric_data", ("self", "namespace", "metric_data"))(self._put)
        data = ("self", "queries", "start_time", "end_time", "scan_by")
        patch(CloudWatchBackend, "get_metric_data", data)(self._get_data)
        patch(CloudWatchResponse, "get_metric_statistics", ("self",))(self._get_statistics)
        filters = ("self", "metric_name", "namespace", "dimensions")
        patch(CloudWatchBackend, "get_filtered_metrics", filters)(self._get_filtered)

    def _put(self, original: Any, backend: Any, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        if namespace.startswith("AWS/"):
            raise InvalidParameterValue("The value AWS/ for parameter Namespace is invalid.")
        for number, datum in enumerate(metric_data):
            backend._validate_parameters_put_metric_data(datum, number + 1)
        for datum in metric_data:
            dimensions = {dimension["Name"]: dimension["Value"] for dimension in datum.get("Dimensions", [])}
            at = seconds(datum["Timestamp"]) if datum.get("Timestamp") else datetime.now(UTC).timestamp()
            metric = Metric.of(namespace, datum["MetricName"], dimensions)
            resolution = int(datum.get("StorageResolution") or 60)
            unit = datum.get("Unit") or "None"
            self._metrics.of(backend.region_name).add(metric, at, samples_of(datum), unit, resolution)

    def _get_data(
        self,
        original: Any,
        backend: Any,
        queries: list[dict[str, Any]],
        start_time: Any,
        end_time: Any,
        scan_by: str = "",
    ) -> list[dict[str, Any]]:
        start, end = seconds(start_time), seconds(end_time)
        if start >= end:
            raise ValidationError("The parameter StartTime must be less than the parameter EndTime.")
        try:
            parsed = [Query.of(given) for given in queries]
            found = evaluate(self._metrics.of(backend.region_name), parsed, start, end)
        except InvalidQuery as invalid:
            raise ValidationError(str(invalid)) from invalid
        answers = []
        for query in parsed:
            for series in found[query.id] if query.returned else []:
                times = sorted(series, reverse=scan_by != "TimestampAscending")[:_LARGE_ANSWER]
                answers.append(
                    {
                        "id": query.id,
                        "label": query.label,
                        "timestamps": [moment(at) for at in times],
                        "values": [series[at] for at in times],
                        "status_code": "Complete",
                    }
                )
        return answers

    def _get_statistics(self, original: Any, response: Any) -> Any:
        asked = response._get_params()
        simple, extended = asked.get("Statistics") or [], asked.get("ExtendedStatistics") or []
        if not simple and not extended:
            raise InvalidParameterCombination("Must specify either Statistics or ExtendedStatistics")
        start, end, period = seconds(asked["StartTime"]), seconds(asked["EndTime"]), int(asked["Period"])
        if start >= end:
            raise InvalidParameterValue("The parameter StartTime must be less than the parameter EndTime.")
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in asked.get("Dimensions") or []}
        metric = Metric.of(asked["Namespace"], asked["MetricName"], dimensions)
        try:
            store = self._metrics.of(response.region)
            found = store.query(metric, start, end, check_period(period))
            points = [
                {"Timestamp": moment(at), "Unit": store.unit(metric)}
                | {name: samples.statistic(name) for name in simple}
                | ({"ExtendedStatistics": {name: samples.statistic(name) for name in extended}} if extended else {})
                for at, samples in found.items()
            ]
        except (InvalidQuery, UnknownStatistic) as invalid:
            raise InvalidParameterValue(str(invalid)) from invalid
        return ActionResult({"Label": metric.name, "Datapoints": points})

    def _get_filtered(
        self,
        original: Any,
        backend: Any,
        metric_name: str | None,
        namespace: str | None,
        dimensions: list[dict[str, str]],
    ) -> list[Any]:
        found = [
            metric
            for metric in self._metrics.of(backend.region_name).metrics()
            if metric_name in (None, metric.name)
            and namespace in (None, metric.namespace)
            and all(_has(metric, dimension["Name"], dimension.get("Value")) for dimension in dimensions or [])
        ]
        return [
            MetricDatum(
                metric.namespace,
                metric.name,
                0.0,
                [{"Name": name, "Value": value} for name, value in metric.dimensions],
                None,
            )
            for metric in found
        ]


def install(sandbox: Sandbox) -> None:
    MetricCalls(sandbox.metrics).install()
    sandbox.starts.append(AlarmClock(sandbox).start)


def _has(metric: Metric, name: str, value: str | None) -> bool:
    return any(key == name and value in (None, known) for key, known in metric.dimensions)


def samples_of(datum: Mapping[str, Any]) -> Samples:
    """The samples of one datum of PutMetricData: a value, values with counts, or a statistic set."""
    samples = Samples()
    if datum.get("Values"):
        counts = datum.get("Counts") or [1.0] * len(datum["Values"])
        for value, count in zip(datum["Values"], counts, strict=True):
            samples.add(float(value), float(count))
    elif datum.get("StatisticValues"):
        given = {key: float(value) for key, value in datum["StatisticValues"].items()}
        samples.add_set(given["SampleCount"], given["Sum"], given["Minimum"], given["Maximum"])
    else:
        samples.add(float(datum.get("Value", 0)))
    return samples


def seconds(moment: datetime) -> float:
    """Epoch seconds; moto's datetimes without a zone are in UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
