# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The loop of one release: observe, decide, apply, wait; and what a failed call or a signal does to it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..rollout.actions import (
    Action,
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
from ..rollout.begin import Refused, Unchanged
from ..rollout.decide import decide
from ..rollout.forward import probe_is_due
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
from .fenced_writer import FencedWriter
from .lease_holder import BACKOFF_SECONDS, TRIES, LeaseHolder
from .pace import Pace
from .ports import PortError, Ports
from .unrecorded_return import (
    RECORD_EVERY_SECONDS,
    RECORD_SECONDS,
    return_decision,
    returns_by_rule,
    returns_unrecorded,
    where_traffic_stays,
)

# Fifty releases at once get through within a minute or two; as long as none of its requests is exposed, one can wait.
_THROTTLED_TRIES = 24
_LONGEST_PAUSE_SECONDS = 8.0
# For how long calls may fail while the candidate has traffic.
_EXPOSED_SECONDS = 30.0
_UNEXPOSED = (Phase.PREPARING, Phase.STAGING, Phase.PROVING)
# A look that no write of this run has made old serves several decisions: most of them only write the ledger.
_FRESH_SECONDS = 1.0
# The first waits after tasks were started or stopped: where there are none, ECS is done at once.
_FIRST_WAITS_SECONDS = (0.5, 1.0)


@dataclass(frozen=True)
class Ending:
    """How a run ended. Without an outcome nothing had to be done."""

    outcome: Outcome | None
    reason: str
    release: Release | None = None
    changed: bool = False
    # The last look of the release's loop: who serves at the end.
    fleet: Fleet | None = None


def not_begun(begun: Unchanged | Refused) -> Ending:
    return Ending(Outcome.REFUSED if isinstance(begun, Refused) else None, begun.reason)


class ReleaseLoop:
    """Brings one release after the other to its end, under the lease that its controller holds."""

    def __init__(self, ports: Ports, lease_holder: LeaseHolder, writer: FencedWriter, stage_only: bool) -> None:
        self.ports = ports
        self.lease_holder = lease_holder
        self.writer = writer
        self.stage_only = stage_only
        # Why a signal asks for an orderly end.
        self.interruption: str | None = None
        self._fleet: Fleet | None = None
        # Since when the fleet is known; None where it may have changed by a write of this run.
        self._fleet_at: float | None = None
        self._first_waits: list[float] = []
        # Whether a release of this run is on record.
        self.has_saved = False
        self._last_line = ""
        # A release ends for a rollback to begin.
        self._hurried = False
        self._said: list[str] = []
        # The same owner waits the same: a test can be repeated.
        self._pace = Pace(random.Random(lease_holder.owner))
        self._waited = False

    def finish(self, release: Release, stop: OperatorRequest | None) -> Ending:
        """Bring a release of another controller to its end, on its way or, with a request to stop, back from it."""
        # What served before a success is what a rollback goes to: that does not wait until no write can arrive any more.
        self._hurried = release.outcome is Outcome.SUCCEEDED
        ending = self.run(release, stop)
        self._hurried = False
        return ending

    def run(self, release: Release, stop: OperatorRequest | None = None) -> Ending:
        """Decide and apply until nothing is left to do, or until this controller has to leave the release."""
        try:
            return self._run(release, stop)
        except PortError as failure:
            self.ports.notices.left(release, str(failure))
            raise

    def _run(self, release: Release, stop: OperatorRequest | None) -> Ending:
        failures, failing_since = 0, None
        while True:
            now = self.ports.clock.now()
            try:
                if self._is_held(release):
                    return self._left(release)
                if self.stage_only and stop is None and _proven(release):
                    return Ending(None, f"{release.candidate} is staged and proven, without traffic", release, True)
                self.lease_holder.keep(now)
                observed = self.lease_holder.within_lease(partial(self._observe, release, stop, now))
                self._pace.answered()
                if self._is_held(release):
                    continue
                decision = decide(observed, release, now)
                self._waited = isinstance(decision.action, Wait)
                self._say(release, decision)
                if isinstance(decision.action, (Wait, Done)):
                    # Nothing is urgent now: no write waits for a notification.
                    decision = self._tell(decision)
                if isinstance(decision.action, Done):
                    return Ending(decision.action.outcome, decision.reason, decision.release, True, observed.fleet)
                if self._trusts_lease_for(decision):
                    if isinstance(decision.action, Shift) or decision.release.phase is Phase.RETURNING:
                        # Should the answer be lost, the reason for a return is not.
                        release = decision.release
                    release = self._apply(decision)
                failures, failing_since = 0, None
            except PortError as failure:
                if failure.throttled_read and self._waits_for_quota(failure):
                    if release.goes_forward and not release.is_rewriting:
                        # Nothing was seen meanwhile: that time is not the release's.
                        release = replace(release, entered_at=release.entered_at + self.ports.clock.now() - now)
                    continue
                failures, failing_since = failures + 1, now if failing_since is None else failing_since
                self.ports.progress.line(f"{failure} (failure {failures} in a row)")
                too_long = self._is_failing_too_long(release, failure, failing_since)
                if failure.transient and failures < _tries(release, failure) and not (too_long and failures > 1):
                    self.ports.clock.sleep(min(BACKOFF_SECONDS * 2 ** (failures - 1), _LONGEST_PAUSE_SECONDS))
                elif release.outcome is not None:
                    return self._not_closed(release, failure)
                elif stop is None and release.phase is not Phase.RETURNING and release.outcome is None:
                    failures = 1
                    stop = OperatorRequest(
                        release.id, RequestKind.ABORT, release.step, "a failed call", reason=str(failure)
                    )
                else:
                    failures, failing_since = 0, None
                    release = self._return_unrecorded(release, failure)

    def _is_failing_too_long(self, release: Release, failure: PortError, since: float) -> bool:
        """Users meet the candidate meanwhile: where calls are not answered, a few tries take minutes."""
        fleet = self._fleet
        if failure.throttled or fleet is None or not returns_unrecorded(release):
            return False
        meets = fleet.share(release.candidate) and fleet.state(release.candidate).task_definition
        return meets == release.task_definition and self.ports.clock.now() - since > _EXPOSED_SECONDS

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
        return Ending(release.outcome, left, release, True, self._fleet)

    def _return_unrecorded(self, release: Release, failure: PortError) -> Release:
        """Take the candidate out of traffic although nothing can be recorded, or no task can be read; then try to record that
        for some minutes.
        """
        now = self.ports.clock.now()
        fleet, unread = self._fleet_for_return(release, failure)
        decision = return_decision(release, fleet, str(failure), now)
        if decision is None and unread:
            raise PortError(f"{failure} {where_traffic_stays(release, fleet)}", transient=True) from failure
        if decision is None:
            raise failure
        write = self.writer.write_if_not_overtaken
        if unread:
            said = "the tasks cannot be read, traffic is returned by what the load balancer says"
            self.ports.progress.line(f"{said}; nothing is scaled: {failure}")
        elif self.lease_holder.is_renewed:
            self.ports.progress.line(f"a call keeps failing, traffic is returned first: {failure}")
        else:
            self.ports.progress.line(f"the ledger cannot be written, traffic is returned without a record: {failure}")
            write = self.writer.write_without_lease
        self.lease_holder.with_retries(lambda: write(decision.action))
        until = now + RECORD_SECONDS
        while self.ports.clock.now() < until:
            try:
                self.lease_holder.renew()
                return self.save(decision.release)
            except PortError as again:
                self.ports.progress.heartbeat(f"the return of traffic is not recorded yet: {again}")
                if self.interruption is not None:
                    break
                self.ports.clock.sleep(RECORD_EVERY_SECONDS)
        raise PortError(
            f"{failure} The candidate was taken out of traffic: {decision.reason}. This is not recorded.",
            transient=True,
        ) from failure

    def _fleet_for_return(self, release: Release, failure: PortError) -> tuple[Fleet, bool]:
        """The fleet, and whether it is what the load balancer alone says, for the rest cannot be read."""
        provider, with_retries = self.ports.provider, self.lease_holder.with_retries
        if not returns_by_rule(release):
            return with_retries(provider.read), False
        try:
            # Once: what led here was repeated often enough, and users wait.
            return self.lease_holder.within_lease(provider.read), False
        except PortError as unread:
            self.ports.progress.heartbeat(str(unread))
        try:
            return with_retries(provider.read_load_balancer), True
        except PortError as silent:
            said = f"{failure} Traffic stays as it is, for the load balancer cannot be read either: {silent}"
            raise PortError(said, transient=True) from silent

    def _is_held(self, release: Release) -> bool:
        """A signal came, and the release was told to stay as it is then."""
        return self.interruption is not None and release.policy.hold_when_interrupted and release.goes_forward

    def _left(self, release: Release) -> Ending:
        held = f"{self.interruption}: {release.id} is left as it is, in its {release.phase} phase"
        self.ports.notices.left(release, held)
        return Ending(Outcome.INTERRUPTED, f"{held}: deploy again to go on, or roll back", release, True, self._fleet)

    def _observe(self, release: Release, stop: OperatorRequest | None, now: float) -> Observed:
        ports = self.ports
        fleet = self._look(release, now)
        shifting = release.outcome is None and release.phase in (Phase.SHIFTING, Phase.VERIFYING, Phase.BAKING)
        exposed = shifting and release.kind is Kind.DEPLOY
        if stop is None and self.interruption is not None and not self._is_held(release):
            stop = OperatorRequest(release.id, RequestKind.ABORT, release.step, "a signal", reason=self.interruption)
        return Observed(
            fleet=fleet,
            readings=ports.judges.readings(release, fleet, now) if exposed and stop is None else Readings(),
            operator_request=(stop if release.phase is not Phase.RETURNING else None)
            or (self._operator_request() if release.outcome is None and release.kind is Kind.DEPLOY else None),
            probe=ports.judges.probe(release, lambda: self._has_to_stop(release))
            if exposed and stop is None and probe_is_due(release, fleet, now)
            else None,
            late_until=self.writer.late_until,
            hurried=self._hurried,
        )

    def knows(self, fleet: Fleet, at: float) -> None:
        """The fleet as its controller read it under the same lease; nothing was written to it since."""
        self._fleet, self._fleet_at = fleet, at

    def _look(self, release: Release, now: float) -> Fleet:
        """The fleet as it is, or as it was just now."""
        calm = now >= self.writer.late_until and not release.single_writer
        known, at = self._fleet, self._fleet_at
        if calm and not self._waited and known is not None and at is not None and 0 <= now - at <= _FRESH_SECONDS:
            return known
        provider = self.ports.provider
        self._fleet_at = None
        self._fleet = provider.glance() if calm and self._waited else provider.read(release.single_writer)
        self._fleet_at = now
        return self._fleet

    def _operator_request(self) -> OperatorRequest | None:
        """A person can wait where this read is throttled; what else was seen, such as a gate that fails, cannot."""
        try:
            return self.ports.ledger.operator_request()
        except PortError as failure:
            if not failure.throttled_read:
                raise
            self.ports.progress.heartbeat(str(failure))
            return None

    def _tell(self, decision: Decision) -> Decision:
        """Tell notification targets, and record that: whoever goes on with the release does not tell it again."""
        notices = self.ports.notices.tell(decision)
        if not notices:
            return decision
        release = replace(decision.release, notified=(*decision.release.notified, *notices))
        try:
            self.save(release)
        except PortError as failure:
            # The next write of the release records it.
            self.ports.progress.line(f"it is not on record yet who was told: {failure}")
        return replace(decision, release=release)

    def _say(self, release: Release, decision: Decision) -> None:
        text = f"{release.service}: {decision.reason}"
        wait = decision.action if isinstance(decision.action, Wait) else None
        if wait and (not wait.urgent or text == self._last_line):
            self.ports.progress.heartbeat(text)
        elif text != self._last_line and not (_is_over(decision.release) and self._was_said(decision)):
            self.ports.progress.line(text)
            self._last_line = text
            self._said.append(text)

    def _was_said(self, decision: Decision) -> bool:
        """The cause of an end is the reason of several decisions: of the return, of the record, and of what is put away."""
        return any(line.endswith(decision.reason) for line in self._said)

    def _has_written(self, action: Action) -> None:
        """A run that leaves between a write and the next look knows the weights that it has written."""
        if isinstance(action, Shift) and self._fleet is not None:
            others = (action.weights,) * len(self._fleet.others)
            self._fleet = replace(self._fleet, weights=action.weights, others=others)

    def _apply(self, decision: Decision) -> Release:
        ports, action, release = self.ports, decision.action, decision.release
        if isinstance(action, Wait):
            soonest = self._first_waits.pop(0) if self._first_waits else action.seconds
            ports.clock.sleep(self._pace.seconds(min(soonest, action.seconds)))
            return release
        if isinstance(action, Record):
            return self.save(release)
        if not isinstance(action, (Register, Collect)):
            self._fleet_at = None
        if isinstance(action, (Stage, Replace)):
            self._first_waits = list(_FIRST_WAITS_SECONDS)
        match action:
            case Shift() | Stage() | ScaleIn() | ScheduleScaleIn() | CancelScaleIn() | SetScaleIn():
                self.writer.write(action)
                self._has_written(action)
            case Replace():
                self.writer.write(action)
                # What serves is known at the next look.
                self._fleet = None
                return self.save(release)
            case Register():
                return self.save(replace(release, task_definition=ports.provider.register(release)))
            case Prove():
                verdict = ports.judges.prove(release, action.check, lambda: self._has_to_stop(release))
                if self._is_held(release):
                    # The check was cut short: the run that goes on with this release runs it again.
                    return release
                if verdict.result is Result.PASS:
                    # Any other verdict is the cause of what follows, and told as that.
                    ports.progress.line(f"{release.service}: {verdict.reason}")
                return self.save(replace(release, proofs={**release.proofs, action.check: verdict}))
            case Collect():
                return self.save(replace(release, evidence=self._evidence(release)))
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
        operator_request = self._operator_request()
        return (
            operator_request is not None
            and operator_request.release_id == release.id
            and operator_request.kind is RequestKind.ABORT
        )

    def save(self, release: Release) -> Release:
        """Record the release; only the holder of the lease can."""
        # Also where the answer is lost.
        self.has_saved = True
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
