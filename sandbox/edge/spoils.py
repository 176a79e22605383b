"""Faults of targets: slow, erroring or vanished ones, as requests and health checks meet them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .health import FAILED, TIMED_OUT, CheckResult, code_mismatch, matches_code


@dataclass(frozen=True, slots=True)
class Spoil:
    """What is done to the targets of a group, or to the one with an address."""

    kind: str  # slow, erroring, vanish
    target_group: str | None
    address: str | None
    seconds: float
    status: int
    probability: float
    health_checks: bool

    def concerns(self, group: str, address: str) -> bool:
        return self.target_group == group or self.address == address


@dataclass(frozen=True, slots=True)
class Met:
    """What one request meets at its target."""

    seconds: float = 0.0
    status: int | None = None
    vanished: bool = False


NOTHING = Met()


@dataclass(frozen=True, slots=True)
class Spoils:
    """All faults of targets."""

    of: tuple[Spoil, ...] = ()
    randomness: random.Random = field(default_factory=random.Random)

    def request(self, group: str, address: str) -> Met:
        """What a request meets now, by each fault's probability."""
        if not self.of:
            return NOTHING
        return _together([spoil for spoil in self.of if spoil.concerns(group, address) and self._happens(spoil)])

    def check(self, group: str, address: str, timeout_seconds: float, matcher: str) -> CheckResult | None:
        """How a health check goes wrong; None for one that is to be carried out."""
        # A target that has vanished has so for everybody.
        concerned = [spoil for spoil in self.of if spoil.concerns(group, address)]
        met = _together(
            [spoil for spoil in concerned if (spoil.health_checks or spoil.kind == "vanish") and self._happens(spoil)]
        )
        if met.vanished:
            return FAILED
        if met.seconds >= timeout_seconds:
            return TIMED_OUT
        if met.status is not None and not matches_code(matcher, met.status):
            return code_mismatch(met.status)
        return None

    def _happens(self, spoil: Spoil) -> bool:
        return spoil.probability >= 1 or self.randomness.random() < spoil.probability


def _together(spoils: Sequence[Spoil]) -> Met:
    return Met(
        seconds=sum(spoil.seconds for spoil in spoils if spoil.kind == "slow"),
        status=next((spoil.status for spoil in spoils if spoil.kind == "erroring"), None),
        vanished=any(spoil.kind == "vanish" for spoil in spoils),
    )


def parse(snapshot: Sequence[Mapping[str, Any]]) -> Spoils:
    return Spoils(tuple(Spoil(**entry) for entry in snapshot))
