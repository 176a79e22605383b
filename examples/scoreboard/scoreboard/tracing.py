"""One span per request to an OTLP/HTTP endpoint, as JSON, in batches; dropped, and counted, when nobody takes them."""

from __future__ import annotations

import json
import queue
import secrets
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

_BATCH = 200
_WAIT_SECONDS = 1.0


@dataclass(frozen=True)
class Span:
    trace_id: str
    parent_id: str
    name: str
    start_ns: int
    end_ns: int
    status: int
    request_id: str


class Tracer:
    """Exports to OTEL_EXPORTER_OTLP_ENDPOINT/v1/traces; without an endpoint it does nothing."""

    def __init__(self, endpoint: str | None, service: str, version: str) -> None:
        self._url = f"{endpoint.rstrip('/')}/v1/traces" if endpoint else None
        self._resource = {"service.name": service, "service.version": version}
        self._queue: queue.Queue[Span | None] = queue.Queue(maxsize=5000)
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="tracer", daemon=True)
        if self._url:
            self._thread.start()

    def record(self, span: Span) -> None:
        if self._url:
            try:
                self._queue.put_nowait(span)
            except queue.Full:
                self.dropped += 1

    def close(self) -> None:
        if self._url:
            self._queue.put(None)
            self._thread.join(timeout=3)

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            batch = [first]
            ended = False
            while len(batch) < _BATCH and not ended:
                try:
                    following = self._queue.get(timeout=_WAIT_SECONDS)
                except queue.Empty:
                    break
                ended = following is None
                if following is not None:
                    batch.append(following)
            self._send(batch)
            if ended:
                return

    def _send(self, batch: list[Span]) -> None:
        request = urllib.request.Request(
            self._url or "", json.dumps(self._payload(batch)).encode(), {"Content-Type": "application/json"}
        )
        try:
            urllib.request.urlopen(request, timeout=3).close()
        except (urllib.error.URLError, OSError):
            self.dropped += len(batch)

    def _payload(self, batch: list[Span]) -> dict[str, Any]:
        spans = [
            {
                "traceId": span.trace_id,
                "spanId": secrets.token_hex(8),
                **({"parentSpanId": span.parent_id} if span.parent_id else {}),
                "name": span.name,
                "kind": 2,
                "startTimeUnixNano": str(span.start_ns),
                "endTimeUnixNano": str(span.end_ns),
                "attributes": _attributes({"http.response.status_code": span.status, "request_id": span.request_id}),
                "status": {"code": 2} if span.status >= 500 else {},
            }
            for span in batch
        ]
        scope = {"scope": {"name": "scoreboard"}, "spans": spans}
        return {"resourceSpans": [{"resource": {"attributes": _attributes(self._resource)}, "scopeSpans": [scope]}]}


def _attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": str(value)}}
        for key, value in values.items()
    ]
