# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fifth check: what the log says. Lines that are errors, by route, and the last of them. Pure."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..aws.logs import LogEvent
from ..common.text import one_line
from .facts import Facts, Unread
from .findings import Findings, State, Symptom, at, many

NAME = "logs"
# What CloudWatch Logs searches for: a regular expression without groups, which its filter patterns do not take. It finds too
# much rather than too little; what it finds is looked at again here.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
PATTERN = "%[Ee]rror|ERROR|[Ff]atal|FATAL|[Cc]ritical|CRITICAL|Exception|Traceback|[Pp]anic%"
_LEVELS = {"error", "err", "fatal", "critical", "panic", "alert", "emerg", "emergency"}
_WORDS = re.compile(r"\b(ERROR|FATAL|CRITICAL|[Pp]anic|Traceback|\w*(?:Error|Exception)\b(?=[:\s]))|\berror:")
_MANY = 10
_ONE_ROUTE = 0.9
_LINES_SHOWN = 3
_LINE_CHARACTERS = 240
_ROUTES = ("route", "path", "url", "uri", "request_path")
_STATUS = ("status", "status_code", "statusCode")


@dataclass(frozen=True)
class ErrorLine:
    event: LogEvent
    route: str


def judge(facts: Facts) -> Findings:
    found = Findings(NAME)
    logs = facts.logs
    if isinstance(logs, Unread):
        found.say(State.UNKNOWN, logs.why)
        return found
    lines = error_lines(logs.events)
    least = "" if logs.complete else "at least "
    if not lines:
        found.say(
            State.OK if logs.complete else State.UNKNOWN,
            f"no error line found in {logs.group}" + _partly(logs.complete),
        )
        return found
    routes = Counter(line.route for line in lines if line.route)
    where = f" ({', '.join(f'{route} {count}' for route, count in routes.most_common(3))})" if routes else ""
    found.say(
        State.WARNING if len(lines) >= _MANY else State.OK,
        f"{least}{many(len(lines), 'error line')} since {at(lines[0].event.at)}{where}",
        *((Symptom.ERROR_LINES,) if len(lines) >= _MANY else ()),
    )
    _one_route(found, routes, len(lines))
    for line in lines[-_LINES_SHOWN:]:
        found.evidence.append(f"{at(line.event.at)} {one_line(line.event.message, _LINE_CHARACTERS)}")
    return found


def _partly(complete: bool) -> str:
    return "" if complete else " so far: there are too many lines to search all"


def _one_route(found: Findings, routes: Mapping[str, int], lines: int) -> None:
    if lines < _MANY or not routes:
        return
    route, count = max(routes.items(), key=lambda item: item[1])
    if count >= _ONE_ROUTE * lines:
        found.show(f"{count:,} of {lines:,} error lines are of the route {route}", Symptom.ONE_ROUTE)


def error_lines(events: Sequence[LogEvent]) -> list[ErrorLine]:
    """The events that are errors, oldest first, with the route of each that names one."""
    found = []
    for event in events:
        fields = _fields(event.message)
        # A reading of metrics in the embedded metric format is no line of the program.
        if "_aws" in fields:
            continue
        if _is_error(event.message, fields):
            found.append(ErrorLine(event, _first(fields, _ROUTES)))
    return sorted(found, key=lambda line: line.event.at)


def _is_error(message: str, fields: Mapping[str, Any]) -> bool:
    level = _first(fields, ("level", "severity", "lvl", "log.level")).lower()
    status = _first(fields, _STATUS)
    if status.isdigit() and int(status) >= 500:
        return True
    if level:
        return level in _LEVELS
    return bool(_WORDS.search(message))


def _fields(message: str) -> Mapping[str, Any]:
    if not message.startswith("{"):
        return {}
    try:
        value = json.loads(message)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _first(fields: Mapping[str, Any], names: Sequence[str]) -> str:
    found = next((fields[name] for name in names if isinstance(fields.get(name), (str, int))), "")
    return one_line(str(found), 80)
