"""OTLP's spans, from its JSON or its protobuf encoding, as segment documents of X-Ray. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import protobuf
from .config import Xray

_SERVER, _ERROR = 2, 2


@dataclass(frozen=True)
class Span:
    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Any]
    failed: bool
    service: str


def read(body: bytes, content_type: str) -> list[Span]:
    """Spans of an ExportTraceServiceRequest. Raises ValueError where it is none."""
    if content_type.startswith("application/json"):
        request = json.loads(body)
    elif content_type.startswith("application/x-protobuf"):
        request = protobuf.trace_request(body)
    else:
        raise ValueError(f"OTLP is application/json or application/x-protobuf, not {content_type!r}")
    return list(_spans(request))


def _spans(request: Mapping[str, Any]) -> Iterator[Span]:
    for group in request.get("resourceSpans", []):
        resource = _attributes(group.get("resource", {}).get("attributes", []))
        for scope in group.get("scopeSpans", []):
            for span in scope.get("spans", []):
                yield Span(
                    trace_id=span["traceId"],
                    span_id=span["spanId"],
                    parent_id=span.get("parentSpanId", ""),
                    name=span.get("name", ""),
                    kind=int(span.get("kind", 0)),
                    start_ns=int(span["startTimeUnixNano"]),
                    end_ns=int(span["endTimeUnixNano"]),
                    attributes=_attributes(span.get("attributes", [])),
                    failed=span.get("status", {}).get("code") == _ERROR,
                    service=str(resource.get("service.name", "unknown_service")),
                )


def _attributes(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    return {pair["key"]: _plain(pair["value"]) for pair in pairs if pair.get("value")}


def _plain(value: Mapping[str, Any]) -> Any:
    ((kind, found),) = value.items()
    if kind == "intValue":
        return int(found)
    if kind == "arrayValue":
        return [_plain(entry) for entry in found.get("values", [])]
    if kind == "kvlistValue":
        return _attributes(found.get("values", []))
    return found


def segment(span: Span, settings: Xray) -> dict[str, Any]:
    """What serves a request is a segment, whatever it does meanwhile a subsegment."""
    status = span.attributes.get("http.response.status_code", span.attributes.get("http.status_code"))
    fault = span.failed or (isinstance(status, int) and status >= 500)
    inside = span.parent_id and span.kind != _SERVER
    document: dict[str, Any] = {
        "name": (span.name if inside else span.service)[:200],
        "id": span.span_id,
        "trace_id": f"1-{span.trace_id[:8]}-{span.trace_id[8:]}",
        "start_time": span.start_ns / 1e9,
        "end_time": span.end_ns / 1e9,
        "fault": fault,
        "error": isinstance(status, int) and 400 <= status < 500,
        "annotations": {key: value for key, value in span.attributes.items() if key in settings.indexed},
        "metadata": {"default": {key: found for key, found in span.attributes.items() if key not in settings.indexed}},
        "aws": {"cloudwatch_logs": [{"log_group": group} for group in settings.log_groups]},
    }
    if span.parent_id:
        document["parent_id"] = span.parent_id
    if inside:
        document["type"] = "subsegment"
    if isinstance(status, int):
        document["http"] = {"response": {"status": status}}
    return document
