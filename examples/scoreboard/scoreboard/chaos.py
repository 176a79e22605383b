"""Failures and latency on purpose, steered by the environment, the same for the same seed."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass

_Z99 = 2.3263478740408408  # the 99th percentile of the standard normal distribution


@dataclass(frozen=True)
class Mischief:
    """What happens to one request: wait so long, and fail or not."""

    seconds: float = 0.0
    fail: bool = False


class Chaos:
    """CHAOS_ENABLED, CHAOS_ERROR_RATE (0..1), CHAOS_LATENCY_MS_P50 and _P99, CHAOS_ROUTES (comma list), CHAOS_SEED."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.enabled = environment.get("CHAOS_ENABLED", "").lower() in {"1", "true", "yes", "on"}
        self._rate = float(environment.get("CHAOS_ERROR_RATE") or 0)
        self._p50 = float(environment.get("CHAOS_LATENCY_MS_P50") or 0) / 1000
        self._p99 = float(environment.get("CHAOS_LATENCY_MS_P99") or 0) / 1000
        routes = environment.get("CHAOS_ROUTES", "")
        self._routes = {route.strip() for route in routes.split(",") if route.strip()}
        self._random = random.Random(int(environment.get("CHAOS_SEED") or 0))
        self._lock = threading.Lock()

    def strike(self, route: str) -> Mischief:
        """Decide for one request. Health and metrics are left alone unless they are named."""
        if not self.enabled or (route not in self._routes if self._routes else route in {"/healthz", "/metrics"}):
            return Mischief()
        with self._lock:
            chance, normal = self._random.random(), self._random.gauss(0, 1)
        return Mischief(self._latency(normal), chance < self._rate)

    def _latency(self, normal: float) -> float:
        """Log-normal through the two percentiles."""
        if self._p50 <= 0:
            return 0.0
        sigma = math.log(max(self._p99, self._p50) / self._p50) / _Z99
        return self._p50 * math.exp(sigma * normal)
