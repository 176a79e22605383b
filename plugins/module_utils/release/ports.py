# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the controller needs of the world: small protocols, each with an adapter on AWS and a stand-in in the tests."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..rollout.actions import Decision, FleetAction
from ..rollout.lease import Lease
from ..rollout.model import Colour, Fleet, OperatorRequest, Readings, Release, Verdict, Weights


class PortError(Exception):
    """A call to the world failed. The text says what failed, why, and what to do."""

    def __init__(
        self,
        sentence: str,
        *,
        transient: bool,
        throttled: bool = False,
        may_arrive: bool = False,
        reads: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.reads = reads
        # The same call may succeed a little later; a throttled one did nothing.
        self.transient = transient
        self.throttled = throttled
        # It is unknown whether it took effect, or will.
        self.may_arrive = may_arrive

    @property
    def throttled_read(self) -> bool:
        """It changed nothing and says nothing about the release: whoever asks less often gets an answer."""
        return self.throttled and self.reads


class LedgerAwayError(PortError):
    """The ledger cannot be read, or refuses the lease's write, before a run has begun."""


class LeaseLostError(Exception):
    """The ledger refused a write, because another controller has a higher fencing number."""


class Provider(Protocol):
    """Carries a version to traffic: reads a service, changes its tasks, and moves its production traffic.

    `listener` has two ECS services and writes weights into a listener rule. `ecs` has ECS carry the version: it starts a
    deployment (Replace) and reads how far ECS has come. A deployment that ECS shifts by itself (BLUE_GREEN, LINEAR, CANARY)
    fits as follows: Replace starts it, the weights that `read` returns are those of its target revision, `shift` answers
    the pause hook that stands before these weights (ContinueServiceDeployment), and a shift back to the stable weights stops
    the deployment with a rollback (StopServiceDeployment).
    """

    def read(self, count_unended: bool = False) -> Fleet:
        """The fleet. With `count_unended` also the tasks that are stopping, of a colour that should have none."""

    def glance(self) -> Fleet:
        """As read, while nothing is written: what changes only by somebody else's hand may be some seconds old."""

    def read_load_balancer(self) -> Fleet:
        """The weights and the healthy targets, for when nothing else answers. Nothing else of its colours is known."""

    def register(self, release: Release) -> str: ...

    def apply(self, action: FleetAction, until: float) -> None:
        """Carry the action out. No request of it is sent after `until`, and none is sent twice."""

    def shift(self, weights: Weights, until: float) -> None:
        """Move production traffic; return once the weights have been read back. `until` as with apply."""

    def difference(self, colour: Colour) -> dict[str, str]:
        """Before and after of a release in place, for check mode."""


class Judges(Protocol):
    """Reads what the gates judge, runs checks, and keeps evidence."""

    def readings(self, release: Release, fleet: Fleet, now: float) -> Readings: ...

    def prove(self, release: Release, check: str, stopped: Callable[[], bool]) -> Verdict:
        """Run a check. One that takes long asks every few seconds whether it has to stop: that keeps the lease."""

    def probe(self, release: Release, stopped: Callable[[], bool]) -> Verdict | None:
        """Whether this version answers at the service's address, by the version probe or the rules; `stopped` as for a check."""

    def collect(self, release: Release, fleet: Fleet) -> dict[str, Any]: ...

    def response_times(self, release: Release) -> dict[str, list[dict[str, Any]]]:
        """By side and period, what the last verdict over response times was computed from; empty where there is none."""


@dataclass(frozen=True)
class UnreadableRecord:
    """An entry of the ledger that this version cannot read. It is left alone."""

    key: str
    reason: str
    ended: bool

    def __str__(self) -> str:
        return f"record {self.key} of the ledger cannot be read: {self.reason}"


@dataclass(frozen=True)
class History:
    """The releases of a service that could be read, and the entries that could not."""

    releases: Sequence[Release] = ()
    unreadable: Sequence[UnreadableRecord] = ()


class Ledger(Protocol):
    """Releases, lease and operator request of one service.

    `renew` and `save` raise LeaseLostError for all but the last taker.
    """

    @property
    def service(self) -> str: ...

    def history(self) -> History: ...

    def lease(self) -> Lease | None: ...

    def take(self, lease: Lease, over: int) -> bool: ...

    def renew(self, lease: Lease) -> None: ...

    def save(self, release: Release, lease: Lease) -> None: ...

    def operator_request(self) -> OperatorRequest | None: ...

    def submit(self, request: OperatorRequest) -> None: ...


class Clock(Protocol):
    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class Progress(Protocol):
    def line(self, text: str) -> None: ...

    def heartbeat(self, text: str) -> None: ...


class Notices(Protocol):
    """Tells people and machines what becomes of a release. Never raises: a release does not depend on who hears of it."""

    def tell(self, decision: Decision) -> tuple[str, ...]:
        """Tell what has to be told of the decision's release; return what was, as `told` of the release keeps it."""

    def left(self, release: Release, reason: str) -> None:
        """Tell that this run leaves a release that has not ended."""

    @property
    def warnings(self) -> Sequence[str]:
        """What could not be told."""


class NoTopics:
    """Where no topic is named."""

    def tell(self, decision: Decision) -> tuple[str, ...]:
        return ()

    def left(self, release: Release, reason: str) -> None:
        return None

    @property
    def warnings(self) -> Sequence[str]:
        return ()


@dataclass
class ReadDeadline:
    """After this time no read is sent any more: those of one look end before the lease does."""

    until: float = math.inf


@dataclass(frozen=True)
class Ports:
    provider: Provider
    judges: Judges
    ledger: Ledger
    clock: Clock
    progress: Progress
    notices: Notices = NoTopics()
    read_deadline: ReadDeadline = field(default_factory=ReadDeadline)
