"""Failures and latency on purpose, the same for the same seed."""

from __future__ import annotations

import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from .settings import ChaosSettings

_Z99 = 2.3263478740408408  # the 99th percentile of the standard normal distribution

_LOOK_BACK_SECONDS = 2.0


@dataclass(frozen=True)
class Mischief:
    """What happens to one request: wait so long, and fail or not."""

    seconds: float = 0.0
    fail: bool = False
    busy_seconds: float = 0.0


class Chaos:
    """A sequence of verdicts: the n-th request that is covered always gets the n-th verdict of the seed."""

    def __init__(self, settings: ChaosSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._kept: list[bytes] = []
        self._recent: deque[float] = deque()
        self._random = random.Random(settings.seed)
        self._lock = threading.Lock()

    def strike(self, route: str) -> Mischief:
        """Decide for one request."""
        if not self._settings.covers(route):
            return Mischief()
        with self._lock:
            chance, normal = self._random.random(), self._random.gauss(0, 1)
            over = self._over_the_limit()
            if self._settings.leak_kib:
                # Written, so that the pages are really used.
                self._kept.append(b"x" * int(self._settings.leak_kib * 1024))
        fail = over or chance < self._settings.error_rate
        return Mischief(self._latency(normal), fail, self._settings.busy_seconds)

    def _over_the_limit(self) -> bool:
        """Whether more requests came in the newest two seconds than the limit allows."""
        limit = self._settings.errors_above_per_second
        if not limit:
            return False
        now = self._clock()
        self._recent.append(now)
        while self._recent[0] < now - _LOOK_BACK_SECONDS:
            self._recent.popleft()
        return len(self._recent) > limit * _LOOK_BACK_SECONDS

    def _latency(self, normal: float) -> float:
        """Log-normal: its median is P50, and one request of a hundred waits longer than P99."""
        p50, p99 = self._settings.latency_p50_seconds, self._settings.latency_p99_seconds
        if p50 <= 0:
            return 0.0
        return p50 * math.exp(math.log(p99 / p50) / _Z99 * normal)
