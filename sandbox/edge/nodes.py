"""The nodes of a load balancer: what is changed of a listener reaches one after the other."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence

from .state import CONNECTIONS, Listener, State

# ELB answers ModifyRule before all nodes have the change, and states no time for it.
LAG_SECONDS = (0.5, 2.0, 4.0)
# Of a network load balancer minutes pass: ECS waits ten after each change of weights.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/nlb-resources-for-blue-green.html
_TIMES_OF_CONNECTIONS = 60


def lags(time_factor: float) -> tuple[float, ...]:
    """How late each node is, in this machine's seconds."""
    return tuple(seconds / time_factor for seconds in LAG_SECONDS)


class Nodes:
    """Which version of a listener each node serves by. A client's connection stays with one node."""

    def __init__(self, lags: Sequence[float] = (0.0,), now: Callable[[], float] = time.monotonic) -> None:
        self._lags = tuple(lags)
        self._now = now
        self._versions: dict[str, list[tuple[float, Listener]]] = {}

    def learn(self, state: State) -> None:
        """Take a new state. What was not known before is everywhere at once."""
        now = self._now()
        known, self._versions = self._versions, {}
        for balancer in state.load_balancers.values():
            for listener in balancer.listeners:
                versions = known.get(listener.arn) or [(-math.inf, listener)]
                if versions[-1][1].said == listener.said:
                    versions[-1] = (versions[-1][0], listener)
                else:
                    versions.append((now, listener))
                self._versions[listener.arn] = self._needed(versions, now)

    def arrive(self) -> int:
        """The node that takes a new connection."""
        return random.randrange(len(self._lags))

    def listener(self, arn: str, node: int) -> Listener | None:
        """A listener as a node has it now."""
        versions = self._versions.get(arn)
        if not versions:
            return None
        here = self._now() - self._lags[node] * _times(versions[-1][1])
        return next((listener for at, listener in reversed(versions) if at <= here), versions[0][1])

    def _needed(self, versions: list[tuple[float, Listener]], now: float) -> list[tuple[float, Listener]]:
        """Without those that no node serves by any more."""
        longest = max(self._lags) * _times(versions[-1][1])
        everywhere = [number for number, (at, _) in enumerate(versions) if at <= now - longest]
        return versions[everywhere[-1] :] if everywhere else versions


def _times(listener: Listener) -> int:
    return _TIMES_OF_CONNECTIONS if listener.protocol in CONNECTIONS else 1
