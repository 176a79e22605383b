"""CloudWatch: what the load balancers really did, kept second by second."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

from .server import Sandbox

_KEPT = 6 * 3600


@dataclass(frozen=True)
class Measurement:
    """One second of one target group behind one load balancer (or of the load balancer itself, with no group)."""

    at: int
    load_balancer: str
    target_group: str | None
    requests: int
    target_codes: dict[str, int]
    balancer_codes: dict[str, int]
    response_seconds: tuple[float, ...]
    healthy: int
    unhealthy: int


class Measurements:
    """What the edge reported, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: deque[Measurement] = deque(maxlen=_KEPT)

    def add(self, reported: list[dict[str, Any]]) -> None:
        with self._lock:
            for one in reported:
                times = tuple(one["response_seconds"])
                self._kept.append(Measurement(**{**one, "response_seconds": times}))

    def between(self, start: float, end: float) -> list[Measurement]:
        with self._lock:
            return [one for one in self._kept if start <= one.at < end]


def install(sandbox: Sandbox) -> None:
    sandbox.measurements = Measurements()
