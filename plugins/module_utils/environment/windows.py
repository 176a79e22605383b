# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Windows of backup and maintenance as RDS takes them: hh:mm-hh:mm each day, ddd:hh:mm-ddd:hh:mm each week. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = r"([01]\d|2[0-3]):([0-5]\d)"
_DAILY = re.compile(f"^{_TIME}-{_TIME}$")
_WEEKLY = re.compile(f"^({'|'.join(_DAYS)}):{_TIME}-({'|'.join(_DAYS)}):{_TIME}$")
_DAY, _SHORTEST = 24 * 60, 30
_WEEK = 7 * _DAY


def problems(backup: str, maintenance: str) -> Iterator[str]:
    """What is wrong with the two, each by itself and both together."""
    daily, weekly = _daily(backup), _weekly(maintenance)
    if daily is None:
        yield f"backup_window is {backup!r}; it is hh:mm-hh:mm in UTC, 30 minutes or longer, such as 02:00-03:00"
    if weekly is None:
        yield f"maintenance_window is {maintenance!r}; it is ddd:hh:mm-ddd:hh:mm in UTC, 30 minutes or longer, such as sun:03:30-sun:04:30"
    if daily and weekly and any(_meet((daily[0] + day * _DAY, daily[1]), weekly) for day in range(7)):
        yield f"backup_window {backup} and maintenance_window {maintenance} meet; RDS wants them apart"


def _daily(text: str) -> tuple[int, int] | None:
    """Start in minutes, and length."""
    match = _DAILY.match(text)
    if not match:
        return None
    first_hour, first, last_hour, last = (int(part) for part in match.groups())
    return _span(first_hour * 60 + first, last_hour * 60 + last, _DAY)


def _weekly(text: str) -> tuple[int, int] | None:
    match = _WEEKLY.match(text)
    if not match:
        return None
    day, hour, minute, last_day, last_hour, last = match.groups()
    start = _DAYS.index(day) * _DAY + int(hour) * 60 + int(minute)
    end = _DAYS.index(last_day) * _DAY + int(last_hour) * 60 + int(last)
    return _span(start, end, _WEEK)


def _span(start: int, end: int, cycle: int) -> tuple[int, int] | None:
    length = (end - start) % cycle
    return (start, length) if length >= _SHORTEST else None


def _meet(first: tuple[int, int], second: tuple[int, int]) -> bool:
    """Whether two spans of a week share a minute; either may go on into the next week."""
    return (second[0] - first[0]) % _WEEK < first[1] or (first[0] - second[0]) % _WEEK < second[1]
