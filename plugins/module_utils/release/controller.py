# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The loop of a release: observe, decide, apply, wait; and how it takes up what another controller left behind."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..rollout.abort_rules import can_be_resumed
from ..rollout.actions import (
    CancelScaleIn,
    Collect,
    Decision,
    Done,
    Prove,
    Record,
    Register,
    Replace,
    ScaleIn,
    ScheduleScaleIn,
    SetScaleIn,
    Shift,
    Stage,
    Wait,
)
from ..rollout.begin import Order, Refused, ReturnOrder, Unchanged, adopted, begin_deploy, begin_rollback
from ..rollout.decide import decide
from ..rollout.disagreements import Disagreement, disagreements
from ..rollout.forward import probe_is_due
from ..rollout.history import is_named, resumed, unfinished
from ..rollout.lease import Held
from ..rollout.model import (
    Fleet,
    Kind,
    Observed,
    OperatorRequest,
    Outcome,
    Phase,
    Readings,
    Release,
    RequestKind,
    Result,
)
from ..rollout.restore import is_restored
from ..rollout.single_writer import has_begun_to_return
from ..rollout.stable_down import no_way_back
from .fenced_writer import FencedWriter
from .lease_holder import BACKOFF_SECONDS, TRIES, LeaseHolder
from .pace import Pace
from .ports import LeaseLostError, PortError, Ports, UnreadableRecord
from .unrecorded_return import RECORD_EVERY_SECONDS, RECORD_SECONDS, return_decision

# Fifty releases at once get through within a minute or two; as long as none of its requests is exposed, one can wait.
_THROTTLED_TRIES = 24
_LONGEST_PAUSE_SECONDS = 8.0
_UNEXPOSED = (Phase.PREPARING, Phase.STAGING, Phase.PROVING)


@dataclass(frozen=True)
class Ending:
    """How a run ended. Without an outcome nothing had to be done."""

    outcome: Outcome | None
    reason: str
    release: Release | None = None
    changed: bool = False


class Controller:
    """Runs one release or rollback of one service; the ledger makes sure that no other one writes meanwhile."""

    def __init__(self, ports: Ports, owner: str, stage_only: bool = False) -> None:
        self.ports = ports
        self.stage_only = stage_only
        self.lease_holder = LeaseHolder(ports, owner)
        self.interruption: str | None = None
        self._last_line = ""
        self.writer = FencedWriter(ports, self.lease_holder)
        # A release ends for a rollback to begin.
        self._hurried = False
        self._said: list[str] = []
        self._unreadable_records: dict[str, UnreadableRecord] = {}
        # The same owner waits the same: a test can be repeated.
        self._pace = Pace(random.Random(owner))
        self._waited = False

    def interrupt(self, reason: str) -> None:
        """Ask for an orderly end from a signal handler: traffic is returned or stays, as the release's policy says."""
        self.interruption = reason

    # --- what can be asked for ---

    def deploy(self, order: Order, preflight: Callable[[Fleet], Sequence[str]] = lambda fleet: ()) -> Ending:
        """Make the order's image live. An unfinished release of the same version is resumed; another one is ended first."""

        def start(fleet: Fleet, history: Sequence[Release], now: float) -> Release | Unchanged | Refused:
            begun = begin_deploy(order, fleet, history, now)
            if not isinstance(begun, Release):
                return begun
            findings = preflight(fleet)
            return Refused("nothing was changed: " + "; ".join(findings)) if findings else begun

        history = self._history()
        refused = self._unreadable()
        if refused is not None:
            return _not_begun(refused)
        if unfinished(history) is None:
            # Looking comes before locking: what is live already costs no write.
            begun = start(self._fleet(), history, self.ports.clock.now())
            if not isinstance(begun, Release) and not any(found.repair for found in self._disagreements()):
                return _not_begun(begun)
        return self._under_lease(order.id, False, lambda: self._deploy(order, start))

    def _deploy(
        self, order: Order, start: Callable[[Fleet, Sequence[Release], float], Release | Unchanged | Refused]
    ) -> Ending:
        left = unfinished(self._history())
        if left is not None:
            if left.kind is Kind.DEPLOY and left.fingerprint == order.fingerprint and self._adoptable(left):
                return self._resume(left)
            settled = self._settle(left, f"release {order.id} of {order.by} takes its place")
            if not settled.closed:
                return Ending(Outcome.INTERRUPTED, f"nothing was begun: {settled.id}: {settled.reason}", changed=True)
        right = self.writer.put_right(self._disagreements())
        ending = self._start(start, partial(adopted, order))
        return replace(ending, changed=ending.changed or right)

    def rollback(self, order: ReturnOrder) -> Ending:
        """Return traffic: out of a release under way to its live colour, otherwise to the last good release."""
        # Before the lease is taken: the controller that has it may still serve users, by a promotion.
        stuck = "" if order.force else self._no_way_back()
        if stuck:
            return _not_begun(
                Refused(f"nothing was changed: {stuck}. -e rollback_force=true returns traffic all the same")
            )
        return self._under_lease(order.id, True, lambda: self._rollback(order))

    def _no_way_back(self) -> str:
        left = unfinished(self._history())
        stuck = no_way_back(self._fleet(), left) if left else ""
        if not stuck:
            return ""
        lease = self.lease_holder.with_retries(self.ports.ledger.lease)
        if lease and lease.owner and not lease.expired_for_others(self.ports.clock.now()):
            return stuck
        return f"{stuck}, once its controller works again: release the same version to go on with it"

    def _rollback(self, order: ReturnOrder) -> Ending:
        left = unfinished(self._history())
        if left is not None:
            same = order.named is None or is_named(left, order.named)
            if left.kind is Kind.ROLLBACK and same and self._adoptable(left):
                return self._resume(replace(left, forced=order.force))
            under_way = left.kind is Kind.DEPLOY and left.outcome is None
            ended = self._settle(replace(left, forced=order.force), f"rollback {order.id} of {order.by}")
            if under_way and order.named is None:
                return self._stopped(ended)
        # Anything else waits: traffic returns first.
        right = self.writer.put_right([found for found in self._disagreements() if found.is_urgent])
        ending = self._start(lambda fleet, history, now: begin_rollback(order, fleet, history, now))
        return replace(ending, changed=ending.changed or right)

    def _stopped(self, release: Release) -> Ending:
        """How a rollback ends that had a release under way to stop: its success is that what served before serves again."""
        restored = is_restored(self._fleet(), release) and not release.first
        reason = (
            f"release {release.id} was stopped, what served before it has all traffic" if restored else release.reason
        )
        if release.first:
            reason = f"release {release.id} was stopped; it was the first one, so there is nothing to go back to"
        return Ending(Outcome.SUCCEEDED if restored else Outcome.INTERRUPTED, reason, release, changed=True)

    # --- lease ---

    def _under_lease(self, release_id: str, force: bool, work: Callable[[], Ending]) -> Ending:
        answer = self.lease_holder.take(release_id, force=force)
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

    # --- the loop ---

    def _start(
        self,
        start: Callable[[Fleet, Sequence[Release], float], Release | Unchanged | Refused],
        found: Callable[[Fleet, Sequence[Release], float], Release | None] = lambda fleet, history, now: None,
    ) -> Ending:
        fleet, history, now = self._fleet(), self._history(), self.ports.clock.now()
        begun = start(fleet, history, now)
        if not isinstance(begun, Release):
            return _not_begun(begun)
        before = found(fleet, history, now)
        if before is not None:
            self.ports.progress.line(f"{before.label} serves from {before.candidate}: on record now, to go back to")
            self.lease_holder.with_retries(lambda: self._save(before))
        self.lease_holder.with_retries(lambda: self._save(begun))
        return self._run(begun)

    def _resume(self, left: Release) -> Ending:
        """Take up a release where another controller left it."""
        self.ports.progress.line(f"resuming {left.kind} {left.id}, left by {left.by} in its {left.phase} phase")
        adopted = resumed(left, self.ports.clock.now())
        self.lease_holder.with_retries(lambda: self._save(adopted))
        return self._run(adopted)

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
        # What served before a success is what a rollback goes to: that does not wait until no write can arrive any more.
        self._hurried = left.outcome is Outcome.SUCCEEDED
        ending = self._run(resumed(left, self.ports.clock.now()), None if finish else stop)
        self._hurried = False
        return ending.release or left

    def _disagreements(self) -> list[Disagreement]:
        return disagreements(self._fleet(), self._history(), self.ports.clock.now())

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

    def _unreadable(self) -> Refused | None:
        """A record that may be a release under way: a new release must not begin beside it. A rollback may."""
        blocking = [str(record) for record in self._unreadable_records.values() if not record.ended]
        if not blocking:
            return None
        return Refused(
            f"nothing was changed: {'; '.join(blocking)}. It may be a release under way. Return traffic with "
            "playbooks/rollback.yml where that is needed, then delete this item of the ledger's table"
        )

    def _run(self, release: Release, stop: OperatorRequest | None = None) -> Ending:
        failures = 0
        while True:
            try:
                now = self.ports.clock.now()
                if self.interruption is not None and release.policy.hold_when_interrupted and release.goes_forward:
                    return self._left(release)
                if self.stage_only and stop is None and _proven(release):
                    return Ending(None, f"{release.candidate} is staged and proven, without traffic", release, True)
                observed = self._observe(release, stop, now)
                self._pace.answered()
                decision = decide(observed, release, now)
                self._waited = isinstance(decision.action, Wait)
                self._say(release, decision)
                if isinstance(decision.action, Done):
                    return Ending(decision.action.outcome, decision.reason, release, changed=True)
                if self._trusts_lease_for(decision):
                    if isinstance(decision.action, Shift) or decision.release.phase is Phase.RETURNING:
                        # Should the answer be lost, the reason for a return is not.
                        release = decision.release
                    release = self._apply(decision)
                failures = 0
            except PortError as failure:
                if failure.throttled_read and self._waits_for_quota(failure):
                    continue
                failures += 1
                self.ports.progress.line(f"{failure} (failure {failures} in a row)")
                if failure.transient and failures < _tries(release, failure):
                    self.ports.clock.sleep(min(BACKOFF_SECONDS * 2 ** (failures - 1), _LONGEST_PAUSE_SECONDS))
                elif release.outcome is not None:
                    return self._not_closed(release, failure)
                elif stop is None and release.phase is not Phase.RETURNING and release.outcome is None:
                    failures = 0
                    stop = OperatorRequest(
                        release.id, RequestKind.ABORT, release.step, "a failed call", reason=str(failure)
                    )
                else:
                    failures = 0
                    release = self._return_unrecorded(release, failure)

    def _waits_for_quota(self, failure: PortError) -> bool:
        """Others read as well. That says nothing about the release, so it does not count towards its end."""
        pause = self._pace.throttled(self.ports.clock.now())
        if pause is None or self.interruption is not None:
            return False
        self.ports.progress.heartbeat(f"{failure} Looking again in {pause:.0f} s")
        self.ports.clock.sleep(pause)
        return True

    def _not_closed(self, release: Release, failure: PortError) -> Ending:
        """The outcome is on record. That something was not put away changes nothing about it."""
        left = f"{release.reason}. What it leaves is not put away yet, the next run does that: {failure}"
        return Ending(release.outcome, left, release, changed=True)

    def _return_unrecorded(self, release: Release, failure: PortError) -> Release:
        """Take the candidate out of traffic although nothing can be recorded; then try to record that for some minutes."""
        now = self.ports.clock.now()
        decision = return_decision(release, self._fleet(), str(failure), now)
        if decision is None:
            raise failure
        self.ports.progress.line(f"the ledger cannot be written, traffic is returned without a record: {failure}")
        self.lease_holder.with_retries(lambda: self.writer.write_without_lease(decision.action))
        until = now + RECORD_SECONDS
        while self.ports.clock.now() < until:
            try:
                self.lease_holder.renew()
                return self._save(decision.release)
            except PortError as again:
                self.ports.progress.heartbeat(f"the return of traffic is not recorded yet: {again}")
                if self.interruption is not None:
                    break
                self.ports.clock.sleep(RECORD_EVERY_SECONDS)
        raise PortError(
            f"{failure} The candidate was taken out of traffic: {decision.reason}. This is not recorded.",
            transient=True,
        ) from failure

    def _left(self, release: Release) -> Ending:
        held = f"{self.interruption}: {release.id} is left as it is, in its {release.phase} phase"
        return Ending(Outcome.INTERRUPTED, f"{held}: deploy again to go on, or roll back", release, changed=True)

    def _observe(self, release: Release, stop: OperatorRequest | None, now: float) -> Observed:
        ports = self.ports
        self.lease_holder.keep(now)
        glance = self._waited and now >= self.writer.late_until and not release.single_writer
        fleet = ports.provider.glance() if glance else ports.provider.read(release.single_writer)
        shifting = release.outcome is None and release.phase in (Phase.SHIFTING, Phase.VERIFYING, Phase.BAKING)
        exposed = shifting and release.kind is Kind.DEPLOY
        if stop is None and self.interruption is not None:
            stop = OperatorRequest(release.id, RequestKind.ABORT, release.step, "a signal", reason=self.interruption)
        return Observed(
            fleet=fleet,
            readings=ports.judges.readings(release, fleet, now) if exposed and stop is None else Readings(),
            operator_request=(stop if release.phase is not Phase.RETURNING else None)
            or (ports.ledger.operator_request() if release.outcome is None and release.kind is Kind.DEPLOY else None),
            probe=ports.judges.probe(release, lambda: self._has_to_stop(release))
            if exposed and stop is None and probe_is_due(release, fleet, now)
            else None,
            late_until=self.writer.late_until,
            hurried=self._hurried,
        )

    def _say(self, release: Release, decision: Decision) -> None:
        text = f"{release.service}: {decision.reason}"
        wait = decision.action if isinstance(decision.action, Wait) else None
        if wait and (not wait.told or text == self._last_line):
            self.ports.progress.heartbeat(text)
        elif text != self._last_line and not (_is_over(decision.release) and self._was_said(decision)):
            self.ports.progress.line(text)
            self._last_line = text
            self._said.append(text)

    def _was_said(self, decision: Decision) -> bool:
        """The cause of an end is the reason of several decisions: of the return, of the record, and of what is put away."""
        return any(line.endswith(decision.reason) for line in self._said)

    def _apply(self, decision: Decision) -> Release:
        ports, action, release = self.ports, decision.action, decision.release
        if isinstance(action, Wait):
            ports.clock.sleep(self._pace.seconds(action.seconds))
            return release
        if isinstance(action, Record):
            return self._save(release)
        match action:
            case Shift() | Stage() | ScaleIn() | ScheduleScaleIn() | CancelScaleIn() | SetScaleIn():
                self.writer.write(action)
            case Replace():
                self.writer.write(action)
                return self._save(release)
            case Register():
                return self._save(replace(release, task_definition=ports.provider.register(release)))
            case Prove():
                verdict = ports.judges.prove(release, action.check, lambda: self._has_to_stop(release))
                if verdict.result is Result.PASS:
                    # Any other verdict is the cause of what follows, and told as that.
                    ports.progress.line(f"{release.service}: {verdict.reason}")
                return self._save(replace(release, proofs={**release.proofs, action.check: verdict}))
            case Collect():
                return self._save(replace(release, evidence=self._evidence(release)))
        return release

    def _evidence(self, release: Release) -> Mapping[str, Any]:
        """What can be read. What cannot is named, and ends no release."""
        ports = self.ports
        try:
            return self.lease_holder.with_retries(lambda: ports.judges.collect(release, ports.provider.read()))
        except PortError as failure:
            return {"unread": [str(failure)]}

    def _trusts_lease_for(self, decision: Decision) -> bool:
        """Renew before every write, and write only while the renewal is fresh.

        A process that was suspended after the renewal looks again instead: the lease may be another controller's by now.
        """
        if isinstance(decision.action, (Wait, Record)):
            return True
        return self.writer.renew()

    def _has_to_stop(self, release: Release) -> bool:
        """Asked during a check that takes long: hold the lease, and hear a signal or a person meanwhile."""
        self.lease_holder.keep(self.ports.clock.now())
        if self.interruption is not None:
            return True
        operator_request = self.ports.ledger.operator_request()
        return (
            operator_request is not None
            and operator_request.release_id == release.id
            and operator_request.kind is RequestKind.ABORT
        )

    def _save(self, release: Release) -> Release:
        self.ports.ledger.save(release, self.lease_holder.lease)
        return release


def _proven(release: Release) -> bool:
    """Ready for its first share of traffic, with none of it yet."""
    if release.in_place:
        return False
    return release.phase is Phase.SHIFTING and release.step == 0 and release.since is None and release.goes_forward


def _is_over(release: Release) -> bool:
    return release.outcome is not None or release.phase is Phase.RETURNING


def _tries(release: Release, failure: PortError) -> int:
    # A deployment in place goes on at ECS: giving up because of a throttled call would only undo it.
    patient = release.in_place or release.phase in _UNEXPOSED
    return _THROTTLED_TRIES if failure.throttled and patient else TRIES


def _not_begun(begun: Unchanged | Refused) -> Ending:
    return Ending(Outcome.REFUSED if isinstance(begun, Refused) else None, begun.reason)
