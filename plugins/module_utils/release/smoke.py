# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One request of a check through the load balancer, and how its answer differs from the expected one."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..common.text import bounded
from .deadline import within

_BODY_TOLD = 200
# More of an answer is not read.
BODY_BYTES = 1_000_000


@dataclass(frozen=True)
class Endpoint:
    """Where the load balancer is reached, and the host name that the service's rules ask for."""

    address: str
    host: str
    verify: bool = True
    port: int = 443
    tls: bool = True

    def request(
        self, check: Mapping[str, Any], headers: Mapping[str, str], stopped: Callable[[], bool] | None = None
    ) -> Answer:
        """One request of its own connection; the name in TLS is the service's, whatever the address is.

        The whole exchange has to end within the check's timeout. `stopped` is asked meanwhile: that keeps the lease.
        """
        connection = _Named(self.address, self.port, self.host, check["timeout_seconds"], self._context())
        return within(
            lambda: self._exchange(connection, check, headers), check["timeout_seconds"], connection.abort, stopped
        )

    def _context(self) -> ssl.SSLContext | None:
        if not self.tls:
            return None
        context = ssl.create_default_context()
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _exchange(self, connection: _Named, check: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
        began = time.perf_counter()
        try:
            connection.request(
                check["method"], check["path"], body=check.get("body"), headers={"Host": self.host, **headers}
            )
            answer = connection.getresponse()
            content = answer.read(BODY_BYTES)
            seconds = time.perf_counter() - began
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, content, seconds)
        finally:
            connection.close()


class _Named(http.client.HTTPConnection):
    """A connection to an address with another name in TLS: DNS may lead elsewhere, or not be set yet."""

    def __init__(self, address: str, port: int, name: str, timeout: float, context: ssl.SSLContext | None) -> None:
        super().__init__(address, port, timeout=timeout)
        self._name = name
        self._tls = context
        self._plain: socket.socket | None = None

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self.timeout)
        self._plain = plain
        self.sock = self._tls.wrap_socket(plain, server_hostname=self._name) if self._tls else plain

    def abort(self) -> None:
        """End the exchange from another thread."""
        for open_socket in (self.sock, self._plain):
            if open_socket is not None:
                with contextlib.suppress(OSError):
                    open_socket.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


def never() -> bool:
    return False


def mistakes(check: Mapping[str, Any], answer: Answer) -> Iterator[str]:
    """What is not as the check wants it."""
    if answer.status not in check["status"]:
        statuses = " or ".join(map(str, check["status"]))
        yield f"answers {answer.status}, wanted {statuses}: {_excerpt(answer.body)}"
        return
    for name, value in check["expect_headers"].items():
        found = answer.headers.get(name.lower())
        if found != str(value):
            yield f"header {name} is {bounded(repr(found), _BODY_TOLD)}, wanted {value!r}"
    if check["expect_json"]:
        yield from _json_mistakes(check["expect_json"], answer.body)
    if check.get("expect_body") and check["expect_body"] not in answer.body.decode(errors="replace"):
        yield f"the body does not hold {check['expect_body']!r}: {_excerpt(answer.body)}"
    limit = check.get("maximum_milliseconds")
    if limit is not None and answer.seconds * 1000 > limit:
        yield f"took {answer.seconds * 1000:.0f} ms, at most {limit} wanted"


def _json_mistakes(expected: Mapping[str, Any], body: bytes) -> Iterator[str]:
    try:
        content = parsed(body)
    except ValueError as cause:
        yield f"{cause}: {_excerpt(body)}"
        return
    for path, value in expected.items():
        found = dig(content, path)
        if found != value:
            yield f"{path} is {bounded(json.dumps(found), _BODY_TOLD)}, wanted {json.dumps(value)}"


def parsed(body: bytes) -> Any:
    """The JSON of a body; ValueError where it is none, or nested more deeply than Python reads it."""
    try:
        return json.loads(body)
    except RecursionError as cause:
        raise ValueError("the JSON of the body is nested too deeply") from cause
    except ValueError as cause:
        raise ValueError("the body is no JSON") from cause


def dig(content: Any, path: str) -> Any:
    """A value deep inside JSON by its dotted path, such as checks.0.status; None where it is missing."""
    for part in path.split("."):
        if isinstance(content, Mapping):
            content = content.get(part)
        elif isinstance(content, list) and part.isdigit() and int(part) < len(content):
            content = content[int(part)]
        else:
            return None
    return content


def _excerpt(body: bytes) -> str:
    text = " ".join(body.decode(errors="replace").split())
    return repr(text[:_BODY_TOLD] + ("…" if len(text) > _BODY_TOLD else ""))
