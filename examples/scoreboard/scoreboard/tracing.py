"""One span per request, to an OTLP/HTTP collector as JSON, in batches from a thread: a request never waits for it."""

from __future__ import annotations

import http.client
import json
import queue
import re
import secrets
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from .logs import Log
from .metrics import Metrics

_QUEUE = 5000
_BATCH = 200
_WAIT_SECONDS = 1.0
_ANSWER_SECONDS = 3.0
_TRACEPARENT = re.compile(r"^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-|$)")


@dataclass(frozen=True)
class Context:
    """Where a request stands in its trace, by W3C Trace Context."""

    trace_id: str
    span_id: str
    parent_id: str | None
    sampled: bool

    @classmethod
    def of(cls, traceparent: str | None) -> Context:
        """Go on with the caller's trace; without one, or where it is malformed, begin one."""
        span_id = secrets.token_hex(8)
        if found := _TRACEPARENT.match(traceparent or ""):
            return cls(found[1], span_id, found[2], bool(int(found[3], 16) & 1))
        return cls(secrets.token_hex(16), span_id, None, True)


@dataclass(frozen=True)
class Span:
    """A request that was answered."""

    context: Context
    method: str
    route: str
    status: int
    start_ns: int
    end_ns: int
    request_id: str


class Tracer:
    """Exports to ENDPOINT/v1/traces; without an endpoint it does nothing."""

    def __init__(self, endpoint: str | None, service: str, version: str, metrics: Metrics, log: Log) -> None:
        self._url = f"{endpoint.rstrip('/')}/v1/traces" if endpoint else None
        self._resource = {"service.name": service, "service.version": version}
        self._metrics, self._log = metrics, log
        self._spans: queue.Queue[Span | None] = queue.Queue(_QUEUE)
        self._answering = True
        self._thread = threading.Thread(target=self._run, name="tracer", daemon=True)
        if self._url:
            self._thread.start()

    def record(self, span: Span) -> None:
        if not self._url or not span.context.sampled:
            return
        try:
            self._spans.put_nowait(span)
        except queue.Full:
            self._metrics.spans_lost(1)

    def close(self) -> None:
        """Send what is queued, as far as that takes no longer than a collector may need for an answer."""
        if not self._url:
            return
        try:
            self._spans.put(None, timeout=_ANSWER_SECONDS)
        except queue.Full:
            return  # nobody takes them
        self._thread.join(_ANSWER_SECONDS)

    def _run(self) -> None:
        ended = False
        while not ended:
            batch, ended = self._collect()
            if batch:
                self._send(batch)

    def _collect(self) -> tuple[list[Span], bool]:
        """A batch, full or as old as a second; and whether it is the last."""
        batch: list[Span] = []
        span = self._spans.get()
        deadline = time.monotonic() + _WAIT_SECONDS
        while span is not None:
            batch.append(span)
            if len(batch) == _BATCH:
                return batch, False
            try:
                span = self._spans.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return batch, False
        return batch, True

    def _send(self, batch: list[Span]) -> None:
        body = json.dumps(payload(batch, self._resource)).encode()
        request = urllib.request.Request(self._url or "", body, {"Content-Type": "application/json"})
        try:
            urllib.request.urlopen(request, timeout=_ANSWER_SECONDS).close()
        except (urllib.error.URLError, http.client.HTTPException, OSError) as failed:
            self._metrics.spans_lost(len(batch))
            if self._answering:
                self._log.warning("traces are lost until the collector answers", url=self._url, problem=str(failed))
            self._answering = False
            return
        self._metrics.spans_sent(len(batch))
        if not self._answering:
            self._log.info("the collector takes traces again", url=self._url)
        self._answering = True


def payload(batch: list[Span], resource: dict[str, str]) -> dict[str, Any]:
    """An ExportTraceServiceRequest in OTLP's JSON encoding: ids in hex, 64-bit numbers as text."""
    scope = {"scope": {"name": "scoreboard"}, "spans": [_span(span) for span in batch]}
    return {"resourceSpans": [{"resource": {"attributes": _attributes(resource)}, "scopeSpans": [scope]}]}


def _span(span: Span) -> dict[str, Any]:
    return {
        "traceId": span.context.trace_id,
        "spanId": span.context.span_id,
        **({"parentSpanId": span.context.parent_id} if span.context.parent_id else {}),
        "name": f"{span.method} {span.route}",
        "kind": 2,  # SPAN_KIND_SERVER
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": _attributes(
            {
                "http.request.method": span.method,
                "http.route": span.route,
                "http.response.status_code": span.status,
                "request_id": span.request_id,
            }
        ),
        "status": {"code": 2} if span.status >= 500 else {},  # STATUS_CODE_ERROR
    }


def _attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in values.items()
    ]
