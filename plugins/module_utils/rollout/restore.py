# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Going back and ending: traffic first, then the evidence, then the record, then what is left over."""

from __future__ import annotations

from dataclasses import replace

from . import in_place, single_writer
from .abort import AbortReason
from .actions import POLL_SECONDS, Collect, Decision, Done, Record, ScaleIn, ScheduleScaleIn, Shift, Stage, Wait
from .dynamic_scaling import put_away
from .late_writes import watch
from .lease import clock_time
from .model import Fleet, Observed, OldColour, Outcome, Phase, Release, Weights
from .nodes import await_nodes, in_force_at
from .partial_return import is_enough, returned_weights, why_partial
from .stable_down import no_way_back, take_over_instead, took_over, unserved

AFTER_LATE_WRITES_SECONDS = 60.0


def begin_restore(observed: Observed, release: Release, abort: AbortReason, now: float) -> Decision:
    """The first write of an abort is the return of traffic; with nothing to return it is the record."""
    turned = release.at(Phase.RETURNING, now, release.step)
    turned = replace(turned, cause=abort.outcome, reason=abort.reason)
    if release.phase is Phase.PREPARING:
        ended = replace(turned, outcome=abort.outcome, ended_at=now, evidence={})
        return Decision(Record(), abort.reason, ended)
    if release.single_writer:
        # Several writes return it: whoever finds it half done has to know that it is on its way back.
        return Decision(Record(), abort.reason, turned)
    if release.in_place:
        return in_place.write_back(observed, turned, now) or Decision(Record(), abort.reason, turned)
    shift = return_shift(observed, turned, now)
    if shift is None:
        return Decision(Record(), abort.reason, turned)
    return Decision(shift, _returning(observed, turned, shift.weights), turned)


def return_shift(observed: Observed, release: Release, now: float) -> Shift | None:
    """The write that gives live what its healthy targets can carry; None where they have it, or cannot have any."""
    if observed.fleet.is_at(release.stable_weights) or not can_return(observed, release):
        return None
    weights = returned_weights(observed.fleet, release, now)
    return None if observed.fleet.is_at(weights) else Shift(weights)


def _returning(observed: Observed, release: Release, weights: Weights) -> str:
    if weights == release.stable_weights:
        return f"returning traffic to {release.live}: {release.reason}"
    share = f"returning {weights.of(release.live)} % of traffic to {release.live} now"
    return f"{share}, as {why_partial(observed.fleet, release)}: {release.reason}"


def can_return(observed: Observed, release: Release) -> bool:
    """A colour without healthy targets cannot take traffic back, however bad the candidate is, unless that is forced."""
    return release.forced or is_enough(observed.fleet, release, release.live)


def is_restored(fleet: Fleet, release: Release) -> bool:
    """What served before the release serves again."""
    if release.in_place:
        return in_place.is_restored(fleet, release)
    serves = not release.single_writer or fleet.state(release.live).healthy > 0
    return fleet.is_at(release.stable_weights) and serves


def restore(observed: Observed, release: Release, now: float) -> Decision:
    """Follow a return to its end: traffic, evidence, outcome."""
    if release.in_place:
        return in_place.restore(observed, release, now)
    starting = single_writer.start_stable_again(observed, release, now) if release.single_writer else None
    if starting is not None:
        return starting
    away = not observed.fleet.is_at(release.stable_weights)
    live = observed.fleet.state(release.live)
    shift = return_shift(observed, release, now)
    if shift is not None:
        return Decision(shift, _returning(observed, release, shift.weights), release)
    over = take_over_instead(observed, release) if away and not can_return(observed, release) else None
    if over is not None:
        return over
    left = release.policy.return_timeout_seconds - (now - release.entered_at)
    nowhere = took_over(observed, release) or (release.first and live.desired == 0)
    if away and left >= 0 and not nowhere:
        return _make_returnable(observed, release)
    if release.evidence is None:
        return Decision(Collect(), "keeping the evidence before anything is stopped", release)
    if not away and release.first and release.cause is Outcome.ROLLED_BACK:
        outcome, reason = Outcome.FAILED, f"{release.reason}; there is no version before it to return to"
    elif not away and release.single_writer and single_writer.is_short_of_targets(observed, release):
        late = f"the return is not complete after {release.policy.return_timeout_seconds} s: {live}. Look at it now"
        outcome, reason = Outcome.FAILED, f"{release.reason}; {late}"
    elif not away:
        outcome, reason = release.cause or Outcome.INTERRUPTED, release.reason
    else:
        outcome, reason = Outcome.INTERRUPTED, f"{release.reason}; {_stays(observed, release)}"
    return Decision(Record(), reason, replace(release, outcome=outcome, reason=reason, ended_at=now))


def _stays(observed: Observed, release: Release) -> str:
    """Where traffic is at the end of a return that was not possible, and who is served there."""
    fleet = observed.fleet
    why = (
        "this is the first release, there is nowhere to return to" if release.first else str(fleet.state(release.live))
    )
    who = unserved(fleet) or f"{release.candidate} serves: {fleet.state(release.candidate)}"
    return f"traffic stays at {fleet.traffic}, for {why}. {who}. A person has to look"


def _make_returnable(observed: Observed, release: Release) -> Decision:
    """Live cannot take traffic back: give it the tasks that it lacks, and say what is known and how long it is tried."""
    live = observed.fleet.state(release.live)
    if live.task_definition and live.desired < release.capacity:
        grown = Stage(live.colour, live.task_definition, release.capacity, as_it_is=True)
        return Decision(grown, f"{live}: it gets {release.capacity} tasks, so that traffic can return to it", release)
    said = _partly(observed, release) if can_return(observed, release) else _not_yet(observed, release)
    return Decision(Wait(POLL_SECONDS, urgent=True), said, release)


def _partly(observed: Observed, release: Release) -> str:
    fleet, limit = observed.fleet, release.policy.return_timeout_seconds
    return (
        f"traffic: {fleet.traffic}, as {why_partial(fleet, release)} ({fleet.state(release.live).running} running). "
        f"ECS starts the missing ones; the rest of the traffic follows them, and all of it after {limit} s at the latest. "
        "To return all of it now: playbooks/rollback.yml -e rollback_force=true"
    )


def _not_yet(observed: Observed, release: Release) -> str:
    live, candidate = observed.fleet.state(release.live), observed.fleet.state(release.candidate)
    known = f"{live}" + (f" ({live.failure})" if live.failure else "")
    way = no_way_back(observed.fleet, release)
    return (
        f"traffic cannot return to {live.colour} yet: {known}, {release.policy.minimum_healthy} healthy needed. "
        f"Traffic: {observed.fleet.traffic}; {candidate.colour} has {candidate.healthy} healthy. ECS replaces tasks that "
        f"fail; this waits until then, at most {release.policy.return_timeout_seconds} s. To return traffic to tasks that "
        "run and are not healthy: playbooks/rollback.yml -e rollback_force=true" + (f". {way}" if way else "")
    )


def close(observed: Observed, release: Release, outcome: Outcome, now: float) -> Decision:
    """Put away what an ended release leaves, then mark it closed."""
    if release.closed:
        return Decision(Done(outcome), release.reason, release)
    if observed.late_until and not observed.hurried:
        watching = watch(observed, release, now)
        if watching is not None:
            return watching
    leftover = None
    if release.policy.old_colour is OldColour.SCALE_IN:
        leftover = (
            _keep_warm(observed, release, now)
            if outcome is Outcome.SUCCEEDED
            else _scale_in_candidate(observed, release, now)
        )
    leftover = leftover or put_away(observed, release)
    return leftover or Decision(Record(), release.reason, replace(release, closed=True))


def _keep_warm(observed: Observed, release: Release, now: float) -> Decision | None:
    if release.in_place:
        return None
    old = observed.fleet.state(release.live)
    warm_until = release.warm_until or now
    if observed.hurried:
        warm_until = max(warm_until, observed.late_until + AFTER_LATE_WRITES_SECONDS)
    if old.desired == 0 or observed.fleet.share(release.live):
        return None
    if warm_until <= now:
        waiting = await_nodes(
            release, observed.fleet, observed.fleet.weights_changed_at, now, f"{release.live} is scaled in"
        )
        if waiting is not None and not observed.hurried:
            return waiting
        warm_until = in_force_at(observed.fleet, observed.fleet.weights_changed_at)
    if warm_until <= now:
        return Decision(ScaleIn(release.live), f"the rollback window of {release.live} is over", release)
    if old.scale_in_at is not None and old.scale_in_for == (release.id,):
        return None
    kept = f"{release.live} stays warm until {clock_time(warm_until)}"
    return Decision(ScheduleScaleIn(release.live, warm_until, release.id), kept, release)


def _scale_in_candidate(observed: Observed, release: Release, now: float) -> Decision | None:
    candidate = observed.fleet.state(release.candidate)
    ours = candidate.task_definition == release.task_definition
    if not ours or candidate.desired == 0 or observed.fleet.share(release.candidate):
        return None
    waiting = await_nodes(
        release, observed.fleet, observed.fleet.weights_changed_at, now, f"{release.candidate} is scaled in"
    )
    if waiting is not None and not observed.fleet.of_connections:
        return waiting
    if waiting is not None:
        return _scale_in_later(observed, release)
    return Decision(ScaleIn(release.candidate), f"{release.candidate} is not needed any more", release)


def _scale_in_later(observed: Observed, release: Release) -> Decision | None:
    """Minutes pass until the nodes of a network load balancer have the weights: no rollback waits for that."""
    candidate, at = (
        observed.fleet.state(release.candidate),
        in_force_at(observed.fleet, observed.fleet.weights_changed_at),
    )
    if candidate.scale_in_at is not None and candidate.scale_in_for == (release.id,):
        return None
    said = f"{release.candidate} is scaled in at {clock_time(at)}, when every node of the load balancer has the changed listener"
    return Decision(ScheduleScaleIn(release.candidate, at, release.id), said, release)
