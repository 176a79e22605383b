"""The health check of a container, as ECS judges it: what is asked, what counts, and what the answers come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class HealthCheck:
    """A container's health check with ECS's defaults; times in seconds."""

    command: tuple[str, ...]
    interval: float = 30.0
    timeout: float = 5.0
    retries: int = 3
    start_period: float = 0.0

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> HealthCheck:
        """From a container definition's healthCheck."""
        kind, *words = given["command"]
        return cls(
            command=("/bin/sh", "-c", *words) if kind == "CMD-SHELL" else tuple(words),
            interval=float(given.get("interval") or 30),
            timeout=float(given.get("timeout") or 5),
            retries=int(given.get("retries") or 3),
            start_period=float(given.get("startPeriod") or 0),
        )


@dataclass(frozen=True)
class ContainerHealth:
    """UNKNOWN until the first check that counts has passed or `retries` in a row have failed."""

    status: str = "UNKNOWN"
    failures: int = 0

    def after(self, passed: bool | None, check: HealthCheck, age: float) -> ContainerHealth:
        """The health after one more check; None for one that could not be run, which says nothing.

        Failures in the start period do not count, unless the container has been healthy before. `age` is the
        container's, in machine seconds.
        """
        if passed is None:
            return self
        if passed:
            return ContainerHealth("HEALTHY")
        if self.status == "UNKNOWN" and age < check.start_period:
            return self
        failures = self.failures + 1
        return ContainerHealth("UNHEALTHY" if failures >= check.retries else self.status, failures)
