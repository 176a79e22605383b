"""One request to one target, and its response back to the client."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from dataclasses import dataclass, field

from ..lateness import Lateness, Timeout
from . import answers
from .client import Client, ClientGone
from .counts import Counts
from .http1 import Fields, MalformedMessage, Request, Response
from .spoils import Met
from .state import Target, TargetGroup
from .upstream import ConnectFailed, Connection, Pool

_BUFFERED = 64 * 1024
_PLAIN_NAME = re.compile(rb"[A-Za-z0-9-]+").fullmatch
_REPLACED = frozenset({b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-port", b"x-amzn-trace-id", b"expect"})
_GONE = (ConnectionError, ssl.SSLError)


@dataclass(frozen=True, slots=True)
class Means:
    """What every exchange uses."""

    pool: Pool
    counts: Counts
    lateness: Lateness


@dataclass(slots=True)
class Forwarded:
    """A request on its way to a target group; `whole` is its body, unless that is passed on as it arrives."""

    client: Client
    head: Request
    group: TargetGroup
    cookies: Fields = field(default_factory=list)
    whole: bytes | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A target, where it really listens, and what a fault does to this request."""

    target: Target
    place: tuple[str, int]
    met: Met


class Exchange:
    """Carries a request to a target. `answered` once the target's response counts."""

    def __init__(self, means: Means, forwarded: Forwarded, route: Route) -> None:
        self._means = means
        self._forwarded = forwarded
        self._client = forwarded.client
        self._route = route
        self._began = time.monotonic()
        self.answered = False

    async def run(self) -> None:
        """Answer the client. Raises ConnectFailed where nothing was sent; other errors while nothing was answered."""
        met, pool = self._route.met, self._means.pool
        if met.vanished:
            raise ConnectFailed("the target has vanished")
        connection = await pool.take(self._route.place)
        self._began = time.monotonic()
        try:
            if met.seconds:
                async with Timeout(self._means.lateness, self._client.balancer.idle_seconds):
                    await asyncio.sleep(met.seconds)
            if met.status is not None:
                await self._spoiled(met.status)
                return
            try:
                response = await self._ask(connection)
            except _GONE:
                if not connection.reused or self._forwarded.whole is None:
                    raise
                # The target closed an idle connection in the moment it was used: it has not seen this request.
                connection.close()
                connection = await pool.take(self._route.place, fresh=True)
                response = await self._ask(connection)
            if self._client.peer.gone:
                raise ClientGone
            self._count(response.status)
            if response.status == 101:
                await _tunnel(self._client, connection, response)
            elif await self._relay(connection, response):
                pool.give_back(self._route.place, connection)
                return
            connection.close()
        except BaseException:
            connection.close()
            raise

    def _count(self, status: int) -> None:
        self.answered = True
        balancer, group = self._client.balancer.dimension, self._forwarded.group.dimension
        self._means.counts.answered(balancer, group, status, time.monotonic() - self._began)

    async def _spoiled(self, status: int) -> None:
        """Answer as a target that is made to fail would."""
        async for _ in self._client.peer.body():
            pass
        self._count(status)
        await self._client.answer(answers.error(status))

    async def _ask(self, connection: Connection) -> Response:
        """Send the request; return the head of the final response."""
        head, whole, writer = self._forwarded.head, self._forwarded.whole, connection.writer
        request = connection.encode_request(head.method, head.target, _request_headers(self._client, head))
        if whole is not None:
            body = connection.encode(whole) if whole else b""
            writer.write(request + body + connection.encode_end())
        else:
            writer.write(request)
            async for piece in self._client.peer.body():
                writer.write(connection.encode(piece))
                await writer.drain()
            writer.write(connection.encode_end())
        async with Timeout(self._means.lateness, self._client.balancer.idle_seconds):
            await writer.drain()
            return await connection.response()

    async def _relay(self, connection: Connection, response: Response) -> bool:
        """Pass the response on; whether it was whole."""
        client, group, target = self._client, self._forwarded.group, self._route.target
        headers = [*response.end_to_end(), *self._forwarded.cookies]
        if group.sticky_seconds:
            value = f"{target.address}:{target.port}"
            headers.append(answers.cookie(answers.TARGET_COOKIE, value, group.sticky_seconds))
        out = client.peer.encode_response(response.status, response.reason, headers)
        streamed = "content-length" not in response.fields
        try:
            async for piece in connection.body():
                out += client.peer.encode(piece)
                if streamed or len(out) >= _BUFFERED:
                    await client.send(out)
                    out = b""
        except (MalformedMessage, *_GONE):
            # The response broke off: the client must see that, so its connection breaks off as well.
            client.peer.close()
            return False
        await client.send(out + client.peer.encode_end())
        return True


def _request_headers(client: Client, head: Request) -> Fields:
    strict = client.balancer.attributes.get("routing.http.drop_invalid_header_fields.enabled") == "true"
    headers = [
        (name, value)
        for name, value in head.end_to_end()
        if name.lower() not in _REPLACED and (not strict or _PLAIN_NAME(name))
    ]
    before, address = head.fields.get("x-forwarded-for"), client.address
    trace = head.fields.get("x-amzn-trace-id")
    headers += [
        (b"X-Forwarded-For", (f"{before}, {address}" if before else address).encode("latin-1")),
        (b"X-Forwarded-Proto", client.listener.protocol.lower().encode()),
        (b"X-Forwarded-Port", str(client.listener.port).encode()),
        (b"X-Amzn-Trace-Id", trace.encode("latin-1") if trace else answers.trace_id()),
    ]
    if "host" not in head.fields:
        # HTTP/1.0 needs none, and what goes to the target is HTTP/1.1.
        headers.append((b"Host", client.balancer.address.encode()))
    if head.chunked:
        headers.append((b"Transfer-Encoding", b"chunked"))
    if "upgrade" in head.tokens("connection"):
        headers += _upgrade(head)
    return headers


def _upgrade(head: Request | Response) -> Fields:
    return [(b"Connection", b"Upgrade"), (b"Upgrade", head.fields.get("upgrade", "").encode("latin-1"))]


async def _tunnel(client: Client, connection: Connection, response: Response) -> None:
    """Websockets: from here on bytes in both directions, until one side ends."""
    headers = [*response.end_to_end(), *_upgrade(response)]
    await client.send(client.peer.encode_interim(101, response.reason, headers) + connection.left_over())
    connection.writer.write(client.peer.left_over())

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await asyncio.wait_for(reader.read(_BUFFERED), client.balancer.idle_seconds):
            writer.write(piece)
            await writer.drain()

    both = [
        asyncio.create_task(pump(client.peer.reader, connection.writer)),
        asyncio.create_task(pump(connection.reader, client.peer.writer)),
    ]
    _, waiting = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*both, return_exceptions=True)
