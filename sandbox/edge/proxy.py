"""One client connection after another: read a request, find its target, pass it on, pass the answer back."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from ..lateness import Lateness, Timeout
from . import answers
from .checks import Checker
from .counts import Counts
from .http1 import (
    CHUNKED,
    LAST_CHUNK,
    LENGTH,
    NO_BODY,
    UNTIL_CLOSE,
    Framing,
    Head,
    MalformedMessage,
    encode_chunk,
    encode_head,
    end_to_end,
    read_body,
    read_head,
    request_framing,
    response_framing,
)
from .routing import TargetChoice, WeightedChoice, match_rule
from .state import (
    EMPTY,
    FixedResponse,
    Forward,
    Listener,
    LoadBalancer,
    Redirect,
    RequestView,
    State,
    Target,
    TargetGroup,
)
from .upstream import ConnectFailed, Connection, Pool

_BUFFERED = 64 * 1024
_PLAIN_NAME = re.compile(r"[A-Za-z0-9-]+").fullmatch
_GONE = (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError)


class ClientGone(Exception):
    """The client closed while it was being answered."""


@dataclass(slots=True)
class Client:
    """One connection of a client."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    address: str
    balancer: LoadBalancer
    listener: Listener

    @property
    def gone(self) -> bool:
        """Closed by the client; one that only ends its own side counts as gone too."""
        return self.writer.is_closing() or self.reader.at_eof()

    async def send(self, data: bytes) -> None:
        try:
            self.writer.write(data)
            await self.writer.drain()
        except _GONE as gone:
            raise ClientGone from gone


class Proxy:
    """Serves connections by the state as it is at each request."""

    def __init__(self, lateness: Lateness | None = None) -> None:
        self.state: State = EMPTY
        self.lateness = lateness or Lateness()
        self.checker = Checker(self.place_of, self.lateness)
        self.counts = Counts()
        self.pool = Pool(self.lateness)
        self._in_flight: dict[tuple[str, int], int] = {}
        self._groups = WeightedChoice()
        self._targets = TargetChoice(lambda address, port: self._in_flight.get((address, port), 0))

    def place_of(self, address: str, port: int) -> tuple[str, int]:
        """Where a target really listens."""
        return self.state.addresses.get(address, address), port

    def apply(self, state: State) -> None:
        self.state = state
        self.checker.follow(state)
        known = {self.place_of(t.address, t.port) for group in state.target_groups.values() for t in group.targets}
        self.pool.forget(known)

    def _current(self, balancer_arn: str, listener_arn: str) -> tuple[LoadBalancer, Listener] | None:
        balancer = self.state.load_balancers.get(balancer_arn)
        if balancer is None:
            return None
        return next(((balancer, one) for one in balancer.listeners if one.arn == listener_arn), None)

    async def serve(
        self, balancer_arn: str, listener_arn: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve one client connection until either side ends it."""
        try:
            address = writer.get_extra_info("peername")[0]
            while (current := self._current(balancer_arn, listener_arn)) is not None:
                try:
                    async with asyncio.timeout(current[0].idle_seconds):
                        head = await read_head(reader)
                except MalformedMessage as bad:
                    self.counts.refused(current[0].dimension, None, bad.status)
                    await Client(reader, writer, address, *current).send(answers.error(bad.status, keep=False))
                    return
                # Rules may have changed while the connection was idle: the request meets those of now.
                current = self._current(balancer_arn, listener_arn)
                if head is None or current is None:
                    return
                if not await self._answer(Client(reader, writer, address, *current), head):
                    return
        except (TimeoutError, ClientGone, *_GONE):
            return
        finally:
            writer.close()

    async def _answer(self, client: Client, head: Head) -> bool:
        """Answer one request; whether the connection can carry another."""
        dimension = client.balancer.dimension
        keep = head.start[2] == "HTTP/1.1" and "close" not in head.tokens("connection")
        try:
            framing = request_framing(head)
            request = _view(client, head)
        except MalformedMessage as bad:
            self.counts.refused(dimension, None, bad.status)
            await client.send(answers.error(bad.status, keep=False))
            return False
        rule = match_rule(client.listener, request)
        action = rule.action if rule else FixedResponse(503, "text/plain", "")
        if isinstance(action, Forward) and rule is not None:
            return await self._forward(client, head, framing, rule.arn, action, keep)
        async for _ in read_body(client.reader, framing):
            pass
        if isinstance(action, Redirect):
            port = client.listener.port
            await client.send(answers.redirect(action, request, client.listener.protocol, port, keep))
            self.counts.acted(dimension, action.status, redirect=True)
        elif isinstance(action, FixedResponse):
            await client.send(answers.fixed(action, keep))
            self.counts.acted(dimension, action.status, redirect=False)
        return keep

    async def _forward(
        self, client: Client, head: Head, framing: Framing, rule_arn: str, action: Forward, keep: bool
    ) -> bool:
        named = answers.read_cookie(head, answers.TARGET_GROUP_COOKIE) if action.stickiness_seconds else None
        weighted = {arn for arn, weight in action.weights if weight}
        arn = named if named in weighted else self._groups.choose(rule_arn, action)
        group = self.state.target_groups.get(arn or "")
        if group is None:
            return await self._refuse(client, None, 503, keep and framing is NO_BODY)
        cookies = []
        if action.stickiness_seconds and arn != named:
            cookies.append(answers.cookie(answers.TARGET_GROUP_COOKIE, group.arn, action.stickiness_seconds))
        if head.fields.get("expect", "").lower() == "100-continue":
            await client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body: list[bytes] | AsyncIterator[bytes] = read_body(client.reader, framing)
        if framing.kind != CHUNKED and framing.length <= _BUFFERED:
            body = [piece async for piece in read_body(client.reader, framing)]
        tried: list[Target] = []
        status = 503
        while (target := self._choose(group, head, tried)) is not None:
            try:
                place = self.place_of(target.address, target.port)
                return await self._exchange(client, head, framing, body, group, target, place, cookies, keep)
            except ConnectFailed as failed:
                status = 504 if isinstance(failed.__cause__, TimeoutError) else 502
                self.counts.not_connected(client.balancer.dimension, group.dimension)
                tried.append(target)
        return await self._refuse(client, group, status, keep and isinstance(body, list))

    def _choose(self, group: TargetGroup, head: Head, tried: list[Target]) -> Target | None:
        def healthy(target: Target) -> bool:
            return self.checker.is_healthy(group.arn, target)

        if group.sticky_seconds and (named := answers.read_cookie(head, answers.TARGET_COOKIE)):
            for target in group.targets:
                if (
                    f"{target.address}:{target.port}" == named
                    and healthy(target)
                    and not target.draining
                    and target not in tried
                ):
                    return target
        return self._targets.choose(group, healthy, time.time(), tried)

    async def _exchange(
        self,
        client: Client,
        head: Head,
        framing: Framing,
        body: list[bytes] | AsyncIterator[bytes],
        group: TargetGroup,
        target: Target,
        place: tuple[str, int],
        cookies: list[tuple[str, str]],
        keep: bool,
    ) -> bool:
        met = self.state.spoils.request(group.arn, target.address)
        if met.vanished:
            raise ConnectFailed("the target has vanished")
        connection = await self.pool.take(place)
        count_key = (target.address, target.port)
        self._in_flight[count_key] = self._in_flight.get(count_key, 0) + 1
        began, answered = time.monotonic(), False
        try:
            if met.seconds:
                async with Timeout(self.lateness, client.balancer.idle_seconds):
                    await asyncio.sleep(met.seconds)
            if met.status is not None:
                return await self._spoiled(client, group, connection, body, met.status, time.monotonic() - began, keep)
            upgrade = "upgrade" in head.tokens("connection")
            request = encode_head(
                " ".join(head.start[:2]) + " HTTP/1.1", _request_headers(client, head, framing, upgrade)
            )
            try:
                answer = await self._ask(client, connection, request, framing, body)
            except _GONE:
                connection.close()
                if not (connection.reused and isinstance(body, list)):
                    return await self._refuse(client, group, 502, keep and isinstance(body, list))
                # The target closed an idle connection in the moment it was used: it has not seen this request.
                connection = await self.pool.take(place, fresh=True)
                try:
                    answer = await self._ask(client, connection, request, framing, body)
                except _GONE:
                    connection.close()
                    return await self._refuse(client, group, 502, keep)
            if client.gone:
                raise ClientGone
            status = int(answer.start[1])
            answered = True
            self.counts.answered(client.balancer.dimension, group.dimension, status, time.monotonic() - began)
            if status == 101:
                await _tunnel(client, connection, answer)
                return False
            if group.sticky_seconds:
                value = f"{target.address}:{target.port}"
                cookies = [*cookies, answers.cookie(answers.TARGET_COOKIE, value, group.sticky_seconds)]
            return await self._relay(client, connection, place, head, answer, cookies, keep)
        except TimeoutError:
            connection.close()
            return await self._refuse(client, group, 504, keep and isinstance(body, list))
        except MalformedMessage:
            connection.close()
            return await self._refuse(client, group, 502, keep and isinstance(body, list))
        except ClientGone:
            connection.close()
            if not answered:
                self.counts.refused(client.balancer.dimension, group.dimension, 460)
            raise
        finally:
            self._in_flight[count_key] -= 1

    async def _spoiled(
        self,
        client: Client,
        group: TargetGroup,
        connection: Connection,
        body: list[bytes] | AsyncIterator[bytes],
        status: int,
        seconds: float,
        keep: bool,
    ) -> bool:
        """Answer as a target that is made to fail would."""
        connection.close()
        if not isinstance(body, list):
            async for _ in body:
                pass
        self.counts.answered(client.balancer.dimension, group.dimension, status, seconds)
        await client.send(answers.error(status, keep))
        return keep

    async def _ask(
        self,
        client: Client,
        connection: Connection,
        request: bytes,
        framing: Framing,
        body: list[bytes] | AsyncIterator[bytes],
    ) -> Head:
        """Send the request; return the head of the final answer."""
        if isinstance(body, list):
            connection.writer.write(b"".join([request, *body]))
        else:
            connection.writer.write(request)
            async for piece in body:
                connection.writer.write(encode_chunk(piece) if framing.kind == CHUNKED else piece)
                await connection.writer.drain()
            if framing.kind == CHUNKED:
                connection.writer.write(LAST_CHUNK)
        async with Timeout(self.lateness, client.balancer.idle_seconds):
            await connection.writer.drain()
            while True:
                answer = await read_head(connection.reader)
                if answer is None:
                    raise ConnectionResetError("the target closed without an answer")
                if not answer.start[1].isdigit():
                    raise MalformedMessage("no status line")
                if int(answer.start[1]) == 101 or int(answer.start[1]) >= 200:
                    return answer

    async def _relay(
        self,
        client: Client,
        connection: Connection,
        place: tuple[str, int],
        head: Head,
        answer: Head,
        cookies: list[tuple[str, str]],
        keep: bool,
    ) -> bool:
        status = int(answer.start[1])
        framing = response_framing(answer, head.start[0], status)
        chunked = framing.kind in (CHUNKED, UNTIL_CLOSE) and head.start[2] == "HTTP/1.1"
        keep = keep and (chunked or framing.kind not in (CHUNKED, UNTIL_CLOSE))
        headers = [*end_to_end(answer), *cookies, ("Connection", "keep-alive" if keep else "close")]
        if chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        out = encode_head(f"HTTP/1.1 {status} {answer.start[2]}", headers)
        try:
            async for piece in read_body(connection.reader, framing):
                out += encode_chunk(piece) if chunked else piece
                if len(out) >= _BUFFERED or framing.kind != LENGTH:
                    await client.send(out)
                    out = b""
        except (MalformedMessage, *_GONE):
            # The answer broke off: the client must see that, so its connection breaks off as well.
            connection.close()
            return False
        await client.send(out + (LAST_CHUNK if chunked else b""))
        if framing.kind == UNTIL_CLOSE or "close" in answer.tokens("connection") or answer.start[0] == "HTTP/1.0":
            connection.close()
        else:
            self.pool.give_back(place, connection)
        return keep

    async def _refuse(self, client: Client, group: TargetGroup | None, status: int, keep: bool) -> bool:
        # 503: there was no target to choose.
        chosen = group.dimension if group and status != 503 else None
        self.counts.refused(client.balancer.dimension, chosen, status)
        await client.send(answers.error(status, keep))
        return keep


def _view(client: Client, head: Head) -> RequestView:
    target = head.start[1]
    host = head.fields.get("host", "")
    if target.startswith(("http://", "https://")):
        host, slash, rest = target.partition("://")[2].partition("/")
        target = slash + rest
    if not host and head.start[2] == "HTTP/1.1":
        raise MalformedMessage("no Host header")
    path, _, query = target.partition("?")
    return RequestView(head.start[0], host.rsplit(":", 1)[0].lower(), path or "/", query, client.address, head.fields)


def _request_headers(client: Client, head: Head, framing: Framing, upgrade: bool) -> list[tuple[str, str]]:
    own = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "x-amzn-trace-id", "expect"}
    strict = client.balancer.attributes.get("routing.http.drop_invalid_header_fields.enabled") == "true"
    headers = [
        (name, value)
        for name, value in end_to_end(head)
        if name.lower() not in own and (not strict or _PLAIN_NAME(name))
    ]
    before = head.fields.get("x-forwarded-for")
    headers += [
        ("X-Forwarded-For", f"{before}, {client.address}" if before else client.address),
        ("X-Forwarded-Proto", client.listener.protocol.lower()),
        ("X-Forwarded-Port", str(client.listener.port)),
        ("X-Amzn-Trace-Id", head.fields.get("x-amzn-trace-id") or answers.trace_id()),
    ]
    if framing.kind == CHUNKED:
        headers.append(("Transfer-Encoding", "chunked"))
    if upgrade:
        headers += [("Connection", "Upgrade"), ("Upgrade", head.fields.get("upgrade", ""))]
    return headers


async def _tunnel(client: Client, connection: Connection, answer: Head) -> None:
    """Websockets: from here on bytes in both directions, until one side ends."""
    headers = [*end_to_end(answer), ("Connection", "Upgrade"), ("Upgrade", answer.fields.get("upgrade", ""))]
    await client.send(encode_head(f"HTTP/1.1 101 {answer.start[2]}", headers))

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await asyncio.wait_for(reader.read(_BUFFERED), client.balancer.idle_seconds):
            writer.write(piece)
            await writer.drain()

    both = [
        asyncio.create_task(pump(client.reader, connection.writer)),
        asyncio.create_task(pump(connection.reader, client.writer)),
    ]
    _, waiting = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*both, return_exceptions=True)
    connection.close()
