# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rollback while the ledger is away: what is known without it, and a return of traffic that needs neither lease nor record."""

from __future__ import annotations

from ..rollout.actions import Shift
from ..rollout.begin import Refused
from ..rollout.colour_return import ColourOrder, facts, return_to_colour
from ..rollout.lease import LATE_WRITE_SECONDS
from ..rollout.model import Colour, Fleet, Outcome, Release
from .fenced_writer import FencedWriter
from .lease_holder import LeaseHolder
from .loop import Ending, not_begun
from .ports import LedgerAwayError, PortError, Ports
from .unrecorded_return import return_decision, returns_by_rule

_NEXT_RUN = (
    "No task was scaled. The next release or rollback records and ends what is unfinished. A controller that still works may have "
    f"a write under way, which arrives within {LATE_WRITE_SECONDS} s: look at the weights again then"
)


class WithoutLedger:
    """What a controller can do for users while the ledger cannot be read or written."""

    def __init__(self, ports: Ports, lease_holder: LeaseHolder, writer: FencedWriter) -> None:
        self.ports = ports
        self.lease_holder = lease_holder
        self.writer = writer

    def return_traffic_of(self, left: Release, away: LedgerAwayError) -> Ending | None:
        """The release under way can be read and the lease not be taken: its traffic returns all the same, without a record."""
        if not returns_by_rule(left):
            return None
        fleet = self.fleet_or_targets()
        decision = return_decision(left, fleet, f"rollback of {self.lease_holder.owner}", self.ports.clock.now())
        if decision is None:
            return None
        self.ports.progress.line(f"the ledger cannot be written, traffic is returned without a record: {away}")
        self.lease_holder.with_retries(lambda: self.writer.write_without_lease(decision.action))
        reason = f"{left.live} has all traffic, release {left.id} had {fleet.traffic}. This is not on record: {away}"
        return Ending(Outcome.SUCCEEDED, f"{reason} {_NEXT_RUN}", changed=True)

    def return_to_colour(self, order: ColourOrder, check_mode: bool = False) -> Ending:
        """Return all traffic to the colour that a person names. Only while the ledger is away: it knows more than a person."""
        away = self._why_away(order, check_mode)
        if not away:
            return not_begun(
                Refused(
                    "nothing was changed: the ledger answers, so it is known what served before. Roll back without naming a colour"
                )
            )
        fleet = self.lease_holder.with_retries(self.ports.provider.read_load_balancer)
        decision = return_to_colour(fleet, order)
        if not isinstance(decision, Shift):
            return not_begun(decision)
        unrecorded = f"without a record, as the ledger is away: {away}"
        if check_mode:
            return Ending(None, f"all traffic would go to {order.colour}, {unrecorded} {facts(fleet)}", changed=True)
        self.ports.progress.line(f"returning traffic to {order.colour} by order of {order.by}, {unrecorded}")
        self.lease_holder.with_retries(lambda: self.writer.write_without_lease(decision))
        reason = f"{order.colour} has all traffic by order of {order.by}, {unrecorded} Before: {fleet.traffic}."
        return Ending(Outcome.SUCCEEDED, f"{reason} {_NEXT_RUN}", changed=True)

    def ways(self, away: LedgerAwayError, why: str) -> Refused:
        """What is known without the ledger, and how a person decides with that."""
        unknown = f"nothing was changed: {away} {why}"
        try:
            fleet = self.fleet_or_targets()
        except PortError as failure:
            return Refused(f"{unknown}, and traffic cannot be read either: {failure}")
        if not fleet.routed:
            return Refused(unknown)
        return Refused(
            f"{unknown}. {facts(fleet)}. If you know which colour is right: -e rollback_to_colour={Colour.BLUE} or "
            f"-e rollback_to_colour={Colour.GREEN} gives it all traffic, without the ledger and without a record"
        )

    def fleet_or_targets(self) -> Fleet:
        """The fleet; where that cannot be read, what the load balancer alone says: a return of traffic needs no more."""
        try:
            return self.lease_holder.with_retries(self.ports.provider.read)
        except PortError as failure:
            unread = failure
            self.ports.progress.line(f"the tasks cannot be read: {unread}")
        try:
            return self.lease_holder.with_retries(self.ports.provider.read_load_balancer)
        except PortError as silent:
            raise PortError(f"{unread} The load balancer does not answer instead: {silent}", transient=True) from silent

    def _why_away(self, order: ColourOrder, check_mode: bool) -> str:
        """Empty where a rollback could begin: the releases can be read, and the lease taken or seen with its holder."""
        try:
            self.lease_holder.with_retries(self.ports.ledger.history)
            if check_mode:
                self.lease_holder.with_retries(self.ports.ledger.lease)
            else:
                self.lease_holder.take(order.id, force=False)
                self.lease_holder.give_back()
        except PortError as failure:
            return str(failure)
        return ""
