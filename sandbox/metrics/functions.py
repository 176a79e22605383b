"""The operators and functions of metric math, over numbers, time series and arrays of time series."""

from __future__ import annotations

import itertools
import math
import operator as operators
import statistics
from collections.abc import Callable, Iterable

Series = dict[float, float]
Value = float | Series | list[Series] | str


class InvalidExpression(ValueError):
    """An expression that cannot be read, or is outside of the subset that is served here."""


def _divide(left: float, right: float) -> float | None:
    """A data point that would divide by zero is dropped."""
    return left / right if right else None


def _power(left: float, right: float) -> float | None:
    try:
        value = left**right
    except (OverflowError, ZeroDivisionError):
        return None
    return value if isinstance(value, float) else None


_OPERATORS: dict[str, Callable[[float, float], float | None]] = {
    "+": operators.add,
    "-": operators.sub,
    "*": operators.mul,
    "/": _divide,
    "^": _power,
    "==": lambda left, right: float(left == right),
    "!=": lambda left, right: float(left != right),
    "<": lambda left, right: float(left < right),
    "<=": lambda left, right: float(left <= right),
    ">": lambda left, right: float(left > right),
    ">=": lambda left, right: float(left >= right),
}
for _name in ("AND", "&&"):
    _OPERATORS[_name] = lambda left, right: float(bool(left) and bool(right))
for _name in ("OR", "||"):
    _OPERATORS[_name] = lambda left, right: float(bool(left) or bool(right))


def combine(name: str, left: Value, right: Value) -> Value:
    """An operator on any pair; a value missing on one side of two series counts as 0, as AWS has it."""
    if isinstance(left, str) or isinstance(right, str):
        raise InvalidExpression(f"{name} takes numbers and time series, not text.")
    if isinstance(left, list) or isinstance(right, list):
        return [_pairwise(name, a, b) for a, b in _paired(left, right)]
    if isinstance(left, dict) or isinstance(right, dict):
        return _pairwise(name, left, right)
    value = _OPERATORS[name](left, right)
    if value is None:
        raise InvalidExpression(f"{left} {name} {right} has no value.")
    return value


def _paired(
    left: float | Series | list[Series], right: float | Series | list[Series]
) -> Iterable[tuple[float | Series, float | Series]]:
    if isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            raise InvalidExpression(f"Arrays of {len(left)} and {len(right)} time series cannot be combined.")
        return zip(left, right, strict=True)
    if isinstance(left, list):
        return [(entry, right) for entry in left]  # type: ignore[misc]
    return [(left, entry) for entry in right]  # type: ignore[union-attr]


def _pairwise(name: str, left: float | Series, right: float | Series) -> Series:
    apply = _OPERATORS[name]
    times = sorted({*(left if isinstance(left, dict) else ()), *(right if isinstance(right, dict) else ())})
    found = {at: apply(_value(left, at), _value(right, at)) for at in times}
    return {at: value for at, value in found.items() if value is not None}


def _value(value: float | Series, at: float) -> float:
    return value.get(at, 0.0) if isinstance(value, dict) else value


def condition(test: Value, then: Value, otherwise: Value = "") -> Value:
    """IF: where the test has no data point there is no result; a true one without a value is 0, a false one drops."""
    if isinstance(test, (str, list)) or isinstance(then, (str, list)) or isinstance(otherwise, list):
        raise InvalidExpression("IF takes numbers and single time series.")
    if isinstance(test, float):
        chosen = then if test else otherwise
        return {} if isinstance(chosen, str) else chosen
    found: Series = {}
    for at, holds in test.items():
        if holds:
            found[at] = _value(then, at)
        elif isinstance(otherwise, float):
            found[at] = otherwise
        elif isinstance(otherwise, dict) and at in otherwise:
            found[at] = otherwise[at]
    return found


def fill(value: Value, filler: Value = "", *, times: tuple[float, ...]) -> Value:
    """FILL: every period of the window gets a value: a number, another series' one, REPEAT or LINEAR."""
    if isinstance(value, list):
        return [_filled(entry, filler, times) for entry in value]
    if not isinstance(value, dict):
        raise InvalidExpression("FILL takes a time series or an array of them.")
    return _filled(value, filler, times)


def _filled(series: Series, filler: Value, times: tuple[float, ...]) -> Series:
    if isinstance(filler, (float, dict)):
        given = {at: filler if isinstance(filler, float) else filler.get(at) for at in times}
        return {at: v for at in times if (v := series.get(at, given[at])) is not None}
    if filler not in {"REPEAT", "LINEAR"}:
        raise InvalidExpression("FILL fills with a number, a time series, REPEAT or LINEAR.")
    found: Series = {}
    for at in times:
        before = max((entry for entry in series if entry <= at), default=None)
        after = min((entry for entry in series if entry >= at), default=None)
        if before is None or (after is None and filler == "LINEAR"):
            continue
        if filler == "REPEAT" or after is None or before == after:
            found[at] = series[before]
        else:
            share = (at - before) / (after - before)
            found[at] = series[before] + share * (series[after] - series[before])
    return found


def _each(function: Callable[[float], float]) -> Callable[..., Value]:
    def apply(value: Value) -> Value:
        if isinstance(value, list):
            return [{at: function(number) for at, number in series.items()} for series in value]
        if isinstance(value, dict):
            return {at: function(number) for at, number in value.items()}
        raise InvalidExpression("A time series, or an array of them, is expected.")

    return apply


def _over(function: Callable[[list[float]], float], missing: float | None = None) -> Callable[..., Value]:
    """One number of a single series; of an array a series, where a missing value counts as `missing`."""

    def apply(value: Value) -> Value:
        if isinstance(value, dict):
            if not value:
                return {}
            return function(list(value.values()))
        if not isinstance(value, list):
            raise InvalidExpression("A time series, or an array of them, is expected.")
        times = sorted({at for series in value for at in series})
        if missing is not None:
            return {at: function([series.get(at, missing) for series in value]) for at in times}
        return {at: function([series[at] for series in value if at in series]) for at in times}

    return apply


def _steps(function: Callable[[float, float], float]) -> Callable[..., Value]:
    """A value for each data point but the first, of the difference to the one before and the seconds between."""

    def apply(value: Value) -> Value:
        if isinstance(value, list):
            return [step(entry) for entry in value]
        if isinstance(value, dict):
            return step(value)
        raise InvalidExpression("A time series, or an array of them, is expected.")

    def step(series: Series) -> Series:
        times = sorted(series)
        return {now: function(series[now] - series[before], now - before) for before, now in itertools.pairwise(times)}

    return apply


def _running_sum(value: Value) -> Value:
    if not isinstance(value, dict):
        raise InvalidExpression("RUNNING_SUM takes one time series.")
    total, found = 0.0, {}
    for at in sorted(value):
        total += value[at]
        found[at] = total
    return found


def _metric_count(value: Value) -> Value:
    if not isinstance(value, list):
        raise InvalidExpression("METRIC_COUNT takes an array of time series.")
    return float(len(value))


BY_NAME: dict[str, Callable[..., Value]] = {
    "ABS": _each(abs),
    "CEIL": _each(lambda number: float(math.ceil(number))),
    "FLOOR": _each(lambda number: float(math.floor(number))),
    "SUM": _over(math.fsum),
    "AVG": _over(statistics.fmean, missing=0.0),
    "MIN": _over(min),
    "MAX": _over(max),
    "STDDEV": _over(statistics.pstdev),
    "DIFF": _steps(lambda difference, seconds: difference),
    "RATE": _steps(lambda difference, seconds: difference / seconds),
    "RUNNING_SUM": _running_sum,
    "METRIC_COUNT": _metric_count,
}
