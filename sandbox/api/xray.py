"""X-Ray: moto keeps segments by trace; here traces are found by an annotation or by a service's faults, and the map is drawn."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from .overlay import patch
from .state import Sandbox
from .xray_graph import services

_ANNOTATION = re.compile(r'\s*annotation[.\[](\w+)\]?\s*=\s*"([^"]*)"\s*$')
_FAULTS = re.compile(r'\s*service\("([^"]+)"\)\s*\{\s*fault(?:\s*=\s*true)?\s*\}\s*$')
_LONGEST_SECONDS = 6 * 3600


def install(sandbox: Sandbox) -> None:
    from moto.xray.models import SegmentCollection
    from moto.xray.responses import XRayResponse

    @patch(XRayResponse, "trace_summaries", ("self",))
    def trace_summaries(original: Any, self: Any) -> Any:
        asked = self._get_param("FilterExpression")
        if asked and _wanted(asked) is None:
            said = f'of filter expressions the sandbox reads annotation.KEY = "VALUE" and service("NAME") {{ fault = true }}: {asked}'
            return self._error("InvalidRequestException", said)
        return _too_long(self) or original(self)

    @patch(XRayResponse, "service_graph", ("self",))
    def service_graph(original: Any, self: Any) -> Any:
        if refused := _too_long(self):
            return refused
        start, end = float(self._get_param("StartTime")), float(self._get_param("EndTime"))
        collection = self.xray_backend._segment_collection
        traces = [
            [json.loads(segment.raw) for segment in trace["segments"]] for trace in list(collection._traces.values())
        ]
        found = services(traces, start, end)
        return json.dumps({"StartTime": start, "EndTime": end, "Services": found, "ContainsOldGroupVersions": False})

    @patch(SegmentCollection, "summary", ("self", "start_time", "end_time", "filter_expression"))
    def summary(
        original: Any, self: Any, start_time: Any, end_time: Any, filter_expression: Any = None
    ) -> dict[str, Any]:
        wanted = _wanted(filter_expression) if filter_expression else None
        found: dict[str, Any] = original(self, start_time, end_time)
        summaries = []
        for summary in found["TraceSummaries"]:
            segments = self._traces[summary["Id"]]["segments"]
            if wanted is None or wanted(segments):
                summaries.append({**summary, **_flags(segments), "Annotations": _values(_annotations(segments))})
        return {**found, "TraceSummaries": summaries, "TracesProcessedCount": len(summaries)}


def _too_long(response: Any) -> Any:
    """X-Ray answers for six hours at most. What lacks a time is moto's to refuse."""
    start, end = response._get_param("StartTime"), response._get_param("EndTime")
    if start is not None and end is not None and float(end) - float(start) > _LONGEST_SECONDS:
        return response._error("InvalidRequestException", "Time range cannot be longer than 6 hours.")
    return None


def _wanted(expression: str) -> Callable[[Sequence[Any]], bool] | None:
    """Whether segments of a trace fit a filter expression; None for one that is not read here."""
    if by_annotation := _ANNOTATION.match(expression):
        key, value = by_annotation.groups()
        return lambda segments: value in _annotations(segments).get(key, ())
    if by_faults := _FAULTS.match(expression):
        name = by_faults[1]
        return lambda segments: any(segment.name == name and segment.misc.get("fault") for segment in segments)
    return None


def _flags(segments: Sequence[Any]) -> dict[str, bool]:
    """moto takes a flag that is there for one that is true."""
    kinds = {"HasError": "error", "HasFault": "fault", "HasThrottle": "throttle"}
    return {flag: any(segment.misc.get(kind) for segment in segments) for flag, kind in kinds.items()}


def _values(annotations: dict[str, list[str]]) -> dict[str, Any]:
    return {
        key: [{"AnnotationValue": {"StringValue": value}} for value in all_of_it]
        for key, all_of_it in annotations.items()
    }


def _annotations(segments: Sequence[Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for segment in segments:
        for key, value in (segment.annotations or {}).items():
            found.setdefault(key, []).append(str(value))
    return found
