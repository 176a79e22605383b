"""HTTP: routes, and around each request its id, log line, metrics, span and chaos."""

from __future__ import annotations

import html
import json
import re
import secrets
import socket
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .chaos import Chaos
from .metrics import Metrics
from .store import Store
from .tracing import Span, Tracer

_PAGE = (Path(__file__).parent / "page.html").read_text()
_BODY_LIMIT = 4096
_TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$")
_REQUEST_ID = re.compile(r"^[\w.:=;-]{1,120}$")


@dataclass(frozen=True)
class Answer:
    """Status, body and its type."""

    status: int
    body: bytes
    content_type: str = "application/json"

    @classmethod
    def of(cls, code: int, /, **values: Any) -> Answer:
        return cls(code, json.dumps(values).encode())


@dataclass
class Application:
    """What the handlers share."""

    version: str
    store: Store
    metrics: Metrics
    chaos: Chaos
    tracer: Tracer
    stopping: bool = False

    def answer(self, method: str, path: str, body: bytes) -> tuple[str, Answer]:
        """The route (for metrics: never the raw path) and what it answers."""
        routes = {
            ("GET", "/"): self.page,
            ("GET", "/healthz"): lambda: Answer.of(200, status="ok", version=self.version),
            ("GET", "/readyz"): self.ready,
            ("GET", "/metrics"): lambda: Answer(200, self.metrics.text().encode(), "text/plain; version=0.0.4"),
            ("GET", "/leaderboard"): lambda: Answer.of(200, leaders=self.store.leaders(), version=self.version),
            ("POST", "/score"): lambda: self.score(body),
        }
        handle = routes.get((method, path))
        if handle is None:
            known = path in {route for _, route in routes}
            return (path if known else "other"), Answer.of(405 if known else 404, error="no such route")
        mischief = self.chaos.strike(path)
        if mischief.seconds:
            time.sleep(mischief.seconds)
        return path, Answer.of(500, error="chaos") if mischief.fail else handle()

    def page(self) -> Answer:
        text = _PAGE.replace("{{version}}", html.escape(self.version)).replace("{{storage}}", self.store.mode)
        return Answer(200, text.encode(), "text/html; charset=utf-8")

    def ready(self) -> Answer:
        ready = self.store.ready() and not self.stopping
        return Answer.of(
            200 if ready else 503,
            status="ready" if ready else "not ready",
            storage_mode=self.store.mode,
            storage_problem=self.store.problem,
            version=self.version,
        )

    def score(self, body: bytes) -> Answer:
        try:
            given = json.loads(body)
            player, score = given["player"], given["score"]
        except (ValueError, KeyError, TypeError):
            return Answer.of(400, error='expected {"player": text, "score": integer}')
        if (
            not isinstance(player, str)
            or not 0 < len(player) <= 40
            or not isinstance(score, int)
            or isinstance(score, bool)
        ):
            return Answer.of(400, error="player is a text of 1 to 40 characters, score an integer")
        self.store.add(player, score)
        self.metrics.scored()
        return Answer.of(201, player=player, score=score, version=self.version)


class Server(ThreadingHTTPServer):
    """A thread per connection; `finish` waits for requests, not for idle connections."""

    daemon_threads = True
    request_queue_size = 512
    address_family = socket.AF_INET

    def __init__(self, address: tuple[str, int], application: Application) -> None:
        self.application = application
        self._in_flight = 0
        self._idle = threading.Condition()
        super().__init__(address, Handler)

    def begin_request(self) -> None:
        with self._idle:
            self._in_flight += 1

    def end_request(self) -> None:
        with self._idle:
            self._in_flight -= 1
            self._idle.notify_all()

    def finish(self, seconds: float) -> bool:
        """Wait until no request is in flight; False where one still was after so many seconds."""
        with self._idle:
            return self._idle.wait_for(lambda: self._in_flight == 0, seconds)


class Handler(BaseHTTPRequestHandler):
    """One connection of a client or load balancer."""

    protocol_version = "HTTP/1.1"
    server_version = "scoreboard"
    sys_version = ""
    timeout = 75  # longer than a load balancer keeps an idle connection
    server: Server

    def do_GET(self) -> None:
        self._serve("GET")

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        self.server.begin_request()
        try:
            self._answer(method)
        finally:
            self.server.end_request()

    def _answer(self, method: str) -> None:
        application = self.server.application
        began, began_ns = time.perf_counter(), time.time_ns()
        length = int(self.headers.get("Content-Length") or 0)
        if length > _BODY_LIMIT:
            self.close_connection = True
            route, answer = "other", Answer.of(413, error=f"at most {_BODY_LIMIT} bytes")
        else:
            route, answer = application.answer(method, self.path.partition("?")[0], self.rfile.read(length))
        sent = self.headers.get("X-Request-Id") or self.headers.get("X-Amzn-Trace-Id") or ""
        request_id = sent if _REQUEST_ID.match(sent) else secrets.token_hex(8)
        if application.stopping:
            self.close_connection = True
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("X-Version", application.version)
        self.send_header("X-Request-Id", request_id)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        seconds = time.perf_counter() - began
        application.metrics.observe(method, route, answer.status, seconds)
        parent = _TRACEPARENT.match(self.headers.get("traceparent") or "")
        trace_id, parent_id = parent.groups() if parent else (secrets.token_hex(16), "")
        end_ns = began_ns + int(seconds * 1e9)
        application.tracer.record(
            Span(trace_id, parent_id, f"{method} {route}", began_ns, end_ns, answer.status, request_id)
        )
        if route != "/healthz":
            log(
                "request",
                method=method,
                path=self.path,
                status=answer.status,
                duration_ms=round(seconds * 1000, 2),
                request_id=request_id,
                trace_id=trace_id,
                version=application.version,
            )

    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests are logged as JSON above."""


def log(message: str, **fields: Any) -> None:
    """One JSON object per line on standard output."""
    sys.stdout.write(json.dumps({"time": time.time(), "level": "info", "message": message, **fields}) + "\n")
    sys.stdout.flush()
