"""The values of a query: numbers, texts, times and nothing; how they compare, sort and are written."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_CHUNK = re.compile(r"\d+|\D+")


class InvalidQuery(Exception):
    """A query that cannot be read: why, and from which character on."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


class Moment(int):
    """A time in milliseconds, which is written as a date."""


Value = str | float | Moment | None
Row = dict[str, Value]


def number(value: Value) -> float | None:
    """A value that is a number, or a text that holds nothing else."""
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    return value


def truth(value: Value) -> bool:
    return bool(number(value))


def text(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, Moment):
        seconds, milliseconds = divmod(value, 1000)
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{milliseconds:03}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def compare(operator: str, left: Value, right: Value) -> bool:
    """Numbers by their values, also those in texts; texts by their characters. What is missing compares as false."""
    if left is None or right is None:
        return False
    ours: Any = number(left)
    other: Any = number(right)
    if ours is None or other is None:
        if operator not in {"=", "!="} and (ours is None) != (other is None):
            return False
        ours, other = text(left), text(right)
    return {
        "=": ours == other,
        "!=": ours != other,
        "<": ours < other,
        "<=": ours <= other,
        ">": ours > other,
        ">=": ours >= other,
    }[operator]


def sort_key(value: Value) -> tuple[Any, ...]:
    """Texts before numbers; a text in parts: digits by their length, everything else by its characters.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Sort.html
    """
    as_number = number(value)
    if as_number is not None:
        return (1, as_number)
    return (0, *[("0", len(part), part) if part.isdigit() else (part, 0, "") for part in _CHUNK.findall(text(value))])
