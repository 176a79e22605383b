# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with a service, and what to type next: six checks at once, read only."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotInTime
from typing import Any, TypeVar

from ..aws.cloudwatch import Window
from ..aws.session import Aws
from ..common.invocation import Invocation
from ..common.text import harmless
from .causes import CommandValues
from .facts import Facts, Unread
from .place import Place, find
from .readers import Readers, attempt
from .screen import as_data, note, screen
from .triage import triage

T = TypeVar("T")
# Six checks with the alarms of both regions, and what they read at once.
_CHECKS, _AT_ONCE = 8, 12
TRIAGE_ARGUMENTS: dict[str, Any] = {
    "minutes": {"type": "int", "default": 15},
    "period_seconds": {"type": "int", "default": 60},
    "timeout_seconds": {"type": "int", "default": 20},
    "host": {"type": "str", "default": ""},
    "inventory": {"type": "str", "default": ""},
}


def run(call: Invocation) -> dict[str, Any]:
    """Return the verdicts, the likely causes, the command to type next; as data, as a screen and as a note."""
    aws, now = call.aws.brief(), call.clock.now()
    place = find(aws, call.params)
    values = CommandValues(call.params["host"] or place.service, call.params["inventory"], place.log_group)
    report = triage(read(aws, place, call, now), values)
    answer: dict[str, Any] = harmless(
        {"changed": False, **as_data(report), "screen": screen(report), "note": note(report)}
    )
    return {**answer, "seconds": round(call.clock.now() - now, 1)}


def read(aws: Aws, place: Place, call: Invocation, now: float) -> Facts:
    """All parts at once. One that is not there after `timeout_seconds` is unknown, and is waited for no longer."""
    minutes, period = call.params["minutes"], call.params["period_seconds"]
    start = (now - 60 * minutes) // period * period
    parts, checks = ThreadPoolExecutor(_AT_ONCE), ThreadPoolExecutor(_CHECKS)
    readers = Readers(aws, place, Window(start, now, period), parts)
    until = time.monotonic() + call.params["timeout_seconds"]

    def begin(reader: Callable[[], T]) -> Future[T | Unread]:
        return checks.submit(attempt, reader)

    try:
        answers, tasks, releases = begin(readers.answers), begin(readers.tasks), begin(readers.releases)
        saturation, logs, traces = begin(readers.saturation), begin(readers.logs), begin(readers.traces)
        alarms, health_alarms = begin(readers.alarms), begin(readers.health_alarms)
        return Facts(
            place.service,
            place.environment or place.cluster,
            now,
            minutes,
            in_time(answers, until),
            in_time(tasks, until),
            in_time(releases, until),
            in_time(saturation, until),
            in_time(logs, until),
            in_time(traces, until),
            in_time(alarms, until),
            in_time(health_alarms, until),
        )
    finally:
        # Calls end by their own timeouts; nobody waits for their answers.
        checks.shutdown(wait=False, cancel_futures=True)
        parts.shutdown(wait=False, cancel_futures=True)


def in_time(reading: Future[T | Unread], until: float) -> T | Unread:
    try:
        return reading.result(timeout=max(0.0, until - time.monotonic()))
    except NotInTime:
        return Unread("no answer in time")
