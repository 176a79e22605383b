# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Expressions and time zones of scheduled actions and scheduled tasks, checked before AWS is asked. Pure.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

_FORMS = "expected rate(…), cron(…) or at(…)"
_RATE = re.compile(r"^(\d+) (minute|hour|day)(s?)$")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True)
class _Field:
    """A field of a cron expression: its range, the names of its values, and special forms."""

    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()
    special: str = ""


_FIELDS = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day of month", 1, 31, special=r"\?|L|LW|\d{1,2}W"),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 1, 7, _DAYS, special=r"\?|L|[1-7]L|[1-7]#[1-5]|(SUN|MON|TUE|WED|THU|FRI|SAT)(L|#[1-5])"),
    _Field("year", 1970, 2199),
)


def schedule_findings(schedules: Any, variable: str, key: str) -> Iterator[str]:
    """Findings about the schedules of a service's variable, whose expressions are under the key."""
    for schedule in schedules if isinstance(schedules, list) else ():
        if not isinstance(schedule, Mapping):
            continue
        where = f"{variable}: {schedule.get('name')}: "
        expression, timezone = schedule.get(key), schedule.get("timezone")
        if isinstance(expression, str) and (problem := expression_problem(expression)):
            yield f"{where}{key} is {expression!r}; {problem}"
        if isinstance(timezone, str) and (problem := timezone_problem(timezone)):
            yield f"{where}timezone is {timezone!r}; {problem}"


def expression_problem(expression: str) -> str:
    """What is wrong with an expression; empty where nothing is."""
    found = re.fullmatch(r"(rate|cron|at)\((.*)\)", expression)
    if found is None:
        return _FORMS
    checks = {"rate": _rate_problem, "cron": _cron_problem, "at": _at_problem}
    return checks[found[1]](found[2])


def timezone_problem(name: str) -> str:
    """Whether the time zone exists; nothing is said where this machine has no list of them."""
    if not _zones() or name in _zones():
        return ""
    city = name.rpartition("/")[2].lower().replace(" ", "_")
    near = sorted(zone for zone in _zones() if zone.rpartition("/")[2].lower() == city)[:3]
    return "there is no such time zone" + (
        f"; did you mean {' or '.join(near)}?" if near else ", such as Europe/Berlin"
    )


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _rate_problem(text: str) -> str:
    found = _RATE.match(text)
    if found is None or int(found[1]) == 0:
        return "a rate is a number above 0 and minutes, hours or days, such as rate(5 minutes)"
    if (int(found[1]) == 1) == bool(found[3]):
        return f"AWS wants rate({found[1]} {found[2]}{'' if int(found[1]) == 1 else 's'})"
    return ""


def _at_problem(text: str) -> str:
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return "a time is written as at(2026-12-24T18:00:00)"
    return ""


def _cron_problem(text: str) -> str:
    values = text.split()
    if len(values) != len(_FIELDS):
        names = ", ".join(field.name for field in _FIELDS)
        return f"AWS's cron has six fields ({names}), and this has {len(values)}; such as cron(0 7 ? * MON-FRI *)"
    for field, value in zip(_FIELDS, values, strict=True):
        if not _is_valid(field, value):
            return f"{value} is no {field.name}"
    if (values[2] == "?") == (values[4] == "?"):
        return "one of day of month and day of week is ?, and not both, such as cron(0 7 ? * MON-FRI *)"
    return ""


def _is_valid(field: _Field, value: str) -> bool:
    if field.special and re.fullmatch(field.special, value):
        return True
    return all(_is_part(field, part) for part in value.split(","))


def _is_part(field: _Field, part: str) -> bool:
    """A value, a range, everything, or one of these with an increment."""
    begin, slash, step = part.partition("/")
    if slash and not (step.isdigit() and int(step) > 0):
        return False
    if begin == "*":
        return True
    numbers = [_number(field, end) for end in begin.split("-")]
    return len(numbers) <= 2 and all(number is not None for number in numbers)


def _number(field: _Field, text: str) -> int | None:
    if text.upper() in field.names:
        return field.names.index(text.upper()) + field.lowest
    return int(text) if text.isdigit() and field.lowest <= int(text) <= field.highest else None
