"""When CloudWatch has a load balancer's samples: a minute is partial at its end, and whole two minutes later."""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar

T = TypeVar("T")

# The nodes of a load balancer report on their own, so the newest minutes lack some of them. AWS states no bound; gaps and
# delays of the newest data points: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
NODES = 3


def node_of(second: float) -> int:
    """Which node stands for the requests of a second: each takes its turn. The last one is the latest."""
    return int(second) % NODES


def arrives_at(second: float, minute_end: float, minute_seconds: float) -> float:
    """When the samples of a second are in CloudWatch: at the end of their minute, or one or two minutes later."""
    return minute_end + node_of(second) * minute_seconds


class Arriving(Generic[T]):
    """What is on its way, in the order of its arrival."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, T]] = []
        self._sent = 0

    def send(self, at: float, what: T) -> None:
        self._sent += 1
        heapq.heappush(self._heap, (at, self._sent, what))

    def take(self, now: float) -> list[T]:
        """Everything that has arrived by now."""
        found: list[T] = []
        while self._heap and self._heap[0][0] <= now:
            found.append(heapq.heappop(self._heap)[2])
        return found
