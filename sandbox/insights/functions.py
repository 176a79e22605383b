"""The functions of a query: of one event, and of a group of events (those of `stats`)."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable, Sequence

from .values import Moment, Row, Value, number, sort_key, text

_UNITS = {
    **dict.fromkeys(("ms", "msec", "millisecond"), 1),
    **dict.fromkeys(("s", "sec", "second"), 1000),
    **dict.fromkeys(("m", "min", "minute"), 60_000),
    **dict.fromkeys(("h", "hr", "hour"), 3_600_000),
    **dict.fromkeys(("d", "day"), 86_400_000),
    **dict.fromkeys(("w", "week"), 604_800_000),
}


def period(duration: str) -> int | None:
    """The milliseconds of `5m` or `2hrs`; None for what is none. Months and longer have no fixed length."""
    found = re.fullmatch(r"(\d+)([a-z]+)", duration)
    if found is None:
        return None
    length = _UNITS.get(found[2]) or _UNITS.get(found[2].removesuffix("s"))
    return int(found[1]) * length if length else None


def _of_number(function: Callable[[float], float]) -> Callable[..., Value]:
    def apply(value: Value) -> Value:
        given = number(value)
        return None if given is None else float(function(given))

    return apply


def _of_text(function: Callable[[str], Value]) -> Callable[..., Value]:
    return lambda value: None if value is None else function(text(value))


# Each with the fewest and the most arguments that it takes.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
SCALAR: dict[str, tuple[Callable[..., Value], int, int]] = {
    "ispresent": (lambda value: float(value is not None), 1, 1),
    "isempty": (lambda value: float(value is None or value == ""), 1, 1),
    "isblank": (lambda value: float(value is None or not text(value).strip()), 1, 1),
    "coalesce": (lambda *values: next((value for value in values if value is not None), None), 1, 99),
    "abs": (_of_number(abs), 1, 1),
    "ceil": (_of_number(math.ceil), 1, 1),
    "floor": (_of_number(math.floor), 1, 1),
    "strlen": (_of_text(lambda value: float(len(value))), 1, 1),
    "tolower": (_of_text(str.lower), 1, 1),
    "toupper": (_of_text(str.upper), 1, 1),
    "trim": (_of_text(str.strip), 1, 1),
    "concat": (lambda *values: "".join(text(value) for value in values), 1, 99),
    "strcontains": (lambda value, part: float(text(part) in text(value)), 2, 2),
    "tomillis": (lambda value: None if number(value) is None else float(number(value) or 0), 1, 1),
    "frommillis": (lambda value: None if number(value) is None else Moment(number(value) or 0), 1, 1),
}


def arithmetic(operator: str, left: Value, right: Value) -> Value:
    """None where a side is no number, and for a division by zero."""
    ours, other = number(left), number(right)
    if ours is None or other is None or (operator in "/%" and other == 0):
        return None
    results: dict[str, Callable[[], float]] = {
        "+": lambda: ours + other,
        "-": lambda: ours - other,
        "*": lambda: ours * other,
        "/": lambda: ours / other,
        "%": lambda: math.fmod(ours, other),
        "^": lambda: ours**other,
    }
    return float(results[operator]())


def _numbers(values: Sequence[Value]) -> list[float]:
    return [found for value in values if (found := number(value)) is not None]


def _percentile(values: Sequence[Value], percent: float) -> Value:
    found = sorted(_numbers(values))
    return found[max(0, math.ceil(len(found) * percent / 100) - 1)] if found else None


def _extreme(choose: Callable[..., Value]) -> Callable[[Sequence[Value]], Value]:
    return lambda values: choose(values, key=sort_key) if values else None


# Of the values that are there, in the order of the events: the newest first.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html
AGGREGATE: dict[str, Callable[[Sequence[Value]], Value]] = {
    "count": lambda values: float(len(values)),
    "count_distinct": lambda values: float(len({text(value) for value in values})),
    "sum": lambda values: float(sum(_numbers(values))),
    "avg": lambda values: statistics.fmean(found) if (found := _numbers(values)) else None,
    "stddev": lambda values: statistics.pstdev(found) if (found := _numbers(values)) else None,
    "min": _extreme(min),
    "max": _extreme(max),
    "latest": lambda values: values[0] if values else None,
    "earliest": lambda values: values[-1] if values else None,
}


def aggregate(name: str, argument: Callable[[Row], Value] | None, percent: float | None) -> Callable[..., Value]:
    """What an aggregate function makes of the rows of a group. Without an argument, every row counts."""

    def of(rows: Sequence[Row]) -> Value:
        values = [1.0] * len(rows) if argument is None else [argument(row) for row in rows]
        present = [value for value in values if value is not None]
        return AGGREGATE[name](present) if percent is None else _percentile(present, percent)

    return of
