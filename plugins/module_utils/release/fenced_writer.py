# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sends the writes of a run: only right after a renewal of the lease, each once, and it knows which may still arrive."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..rollout.actions import Adjust, FleetAction, Shift
from ..rollout.disagreements import Disagreement, Repair
from ..rollout.lease import LATE_WRITE_SECONDS, WRITE_BEGINS_SECONDS
from .lease_holder import LeaseHolder
from .ports import PortError, Ports


class FencedWriter:
    """`late_until`: until when a write may still arrive that no controller waits for, of this controller or an overtaken one."""

    def __init__(self, ports: Ports, lease_holder: LeaseHolder) -> None:
        self.ports = ports
        self.lease_holder = lease_holder
        self.late_until = 0.0

    def expect_late_writes(self) -> None:
        self.late_until = self.ports.clock.now() + LATE_WRITE_SECONDS

    def renew(self) -> bool:
        """Renew before every write; False where that took so long that the lease may be another controller's by now."""
        self.lease_holder.renew()
        return self.ports.clock.now() <= self.lease_holder.write_until

    def write(self, action: Shift | FleetAction) -> None:
        """Send a write, once, after a renewal."""
        self._send(action, self.lease_holder.write_until)

    def write_without_lease(self, action: Shift | FleetAction) -> None:
        """For a return of traffic while the ledger cannot be written."""
        self._send(action, self.ports.clock.now() + WRITE_BEGINS_SECONDS)

    def write_if_not_overtaken(self, action: Shift | FleetAction) -> None:
        """For a return of traffic whose failure need not be the ledger's: without a lease only where that cannot be renewed."""
        try:
            fenced = self.renew()
        except PortError:
            fenced = False
        if fenced:
            self.write(action)
        else:
            self.write_without_lease(action)

    def put_right(self, found: Sequence[Disagreement]) -> bool:
        """Undo what a late write or somebody else left behind; what cannot be undone is told."""
        for disagreement in found:
            self.ports.progress.line(("put right: " if disagreement.repair else "") + disagreement.sentence)
            if disagreement.repair is not None:
                self.lease_holder.with_retries(partial(self._repair, disagreement.repair))
        return any(disagreement.repair for disagreement in found)

    def adjust(self, action: Adjust) -> None:
        self.lease_holder.with_retries(partial(self._repair, action))

    def _repair(self, repair: Repair | Adjust) -> None:
        if not self.renew():
            raise PortError("The renewal of the lease took too long to write after it", transient=True)
        self.write(repair)

    def _send(self, action: Shift | FleetAction, until: float) -> None:
        try:
            if isinstance(action, Shift):
                self.ports.provider.shift(action.weights, until)
            else:
                self.ports.provider.apply(action, until)
        except PortError as failure:
            if failure.may_arrive:
                self.expect_late_writes()
            raise
