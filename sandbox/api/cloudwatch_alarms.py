"""Alarms: moto keeps them, this clock evaluates them, each minute of CloudWatch's time, high-resolution ones oftener."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

from ..metrics import bands
from ..metrics.alarms import INSUFFICIENT_DATA, MORE_PERIODS, Condition, judge
from ..metrics.queries import InvalidQuery, Query, evaluate
from ..metrics.rules import InvalidRule, alarms_named, holds
from ..metrics.store import Metric, Store
from ..periodic import Periodic
from .overlay import OverlayMismatch, patch
from .state import Sandbox

_TICK_SECONDS = 0.5
_HIGH_RESOLUTION_SECONDS = 10
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


class AlarmClock:
    """Brings the state of every alarm to what its metrics say."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._metrics = sandbox.metrics
        self._evaluated: dict[tuple[str, str], tuple[Any, float]] = {}
        self._loop = Periodic("alarms", _TICK_SECONDS, lambda: self.tick(time.time()))
        sandbox.keep("alarms", self, "_evaluated")
        sandbox.fargate.scheduler.firing = self.firing
        sandbox.fargate.scheduler.looks_back = self.looks_back
        _keep_states()
        _composites()

    def start(self) -> None:
        self._loop.start(self._sandbox.stopping)

    def firing(self, names: list[str]) -> list[str]:
        """Which of these are in ALARM, in the sandbox's region."""
        alarms = dict(self._alarms()).get(self._sandbox.settings.region, {}) if names else {}
        return [name for name in names if name in alarms and alarms[name].state_value == "ALARM"]

    def looks_back(self, names: list[str]) -> float:
        """How far the one of these alarms looks back that looks back farthest, in machine seconds."""
        region = self._sandbox.settings.region
        alarms = dict(self._alarms()).get(region, {}) if names else {}
        found = [alarms[name] for name in names if name in alarms and alarms[name].rule is None]
        seconds = [
            int(alarm.evaluation_periods) * max((query.period or 60 for query in _queries(alarm)), default=60)
            for alarm in found
        ]
        return self._metrics.of(region).seconds(max(seconds, default=0))

    def tick(self, now: float) -> None:
        """Evaluate the alarms that are due."""
        with self._sandbox.lock:
            for region, alarms in self._alarms():
                # Composite ones last, so that they see the states of now.
                for name, alarm in sorted(alarms.items(), key=lambda item: item[1].rule is not None):
                    known, at = self._evaluated.get((region, name), (None, 0.0))
                    if known is alarm and now - at < self._interval(alarm, self._metrics.of(region)):
                        continue
                    self._evaluated[region, name] = (alarm, now)
                    self._evaluate(alarm, alarms, self._metrics.of(region), now)
            there = {(region, name) for region, alarms in self._alarms() for name in alarms}
            self._evaluated = {key: evaluated for key, evaluated in self._evaluated.items() if key in there}

    def _alarms(self) -> list[tuple[str, dict[str, Any]]]:
        """Of each region that has been spoken to."""
        from moto.backends import get_backend

        regions = dict(get_backend("cloudwatch")[self._sandbox.settings.account])
        return [(region, dict(backend.alarms)) for region, backend in regions.items()]

    def _interval(self, alarm: Any, store: Store) -> float:
        if alarm.rule is not None:
            return 0.0
        period = min([int(query.period or _MINUTE) for query in _queries(alarm)], default=_MINUTE)
        return max(
            _TICK_SECONDS, store.seconds(_step(period, alarm) if period >= _MINUTE else _HIGH_RESOLUTION_SECONDS)
        )

    def _evaluate(self, alarm: Any, alarms: dict[str, Any], store: Store, now: float) -> None:
        if alarm.rule is not None:
            try:
                state = (
                    "ALARM" if holds(alarm.rule, {name: other.state_value for name, other in alarms.items()}) else "OK"
                )
            except InvalidRule as wrong:
                self._tell(alarm, INSUFFICIENT_DATA, str(wrong))
                return
            self._tell(alarm, state, f"{alarm.alarm_arn} transitioned to {state} by its rule {alarm.rule}")
            return
        if alarm.threshold_metric_id:
            self._evaluate_band(alarm, store, now)
            return
        condition = self._condition(alarm, alarm.comparison_operator, float(alarm.threshold or 0))
        if not condition.served:
            self._tell(alarm, INSUFFICIENT_DATA, f"{condition.comparison} is not evaluated here.")
            return
        try:
            points = self._points(alarm, condition, store, now)
        except InvalidQuery as wrong:
            self._tell(alarm, INSUFFICIENT_DATA, f"Error in the alarm's metrics: {wrong}")
            return
        verdict = judge(condition, points, alarm.state_value)
        self._tell(alarm, verdict.state, verdict.reason)
        newest = next((point for point in reversed(points) if point is not None), None)
        if alarm.state_value == "ALARM" and newest is not None:
            self._scale(alarm, newest - condition.threshold, now)

    def _evaluate_band(self, alarm: Any, store: Store, now: float) -> None:
        """Against a band of the metric's own past, the one before the evaluated range."""
        shape = self._condition(alarm, "GreaterThanThreshold", 0.0)
        try:
            width = bands.deviations(next(q.expression for q in _queries(alarm) if q.id == alarm.threshold_metric_id))
            points = self._points(alarm, shape, store, now, bands.PAST_PERIODS)
        except (InvalidQuery, bands.InvalidBand, StopIteration) as wrong:
            self._tell(alarm, INSUFFICIENT_DATA, f"Error in the alarm's metrics: {wrong}")
            return
        evaluated = shape.periods + MORE_PERIODS
        found = bands.bounds([point for point in points[:-evaluated] if point is not None], width)
        upper = alarm.comparison_operator == "GreaterThanUpperThreshold"
        if found is None or not (upper or alarm.comparison_operator == "LessThanLowerThreshold"):
            self._tell(alarm, INSUFFICIENT_DATA, "There is too little data for the anomaly detection model.")
            return
        comparison = "GreaterThanThreshold" if upper else "LessThanThreshold"
        verdict = judge(self._condition(alarm, comparison, found[upper]), points[-evaluated:], alarm.state_value)
        self._tell(alarm, verdict.state, verdict.reason)

    @staticmethod
    def _condition(alarm: Any, comparison: str, threshold: float) -> Condition:
        return Condition(
            comparison,
            threshold,
            int(alarm.evaluation_periods),
            int(alarm.datapoints_to_alarm or alarm.evaluation_periods),
            alarm.treat_missing_data or "missing",
        )

    def _scale(self, alarm: Any, excess: float, now: float) -> None:
        """Scaling policies are called again as long as the alarm fires; other actions would be carried out once.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html
        """
        enabled = str(alarm.actions_enabled).lower() != "false"
        for action in alarm.alarm_actions or [] if enabled else []:
            if ":scalingPolicy:" in action:
                self._sandbox.scaling_alarm(action, excess, now)

    def _points(self, alarm: Any, condition: Condition, store: Store, now: float, past: int = 0) -> list[float | None]:
        """The data points of the evaluation range, and of so many periods before: those that are over, with all samples here.

        The newest period ends with the newest minute that is whole, or with the newest hour: the window slides.
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html
        """
        queries = [query for query in _queries(alarm) if query.id != alarm.threshold_metric_id]
        periods = [query.period for query in queries if query.period]
        if not periods:
            raise InvalidQuery("no query has a period")
        period = max(periods)
        settled = min((store.settled(query.metric, now) for query in queries if query.metric), default=now)
        end = store.slot(settled, min(period, _step(period, alarm)))
        number = condition.periods + MORE_PERIODS + past
        length = store.seconds(period)
        found = evaluate(store, queries, end - number * length, end, end)
        series = next(found[query.id] for query in queries if query.returned)
        if len(series) != 1:
            raise InvalidQuery(f"an alarm watches one time series, its expression gives {len(series)}")
        by_slot = {round(at, 3): value for at, value in series[0].items()}
        return [by_slot.get(round(end - back * length, 3)) for back in range(number, 0, -1)]

    def _tell(self, alarm: Any, state: str, reason: str) -> None:
        if alarm.state_value != state:
            alarm.update_state(reason, "{}", state)


def _step(period: int, alarm: Any) -> int:
    """How far an alarm's window slides from one evaluation to the next: an hour where the whole of it is longer than a day.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
    """
    return _HOUR if period * int(alarm.evaluation_periods) > _DAY else _MINUTE


def _queries(alarm: Any) -> list[Query]:
    """What an alarm watches, as queries: its own metric, or its metrics and expressions."""
    if not alarm.metric_data_queries:
        dimensions = {dimension.name: dimension.value for dimension in alarm.dimensions}
        metric = Metric.of(alarm.namespace, alarm.metric_name, dimensions)
        statistic = alarm.statistic or alarm.extended_statistic
        return [Query("m1", alarm.metric_name, True, int(alarm.period), metric, statistic)]
    found = []
    for query in alarm.metric_data_queries:
        returned = str(query.return_data).lower() != "false"
        if query.metric_stat is None:
            period = int(query.period) if query.period else None
            found.append(Query(query.id, query.label or query.id, returned, period, expression=query.expression))
            continue
        stat = query.metric_stat
        dimensions = {dimension.name: dimension.value for dimension in stat.metric.dimensions}
        metric = Metric.of(stat.metric.namespace, stat.metric.metric_name, dimensions)
        found.append(Query(query.id, query.label or query.id, returned, int(stat.period), metric, stat.stat))
    return found


def _keep_states() -> None:
    """A new alarm has not enough data; one that is put again keeps its state, as on AWS."""
    from moto.cloudwatch.models import CloudWatchBackend

    @patch(CloudWatchBackend, "put_metric_alarm", _PUT_METRIC_ALARM)
    def put_metric_alarm(original: Any, self: Any, *arguments: Any, **named: Any) -> Any:
        given = dict(zip(_PUT_METRIC_ALARM[1:], arguments, strict=False)) | named
        check_range(given)
        check_rule(given.get("rule") or "", self.alarms)
        known = self.alarms.get(given["name"])
        alarm = original(self, *arguments, **named)
        alarm.state_value = known.state_value if known else INSUFFICIENT_DATA
        if known:
            alarm.state_reason, alarm.state_updated_timestamp = known.state_reason, known.state_updated_timestamp
            alarm.history = known.history
        return alarm


def check_range(given: Mapping[str, Any]) -> None:
    """An alarm evaluates a day at most, or a week where its period is an hour or longer.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    from moto.cloudwatch.exceptions import ValidationError

    periods = [query.metric_stat.period for query in given.get("metric_data_queries") or () if query.metric_stat]
    period = max(map(int, [*periods, given.get("period") or 0]))
    longest = 604_800 if period >= 3600 else 86_400
    if period * int(given.get("evaluation_periods") or 1) > longest:
        told = f"Metrics cannot be checked across more than {longest} seconds (EvaluationPeriods * Period must be <= {longest})"
        raise ValidationError(told)


def check_rule(rule: str, there: Collection[str]) -> None:
    """AWS saves no composite alarm whose rule names one that does not exist.

    https://github.com/awsdocs/aws-cloudformation-user-guide/issues/911
    """
    from moto.cloudwatch.exceptions import ValidationError

    lacking = sorted(alarms_named(rule) - {*there})
    if lacking:
        raise ValidationError(
            f"Could not save the composite alarm as alarms [{', '.join(lacking)}] in the alarm rule do not exist"
        )


def delete_unless_named(original: Any, backend: Any, alarm_names: list[str]) -> None:
    """AWS deletes no alarm that a composite one needs, and one composite alarm in a call.

    https://github.com/cloud-custodian/cloud-custodian/issues/7763
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DeleteAlarms.html
    """
    from moto.cloudwatch.exceptions import ValidationError

    rules = [alarm.rule for name, alarm in backend.alarms.items() if alarm.rule and name not in alarm_names]
    needed = set(alarm_names) & {name for rule in rules for name in alarms_named(rule)}
    composites = [name for name in alarm_names if name in backend.alarms and backend.alarms[name].rule]
    if len(composites) > 1:
        raise ValidationError("Only one composite alarm can be deleted in one call.")
    if needed:
        raise ValidationError(
            f"Cannot delete {','.join(sorted(needed))} as there are composite alarm(s) depending on them."
        )
    original(backend, alarm_names)


def _composites() -> None:
    """moto's storage is ready for composite alarms, the call that puts them is not there; and AWS tells them on request."""
    from moto.cloudwatch.models import CloudWatchBackend
    from moto.cloudwatch.responses import CloudWatchResponse

    patch(CloudWatchBackend, "delete_alarms", ("self", "alarm_names"))(delete_unless_named)
    if hasattr(CloudWatchResponse, "put_composite_alarm"):
        raise OverlayMismatch("moto has PutCompositeAlarm of its own now: this overlay is to be read again")
    CloudWatchResponse.put_composite_alarm = lambda self: self.put_metric_alarm()  # type: ignore[attr-defined]

    @patch(CloudWatchResponse, "describe_alarms", ("self",))
    def describe_alarms(original: Any, self: Any) -> Any:
        wanted = self._get_param("AlarmTypes") or ["MetricAlarm"]
        answer = original(self)
        for kind in ("MetricAlarm", "CompositeAlarm"):
            if kind not in wanted:
                answer.result[f"{kind}s"] = []
        return answer


_PUT_METRIC_ALARM = (
    "self", "name", "namespace", "metric_name", "comparison_operator", "evaluation_periods", "period", "threshold",
    "statistic", "description", "dimensions", "alarm_actions", "metric_data_queries", "datapoints_to_alarm",
    "extended_statistic", "ok_actions", "insufficient_data_actions", "unit", "actions_enabled", "treat_missing_data",
    "evaluate_low_sample_count_percentile", "threshold_metric_id", "rule", "tags",
)  # fmt: skip
