# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One request of a check through the load balancer, and what is not as wanted about its answer."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_BODY_TOLD = 200


@dataclass(frozen=True)
class Endpoint:
    """Where the load balancer is reached, and the host name that the service's rules ask for."""

    address: str
    host: str
    verify: bool = True
    port: int = 443

    def request(self, check: Mapping[str, Any], headers: Mapping[str, str]) -> Answer:
        """One request of its own connection; the name in TLS is the service's, whatever the address is."""
        context = ssl.create_default_context()
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        connection = _Named(self.address, self.port, self.host, check["timeout_seconds"], context)
        body = check.get("body")
        began = time.perf_counter()
        try:
            connection.request(check["method"], check["path"], body=body, headers={"Host": self.host, **headers})
            answer = connection.getresponse()
            content = answer.read()
            seconds = time.perf_counter() - began
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, content, seconds)
        finally:
            connection.close()


class _Named(http.client.HTTPSConnection):
    """A connection to an address with another name in TLS: DNS may lead elsewhere, or not be set yet."""

    def __init__(self, address: str, port: int, name: str, timeout: float, context: ssl.SSLContext) -> None:
        super().__init__(address, port, timeout=timeout, context=context)
        self._name = name
        self._tls = context

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self._name)


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
        wanted = " or ".join(map(str, check["status"]))
        yield f"answers {answer.status}, wanted {wanted}: {_told(answer.body)}"
        return
    for name, value in check["expect_headers"].items():
        found = answer.headers.get(name.lower())
        if found != str(value):
            yield f"header {name} is {found!r}, wanted {value!r}"
    if check["expect_json"]:
        yield from _json_mistakes(check["expect_json"], answer.body)
    if check.get("expect_body") and check["expect_body"] not in answer.body.decode(errors="replace"):
        yield f"the body does not hold {check['expect_body']!r}: {_told(answer.body)}"
    limit = check.get("maximum_milliseconds")
    if limit is not None and answer.seconds * 1000 > limit:
        yield f"took {answer.seconds * 1000:.0f} ms, at most {limit} wanted"


def _json_mistakes(wanted: Mapping[str, Any], body: bytes) -> Iterator[str]:
    try:
        content = json.loads(body)
    except ValueError:
        yield f"the body is no JSON: {_told(body)}"
        return
    for path, value in wanted.items():
        found = dig(content, path)
        if found != value:
            yield f"{path} is {json.dumps(found)}, wanted {json.dumps(value)}"


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


def _told(body: bytes) -> str:
    text = " ".join(body.decode(errors="replace").split())
    return repr(text[:_BODY_TOLD] + ("…" if len(text) > _BODY_TOLD else ""))
