# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Holds the lease of a service during a run: takes it, renews it before each write, gives it back at the end."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from ..rollout import lease as leases
from ..rollout.lease import Claim, Held, Lease, Taken
from .pace import Pace
from .ports import Clock, LeaseLostError, Ledger, PortError, Progress, ReadDeadline

TRIES = 5
BACKOFF_SECONDS = 1.0

T = TypeVar("T")


class LeasePorts(Protocol):
    """What a lease holder needs."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def progress(self) -> Progress: ...

    @property
    def read_deadline(self) -> ReadDeadline: ...


class LeaseHolder:
    """The lease of one run. Without it nothing can be written."""

    def __init__(self, ports: LeasePorts, owner: str) -> None:
        self.ports = ports
        self.owner = owner
        self._lease: Lease | None = None
        self._renewed_at = 0.0
        # Whether the ledger took the last write of the lease.
        self.is_renewed = False
        self._randomness = random.Random(owner)

    def take(self, release_id: str, *, force: bool) -> Taken | Held:
        """Take the lease, or say who has it."""
        ledger = self.ports.ledger
        claim = Claim(ledger.service, self.owner, release_id, force)
        while True:
            current = self.with_retries(ledger.lease)
            answer = leases.take(current, claim, self.ports.clock.now())
            if isinstance(answer, Held):
                return answer
            if self.with_retries(partial(ledger.take, answer.lease, answer.over)):
                break
            written = self.with_retries(ledger.lease)
            if written is not None and (written.owner, written.fence) == (answer.lease.owner, answer.lease.fence):
                # The write took effect and only its answer was lost.
                break
        self._lease, self.is_renewed = answer.lease, True
        self.ports.progress.line(answer.reason)
        return answer

    @property
    def lease(self) -> Lease:
        if self._lease is None:
            raise LeaseLostError
        return self._lease

    def renew(self) -> None:
        """Every write comes after this: it fails for a controller whose lease another one has taken."""
        now = self.ports.clock.now()
        self._lease, self.is_renewed = leases.renew(self.lease, now), False
        self.ports.ledger.renew(self._lease)
        self._renewed_at, self.is_renewed = now, True

    @property
    def write_until(self) -> float:
        """Until when a write may be sent: shortly after the renewal, long before the lease ends."""
        return self._renewed_at + leases.WRITE_BEGINS_SECONDS

    def keep(self, now: float) -> None:
        """Renew while nothing is written, well before the end."""
        if now > self.lease.expires_at - leases.SECONDS / 2:
            self.renew()

    def within_lease(self, look: Callable[[], T]) -> T:
        """A look of several reads that ends before the lease does: where each takes long, the rest is not sent any more.

        Where hardly anything is left of the lease there is none to keep, and what is seen may still return traffic.
        """
        if self.is_renewed:
            self._keep_while_asking()
        deadline, now = self.ports.read_deadline, self.ports.clock.now()
        until = self._lease.expires_at - leases.READ_SECONDS if self._lease is not None else math.inf
        deadline.until = until if until > now else math.inf
        try:
            return look()
        finally:
            deadline.until = math.inf

    def _keep_while_asking(self) -> None:
        """A read that is repeated for minutes costs no lease. Where that cannot be renewed, the next write finds it out."""
        try:
            if self._lease is not None:
                self.keep(self.ports.clock.now())
        except PortError as failure:
            self.ports.progress.heartbeat(str(failure))

    def lost(self) -> None:
        """Another controller has it: there is nothing left to give back."""
        self._lease = None

    def give_back(self, late_until: float = 0.0) -> None:
        """Free the lease; while a write may still arrive, let it end with that time. Where that fails it ends by itself."""
        if self._lease is None:
            return
        now = self.ports.clock.now()
        freed = leases.give_back(self._lease, now) if late_until <= now else leases.let_end(self._lease, late_until)
        if late_until > now:
            until = leases.clock_time(late_until)
            self.ports.progress.line(f"the lease stays until {until}: until then a write may still arrive")
        try:
            self.with_retries(partial(self.ports.ledger.renew, freed))
        except LeaseLostError:
            self.ports.progress.line("the lease had been taken over before it was given back")
        except PortError as failure:
            ends = leases.clock_time(self._lease.expires_at)
            self.ports.progress.line(f"the lease could not be given back, it ends by itself at {ends}: {failure}")
        self._lease = None

    def with_retries(self, call: Callable[[], T]) -> T:
        """Make a call that may be repeated; give up after some tries, or at once where repeating cannot help.

        A throttled read is repeated longer: it is answered once others read less.
        """
        failures, pace = 0, Pace(self._randomness)
        while True:
            try:
                return self.within_lease(call)
            except PortError as failure:
                pause = pace.throttled(self.ports.clock.now()) if failure.throttled_read else None
                if pause is not None:
                    self.ports.progress.heartbeat(f"{failure} Asking again in {pause:.0f} s")
                    self.ports.clock.sleep(pause)
                    self._keep_while_asking()
                    continue
                failures += 1
                if not failure.transient or failures >= TRIES:
                    raise
                self.ports.progress.line(f"{failure} (failure {failures} in a row)")
                self.ports.clock.sleep(BACKOFF_SECONDS * 2 ** (failures - 1))
