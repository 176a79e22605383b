"""HTTP/1.1 with a thread per connection; around each request its id, metrics, span and log line; and an orderly end."""

from __future__ import annotations

import re
import secrets
import sys
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .app import OTHER, Answer, Application, Request
from .logs import Log
from .metrics import Metrics
from .settings import HEALTH_ROUTES
from .tracing import Context, Span, Tracer

_BODY_LIMIT = 4096
_LENGTH = re.compile(r"^[0-9]{1,15}$")
_REQUEST_ID = re.compile(r"^[\w.:=;/+-]{1,200}$", re.ASCII)
_QUIET_SECONDS = 0.3
_NEWCOMERS_SECONDS = 5.0
_IN_FLIGHT_SECONDS = 20.0


class Server(ThreadingHTTPServer):
    """Serves until `stop`; knows which requests are in flight."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], application: Application, metrics: Metrics, tracer: Tracer, log: Log):
        self.application = application
        self.metrics = metrics
        self.tracer = tracer
        self.log = log
        self.stopping = False
        self._in_flight = 0
        self._last_end = 0.0
        self._changed = threading.Condition()
        super().__init__(address, Handler)

    def stop(self) -> bool:
        """End in three steps; False where a request was still in flight at the end.

        1. Every answer says `Connection: close`; clients that have not heard of the end yet are served.
        2. When it is quiet, or after some seconds, nothing new is accepted.
        3. What is in flight is finished.
        """
        self.stopping = True
        until = time.monotonic() + _NEWCOMERS_SECONDS
        with self._changed:
            self._last_end = time.monotonic()
            while (left := min(until, self._last_end + _QUIET_SECONDS) - time.monotonic()) > 0 or (
                self._in_flight and time.monotonic() < until
            ):
                self._changed.wait(max(left, 0.01))
        self.shutdown()
        self.server_close()
        with self._changed:
            return self._changed.wait_for(lambda: not self._in_flight, _IN_FLIGHT_SECONDS)

    def begin_request(self) -> None:
        with self._changed:
            self._in_flight += 1

    def end_request(self) -> None:
        with self._changed:
            self._in_flight -= 1
            self._last_end = time.monotonic()
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours; the rest is a bug, and the log gets all of it."""
        failed = sys.exc_info()[1]
        if isinstance(failed, ConnectionError):
            self.log.info("client went away", problem=str(failed))
        else:
            self.log.error("request broke", traceback=traceback.format_exc())


class Handler(BaseHTTPRequestHandler):
    """One connection of a client or load balancer."""

    protocol_version = "HTTP/1.1"
    timeout = 75  # longer than the minute that a load balancer keeps an idle connection
    # One write for headers and body, sent at once: two would wait for the client's delayed acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Server

    def version_string(self) -> str:
        return "scoreboard"

    def handle_one_request(self) -> None:
        self._began = False
        try:
            super().handle_one_request()
        finally:
            if self._began:
                self.server.end_request()

    def parse_request(self) -> bool:
        """Called when the first line is here: from then on the request is in flight."""
        self.server.begin_request()
        self._began = True
        self._started, self._started_ns = time.perf_counter(), time.time_ns()
        return super().parse_request()

    def handle_expect_100(self) -> bool:
        proceeds = super().handle_expect_100()
        self.wfile.flush()
        return proceeds

    def _serve(self) -> None:
        path, _mark, query = self.path.partition("?")
        body, refusal = self._read_body()
        if refusal:
            self.close_connection = True  # what follows on the connection may be the rest of the body
            route, answer = OTHER, refusal
        else:
            route, answer = self.server.application.answer(Request(self.command, path, query, body))
        self._send(route, answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve

    def _read_body(self) -> tuple[bytes, Answer | None]:
        if "Transfer-Encoding" in self.headers:
            return b"", Answer.of(411, error="Send the body with Content-Length.")
        length = self.headers.get("Content-Length", "0")
        if not _LENGTH.match(length):
            return b"", Answer.of(400, error="Content-Length is not a number.")
        if int(length) > _BODY_LIMIT:
            return b"", Answer.of(413, error=f"The body may have {_BODY_LIMIT} bytes.")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            return b"", Answer.of(400, error="The body is shorter than Content-Length.")
        return body, None

    def _send(self, route: str, answer: Answer) -> None:
        request_id = self._request_id()
        context = Context.of(self.headers.get("traceparent"))
        if self.server.stopping:
            self.close_connection = True
        self.send_response(answer.status)
        for name, value in {
            "Content-Type": answer.content_type,
            "Content-Length": str(len(answer.body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Version": self.server.application.version,
            "X-Request-Id": request_id,
            **answer.headers,
        }.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        # Before the last byte leaves: whoever has the answer finds it counted, however busy the machine is.
        self._account(route, answer.status, request_id, context)
        self.wfile.flush()

    def _request_id(self) -> str:
        """The caller's, else the load balancer's, else a new one."""
        for name in ("X-Request-Id", "X-Amzn-Trace-Id"):
            if _REQUEST_ID.match(sent := self.headers.get(name, "")):
                return sent
        return secrets.token_hex(8)

    def _account(self, route: str, status: int, request_id: str, context: Context) -> None:
        seconds = time.perf_counter() - self._started
        self.server.metrics.observe(self.command, route, status, seconds)
        end_ns = self._started_ns + int(seconds * 1e9)
        self.server.tracer.record(Span(context, self.command, route, status, self._started_ns, end_ns, request_id))
        log = self.server.log
        quiet = route in HEALTH_ROUTES and status < 400
        (log.error if status >= 500 else log.debug if quiet else log.info)(
            "request",
            method=self.command,
            route=route,
            path=self.path,
            status=status,
            duration_ms=round(seconds * 1000, 2),
            request_id=request_id,
            trace_id=context.trace_id,
        )

    def log_message(self, format: str, *arguments: Any) -> None:
        """http.server's own lines: requests that could not be parsed. The others are logged as JSON above."""
