# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The log lines of a service: the newest, those of a request, those since its last release; and those that come."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..aws import ecs, logs
from ..aws.errors import Failure
from ..aws.logs import LogEvent, LogSearch
from ..common.invocation import Invocation
from ..common.text import LINE_CHARACTERS, bounded, harmless, one_line
from ..release.ledger import DynamoLedger
from ..release.ports import PortError
from ..rollout.lease import clock_time
from ..rollout.model import Release
from .place import Place, find, log_group_of

# The newest minutes first: a busy log has too many lines to read all of them for the last few.
_SLICES_SECONDS = (60.0, 600.0, math.inf)
# A search for few lines answers with many empty pages; each looks through a part of the log.
_PAGES, _EVENTS_PER_PAGE = 100, 1000
_FOLLOW_PAUSE_SECONDS = 2.0
# CloudWatch Logs shows a line some seconds after it was written, and not in order over streams.
_LATE_SECONDS = 30.0
# Inside of quotes a filter pattern takes these as they are.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
_REQUEST_ID = re.compile(r"[A-Za-z0-9=;:._/+-]{4,256}")


@dataclass(frozen=True)
class Span:
    """From when, and why from then."""

    start: float
    said: str


def run(call: Invocation) -> dict[str, Any]:
    """Return the lines, oldest first; with follow_minutes also write those that come as progress."""
    place = find(call.aws, call.params)
    pattern = _pattern(call.params)
    group = place.log_group or log_group_of(_definition(call, place))
    if not group:
        raise Failure(f"The containers of service {place.service} log to no log group of CloudWatch Logs.")
    now = call.clock.now()
    span = _span(call, place, now)
    limit = call.params["limit"]
    events, complete = _newest(call, LogSearch(group, pattern, span.start, now, _PAGES, _EVENTS_PER_PAGE), limit)
    if call.params["follow_minutes"]:
        followed = _follow(call, LogSearch(group, pattern, now, now, _PAGES, _EVENTS_PER_PAGE), events)
        events = [*events, *followed][-limit:]
    lines = [shown(event) for event in events]
    answer: dict[str, Any] = harmless(
        {
            "changed": False,
            "log_group": group,
            "since": clock_time(span.start),
            "lines": lines,
            "complete": complete,
            "headline": headline(place.service, len(lines), span, complete),
        }
    )
    return answer


def headline(service: str, count: int, span: Span, complete: bool) -> str:
    cut = "" if complete else "; there are more: narrow them by a request id or a filter, or raise the limit"
    return f"{service}: {count} line{'s' if count != 1 else ''} since {clock_time(span.start)}{span.said}{cut}"


def shown(event: LogEvent) -> str:
    """Time, container and task, and the line."""
    stream = event.stream.partition("/")[2]
    container, _slash, task = stream.rpartition("/")
    by = f"{container}/{task[:12]}" if container else event.stream
    return f"{clock_time(event.at)} {by} | {bounded(one_line(event.message), LINE_CHARACTERS)}"


def _pattern(params: Any) -> str:
    request_id = params["request_id"]
    if not request_id:
        return str(params["filter"])
    if not _REQUEST_ID.fullmatch(request_id):
        raise Failure(
            f"request_id is {request_id!r}: an id has 4 to 256 letters, digits and = ; : . _ / + -. Use filter for another text."
        )
    return f'"{request_id}"'


def _span(call: Invocation, place: Place, now: float) -> Span:
    if not call.params["since_release"]:
        return Span(now - 60 * call.params["minutes"], "")
    try:
        releases = DynamoLedger(call.aws, place.ledger, place.service).history().releases
    except PortError as failed:
        raise Failure(str(failed)) from failed
    if not releases:
        raise Failure(f"Service {place.service} has no release on record. Use minutes instead of since_release.")
    last: Release = max(releases, key=lambda release: (release.started_at, release.id))
    return Span(last.started_at, f", when {last.kind} {last.id} of {last.label} began")


def _definition(call: Invocation, place: Place) -> dict[str, Any] | None:
    services = ecs.services(call.aws, place.cluster, list(place.ecs_services.values()))
    most = max(services.values(), key=lambda service: service.desired, default=None)
    return ecs.task_definition(call.aws, most.task_definition) if most else None


def _newest(call: Invocation, search: LogSearch, limit: int) -> tuple[list[LogEvent], bool]:
    """The newest lines, oldest first, and whether these are all of them."""
    found: list[LogEvent] = []
    end, complete = search.end, True
    for seconds in _SLICES_SECONDS:
        start = max(search.start, search.end - seconds)
        events, whole = logs.search_events(
            call.aws, LogSearch(search.group, search.pattern, start, end, search.pages, search.events)
        )
        found, complete = [*events, *found], complete and whole
        # Both ends of a search are included, to the millisecond.
        end = start - 0.001
        if start <= search.start:
            break
        if len(found) >= limit:
            return found[-limit:], False
    return found[-limit:], complete and len(found) <= limit


def _follow(call: Invocation, search: LogSearch, before: Sequence[LogEvent]) -> list[LogEvent]:
    """Write each line that comes, once, until the minutes are over."""
    for event in before:
        call.progress.line(f"| {shown(event)}")
    shown_ids = {event.id for event in before if event.id}
    came: list[LogEvent] = []
    searched, until = search.end, search.end + 60 * call.params["follow_minutes"]
    while call.clock.now() < until:
        call.clock.sleep(min(_FOLLOW_PAUSE_SECONDS, until - call.clock.now()))
        now = call.clock.now()
        # From where the last search ended: one of a busy log, or a throttled one, may take longer than a line is late.
        start, searched = searched - _LATE_SECONDS, now
        events, _complete = logs.search_events(
            call.aws, LogSearch(search.group, search.pattern, start, now, search.pages, search.events)
        )
        new = [event for event in events if event.id not in shown_ids]
        for event in new:
            call.progress.line(f"| {shown(event)}")
        shown_ids |= {event.id for event in new}
        came = [*came, *new][-call.params["limit"] :]
    return came
