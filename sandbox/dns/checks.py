"""Route 53's health checks: a probe over HTTP, HTTPS or TCP, and the state that a row of results comes to."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace

_CONNECT_SECONDS = 4.0
_TCP_CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 2.0
_SEARCHED_BYTES = 5120


@dataclass(frozen=True)
class Check:
    """The configuration of one health check."""

    id: str
    type: str
    address: str | None
    host: str | None
    port: int
    path: str
    search: str
    interval_seconds: float
    threshold: int
    inverted: bool = False
    disabled: bool = False
    sni: bool = False
    children: tuple[str, ...] = ()
    children_needed: int = 0

    @property
    def probed(self) -> bool:
        return not self.disabled and self.type.partition("_")[0] in {"HTTP", "HTTPS", "TCP"}


@dataclass(frozen=True)
class Result:
    """What one probe saw, in the words of GetHealthCheckStatus."""

    passed: bool
    said: str
    timed_out: bool = False


@dataclass(frozen=True)
class Health:
    """Healthy until the results say otherwise so many times in a row, and the other way round."""

    healthy: bool = True
    run: int = 0
    said: str = "No result yet."

    def after(self, result: Result, threshold: int) -> Health:
        if result.passed == self.healthy:
            return Health(self.healthy, 0, result.said)
        run = self.run + 1
        if run >= threshold:
            return Health(result.passed, 0, result.said)
        return replace(self, run=run, said=result.said)


def passes(checks: dict[str, Check], health: dict[str, Health], one_id: str) -> bool:
    """Whether a health check passes; one that does not exist, or is not evaluated here, does."""
    check = checks.get(one_id)
    if check is None or check.disabled:
        return True
    if check.type == "CALCULATED":
        healthy = sum(passes(checks, health, child) for child in check.children) >= check.children_needed
    else:
        healthy = health.get(one_id, Health()).healthy
    return healthy != check.inverted


def probe(check: Check, resolve: Callable[[str], str | None], patience: float = 1.0) -> Result:
    """Ask once, as Route 53's checkers do. Names are resolved by Route 53 itself; every timeout is `patience` times longer."""
    address = check.address or resolve(check.host or "")
    if address is None:
        return Result(False, f"Failure: DNS resolution of {check.host} failed.")
    try:
        if check.type == "TCP":
            socket.create_connection((address, check.port), patience * _TCP_CONNECT_SECONDS).close()
            return Result(True, "Success: TCP connection established.")
        return _ask(check, address, patience)
    except TimeoutError:
        return Result(False, f"Failure: Connection to {address}:{check.port} timed out.", timed_out=True)
    except (OSError, http.client.HTTPException) as failed:
        return Result(False, f"Failure: {failed} (resolved IP: {address})")


def _ask(check: Check, address: str, patience: float) -> Result:
    plain = socket.create_connection((address, check.port), patience * _CONNECT_SECONDS)
    with plain:
        plain.settimeout(patience * (ANSWER_SECONDS if not check.type.startswith("HTTPS") else _CONNECT_SECONDS))
        connection = http.client.HTTPConnection(address, check.port)
        connection.sock = _wrapped(plain, check) if check.type.startswith("HTTPS") else plain
        connection.sock.settimeout(patience * ANSWER_SECONDS)
        host = f"{check.host or address}:{check.port}" if check.port not in {80, 443} else check.host or address
        connection.putrequest("GET", check.path, skip_host=True, skip_accept_encoding=True)
        for name, value in (("Host", host), ("User-Agent", "Amazon-Route53-Health-Check-Service"), ("Accept", "*/*")):
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        said = f"HTTP Status Code {answer.status}, {answer.reason}. Resolved IP: {address}."
        if not 200 <= answer.status < 400:
            return Result(False, f"Failure: {said}")
        if check.type.endswith("_STR_MATCH") and check.search.encode() not in answer.read(_SEARCHED_BYTES):
            return Result(False, f"Failure: {said} The search string was not found.")
        connection.close()
        return Result(True, f"Success: {said}")


def _wrapped(plain: socket.socket, check: Check) -> ssl.SSLSocket:
    """Route 53 does not verify certificates."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain, server_hostname=check.host if check.sni else None)
