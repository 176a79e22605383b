"""CloudWatch Logs: moto keeps groups and events; here embedded metrics become metrics, searches filter, queries are saved."""

from __future__ import annotations

import re
import time
import uuid
from typing import Any

from ..errors import ApiError
from ..metrics.emf import points
from .overlay import Context, OverlayMismatch, handle, patch
from .state import Sandbox

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
_REGEX = re.compile(r"%(.+)%", re.DOTALL)
_REGEX_CHARACTERS = re.compile(r"[A-Za-z0-9 _#=@/;,:\-^$?\[\]{}|\\*+.]*")


def install(sandbox: Sandbox) -> None:
    from moto.logs.models import LogsBackend, LogStream

    SavedQueries(sandbox).install()

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


class SavedQueries:
    """Saved queries of Logs Insights, by region and id. moto has none."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._saved: dict[str, dict[str, dict[str, Any]]] = {}
        sandbox.keep("saved queries", self, "_saved")

    def install(self) -> None:
        from moto.logs.responses import LogsResponse

        if hasattr(LogsResponse, "put_query_definition"):
            raise OverlayMismatch("moto has PutQueryDefinition of its own now: this overlay is to be read again")
        calls = {
            "PutQueryDefinition": self._put,
            "DescribeQueryDefinitions": self._describe,
            "DeleteQueryDefinition": self._delete,
        }
        handle("logs", calls)

    def _put(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        saved = self._saved.setdefault(context.region, {})
        key = request.get("queryDefinitionId") or str(uuid.uuid4())
        if request.get("queryDefinitionId") and key not in saved:
            raise ApiError("ResourceNotFoundException", "The specified query definition does not exist.")
        # All is replaced: log groups that are not sent again are gone.
        saved[key] = {
            "queryDefinitionId": key,
            "name": request["name"],
            "queryString": request["queryString"],
            "logGroupNames": request.get("logGroupNames", []),
            "lastModified": int(time.time() * 1000),
        }
        return {"queryDefinitionId": key}

    def _describe(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        prefix = request.get("queryDefinitionNamePrefix", "")
        found = [query for query in self._saved.get(context.region, {}).values() if query["name"].startswith(prefix)]
        size, start = int(request.get("maxResults") or 1000), int(request.get("nextToken") or 0)
        more = {"nextToken": str(start + size)} if start + size < len(found) else {}
        return {"queryDefinitions": found[start : start + size], **more}

    def _delete(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        if self._saved.get(context.region, {}).pop(request["queryDefinitionId"], None) is None:
            raise ApiError("ResourceNotFoundException", "The specified query definition does not exist.")
        return {"success": True}


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
