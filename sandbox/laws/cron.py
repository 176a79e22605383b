"""AWS's schedule expressions: whether a cron or rate expression is due in a minute. Pure.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_ONCE = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)").fullmatch
_CRON = re.compile(r"cron\((.+)\)").fullmatch
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)").fullmatch
_MONTHS = {
    name: str(number)
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), 1
    )
}
_DAYS = {name: str(number) for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_UNITS = {"minute": 60, "hour": 3600, "day": 86_400}


class UnknownExpression(ValueError):
    """An expression outside of what is served here."""


def rate_seconds(expression: str) -> int | None:
    """The interval of a rate expression; None for another one."""
    found = _RATE(expression)
    return int(found[1]) * _UNITS[found[2]] if found else None


def is_due(expression: str, minute: datetime) -> bool:
    """Whether a cron expression names this minute, given in the schedule's time zone. Raises UnknownExpression."""
    found = _CRON(expression)
    fields = found[1].split() if found else []
    if len(fields) != 6:
        raise UnknownExpression(f"{expression!r} is no cron expression of six fields.")
    weekday = minute.isoweekday() % 7 + 1
    values = (minute.minute, minute.hour, minute.day, minute.month, weekday, minute.year)
    firsts = (0, 0, 1, 1, 1, 1970)
    return all(_matches(field, value, first) for field, value, first in zip(fields, values, firsts, strict=True))


def due_between(expression: str, after: datetime, until: datetime) -> bool:
    """Whether a minute that has begun after one moment and until another is named."""
    minute = until.replace(second=0, microsecond=0)
    while minute > after:
        if is_due(expression, minute):
            return True
        minute -= timedelta(minutes=1)
    return False


@dataclass(frozen=True)
class Schedule:
    """An expression in its time zone, and since when it is in force. `at_once`: a rate begins with a run."""

    expression: str
    timezone: str
    since: float
    at_once: bool = False


class DueTimes:
    """Which schedules are due at each look: once each minute that they name, whatever the looks' interval."""

    def __init__(self) -> None:
        self.done: set[Hashable] = set()
        self.last: dict[Hashable, float] = {}

    def is_due(self, key: Hashable, schedule: Schedule, now: float) -> bool:
        zone = ZoneInfo(schedule.timezone or "UTC")
        at = once(schedule.expression, zone)
        if at is not None:
            if at > now or key in self.done:
                return False
            self.done.add(key)
            return at >= schedule.since
        interval = rate_seconds(schedule.expression)
        if interval is not None:
            before = self.last.setdefault(key, schedule.since - (interval if schedule.at_once else 0))
            if now - before < interval:
                return False
            self.last[key] = now
            return True
        before = self.last.setdefault(key, schedule.since)
        self.last[key] = now
        return due_between(schedule.expression, datetime.fromtimestamp(before, zone), datetime.fromtimestamp(now, zone))


def once(expression: str, zone: ZoneInfo) -> float | None:
    """When a one-time schedule is due; None for cron and rate expressions."""
    found = _ONCE(expression)
    return datetime.fromisoformat(found[1]).replace(tzinfo=zone).timestamp() if found else None


def _matches(field: str, value: int, first: int) -> bool:
    return any(_part(part, value, first) for part in field.split(","))


def _part(part: str, value: int, first: int) -> bool:
    span, _, step = part.partition("/")
    if span in ("*", "?"):
        low, high = first, 9999
    else:
        ends = [_number(end, part) for end in span.split("-")]
        low, high = ends[0], ends[-1] if len(ends) > 1 or not step else 9999
    return low <= value <= high and (not step or (value - low) % _number(step, part) == 0)


def _number(text: str, part: str) -> int:
    text = _MONTHS.get(text.upper()) or _DAYS.get(text.upper()) or text
    if not text.isdigit():
        raise UnknownExpression(f"{part!r} of a cron expression is not served here.")
    return int(text)
