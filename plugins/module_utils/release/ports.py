# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the controller needs of the world: small protocols, each with an adapter on AWS and a stand-in in the tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..rollout.actions import CancelScaleIn, ScaleIn, ScheduleScaleIn, Stage
from ..rollout.lease import Lease
from ..rollout.model import Fleet, OperatorRequest, Readings, Release, Verdict, Weights


class PortError(Exception):
    """A call to the world failed. The text says what failed, why, and what to do."""

    def __init__(self, sentence: str, *, transient: bool, throttled: bool = False) -> None:
        super().__init__(sentence)
        # The same call may succeed a little later; it was refused as one too many, and did nothing.
        self.transient = transient
        self.throttled = throttled


class LeaseLostError(Exception):
    """The ledger refused a write, because another controller has a higher fencing number."""


class Fleets(Protocol):
    """Reads a service and changes its two ECS services."""

    def read(self) -> Fleet: ...

    def register(self, release: Release) -> str: ...

    def apply(self, action: Stage | ScaleIn | ScheduleScaleIn | CancelScaleIn) -> None: ...


class TrafficProvider(Protocol):
    """Moves production traffic; returns once the weights have been read back."""

    def shift(self, weights: Weights) -> None: ...


class Judges(Protocol):
    """Reads what the gates judge, runs checks, and keeps evidence."""

    def readings(self, release: Release, fleet: Fleet, now: float) -> Readings: ...

    def prove(self, release: Release, check: str, stopped: Callable[[], bool]) -> Verdict:
        """Run a check. One that takes long asks every few seconds whether it has to stop: that keeps the lease."""

    def probe(self, release: Release) -> Verdict | None: ...

    def collect(self, release: Release, fleet: Fleet) -> dict[str, Any]: ...


class Ledger(Protocol):
    """Releases, lease and operator_request of one service. `renew` and `save` raise LeaseLostError for all but the last taker."""

    @property
    def service(self) -> str: ...

    def history(self) -> Sequence[Release]: ...

    def lease(self) -> Lease | None: ...

    def take(self, lease: Lease, over: int) -> bool: ...

    def renew(self, lease: Lease) -> None: ...

    def save(self, release: Release, lease: Lease) -> None: ...

    def operator_request(self) -> OperatorRequest | None: ...

    def ask(self, operator_request: OperatorRequest) -> None: ...


class Clock(Protocol):
    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class Progress(Protocol):
    def line(self, text: str) -> None: ...

    def heartbeat(self, text: str) -> None: ...


@dataclass(frozen=True)
class Ports:
    fleets: Fleets
    traffic: TrafficProvider
    judges: Judges
    ledger: Ledger
    clock: Clock
    progress: Progress
