"""The edge process: follow the API's state, keep the listeners of every load balancer open, report each second."""

from __future__ import annotations

import argparse
import asyncio
import functools
import signal
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp

from ..config import Settings
from ..lateness import beat_for_ever
from .http1 import HEAD_LIMIT
from .network import Network, is_network, transports
from .nodes import Nodes, lags
from .proxy import Proxy
from .state import Certificate, Listener, parse_state
from .tls import server_context

_RETRY_SECONDS = 0.5
Key = tuple[str, str, int, str, str, tuple[str, ...], tuple[Certificate, ...]]


class Edge:
    """Servers by what makes them what they are; a listener whose certificate changed gets a new one."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.proxy = Proxy(nodes=Nodes(lags(settings.time_factor)))
        self._network = Network(self.proxy)
        self._servers: dict[Key, asyncio.Server | asyncio.BaseTransport] = {}

    async def follow(self, session: aiohttp.ClientSession) -> None:
        """Long-poll the state for ever. While the API does not answer, the last good state is served."""
        version = "-1"
        while True:
            try:
                url = f"{self.settings.endpoint}/_sandbox/edge/state"
                async with session.get(url, params={"version": version}) as answer:
                    answer.raise_for_status()
                    state = parse_state(await answer.json(content_type=None))
            except (aiohttp.ClientError, TimeoutError, OSError) as failed:
                print(
                    f"edge: the API does not answer ({failed}); serving on what is known", file=sys.stderr, flush=True
                )
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if state.version != version:
                version = state.version
                self.proxy.apply(state)
                await self._listen()

    async def _listen(self) -> None:
        state = self.proxy.state
        wanted: dict[Key, tuple[str, Listener]] = {}
        for balancer in state.load_balancers.values():
            for listener in balancer.listeners:
                certificates = tuple(
                    state.certificates[arn] for arn in listener.certificates if arn in state.certificates
                )
                for transport in transports(listener.protocol):
                    key = (
                        balancer.address,
                        listener.arn,
                        listener.port,
                        transport,
                        listener.protocol,
                        listener.tls_protocols,
                        certificates,
                    )
                    wanted[key] = (balancer.arn, listener)
        for key in [key for key in self._servers if key not in wanted]:
            self._servers.pop(key).close()
        for key, (balancer_arn, listener) in wanted.items():
            if key not in self._servers:
                try:
                    self._servers[key] = await self._served(key[0], key[3], balancer_arn, listener)
                except (OSError, ValueError) as failed:
                    print(f"edge: listener {listener.arn} cannot be served: {failed}", file=sys.stderr, flush=True)

    async def _served(
        self, address: str, transport: str, balancer_arn: str, listener: Listener
    ) -> asyncio.Server | asyncio.BaseTransport:
        """What listens on a listener's port, until it is closed."""
        if transport == "udp":
            make = functools.partial(self._network.datagrams, balancer_arn, listener.arn)
            datagrams, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                make, local_addr=(address, listener.port)
            )
            return datagrams
        certificates = dict(self.proxy.state.certificates)
        context = server_context(listener, certificates) if listener.protocol in ("HTTPS", "TLS") else None
        serve = functools.partial(
            (self._network if is_network(listener) else self.proxy).serve, balancer_arn, listener.arn
        )
        return await asyncio.start_server(
            serve, address, listener.port, ssl=context, limit=HEAD_LIMIT, backlog=1024, reuse_address=True
        )

    async def report(self, session: aiohttp.ClientSession) -> None:
        """Tell verdicts and counts: each second, and at once when a verdict changed."""
        told: Any = None
        due = 0.0
        loop = asyncio.get_running_loop()
        while True:
            verdicts = dict(self.proxy.checker.verdicts)
            if verdicts != told or loop.time() >= due:
                try:
                    url = f"{self.settings.endpoint}/_sandbox/edge/report"
                    async with session.post(url, json=self._report(verdicts, loop.time() >= due)) as answer:
                        answer.raise_for_status()
                    told = verdicts
                except (aiohttp.ClientError, TimeoutError, OSError) as failed:
                    print(f"edge: could not report ({failed})", file=sys.stderr, flush=True)
                if loop.time() >= due:
                    due = loop.time() + 1.0
            await asyncio.sleep(0.1)

    def _report(self, verdicts: Any, with_counts: bool) -> dict[str, Any]:
        # All seconds before this one are told now.
        until = int(time.time()) if with_counts else 0
        return {
            "verdicts": [
                {
                    "target_group": group,
                    "address": address,
                    "port": port,
                    "state": verdict.state,
                    "reason": verdict.reason,
                    "description": verdict.description,
                }
                for (group, address, port), verdict in verdicts.items()
            ],
            "measurements": self.proxy.counts.take(self._health()) if with_counts else [],
            "counted_until": until,
            "slower": self.proxy.lateness.stretch(),
        }

    def _health(self) -> dict[tuple[str, str | None], tuple[int, int]]:
        """Healthy and unhealthy targets by load balancer and target group; with no group, those of all its groups."""
        state, checker = self.proxy.state, self.proxy.checker
        counted: dict[tuple[str, str | None], tuple[int, int]] = {}
        for arn, balancers in state.used_by.items():
            group = state.target_groups.get(arn)
            if group is None:
                continue
            serving = [target for target in group.targets if not target.draining]
            healthy = sum(checker.is_healthy(arn, target) for target in serving)
            for balancer in balancers:
                counted[balancer.dimension, group.dimension] = (healthy, len(serving) - healthy)
                before = counted.get((balancer.dimension, None), (0, 0))
                counted[balancer.dimension, None] = (before[0] + healthy, before[1] + len(serving) - healthy)
        return counted


async def run(settings: Settings) -> None:
    """Serve until SIGTERM."""
    edge = Edge(settings)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        loops = (edge.follow(session), edge.report(session), beat_for_ever(edge.proxy.lateness))
        work = {asyncio.create_task(loop) for loop in loops}
        stop = asyncio.create_task(ended.wait())
        done, _ = await asyncio.wait({*work, stop}, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stop}:
            task.result()  # an error here is a defect: end loudly
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.edge", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    asyncio.run(run(Settings.load(parser.parse_args().home)))


if __name__ == "__main__":
    main()
