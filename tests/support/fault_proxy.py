"""A proxy between the collection and an AWS API that loses, delays, refuses and garbles single calls, by their name."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class Kind(StrEnum):
    DROP = "drop"  # the request never arrives
    LOSE = "lose"  # it takes effect, its answer is lost
    HOLD = "hold"  # nothing comes back; it takes effect late, once the fault is let go or its time is over
    THROTTLE = "throttle"
    ERROR = "error"
    DENY = "deny"
    REFUSE = "refuse"  # with the fault's own error
    TRUNCATE = "truncate"  # half of the answer, with status 200
    PAGE = "page"  # a proxy's page, with status 200
    DIE_BEFORE = "die before"  # the caller dies, and the request never arrives
    DIE_AFTER = "die after"  # it takes effect, and the caller dies before it hears of it


@dataclass
class Fault:
    """Meets the next `times` calls of an operation whose body matches, once `later` of these have passed."""

    operation: str
    kind: Kind
    times: int = 1
    body: str = ""
    later: int = 0
    # How long a HOLD lasts that nobody lets go.
    seconds: float | None = None
    # The error of a REFUSE, as a JSON protocol has it.
    error: Mapping[str, Any] = field(default_factory=dict)
    # Ends the caller.
    kill: Callable[[], None] = lambda: None
    met: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)

    def meets(self, operation: str, body: bytes) -> bool:
        if self.times == 0 or operation != self.operation or re.search(self.body, body.decode()) is None:
            return False
        self.later -= 1
        return self.later < 0


@dataclass(frozen=True)
class Call:
    """A request as it came, and the operation that it is of."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        target = self.headers.get("X-Amz-Target", "")
        if target:
            return target.rpartition(".")[2]
        action = re.search(rb"(?:^|&)Action=(\w+)", self.body)
        return action[1].decode() if action else f"{self.method} {urlsplit(self.path).path}"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class FaultProxy:
    """Forwards to one endpoint. `calls` are the operations that came, in their order."""

    def __init__(self, endpoint: str) -> None:
        found = urlsplit(endpoint)
        assert found.hostname
        self.host, self.port = found.hostname, found.port or 80
        self.faults: list[Fault] = []
        self.calls: list[str] = []
        self._lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self.faults.append(fault)
        return fault

    def fault_of(self, call: Call) -> Fault | None:
        with self._lock:
            self.calls.append(call.operation)
            found = next((fault for fault in self.faults if fault.meets(call.operation, call.body)), None)
            if found is not None:
                found.times -= 1
                found.met.set()
            return found

    def forward(self, call: Call) -> Answer:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        try:
            connection.request(call.method, call.path, body=call.body, headers=call.headers)
            answer = connection.getresponse()
            headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP]
            return Answer(answer.status, headers, answer.read())
        finally:
            connection.close()

    def answer(self, call: Call) -> Answer | None:
        """What goes back to the caller; None where its connection ends without an answer."""
        fault = self.fault_of(call)
        if fault is None:
            return self.forward(call)
        match fault.kind:
            case Kind.DROP:
                return None
            case Kind.LOSE:
                self.forward(call)
                return None
            case Kind.HOLD:
                fault.let_go.wait(fault.seconds)
                self.forward(call)
                fault.arrived.set()
                return None
            case Kind.DIE_BEFORE:
                fault.kill()
                return None
            case Kind.DIE_AFTER:
                self.forward(call)
                fault.kill()
                return None
            case Kind.TRUNCATE:
                whole = self.forward(call)
                return Answer(200, whole.headers, whole.body[: len(whole.body) // 2])
            case Kind.PAGE:
                return Answer(200, [("Content-Type", "text/html")], b"<!DOCTYPE html><html><p>captive portal</html>")
            case Kind.THROTTLE:
                return refusal(call, 400, "ThrottlingException", "Rate exceeded")
            case Kind.ERROR:
                return refusal(call, 500, "InternalFailure", "internal failure")
            case Kind.REFUSE:
                return Answer(400, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(fault.error).encode())
            case Kind.DENY:
                return refusal(call, 403, "AccessDeniedException", "not authorized")


def refusal(call: Call, status: int, code: str, message: str) -> Answer:
    """An error in the protocol of the call: JSON where it names a target or a path, XML otherwise."""
    if "X-Amz-Target" in call.headers:
        body = f'{{"__type":"{code}","message":"{message}"}}'
        return Answer(status, [("Content-Type", "application/x-amz-json-1.1")], body.encode())
    if urlsplit(call.path).path != "/":
        headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", code)]
        return Answer(status, headers, json.dumps({"message": message}).encode())
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return Answer(status, [("Content-Type", "text/xml")], body.encode())


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            call = Call(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
            answer = proxy.answer(call)
            if answer is None:
                self.close_connection = True
                return
            # A caller that died does not listen any more.
            with suppress(ConnectionError):
                self.send_response(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _handle

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the calls are kept."""

    return Handler


@contextmanager
def fault_proxy(endpoint: str) -> Iterator[FaultProxy]:
    proxy = FaultProxy(endpoint)
    thread = threading.Thread(target=proxy.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        for fault in proxy.faults:
            fault.let_go.set()
        proxy.server.shutdown()
        proxy.server.server_close()
        thread.join()
