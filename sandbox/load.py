"""Steady load: requests at a fixed rate, and a count of what came back as one JSON object.

Answers may take what they take, up to a number of requests in flight. Where these are reached, requests are left out
rather than sent later: a machine that has other work to do is not loaded with what it could not answer before.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import ssl
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import h11

from .edge.http1 import HEAD_LIMIT, Fields, MalformedMessage, Peer

_TIMEOUT_SECONDS = 30.0
_IDLE_SECONDS = 5.0


@dataclass
class Tally:
    """What came back."""

    sent: int = 0
    ok: int = 0
    by_status: Counter[str] = field(default_factory=Counter)
    by_failure: Counter[str] = field(default_factory=Counter)
    by_header: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    first_failures: list[dict[str, Any]] = field(default_factory=list)

    def answered(self, status: int, group: str | None, seconds: float) -> None:
        self.by_status[str(status)] += 1
        self.seconds.append(seconds)
        if group is not None:
            self.by_header[group] += 1
        if 200 <= status < 400:
            self.ok += 1
        else:
            self._remember(f"status {status}", group)

    def failed(self, kind: str) -> None:
        self.by_failure[kind] += 1
        self._remember(kind, None)

    def _remember(self, kind: str, group: str | None) -> None:
        if len(self.first_failures) < 10:
            self.first_failures.append({"at": time.strftime("%H:%M:%S"), "what": kind, "group": group})

    def summary(self) -> dict[str, Any]:
        ordered = sorted(self.seconds)

        def percentile(share: float) -> float | None:
            return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 2) if ordered else None

        return {
            "sent": self.sent,
            "ok": self.ok,
            "failed": self.sent - self.ok,
            "by_status": dict(self.by_status),
            "by_failure": dict(self.by_failure),
            "by_header": dict(self.by_header),
            "latency_ms": {"p50": percentile(0.5), "p99": percentile(0.99), "max": percentile(1.0)},
            "first_failures": self.first_failures,
        }


class Load:
    """Sends to one URL. Connections are kept and used again, or made anew for each request."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.url = urlsplit(arguments.url)
        self.arguments = arguments
        self.tally = Tally()
        self._idle: list[tuple[Peer, float]] = []
        self._tls = self._context() if self.url.scheme == "https" else None
        self._port = self.url.port or (443 if self._tls else 80)
        self._address = self._resolve()
        self._method = "POST" if arguments.data else "GET"
        self._body = (arguments.data or "").encode()
        self._headers = self._fields()

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.arguments.cacert)
        if self.arguments.insecure:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def _resolve(self) -> str:
        for entry in self.arguments.resolve:
            host, port, address = entry.split(":", 2)
            if host == self.url.hostname and int(port) == self._port:
                return str(address)
        return self.url.hostname or ""

    def _fields(self) -> Fields:
        headers = [("Host", self.url.netloc), ("User-Agent", "pear-load")]
        headers += [
            (name, value.strip()) for name, _, value in (header.partition(":") for header in self.arguments.header)
        ]
        if self._body:
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(self._body)))]
        if not self.arguments.keep_alive:
            headers.append(("Connection", "close"))
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]

    def _encode(self, peer: Peer) -> bytes:
        path = (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")
        head = peer.encode_request(self._method, path, self._headers)
        return head + (peer.encode(self._body) if self._body else b"") + peer.encode_end()

    async def run(self) -> None:
        """Send at the rate until the time is over or a signal comes; wait for what is in flight."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        began, flying, room = loop.time(), set[asyncio.Task[None]](), asyncio.Semaphore(self.arguments.in_flight)
        print(f"sending to {self.arguments.url}", file=sys.stderr, flush=True)
        end = began + self.arguments.seconds
        while not ended.is_set() and loop.time() < end:
            due = began + self.tally.sent / self.arguments.rate
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
                continue
            full = room.locked()
            await room.acquire()
            if full:
                began = max(began, loop.time() - self.tally.sent / self.arguments.rate)
            self.tally.sent += 1
            task = loop.create_task(self._send())
            flying.add(task)
            task.add_done_callback(flying.discard)
            task.add_done_callback(lambda _: room.release())
        await asyncio.gather(*flying)

    async def _send(self) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                peer = await self._connection()
                peer.writer.write(self._encode(peer))
                await peer.writer.drain()
                head = await peer.response()
                async for _ in peer.body():
                    pass
        except TimeoutError:
            self.tally.failed("timeout")
            return
        except ConnectionRefusedError:
            self.tally.failed("connection refused")
            return
        except (ssl.SSLError, MalformedMessage, OSError) as broken:
            self.tally.failed(f"connection broke: {type(broken).__name__}")
            return
        group = head.fields.get(self.arguments.group_by_header.lower()) if self.arguments.group_by_header else None
        self.tally.answered(head.status, group, time.monotonic() - began)
        if self.arguments.keep_alive and peer.next_cycle():
            self._idle.append((peer, time.monotonic()))
        else:
            peer.close()

    async def _connection(self) -> Peer:
        while self._idle:
            peer, since = self._idle.pop()
            if time.monotonic() - since < _IDLE_SECONDS and not peer.gone:
                return peer
            peer.close()
        name = self.url.hostname if self._tls else None
        reader, writer = await asyncio.open_connection(
            self._address, self._port, ssl=self._tls, server_hostname=name, limit=HEAD_LIMIT
        )
        return Peer(reader, writer, h11.CLIENT)


def parser() -> argparse.ArgumentParser:
    main = argparse.ArgumentParser(prog="python -m sandbox load", description=__doc__)
    main.add_argument("url")
    main.add_argument("--rate", type=float, default=50, help="requests a second")
    main.add_argument("--seconds", type=float, default=10)
    main.add_argument("--in-flight", type=int, default=1000, help="requests that may be in flight at once")
    main.add_argument("--keep-alive", action=argparse.BooleanOptionalAction, default=True)
    main.add_argument("--resolve", action="append", default=[], metavar="HOST:PORT:ADDRESS", help="as curl has it")
    main.add_argument("--cacert", help="trust this certificate")
    main.add_argument("--insecure", action="store_true", help="do not verify the certificate")
    main.add_argument("--header", action="append", default=[], metavar="NAME: VALUE")
    main.add_argument("--data", help="body of a POST")
    main.add_argument("--group-by-header", metavar="NAME", help="count answers by this header's value")
    return main


def main(arguments: Sequence[str]) -> int:
    load = Load(parser().parse_args(arguments))
    asyncio.run(load.run())
    print(json.dumps(load.tally.summary(), indent=2))
    return 0 if load.tally.ok == load.tally.sent else 1
