"""Network load balancers: connections and datagrams passed on as they come, each flow to one target of the listener's group."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import socket
import ssl
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from ..lateness import Timeout
from .routing import TargetChoice, WeightedChoice
from .state import CONNECTIONS, Forward, Listener, LoadBalancer, Target, TargetGroup

if TYPE_CHECKING:
    from .proxy import Proxy

_BUFFERED = 64 * 1024
_CONNECT_SECONDS = 1.0
# https://docs.aws.amazon.com/elasticloadbalancing/latest/network/network-load-balancers.html#connection-idle-timeout
_IDLE_SECONDS = {"tcp": 350.0, "udp": 120.0}
_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def transports(protocol: str) -> tuple[str, ...]:
    """What a listener of a network load balancer listens with."""
    return {"UDP": ("udp",), "TCP_UDP": ("tcp", "udp")}.get(protocol, ("tcp",))


@dataclass(frozen=True, slots=True)
class Way:
    """Where a flow goes: its load balancer, its target group, and where the target really listens."""

    balancer: LoadBalancer
    group: TargetGroup
    target: Target
    place: tuple[str, int]


class Network:
    """Carries flows by the state as it is when each begins."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._groups = WeightedChoice()
        self._targets = TargetChoice(lambda _address, _port: 0)

    def begin(self, balancer_arn: str, listener_arn: str) -> tuple[LoadBalancer, TargetGroup] | None:
        """The target group of a new flow, by weight, which it keeps; None where none is, or the load balancer is not active."""
        current = self._proxy.current(balancer_arn, listener_arn)
        if current is None:
            return None
        balancer, listener = current
        group = self._group(listener)
        return (balancer, group) if group else None

    def way(self, balancer: LoadBalancer, group: TargetGroup, tried: list[Target]) -> Way | None:
        """The target of a new flow: a healthy one, or any where none is; None where there is none."""
        healthy = functools.partial(self._proxy.checker.is_healthy, group.arn)
        target = self._targets.choose(group, healthy, time.time(), tried)
        if target is None:
            return None
        return Way(balancer, group, target, self._proxy.place_of(target.address, target.port))

    def _group(self, listener: Listener) -> TargetGroup | None:
        (rule,) = listener.rules
        arn = self._groups.choose(rule.arn, rule.action) if isinstance(rule.action, Forward) else None
        return self._proxy.state.target_groups.get(arn) if arn else None

    async def serve(
        self, balancer_arn: str, listener_arn: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One connection of a client, until either side ends it."""
        try:
            found = await self._connected(balancer_arn, listener_arn)
            if found is None:
                _reset(writer)
                return
            way, upstream = found
            counts, balancer = self._proxy.counts, way.balancer.dimension
            counts.flow(balancer)
            try:
                if way.group.attributes.get("proxy_protocol_v2.enabled") == "true":
                    upstream[1].write(
                        proxy_header(writer.get_extra_info("peername"), writer.get_extra_info("sockname"))
                    )
                carried = functools.partial(counts.carried, balancer)
                await asyncio.gather(_pump(reader, upstream[1], carried), _pump(upstream[0], writer, carried))
            finally:
                upstream[1].close()
        except (OSError, ssl.SSLError, TimeoutError):
            _reset(writer)
        finally:
            writer.close()

    async def _connected(
        self, balancer_arn: str, listener_arn: str
    ) -> tuple[Way, tuple[asyncio.StreamReader, asyncio.StreamWriter]] | None:
        """A connection to a target; another one is tried where the first takes none."""
        begun, tried = self.begin(balancer_arn, listener_arn), list[Target]()
        while begun and (way := self.way(*begun, tried)) is not None:
            tried.append(way.target)
            if self._proxy.state.spoils.request(way.group.arn, way.target.address).vanished:
                continue
            try:
                async with Timeout(self._proxy.lateness, _CONNECT_SECONDS):
                    context = _unverified() if way.group.protocol == "TLS" else None
                    return way, await asyncio.open_connection(*way.place, ssl=context)
            except (OSError, TimeoutError):
                continue
        return None

    def datagrams(self, balancer_arn: str, listener_arn: str) -> Datagrams:
        def way() -> Way | None:
            begun = self.begin(balancer_arn, listener_arn)
            return self.way(*begun, []) if begun else None

        return Datagrams(way, self._proxy)


def _reset(writer: asyncio.StreamWriter) -> None:
    """As a load balancer without targets, or one whose target has gone: the connection does not end, it breaks."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, carried: Callable[[int], None]) -> None:
    """Bytes in one direction; the end of one side is told to the other, which may still send."""
    while piece := await asyncio.wait_for(reader.read(_BUFFERED), _IDLE_SECONDS["tcp"]):
        writer.write(piece)
        carried(len(piece))
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
    else:
        writer.close()


def _unverified() -> ssl.SSLContext:
    """Like NLB, which does not verify the certificate of a target."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def proxy_header(client: tuple[str, int], here: tuple[str, int]) -> bytes:
    """https://www.haproxy.org/download/1.8/doc/proxy-protocol.txt, version 2, of a TCP connection over IPv4."""
    addresses = ipaddress.ip_address(client[0]).packed + ipaddress.ip_address(here[0]).packed
    block = addresses + client[1].to_bytes(2, "big") + here[1].to_bytes(2, "big")
    return _SIGNATURE + b"\x21\x11" + len(block).to_bytes(2, "big") + block


@dataclass
class _Flow:
    """The datagrams of one client: the target that they go to, and when the last one came."""

    way: Way
    transport: asyncio.DatagramTransport | None = None
    waiting: list[bytes] = field(default_factory=list)
    last: float = 0.0


class Datagrams(asyncio.DatagramProtocol):
    """A listener of UDP. A client's datagrams stay with one target while they come often enough."""

    def __init__(self, way: Callable[[], Way | None], proxy: Proxy) -> None:
        self._way = way
        self._proxy = proxy
        self._flows: dict[tuple[str, int], _Flow] = {}
        self._begun: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._clients = cast(asyncio.DatagramTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        for client in list(self._flows):
            self._end(client)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        now = time.monotonic()
        for client in [client for client, flow in self._flows.items() if now - flow.last > _IDLE_SECONDS["udp"]]:
            self._end(client)
        flow = self._flows.get(addr)
        if flow is None:
            way = self._way()
            if way is None:
                return
            flow = self._flows[addr] = _Flow(way)
            self._proxy.counts.flow(way.balancer.dimension)
            task = asyncio.get_running_loop().create_task(self._open(addr, flow))
            self._begun.add(task)
            task.add_done_callback(self._begun.discard)
        flow.last = now
        self._proxy.counts.carried(flow.way.balancer.dimension, len(data))
        if flow.transport is None:
            flow.waiting.append(data)
        else:
            flow.transport.sendto(data)

    async def _open(self, client: tuple[str, int], flow: _Flow) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Answers(functools.partial(self._answer, client, flow)), remote_addr=flow.way.place
        )
        flow.transport = transport
        for data in flow.waiting:
            transport.sendto(data)
        flow.waiting.clear()

    def _answer(self, client: tuple[str, int], flow: _Flow, data: bytes) -> None:
        flow.last = time.monotonic()
        self._proxy.counts.carried(flow.way.balancer.dimension, len(data))
        self._clients.sendto(data, client)

    def _end(self, client: tuple[str, int]) -> None:
        transport = self._flows.pop(client).transport
        if transport is not None:
            transport.close()


class _Answers(asyncio.DatagramProtocol):
    """What a target sends back."""

    def __init__(self, answer: Callable[[bytes], None]) -> None:
        self._answer = answer

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._answer(data)

    def error_received(self, exc: Exception) -> None:
        """The target took no datagram, which UDP tells nobody."""


def is_network(listener: Listener) -> bool:
    return listener.protocol in CONNECTIONS
