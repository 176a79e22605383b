"""CloudWatch Logs Insights: queries are run over moto's log events, where moto would skip most of their commands."""

from __future__ import annotations

import time
import uuid
from typing import Any

from ..errors import ApiError
from ..insights.events import fields_of
from ..insights.queries import Query, parse
from ..insights.values import InvalidQuery, Row
from .overlay import Context, handle
from .state import Sandbox

_GROUPS_OF_A_QUERY = 50
_ROWS_OF_A_PAGE = 10_000
# A query is over some time after its start, and who asks at once finds it running.
_RUNNING_SECONDS = 0.5


def install(sandbox: Sandbox) -> None:
    InsightsQueries(sandbox).install()


class InsightsQueries:
    """Queries that were started, by region and id, with their results."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._queries: dict[str, dict[str, dict[str, Any]]] = {}
        sandbox.keep("queries of Logs Insights", self, "_queries")

    def install(self) -> None:
        calls = {
            "StartQuery": self.start,
            "GetQueryResults": self.results,
            "DescribeQueries": self.describe,
            "StopQuery": self.stop,
        }
        handle("logs", calls)

    def start(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        begin, end = int(request["startTime"]), int(request["endTime"])
        if end < begin:
            raise ApiError("InvalidParameterException", "End time should not be less than start time")
        query = _parsed(request["queryString"])
        rows, size = self._events(_groups(request), context, begin * 1000, end * 1000)
        answer = query.run(rows, request.get("limit"))
        key = str(uuid.uuid4())
        self._queries.setdefault(context.region, {})[key] = {
            "queryString": request["queryString"],
            "logGroupNames": _groups(request),
            "started": time.time(),
            "stopped": False,
            "results": answer.rows,
            "statistics": {
                "recordsMatched": float(answer.matched),
                "recordsScanned": float(len(rows)),
                "bytesScanned": float(size),
            },
        }
        return {"queryId": key}

    def _events(self, groups: list[str], context: Context, begin: int, end: int) -> tuple[list[Row], int]:
        """The rows of the events in a span of time, both ends included, and their bytes."""
        found: list[tuple[Any, str, str]] = []
        with self._sandbox.lock:
            known = self._sandbox.backend("logs", context.region).groups
            for name in groups:
                if name not in known:
                    raise ApiError("ResourceNotFoundException", f"Log group {name!r} does not exist.")
                for stream in known[name].streams.values():
                    stream_name = stream.log_stream_name
                    found += [(event, name, stream_name) for event in stream.events if begin <= event.timestamp <= end]
        rows = [fields_of(event, group, stream, context.account) for event, group, stream in found]
        return rows, sum(len(event.message.encode()) for event, _group, _stream in found)

    def _query(self, key: str, context: Context) -> dict[str, Any]:
        query = self._queries.get(context.region, {}).get(key)
        if query is None:
            raise ApiError("ResourceNotFoundException", f"The query {key} does not exist.")
        return query

    def results(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        query = self._query(request["queryId"], context)
        status = _status(query)
        rows = query["results"] if status == "Complete" else []
        size, start = int(request.get("maxItems") or _ROWS_OF_A_PAGE), int(request.get("nextToken") or 0)
        more = {"nextToken": str(start + size)} if start + size < len(rows) else {}
        return {
            "results": [
                [{"field": name, "value": value} for name, value in row.items()] for row in rows[start : start + size]
            ],
            "statistics": query["statistics"],
            "status": status,
            **more,
        }

    def describe(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        group, status = request.get("logGroupName"), request.get("status")
        return {
            "queries": [
                {
                    "queryId": key,
                    "queryString": query["queryString"],
                    "status": _status(query),
                    "createTime": int(query["started"] * 1000),
                    "logGroupName": query["logGroupNames"][0],
                }
                for key, query in self._queries.get(context.region, {}).items()
                if group in {None, *query["logGroupNames"]} and status in {None, _status(query)}
            ]
        }

    def stop(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        query = self._query(request["queryId"], context)
        if _status(query) != "Running":
            raise ApiError("InvalidParameterException", "Query is not in a cancellable state.")
        query["stopped"] = True
        return {"success": True}


def _status(query: dict[str, Any]) -> str:
    if query["stopped"]:
        return "Cancelled"
    return "Running" if time.time() < query["started"] + _RUNNING_SECONDS else "Complete"


def _groups(request: dict[str, Any]) -> list[str]:
    given = [request[key] for key in ("logGroupName", "logGroupNames", "logGroupIdentifiers") if request.get(key)]
    if len(given) != 1:
        raise ApiError(
            "InvalidParameterException",
            "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers is required.",
        )
    names = given if isinstance(given[0], str) else given[0]
    if len(names) > _GROUPS_OF_A_QUERY:
        raise ApiError("InvalidParameterException", f"A query searches {_GROUPS_OF_A_QUERY} log groups at most.")
    return [name.partition(":log-group:")[2].removesuffix(":*") or name for name in names]


def _parsed(query: str) -> Query:
    try:
        return parse(query)
    except InvalidQuery as invalid:
        before = query[: invalid.at]
        line, position = before.count("\n") + 1, invalid.at - (before.rfind("\n") + 1) + 1
        raise ApiError(
            "MalformedQueryException",
            f"{invalid.message} at line {line} and position {position}",
            queryCompileError={
                "location": {"startCharOffset": invalid.at, "endCharOffset": len(query)},
                "message": invalid.message,
            },
        ) from invalid
