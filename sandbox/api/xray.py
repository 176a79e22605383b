"""X-Ray: moto keeps segments by trace; here traces are found by an annotation, as a log line leads to its trace."""

from __future__ import annotations

import re
from typing import Any

from .overlay import patch
from .state import Sandbox

_ANNOTATION = re.compile(r'\s*annotation[.\[](\w+)\]?\s*=\s*"([^"]*)"\s*$')


def install(sandbox: Sandbox) -> None:
    from moto.xray.models import SegmentCollection
    from moto.xray.responses import XRayResponse

    @patch(XRayResponse, "trace_summaries", ("self",))
    def trace_summaries(original: Any, self: Any) -> Any:
        asked = self._get_param("FilterExpression")
        if asked and not _ANNOTATION.match(asked):
            return self._error(
                "InvalidRequestException",
                f'of filter expressions the sandbox reads annotation.KEY = "VALUE" alone: {asked}',
            )
        return original(self)

    @patch(SegmentCollection, "summary", ("self", "start_time", "end_time", "filter_expression"))
    def summary(
        original: Any, self: Any, start_time: Any, end_time: Any, filter_expression: Any = None
    ) -> dict[str, Any]:
        wanted = _ANNOTATION.match(filter_expression) if filter_expression else None
        found: dict[str, Any] = original(self, start_time, end_time)
        summaries = []
        for one in found["TraceSummaries"]:
            annotations = _annotations(self._traces[one["Id"]]["segments"])
            if wanted is None or wanted[2] in annotations.get(wanted[1], ()):
                values = {
                    key: [{"AnnotationValue": {"StringValue": value}} for value in all_of_it]
                    for key, all_of_it in annotations.items()
                }
                summaries.append({**one, "Annotations": values})
        return {**found, "TraceSummaries": summaries, "TracesProcessedCount": len(summaries)}


def _annotations(segments: list[Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for segment in segments:
        for key, value in (segment.annotations or {}).items():
            found.setdefault(key, []).append(str(value))
    return found
