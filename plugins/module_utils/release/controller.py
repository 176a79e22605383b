# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be ordered of a controller: deploy and rollback; and how it takes up what another controller left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ..rollout.abort_rules import can_be_resumed
from ..rollout.actions import Shift
from ..rollout.begin import NONE_UNDER_WAY, Begun, Order, Refused, ReturnOrder, Unchanged, begin_deploy, begin_rollback
from ..rollout.disagreements import Disagreement, disagreements
from ..rollout.history import forced, is_named, resumed, unfinished
from ..rollout.lease import Held, Lease, is_lost
from ..rollout.model import Fleet, Kind, OperatorRequest, Outcome, Phase, Release, RequestKind
from ..rollout.restore import is_restored
from ..rollout.single_writer import has_begun_to_return
from ..rollout.stable_down import no_way_back
from .fenced_writer import FencedWriter
from .lease_holder import LeaseHolder
from .loop import Ending, ReleaseLoop, not_begun
from .ports import LeaseLostError, LedgerAwayError, PortError, Ports, UnreadableRecord
from .without_ledger import WithoutLedger

_LOOK_SECONDS = 5.0

T = TypeVar("T")
# Whether a release or a rollback may begin: of the fleet, the releases on record, and the time.
Begin = Callable[[Fleet, Sequence[Release], float], Begun | Unchanged | Refused]


@dataclass(frozen=True)
class Look:
    """What a decision whether to begin rests on, and since when it is known."""

    fleet: Fleet
    history: Sequence[Release]
    at: float

    @property
    def disagreements(self) -> list[Disagreement]:
        return disagreements(self.fleet, self.history, self.at)


class Controller:
    """Runs one release or rollback of one service; the ledger makes sure that no other one writes meanwhile."""

    def __init__(self, ports: Ports, owner: str, stage_only: bool = False) -> None:
        self.ports = ports
        self.lease_holder = LeaseHolder(ports, owner)
        self.writer = FencedWriter(ports, self.lease_holder)
        self.loop = ReleaseLoop(ports, self.lease_holder, self.writer, stage_only)
        self.without_ledger = WithoutLedger(ports, self.lease_holder, self.writer)
        self._unreadable_records: dict[str, UnreadableRecord] = {}

    def interrupt(self, reason: str) -> None:
        """Ask for an orderly end from a signal handler: traffic is returned or stays, as the release's policy says."""
        self.loop.interruption = reason

    # --- what can be asked for ---

    def deploy(self, order: Order, preflight: Callable[[Fleet], Sequence[str]] = lambda fleet: ()) -> Ending:
        """Make the order's image live. An unfinished release of the same version is resumed; another one is ended first."""

        def begin(fleet: Fleet, history: Sequence[Release], now: float) -> Begun | Unchanged | Refused:
            begun = begin_deploy(order, fleet, history, now)
            if not isinstance(begun, Begun):
                return begun
            findings = preflight(fleet)
            return Refused("nothing was changed: " + "; ".join(findings)) if findings else begun

        history = self._history()
        refused = beside_unreadable(self._unreadable_records.values())
        if refused is not None:
            return not_begun(refused)
        if unfinished(history) is None:
            # Looking comes before locking: what is live already costs no write.
            look = self._look(history)
            begun = begin(look.fleet, history, self.ports.clock.now())
            adjusts = isinstance(begun, Unchanged) and begun.adjust
            if not isinstance(begun, Begun) and not adjusts and not any(found.repair for found in look.disagreements):
                return not_begun(begun)
        return self._under_lease(order.id, False, lambda: self._deploy(order, begin))

    def _deploy(self, order: Order, begin: Begin) -> Ending:
        history = self._history()
        left = unfinished(history)
        if left is not None:
            if left.kind is Kind.DEPLOY and left.fingerprint == order.fingerprint and self._adoptable(left):
                return self._resume(left)
            settled = self._settle(left, f"release {order.id} of {order.by} takes its place")
            if not settled.closed:
                return Ending(Outcome.INTERRUPTED, f"nothing was begun: {settled.id}: {settled.reason}", changed=True)
            history = self._history()
        look = self._look(history)
        right = self.writer.put_right(look.disagreements)
        moved = right and any(isinstance(found.repair, Shift) for found in look.disagreements)
        ending = self._start(begin, self._look(self._history()) if right else look, puts_right=moved)
        return replace(ending, changed=ending.changed or right)

    def rollback(self, order: ReturnOrder) -> Ending:
        """Return traffic: out of a release under way to its live colour, otherwise to the last good release."""
        try:
            left = unfinished(self._read_ledger(self._history))
        except LedgerAwayError as away:
            unknown = "Without the ledger it is not known which colour is stable"
            return not_begun(self.without_ledger.ways(away, unknown))
        if order.only_abandoned:
            return self._end_abandoned(order, left)
        # Before the lease is taken: the controller that has it may still serve users, by a promotion.
        stuck = "" if order.force else self._no_way_back(left)
        if stuck:
            return not_begun(Refused(f"nothing was changed: {stuck}. -e rollback_force=true returns traffic anyway"))
        try:
            return self._under_lease(order.id, True, lambda: self._rollback(order))
        except LedgerAwayError as away:
            returned = left and self.without_ledger.return_traffic_of(replace(left, forced=order.force), away)
            return returned or not_begun(self.without_ledger.ways(away, "Without its lease no rollback begins"))

    def _end_abandoned(self, order: ReturnOrder, left: Release | None) -> Ending:
        """Return the traffic of a release whose controller was killed: its lease ends. One that lives renews it, and is left alone."""
        if left is None:
            return self._spared(NONE_UNDER_WAY)
        lease = self._lease()
        while lease is not None and not is_lost(lease, self.ports.clock.now()):
            if self.loop.interruption:
                return Ending(Outcome.INTERRUPTED, f"nothing was changed: {self.loop.interruption}")
            self.ports.progress.heartbeat(f"{lease.owner} held the lease: waiting until that is renewed or over")
            self.ports.clock.sleep(_LOOK_SECONDS)
            before, lease = lease, self._lease()
            if lease is not None and lease.owner and lease != before:
                return self._spared(f"{lease.owner} works on release {lease.release_id}: it is left alone")
        return self._under_lease(order.id, False, lambda: self._rollback(order))

    def _spared(self, reason: str) -> Ending:
        self.ports.progress.line(reason)
        return not_begun(Unchanged(reason))

    def _lease(self) -> Lease | None:
        return self.lease_holder.with_retries(self.ports.ledger.lease)

    def _no_way_back(self, left: Release | None) -> str:
        fleet = self.without_ledger.fleet_or_targets() if left else None
        if left is None or fleet is None or not no_way_back(fleet, left):
            return ""
        return no_way_back(fleet, left, is_lost(self._lease(), self.ports.clock.now()))

    def _rollback(self, order: ReturnOrder) -> Ending:
        history = self._read_ledger(self._history)
        left = unfinished(history)
        if left is not None:
            same = order.named is None or is_named(left, order.named)
            if left.kind is Kind.ROLLBACK and same and self._adoptable(left):
                return self._resume(forced(left) if order.force else replace(left, forced=False))
            under_way = left.kind is Kind.DEPLOY and left.outcome is None
            ended = self._settle(replace(left, forced=order.force), f"rollback {order.id} of {order.by}")
            if under_way and order.named is None:
                return self._stopped(ended)
            history = self._history()
        # Anything else waits: traffic returns first.
        look = self._look(history)
        urgent = [found for found in look.disagreements if found.is_urgent]
        right = self.writer.put_right(urgent)
        weights = next((found.returned_to for found in urgent if found.returned_to), None)
        if weights and order.named is None and self._blocking():
            # The release under way is the one that cannot be read. It is stopped by that; the version before it is good.
            reason = (
                f"traffic is back at {weights}, out of a release that cannot be read: {'; '.join(self._blocking())}"
            )
            return Ending(Outcome.SUCCEEDED, reason, changed=True)
        ending = self._start(
            lambda fleet, history, now: begin_rollback(order, fleet, history, now),
            self._look(self._history()) if right else look,
        )
        return replace(ending, changed=ending.changed or right)

    def _stopped(self, release: Release) -> Ending:
        """How a rollback ends that had a release under way to stop: its success is that what served before serves again."""
        fleet = self._fleet()
        restored = is_restored(fleet, release) and not release.first
        reason = (
            f"release {release.id} was stopped, what served before it has all traffic" if restored else release.reason
        )
        if release.first:
            reason = f"release {release.id} was stopped; it was the first one, so there is nothing to go back to"
        return Ending(Outcome.SUCCEEDED if restored else Outcome.INTERRUPTED, reason, release, True, fleet)

    # --- lease ---

    def _under_lease(self, release_id: str, force: bool, work: Callable[[], Ending]) -> Ending:
        answer = self._read_ledger(lambda: self.lease_holder.take(release_id, force=force))
        if isinstance(answer, Held):
            return Ending(Outcome.REFUSED, answer.reason)
        try:
            if answer.from_living:
                self.writer.expect_late_writes()
            ending = work()
        except LeaseLostError:
            self.lease_holder.lost()
            return Ending(Outcome.SUPERSEDED, "another controller took the lease: this one left without a write")
        finally:
            # Whatever ended it: the next one need not wait until the lease runs out.
            self.lease_holder.give_back(self.writer.late_until)
        return ending

    def _read_ledger(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except PortError as failure:
            raise LedgerAwayError(str(failure), transient=failure.transient) from failure

    # --- releases: begun, resumed, settled ---

    def _start(self, begin: Begin, look: Look, puts_right: bool = False) -> Ending:
        """Begin by a look that was taken under the lease; nothing was written since."""
        begun = begin(look.fleet, look.history, self.ports.clock.now())
        if isinstance(begun, Unchanged) and begun.adjust is not None:
            self.ports.progress.line(f"{begun.adjust.colour}: {'; '.join(begun.adjustments)}")
            self.writer.adjust(begun.adjust)
            return Ending(None, f"{begun.reason}; adjusted: {'; '.join(begun.adjustments)}", changed=True)
        if not isinstance(begun, Begun):
            return not_begun(begun)
        adopted, release = begun.adopted, replace(begun.release, puts_right=puts_right)
        if adopted is not None:
            self.ports.progress.line(f"{adopted.label} serves from {adopted.candidate}: on record now, to go back to")
            self.lease_holder.with_retries(lambda: self.loop.save(adopted))
        self.lease_holder.with_retries(lambda: self.loop.save(release))
        self.loop.knows(look.fleet, look.at)
        return self.loop.run(release)

    def _resume(self, left: Release) -> Ending:
        """Take up a release where another controller left it."""
        self.ports.progress.line(f"resuming {left.kind} {left.id}, left by {left.by} in its {left.phase} phase")
        release = resumed(left, self.ports.clock.now())
        self.lease_holder.with_retries(lambda: self.loop.save(release))
        return self.loop.run(release)

    def _settle(self, left: Release, reason: str) -> Release:
        """Bring a release that is not ours to its end: traffic returned, evidence kept, outcome recorded.

        A rollback that has begun to move traffic ends where it was going: what it would return to is what was to be left.
        """
        self.ports.progress.line(f"{left.kind} {left.id} of {left.by} was left unfinished: bringing it to its end")
        returning = left.single_writer and has_begun_to_return(self._fleet(), left)
        finish = left.kind is Kind.ROLLBACK and left.phase is Phase.SHIFTING and not returning
        stop = OperatorRequest(
            left.id, RequestKind.ABORT, left.step, self.lease_holder.owner, Outcome.SUPERSEDED, reason
        )
        ending = self.loop.finish(resumed(left, self.ports.clock.now()), None if finish else stop)
        return ending.release or left

    def _look(self, history: Sequence[Release]) -> Look:
        at = self.ports.clock.now()
        return Look(self._fleet(), history, at)

    def _adoptable(self, left: Release) -> bool:
        return can_be_resumed(left, self._fleet())

    def _fleet(self) -> Fleet:
        return self.lease_holder.with_retries(self.ports.provider.read)

    def _history(self) -> Sequence[Release]:
        """The releases that can be read; of those that cannot, each is named once."""
        history = self.lease_holder.with_retries(self.ports.ledger.history)
        for record in history.unreadable:
            if record.key not in self._unreadable_records:
                self._unreadable_records[record.key] = record
                self.ports.progress.line(f"{record}. It is left alone")
        return history.releases

    def _blocking(self) -> list[str]:
        return may_be_under_way(self._unreadable_records.values())


def may_be_under_way(records: Iterable[UnreadableRecord]) -> list[str]:
    """What is wrong with each record of which nobody can say that its release has ended."""
    return [str(record) for record in records if not record.ended]


def beside_unreadable(records: Iterable[UnreadableRecord]) -> Refused | None:
    """A new release must not begin beside a record that may be a release under way. A rollback may."""
    blocking = may_be_under_way(records)
    if not blocking:
        return None
    return Refused(
        f"nothing was changed: {'; '.join(blocking)}. It may be a release under way. Return traffic with "
        "playbooks/rollback.yml where that is needed, then delete this item of the ledger's table"
    )
