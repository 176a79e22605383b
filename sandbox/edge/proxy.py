"""One client connection after another: read a request, find its target, pass it on, pass the answer back."""

from __future__ import annotations

import asyncio
import ssl
import time

import h11

from ..lateness import Lateness
from . import answers
from .checks import Checker
from .client import Client, ClientGone, view
from .counts import Counts
from .exchange import Exchange, Forwarded, Means, Route
from .http1 import MalformedMessage, Peer, Request
from .nodes import Nodes
from .routing import TargetChoice, WeightedChoice, match_rule
from .state import EMPTY, FixedResponse, Forward, Listener, LoadBalancer, Redirect, State, Target, TargetGroup
from .upstream import ConnectFailed, Pool

_BUFFERED = 64 * 1024
_GONE = (ConnectionError, ssl.SSLError)


class Proxy:
    """Serves connections by the state as it is at each request."""

    def __init__(self, lateness: Lateness | None = None, nodes: Nodes | None = None) -> None:
        self.state: State = EMPTY
        self.nodes = nodes or Nodes()
        self.lateness = lateness or Lateness()
        self.checker = Checker(self.place_of, self.lateness)
        self.counts = Counts()
        self.pool = Pool(self.lateness)
        self._means = Means(self.pool, self.counts, self.lateness)
        self._in_flight: dict[tuple[str, int], int] = {}
        self._groups = WeightedChoice()
        self._targets = TargetChoice(lambda address, port: self._in_flight.get((address, port), 0))

    def place_of(self, address: str, port: int) -> tuple[str, int]:
        """Where a target really listens."""
        return self.state.addresses.get(address, address), port

    def apply(self, state: State) -> None:
        self.state = state
        self.nodes.learn(state)
        self.checker.follow(state)
        known = {self.place_of(t.address, t.port) for group in state.target_groups.values() for t in group.targets}
        self.pool.forget(known)

    def current(self, balancer_arn: str, listener_arn: str) -> tuple[LoadBalancer, Listener] | None:
        """As the node that takes a new flow has them."""
        return self._current(balancer_arn, listener_arn, self.nodes.arrive())

    def _current(self, balancer_arn: str, listener_arn: str, node: int) -> tuple[LoadBalancer, Listener] | None:
        balancer, listener = self.state.load_balancers.get(balancer_arn), self.nodes.listener(listener_arn, node)
        if balancer is None or listener is None or time.time() < balancer.active_at:
            return None
        return balancer, listener

    async def serve(
        self, balancer_arn: str, listener_arn: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve one client connection until either side ends it."""
        peer, node = Peer(reader, writer, h11.SERVER), self.nodes.arrive()
        try:
            address = writer.get_extra_info("peername")[0]
            while (current := self._current(balancer_arn, listener_arn, node)) is not None:
                try:
                    async with asyncio.timeout(current[0].idle_seconds):
                        head = await peer.request()
                except MalformedMessage as bad:
                    await self._refuse(Client(peer, address, *current), None, bad.status)
                    return
                # Rules may have changed while the connection was idle: the request meets those of now.
                current = self._current(balancer_arn, listener_arn, node)
                if head is None or current is None:
                    return
                await self._answer(Client(peer, address, *current), head)
                if not peer.next_cycle():
                    return
        except (TimeoutError, ClientGone, MalformedMessage, *_GONE):
            return
        finally:
            writer.close()

    async def _answer(self, client: Client, head: Request) -> None:
        """Answer one request."""
        dimension = client.balancer.dimension
        try:
            request = view(client, head)
            rule = match_rule(client.listener, request)
            action = rule.action if rule else FixedResponse(503, "text/plain", "")
            if rule is not None and rule.login and rule.login.unauthenticated != "allow":
                await self._ask_for_login(client, answers.login(rule.login, request))
                return
            if isinstance(action, Forward) and rule is not None:
                await self._forward(client, head, rule.arn, action)
                return
            async for _ in client.peer.body():
                pass
        except MalformedMessage as bad:
            await self._refuse(client, None, bad.status)
            return
        if isinstance(action, Redirect):
            await client.answer(answers.redirect(action, request, client.listener.protocol, client.listener.port))
            self.counts.acted(dimension, action.status, redirect=True)
        elif isinstance(action, FixedResponse):
            await client.answer(answers.fixed(action))
            self.counts.acted(dimension, action.status, redirect=False)

    async def _ask_for_login(self, client: Client, answer: answers.Answer) -> None:
        async for _ in client.peer.body():
            pass
        await client.answer(answer)
        self.counts.refused(client.balancer.dimension, None, answer.status)

    async def _forward(self, client: Client, head: Request, rule_arn: str, action: Forward) -> None:
        named = answers.read_cookie(head, answers.TARGET_GROUP_COOKIE) if action.stickiness_seconds else None
        weighted = {arn for arn, weight in action.weights if weight}
        arn = named if named in weighted else self._groups.choose(rule_arn, action)
        group = self.state.target_groups.get(arn or "")
        if group is None:
            await self._refuse(client, None, 503)
            return
        forwarded = Forwarded(client, head, group)
        if action.stickiness_seconds and arn != named:
            forwarded.cookies.append(answers.cookie(answers.TARGET_GROUP_COOKIE, group.arn, action.stickiness_seconds))
        if client.peer.waits_for_continue:
            await client.send(client.peer.encode_interim(100, b"Continue", []))
        if not head.chunked and head.length <= _BUFFERED:
            forwarded.whole = b"".join([piece async for piece in client.peer.body()])
        tried: list[Target] = []
        status = 503
        while (target := self._choose(group, head, tried)) is not None:
            try:
                await self._exchange(forwarded, target)
                return
            except ConnectFailed as failed:
                status = 504 if isinstance(failed.__cause__, TimeoutError) else 502
                self.counts.not_connected(client.balancer.dimension, group.dimension)
                tried.append(target)
        await self._refuse(client, group, status)

    async def _exchange(self, forwarded: Forwarded, target: Target) -> None:
        key = (target.address, target.port)
        self._in_flight[key] = self._in_flight.get(key, 0) + 1
        met = self.state.spoils.request(forwarded.group.arn, target.address)
        exchange = Exchange(self._means, forwarded, Route(target, self.place_of(*key), met))
        try:
            await exchange.run()
        except TimeoutError:
            await self._refuse(forwarded.client, forwarded.group, 504)
        except (MalformedMessage, *_GONE):
            await self._refuse(forwarded.client, forwarded.group, 502)
        except ClientGone:
            if not exchange.answered:
                self.counts.refused(forwarded.client.balancer.dimension, forwarded.group.dimension, 460)
            raise
        finally:
            self._in_flight[key] -= 1

    def _choose(self, group: TargetGroup, head: Request, tried: list[Target]) -> Target | None:
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

    async def _refuse(self, client: Client, group: TargetGroup | None, status: int) -> None:
        # 503: there was no target to choose.
        chosen = group.dimension if group and status != 503 else None
        self.counts.refused(client.balancer.dimension, chosen, status)
        await client.answer(answers.error(status))
