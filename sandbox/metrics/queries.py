"""MetricDataQueries: each metric's statistic per period, then the expressions over them, in the order they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .expressions import Frame, parse
from .functions import InvalidExpression, Series, Value
from .samples import check_statistic
from .store import Metric, Store

_SHORT_PERIODS = {1, 5, 10, 20, 30}


class InvalidQuery(ValueError):
    """A query that CloudWatch would refuse, or that is outside of the subset that is served here."""


@dataclass(frozen=True)
class Query:
    """One MetricDataQuery: a statistic of a metric, or an expression."""

    id: str
    label: str
    returned: bool
    period: int | None = None
    metric: Metric | None = None
    statistic: str = ""
    expression: str = ""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Query:
        """From the request's own form. Raises InvalidQuery."""
        returned = given.get("ReturnData", True)
        expression, stat = given.get("Expression") or "", given.get("MetricStat")
        if bool(expression) == bool(stat):
            raise InvalidQuery(f"The query {given['Id']} needs either an Expression or a MetricStat.")
        if stat is None:
            period = int(given["Period"]) if given.get("Period") else None
            return cls(given["Id"], given.get("Label") or given["Id"], returned, period, expression=expression)
        named = stat["Metric"]
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in named.get("Dimensions", [])}
        return cls(
            given["Id"],
            given.get("Label") or named["MetricName"],
            returned,
            check_period(int(stat["Period"])),
            Metric.of(named["Namespace"], named["MetricName"], dimensions),
            stat["Stat"],
        )


def check_period(period: int) -> int:
    if period not in _SHORT_PERIODS and (period <= 0 or period % 60):
        raise InvalidQuery(f"The parameter Period must be 1, 5, 10, 20, 30, or a multiple of 60; it is {period}.")
    return period


def series(store: Store, query: Query, start: float, end: float, origin: float = 0.0) -> Series:
    """A metric's statistic, by the beginning of each period that has it."""
    assert query.metric is not None and query.period is not None
    found = store.query(query.metric, start, end, query.period, origin=origin)
    values = {at: samples.statistic(query.statistic) for at, samples in found.items()}
    return {at: value for at, value in values.items() if value is not None}


def evaluate(
    store: Store, queries: Sequence[Query], start: float, end: float, origin: float = 0.0
) -> dict[str, list[Series]]:
    """Time series by query id: one for a metric, one or several for an expression. Raises InvalidQuery."""
    values: dict[str, Value] = {}
    metrics = [query for query in queries if query.metric is not None]
    for query_metric in metrics:
        try:
            check_statistic(query_metric.statistic)
        except ValueError as unknown:
            raise InvalidQuery(str(unknown)) from unknown
        values[query_metric.id] = series(store, query_metric, start, end, origin)
    periods = {query_metric.id: query_metric.period for query_metric in metrics if query_metric.period is not None}
    times = _times(store, max(periods.values(), default=60), start, end, origin)
    waiting = {query.id: parse_query(query) for query in queries if query.metric is None}
    while waiting:
        ready = [name for name, expression in waiting.items() if not expression.names & set(waiting)]
        if not ready:
            raise InvalidQuery(f"Expressions refer to each other in a circle: {', '.join(sorted(waiting))}")
        for name in ready:
            frame = Frame(values, tuple(query_metric.id for query_metric in metrics), periods, times)
            try:
                values[name] = waiting.pop(name).evaluate(frame)
            except InvalidExpression as wrong:
                raise InvalidQuery(f"Error in expression {name!r}: {wrong}") from wrong
    return {query.id: _as_series(query, values[query.id]) for query in queries}


def parse_query(query: Query) -> Any:
    try:
        return parse(query.expression)
    except InvalidExpression as wrong:
        raise InvalidQuery(f"Error in expression {query.id!r}: {wrong}") from wrong


def _times(store: Store, period: int, start: float, end: float, origin: float) -> tuple[float, ...]:
    """The beginnings of all periods of the window, which FILL fills."""
    length = store.seconds(period)
    at, found = store.slot(start, period, origin), []
    while at < end:
        found.append(round(at, 6))
        at = store.slot(at + length * 1.5, period, origin)
    return tuple(found)


def _as_series(query: Query, value: Value) -> list[Series]:
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list):
        return value
    if not query.returned:
        return []
    raise InvalidQuery(f"Error in expression {query.id!r}: the result must be a time series, it is {value!r}.")
