"""Failures and latency on purpose, the same for the same seed."""

from __future__ import annotations

import math
import random
import threading
from dataclasses import dataclass

from .settings import ChaosSettings

_Z99 = 2.3263478740408408  # the 99th percentile of the standard normal distribution


@dataclass(frozen=True)
class Mischief:
    """What happens to one request: wait so long, and fail or not."""

    seconds: float = 0.0
    fail: bool = False


class Chaos:
    """A sequence of verdicts: the n-th request that is covered always gets the n-th verdict of the seed."""

    def __init__(self, settings: ChaosSettings) -> None:
        self._settings = settings
        self._random = random.Random(settings.seed)
        self._lock = threading.Lock()

    def strike(self, route: str) -> Mischief:
        """Decide for one request."""
        if not self._settings.covers(route):
            return Mischief()
        with self._lock:
            chance, normal = self._random.random(), self._random.gauss(0, 1)
        return Mischief(self._latency(normal), chance < self._settings.error_rate)

    def _latency(self, normal: float) -> float:
        """Log-normal: its median is P50, and one request of a hundred waits longer than P99."""
        p50, p99 = self._settings.latency_p50_seconds, self._settings.latency_p99_seconds
        if p50 <= 0:
            return 0.0
        return p50 * math.exp(math.log(p99 / p50) / _Z99 * normal)
