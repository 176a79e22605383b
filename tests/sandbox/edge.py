"""The load balancer's proxy in this process, before targets of the tests' own: many requests in little time."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from sandbox.edge.http1 import HEAD_LIMIT
from sandbox.edge.nodes import Nodes
from sandbox.edge.proxy import Proxy
from sandbox.edge.state import parse_state
from sandbox.lateness import Lateness

Stream = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Json = dict[str, Any]


def forward(**weights: int) -> Json:
    groups = [{"TargetGroupArn": name, "Weight": weight} for name, weight in weights.items()]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}


def sticky(action: Json, seconds: int = 60) -> Json:
    config = {**action["ForwardConfig"], "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": seconds}}
    return {**action, "ForwardConfig": config}


def fixed(status: int, body: str = "") -> Json:
    config = {"StatusCode": str(status), "ContentType": "text/plain", "MessageBody": body}
    return {"Type": "fixed-response", "FixedResponseConfig": config}


def rule(priority: int | str, action: Json, *conditions: Json) -> Json:
    return {"arn": f"rule-{priority}", "priority": str(priority), "conditions": conditions, "actions": [action]}


def path(*values: str) -> Json:
    return {"Field": "path-pattern", "PathPatternConfig": {"Values": values}}


def host(*values: str) -> Json:
    return {"Field": "host-header", "HostHeaderConfig": {"Values": values}}


def header(name: str, *values: str) -> Json:
    return {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": name, "Values": values}}


def method(*values: str) -> Json:
    return {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": values}}


def query(key: str, value: str) -> Json:
    return {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": key, "Value": value}]}}


def source(*values: str) -> Json:
    return {"Field": "source-ip", "SourceIpConfig": {"Values": values}}


@dataclass
class Group:
    """A target group of the state: its targets' ports, which of them drain, and its attributes."""

    ports: list[int] = field(default_factory=list)
    draining: set[int] = field(default_factory=set)
    attributes: Json = field(default_factory=dict)
    health_check: Json = field(default_factory=lambda: {"enabled": False})
    registered_at: dict[int, float] = field(default_factory=dict)


@dataclass
class Edge:
    """The proxy with one listener, and a client of it."""

    proxy: Proxy
    port: int
    session: aiohttp.ClientSession
    attributes: Json = field(default_factory=lambda: {"idle_timeout.timeout_seconds": "5"})
    version: int = 0
    active_at: float = 0.0

    def apply(self, rules: list[Json], **groups: Group) -> None:
        """Make this the state, as the API would tell it."""
        self.version += 1
        listener = {"arn": "listener", "port": self.port, "protocol": "HTTP", "rules": rules, "attributes": {}}
        listener |= {"tls_protocols": [], "certificates": []}
        balancer = {"arn": "balancer", "address": "127.0.0.1", "dimension": "app/tests/1", "listeners": [listener]}
        balancer |= {"active_at": self.active_at}
        self.proxy.apply(
            parse_state(
                {
                    "version": self.version,
                    "load_balancers": [{**balancer, "attributes": self.attributes}],
                    "target_groups": [_group(name, one) for name, one in groups.items()],
                    "certificates": [],
                    "addresses": {},
                    "spoils": [],
                }
            )
        )

    async def get(self, target: str = "/", **options: Any) -> tuple[int, str]:
        async with self.session.get(f"http://127.0.0.1:{self.port}{target}", **options) as answer:
            return answer.status, await answer.text()


def _group(name: str, group: Group) -> Json:
    check = {
        "protocol": "HTTP",
        "port": "traffic-port",
        "path": "/healthz",
        "interval_seconds": 0.05,
        "timeout_seconds": 1,
        "healthy_threshold": 2,
        "unhealthy_threshold": 2,
        "matcher": "200",
        **group.health_check,
    }
    targets = [
        {
            "address": "127.0.0.1",
            "port": port,
            "registered_at": group.registered_at.get(port, 0.0),
            "draining": port in group.draining,
        }
        for port in group.ports
    ]
    return {
        "arn": name,
        "dimension": f"targetgroup/{name}/1",
        "protocol": "HTTP",
        "attributes": group.attributes,
        "health_check": check,
        "targets": targets,
    }


@asynccontextmanager
async def edge(lateness: Lateness | None = None, nodes: Nodes | None = None, **attributes: str) -> AsyncIterator[Edge]:
    """The proxy with nothing behind it yet. The client keeps no cookies: tests send those they mean."""
    proxy = Proxy(lateness, nodes)
    serve = functools.partial(proxy.serve, "balancer", "listener")
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=HEAD_LIMIT)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        made = Edge(proxy, server.sockets[0].getsockname()[1], session)
        made.attributes |= attributes
        try:
            yield made
        finally:
            made.apply([rule("default", fixed(503))])
            server.close()


@dataclass
class Target:
    """A server that says its name, or does what the path says."""

    name: str
    port: int = 0
    requests: list[web.Request] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)
    healthy: bool = True

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/healthz":
            return web.Response(status=200 if self.healthy else 500)
        self.requests.append(request)
        self.connections.add(request.transport)
        if request.path == "/socket":
            return await _echo(request)
        if request.path.startswith("/sleep/"):
            await asyncio.sleep(float(request.path.rpartition("/")[2]))
        if request.path == "/stream":
            return await _stream(request)
        if request.method == "POST":
            return web.Response(body=await request.read())
        return web.Response(text=self.name)


async def _echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(f"echo {message.data}")
    return socket


async def _stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for number in range(3):
        await response.write(f"{number};".encode())
        await asyncio.sleep(0.01)
    return response


@asynccontextmanager
async def targets(*names: str) -> AsyncIterator[list[Target]]:
    """Servers on ports of their own."""
    runners, made = [], []
    for name in names:
        target = Target(name)
        application = web.Application(client_max_size=10**8)
        application.router.add_route("*", "/{tail:.*}", target.answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        target.port = runner.addresses[0][1]
        runners.append(runner)
        made.append(target)
    try:
        yield made
    finally:
        for runner in runners:
            await runner.cleanup()


@asynccontextmanager
async def raw(behave: Stream) -> AsyncIterator[int]:
    """A target that does what it likes with its connections; its port."""
    server = await asyncio.start_server(behave, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
