"""CloudWatch Logs: moto keeps groups, streams and events; lines in the embedded metric format become metrics, and searches filter."""

from __future__ import annotations

import re
from typing import Any

from ..metrics.emf import points
from .overlay import patch
from .state import Sandbox

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
_REGEX = re.compile(r"%(.+)%", re.DOTALL)
_REGEX_CHARACTERS = re.compile(r"[A-Za-z0-9 _#=@/;,:\-^$?\[\]{}|\\*+.]*")


def install(sandbox: Sandbox) -> None:
    from moto.logs.models import LogsBackend, LogStream

    @patch(LogsBackend, "put_log_events", ("self", "log_group_name", "log_stream_name", "log_events"))
    def put_log_events(
        original: Any, self: Any, log_group_name: str, log_stream_name: str, log_events: list[dict[str, Any]]
    ) -> Any:
        answer = original(self, log_group_name, log_stream_name, log_events)
        for event in log_events:
            for point in points(event["message"]):
                sandbox.metrics.of(self.region_name).add(
                    point.metric, point.at, point.samples, point.unit, point.resolution
                )
        return answer

    @patch(LogStream, "filter_log_events", ("self", "start_time", "end_time", "filter_pattern"))
    def filter_log_events(original: Any, self: Any, start_time: int, end_time: int, filter_pattern: str) -> Any:
        expression = regular_expression(filter_pattern)
        if expression is None:
            return original(self, start_time, end_time, filter_pattern)
        return [event for event in original(self, start_time, end_time, "") if expression.search(event["message"])]

    @patch(LogsBackend, "filter_log_events", _FILTER_LOG_EVENTS)
    def in_order(original: Any, self: Any, *arguments: Any, **named: Any) -> Any:
        # Events of all streams come in the order of their times, whatever the deprecated parameter says.
        return original(self, *arguments[:-1], True, **named)


def regular_expression(pattern: str | None) -> re.Pattern[str] | None:
    """A filter pattern that is a regular expression; None for one of another kind, which is moto's to apply."""
    from moto.logs.exceptions import InvalidParameterException

    found = _REGEX.fullmatch(pattern or "")
    if found is None:
        return None
    if not _REGEX_CHARACTERS.fullmatch(found[1]):
        raise InvalidParameterException(msg="Invalid character(s) in term")
    return re.compile(found[1])


_FILTER_LOG_EVENTS = (
    "self", "log_group_name", "log_stream_names", "start_time", "end_time", "limit", "next_token", "filter_pattern",
    "interleaved",
)  # fmt: skip
