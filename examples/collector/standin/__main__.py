"""Runs the stand-in: scrapes, receives, and writes to AWS, until SIGTERM."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from . import emf, exposition, spans
from .aws import Aws, Credentials, Refused
from .config import NotUnderstood, Plan, read

_SCRAPE_SECONDS = 5
_BATCH = 50  # what PutTraceSegments takes
_WAIT_SECONDS = 1.0
_QUEUE = 10_000


def say(message: str, **fields: Any) -> None:
    print(json.dumps({"message": message, **fields}), flush=True)


class Standin:
    """The parts and what they share."""

    def __init__(self, plan: Plan, environment: Mapping[str, str]) -> None:
        self.plan = plan
        self.ending = threading.Event()
        self.segments: queue.Queue[dict[str, Any]] = queue.Queue(_QUEUE)
        credentials = Credentials(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            environment.get("AWS_SESSION_TOKEN", ""),
        )
        endpoint = environment.get("AWS_ENDPOINT_URL")
        self.logs = Aws(credentials, plan.emf.region, endpoint)
        self.xray = Aws(credentials, plan.xray.region, endpoint)
        with urllib.request.urlopen(f"{environment['ECS_CONTAINER_METADATA_URI_V4']}/task", timeout=5) as answer:
            task = json.load(answer)["TaskARN"].rpartition("/")[2]
        self.stream = plan.emf.log_stream.replace("{TaskId}", task)
        self.deltas = emf.Deltas()

    def scrape(self) -> None:
        """Until the end, at its interval. The group is the service's own, so only the stream is made."""
        made = False
        while not self.ending.wait(self.plan.scrape.every_seconds):
            try:
                if not made:
                    self.logs.create_log_stream(self.plan.emf.log_group, self.stream)
                    made = True
                self._write(self._readings())
            except Refused as refused:
                say("metrics are lost", problem=str(refused))

    def _readings(self) -> list[exposition.Reading]:
        """What the app says, and what is said about asking it, as the receiver does."""
        began = time.monotonic()
        try:
            with urllib.request.urlopen(self.plan.scrape.url, timeout=_SCRAPE_SECONDS) as answer:
                found = exposition.read(answer.read().decode())
        except (OSError, ValueError, exposition.Malformed) as failed:
            say("the app was not read", url=self.plan.scrape.url, problem=str(failed))
            return [exposition.Reading("up", "gauge", (), 0.0)]
        took = exposition.Reading("scrape_duration_seconds", "gauge", (), time.monotonic() - began)
        return [*self.deltas.of(found), took, exposition.Reading("up", "gauge", (), 1.0)]

    def _write(self, readings: list[exposition.Reading]) -> None:
        settings, at_ms = self.plan.emf, int(time.time() * 1000)
        events = emf.events(readings, self.plan.labels, settings.namespace, settings.declarations, at_ms)
        self.logs.put_log_events(settings.log_group, self.stream, at_ms, [json.dumps(event) for event in events])

    def send(self) -> None:
        """Segments, in batches; what is queued when the end comes is sent first."""
        while not (self.ending.is_set() and self.segments.empty()):
            batch = self._batch()
            try:
                if batch:
                    self.xray.put_trace_segments(batch)
            except Refused as refused:
                say("traces are lost", segments=len(batch), problem=str(refused))

    def _batch(self) -> list[dict[str, Any]]:
        batch: list[dict[str, Any]] = []
        until = time.monotonic() + _WAIT_SECONDS
        while len(batch) < _BATCH and (left := until - time.monotonic()) > 0:
            try:
                batch.append(self.segments.get(timeout=left))
            except queue.Empty:
                return batch
        return batch

    def receive(self, path: str, body: bytes, content_type: str) -> tuple[int, str]:
        """Status and message for an OTLP request."""
        if path != "/v1/traces":
            return 501, f"this stand-in takes traces (/v1/traces), not {path}"
        try:
            for span in spans.read(body, content_type):
                self.segments.put_nowait(spans.segment(span, self.plan.xray))
        except (ValueError, KeyError, TypeError) as malformed:
            return 400, f"not a request for the export of traces: {malformed!r}"
        except queue.Full:
            return 503, "X-Ray takes them too slowly"
        return 200, ""


def serve(address: tuple[str, int], standin: Standin) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, b'{"status":"Server available"}', "application/json")

        def do_POST(self) -> None:
            kind = self.headers.get("Content-Type", "")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, problem = standin.receive(self.path, body, kind)
            if problem:
                say("not received", path=self.path, problem=problem)
            # An empty ExportTraceServiceResponse: no bytes in protobuf.
            answer = json.dumps({"message": problem} if problem else {}).encode() if "json" in kind else b""
            self._answer(status, answer, kind or "application/json")

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Each request would be a line beside the app's own."""

    threading.Thread(target=ThreadingHTTPServer(address, Handler).serve_forever, daemon=True).start()


def main() -> int:
    try:
        plan = read(os.environ["AOT_CONFIG_CONTENT"])
        standin = Standin(plan, os.environ)
    except (NotUnderstood, KeyError, OSError) as problem:
        say("the stand-in for the collector does not start", problem=f"{type(problem).__name__}: {problem}")
        return 1
    signal.signal(signal.SIGTERM, lambda number, frame: standin.ending.set())
    sender = threading.Thread(target=standin.send)
    sender.start()
    threading.Thread(target=standin.scrape, daemon=True).start()
    for address in (plan.otlp, plan.health):
        serve(address, standin)
    say("the stand-in for the collector is ready", scrapes=plan.scrape.url, stream=standin.stream)
    sender.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
