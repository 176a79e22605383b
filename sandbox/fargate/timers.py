"""How long ECS's timers last here: shorter by the time factor, longer by the machine's lateness, never below real start-up."""

from __future__ import annotations

from dataclasses import dataclass

from ..lateness import Lateness

# The time factor makes minutes shorter, and a container starts no faster for it.
_REAL_START_SECONDS = 5.0


@dataclass(frozen=True)
class Timers:
    """The time factor of a sandbox, and how late its machine is."""

    factor: float
    lateness: Lateness

    def grace(self, seconds: float) -> float:
        """A health check grace period as it lasts here, in machine seconds."""
        return max(seconds / self.factor, min(seconds, _REAL_START_SECONDS))

    def in_grace(self, started_at: float, seconds: float) -> bool:
        """Whether a task that started at a moment is within a grace period still."""
        return self.lateness.elapsed(started_at) < self.grace(seconds)
