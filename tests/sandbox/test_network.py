"""The network load balancer's manners: connections and datagrams go to healthy targets as they come, and health checks connect."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sandbox.edge.network import Network, proxy_header
from sandbox.edge.proxy import Proxy
from sandbox.edge.state import parse_state
from tests.sandbox.edge import forward, raw, rule

Json = dict[str, Any]


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 60))


def state(
    group: str, *ports: int, protocol: str = "TCP", attributes: Json | None = None, check: int | None = None
) -> Json:
    """One listener whose targets are checked by a connection."""
    listener = {
        "arn": "listener",
        "port": 7000,
        "protocol": protocol,
        "attributes": {},
        "tls_protocols": [],
        "certificates": [],
    }
    listener["rules"] = [rule("default", forward(**{group: 1}))] if group else []
    balancer = {
        "arn": "balancer",
        "address": "127.0.0.1",
        "dimension": "net/tests/1",
        "attributes": {},
        "active_at": 0.0,
    }
    health = {
        "enabled": True,
        "protocol": "TCP",
        "port": str(check) if check else "traffic-port",
        "path": "/",
        "matcher": "200",
    }
    health |= {"interval_seconds": 0.05, "timeout_seconds": 1, "healthy_threshold": 2, "unhealthy_threshold": 2}
    targets = [{"address": "127.0.0.1", "port": port, "registered_at": 0.0, "draining": False} for port in ports]
    groups = [
        {
            "arn": group,
            "dimension": "targetgroup/g/1",
            "protocol": protocol,
            "attributes": attributes or {},
            "health_check": health,
            "targets": targets,
        }
    ]
    return {
        "version": str((group, ports)),
        "load_balancers": [{**balancer, "listeners": [listener]}],
        "target_groups": groups if group else [],
        "certificates": [],
        "addresses": {},
        "spoils": [],
    }


@asynccontextmanager
async def balancer() -> AsyncIterator[tuple[Proxy, Network, int]]:
    proxy = Proxy()
    network = Network(proxy)
    serve = functools.partial(network.serve, "balancer", "listener")
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield proxy, network, server.sockets[0].getsockname()[1]
    finally:
        proxy.apply(parse_state(state("")))
        server.close()


def names(name: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """A target that says its name, then what it was told, backwards."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told = await reader.read()
        writer.write(name.encode() + b":" + told[::-1])
        writer.close()

    return behave


async def ask(port: int, text: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text)
    writer.write_eof()
    try:
        return await reader.read()
    finally:
        writer.close()


async def until(true: Callable[[], object]) -> None:
    while not true():
        await asyncio.sleep(0.02)


def verdicts(proxy: Proxy) -> dict[int, str]:
    return {port: verdict.state for (_, _, port), verdict in proxy.checker.verdicts.items()}


def test_connections_are_spread_over_targets_and_both_ends_of_a_stream_are_passed_on() -> None:
    async def story() -> None:
        async with balancer() as (proxy, _, port), raw(names("one")) as one, raw(names("two")) as two:
            proxy.apply(parse_state(state("g", one, two)))
            await until(lambda: verdicts(proxy) == {one: "healthy", two: "healthy"})
            found = {await ask(port, b"abc") for _ in range(8)}
            assert found == {b"one:cba", b"two:cba"}
            seconds = [
                second
                for (name, group, _), second in proxy.counts._seconds.items()
                if (name, group) == ("net/tests/1", None)
            ]
            assert sum(second.flows for second in seconds) == 8
            assert sum(second.bytes for second in seconds) == 8 * (3 + 7)

    run(story)


def test_a_target_that_takes_no_connection_is_unhealthy_and_gets_none() -> None:
    async def story() -> None:
        async with balancer() as (proxy, _, port), raw(names("one")) as one:
            async with raw(names("gone")) as gone:
                pass
            proxy.apply(parse_state(state("g", one, gone)))
            await until(lambda: verdicts(proxy) == {one: "healthy", gone: "unhealthy"})
            assert {await ask(port, b"") for _ in range(6)} == {b"one:"}
            proxy.apply(parse_state(state("g")))
            with pytest.raises(ConnectionError):
                await ask(port, b"")

    run(story)


def weighted(ports: tuple[int, int], **weights: int) -> Json:
    """Two target groups of one target each, with their weights."""
    first, second = (state(name, port) for name, port in zip(("one", "two"), ports, strict=True))
    first["target_groups"] += second["target_groups"]
    first["load_balancers"][0]["listeners"][0]["rules"] = [rule("default", forward(**weights))]
    return {**first, "version": str(weights)}


def test_new_connections_are_spread_by_weight_and_existing_ones_stay_where_they_are() -> None:
    async def story() -> None:
        async with balancer() as (proxy, _, port), raw(names("one")) as one, raw(names("two")) as two:
            proxy.apply(parse_state(weighted((one, two), one=100, two=0)))
            await until(lambda: verdicts(proxy) == {one: "healthy", two: "healthy"})
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"a")
            # A connection that was made before is one of the first target group's.
            assert {await ask(port, b"") for _ in range(5)} == {b"one:"}
            proxy.apply(parse_state(weighted((one, two), one=75, two=25)))
            found = [await ask(port, b"") for _ in range(20)]
            assert (found.count(b"one:"), found.count(b"two:")) == (15, 5)
            proxy.apply(parse_state(weighted((one, two), one=0, two=100)))
            assert {await ask(port, b"") for _ in range(5)} == {b"two:"}
            writer.write(b"b")
            writer.write_eof()
            assert await reader.read() == b"one:ba"
            writer.close()

    run(story)


def test_clients_are_told_to_targets_by_the_proxy_protocol_where_that_is_on() -> None:
    header = proxy_header(("10.0.0.1", 4711), ("127.0.0.1", 7000))
    assert header[:12] == b"\r\n\r\n\x00\r\nQUIT\n" and header[12:16] == b"\x21\x11\x00\x0c"
    assert header[16:] == bytes([10, 0, 0, 1, 127, 0, 0, 1]) + (4711).to_bytes(2, "big") + (7000).to_bytes(2, "big")

    async def story() -> None:
        async with balancer() as (proxy, _, port), raw(names("one")) as one:
            proxy.apply(parse_state(state("g", one, attributes={"proxy_protocol_v2.enabled": "true"})))
            await until(lambda: verdicts(proxy) == {one: "healthy"})
            answer = await ask(port, b"abc")
            assert answer.startswith(b"one:cba") and answer.endswith(header[:16][::-1])

    run(story)


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.transport.sendto(b"echo " + data, addr)


class Client(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.answers.put_nowait(data)


def test_datagrams_of_a_client_go_to_one_target_and_its_answers_come_back() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        async with balancer() as (proxy, network, _), raw(names("check")) as check:
            target, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
            port = target.get_extra_info("sockname")[1]
            proxy.apply(parse_state(state("g", port, protocol="UDP", check=check)))
            await until(lambda: verdicts(proxy) == {port: "healthy"})
            make = functools.partial(network.datagrams, "balancer", "listener")
            served, _ = await loop.create_datagram_endpoint(make, local_addr=("127.0.0.1", 0))
            client, answers = await loop.create_datagram_endpoint(Client, remote_addr=served.get_extra_info("sockname"))
            for text in (b"a", b"b"):
                client.sendto(text)
                assert await answers.answers.get() == b"echo " + text
            flows = sum(second.flows for second in proxy.counts._seconds.values())
            assert flows == 1
            for transport in (client, served, target):
                transport.close()

    run(story)
