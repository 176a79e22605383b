# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Going forward: what each phase of a release does next while nothing stops it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from . import in_place, single_writer
from .abort import AbortReason
from .abort_rules import judgement, not_ready, takes_what_runs, wanted_count
from .actions import POLL_SECONDS, WATCH_SECONDS, CancelScaleIn, Decision, Prove, Record, Register, Shift, Stage, Wait
from .dynamic_scaling import hold_before_shift
from .gates import combine
from .lease import clock_time
from .model import Fleet, Observed, OnInconclusive, Outcome, Phase, Release, RequestKind, Result, Step, Verdict, Weights
from .nodes import await_nodes
from .partial_return import carried_percent, is_enough
from .stable_down import decide_when_down, unserved


def _prepare(observed: Observed, release: Release, now: float) -> Decision:
    if not observed.fleet.is_at(release.stable_weights) and not release.first:
        live = observed.fleet.state(release.live)
        if live.healthy < max(1, release.policy.minimum_healthy):
            return Decision(Wait(POLL_SECONDS), f"traffic can be returned only to a healthy colour: {live}", release)
        left = f"traffic was left at {observed.fleet.traffic}: returning it to {release.live} first"
        if not release.puts_right:
            # Recorded first: whatever run goes on with this release waits for the nodes too.
            return _enter(replace(release, puts_right=True), left)
        return Decision(Shift(release.stable_weights), left, release)
    if not release.task_definition:
        return Decision(Register(), "the candidate's task definition has to be registered", release)
    if release.puts_right and not release.in_place:
        # Until then they may send clients to the candidate, whose tasks have proved nothing.
        waiting = await_nodes(
            release, observed.fleet, observed.fleet.weights_changed_at, now, f"{release.candidate} gets its tasks"
        )
        if waiting is not None:
            return waiting
    candidate = observed.fleet.state(release.candidate)
    prepared = replace(release, replaced_deployment=candidate.deployment_id)
    if not release.in_place:
        beside = "after" if release.single_writer else "beside"
        return _enter(prepared.at(Phase.STAGING, now), f"staging {release.candidate} {beside} {release.live}")
    if release.checks:
        return _enter(prepared.at(Phase.PROVING, now), f"checks before the deployment: {', '.join(release.checks)}")
    return _enter(prepared.at(Phase.STAGING, now), f"replacing the tasks of {release.live}")


def _stage(observed: Observed, release: Release, now: float) -> Decision:
    if release.in_place:
        return in_place.stage(observed, release, now)
    stopping = single_writer.before_staging(observed, release, now) if release.single_writer else None
    if stopping is not None:
        return stopping
    candidate = observed.fleet.state(release.candidate)
    making_ready = _make_ready(observed, release)
    if making_ready is not None:
        return making_ready
    waiting = not_ready(observed, release, 100) or (None if candidate.replaced else f"{candidate}: not steady yet")
    if waiting is not None:
        return Decision(Wait(POLL_SECONDS), waiting, release)
    if release.checks:
        return _enter(release.at(Phase.PROVING, now), f"{candidate}: now the checks {', '.join(release.checks)}")
    return _enter(release.at(Phase.SHIFTING, now), f"{candidate}: ready for traffic")


def _make_ready(observed: Observed, release: Release) -> Decision | None:
    """The write that is missing before this colour can be counted on, if one is."""
    colour, count = release.candidate, wanted_count(observed, release)
    candidate = observed.fleet.state(colour)
    # A deployment of this release's own, so that failures of an earlier one are not counted against it.
    fresh = release.inherits(candidate) and (candidate.desired == 0 or bool(candidate.failure) or release.restart)
    stage = Stage(colour, release.task_definition, count, fresh)
    if candidate.task_definition != release.task_definition:
        return Decision(replace(stage, fresh=False), f"{colour} gets {count} tasks of the release", release)
    if fresh and candidate.desired:
        return Decision(stage, f"{colour} starts the same version again: {candidate.failure or 'asked for'}", release)
    if candidate.desired < count:
        return Decision(stage, f"{colour} grows from {candidate.desired} to {count} tasks, as many as live", release)
    if candidate.scale_in_at is not None:
        # Not before the colour is the release's own: a death in between would leave the old tasks running for ever.
        return Decision(CancelScaleIn(colour), f"{colour} is used again: its scale-in is called off", release)
    return None


def _prove(observed: Observed, release: Release, now: float) -> Decision:
    missing = next((check for check in release.checks if check not in release.proofs), None)
    if missing is not None:
        waiting = None
        if not release.in_place:
            waiting = await_nodes(
                release, observed.fleet, observed.fleet.test_rule_changed_at, now, f"check {missing} begins"
            )
        if waiting is not None:
            return waiting
        where = "before the deployment" if release.in_place else f"on {release.candidate}, before it has any traffic"
        return Decision(Prove(missing), f"check {missing} {where}", release)
    following = Phase.STAGING if release.in_place else Phase.SHIFTING
    verdict = combine(release.proofs.values())
    said = "every check passed" if verdict.result is Result.PASS else verdict.reason
    return _enter(release.at(following, now), said)


def _shift(observed: Observed, release: Release, now: float) -> Decision | AbortReason:
    if release.in_place:
        return in_place.follow(observed, release, now)
    by_force = release.is_rewriting and takes_what_runs(release)
    rescue = None if release.single_writer or by_force else decide_when_down(observed, release, now)
    if rescue is not None:
        return rescue
    found = _next_in_step(observed, release, now)
    without = unserved(observed.fleet)
    if without and isinstance(found, Decision) and isinstance(found.action, Wait):
        return replace(found, action=Wait(POLL_SECONDS, found.action.urgent), reason=f"{without}; {found.reason}")
    return found


def _next_in_step(observed: Observed, release: Release, now: float) -> Decision | AbortReason:
    step = release.plan.steps[release.step]
    title = f"step {release.step + 1} of {len(release.plan.steps)}"
    weights = Weights.split(release.candidate, step.weight)
    if not observed.fleet.is_at(weights):
        # A pause holds a step; one that only some rules have is not there yet.
        halfway = observed.fleet.weights == weights
        pausing = None if halfway else _pause(observed, release, now)
        moving = pausing or _move(observed, release, weights, title)
        waiting = release.is_rewriting and isinstance(moving.action, Wait)
        return _roll_back_in_part(observed, moving, now) if waiting else moving
    last = release.step + 1 == len(release.plan.steps) and not release.plan.bake_seconds
    hold = _hold(observed, release, step, now, judged=last or step.duration_seconds > 0)
    if hold is None:
        judged = last or step.duration_seconds > 0
        return _next_step(release, f"{title} {_why_on(observed, release) if judged else 'passed'}", now)
    if release.since is None and isinstance(hold, Decision) and isinstance(hold.action, Wait):
        lasts = max(step.duration_seconds, release.policy.settle_seconds)
        return _enter(replace(release, since=now), f"{title} lasts {lasts} s" if lasts else f"{title} has begun")
    return hold


def _move(observed: Observed, release: Release, weights: Weights, title: str) -> Decision:
    making_ready = _make_ready(observed, release) or hold_before_shift(observed, release)
    if making_ready is not None:
        return making_ready
    waiting = not_ready(observed, release, weights.of(release.candidate))
    if waiting is not None:
        return Decision(Wait(POLL_SECONDS), f"{title} waits: {waiting}", release)
    return Decision(Shift(weights), f"{title}: {weights}; {observed.fleet.state(release.candidate)}", release)


def _roll_back_in_part(observed: Observed, waiting: Decision, now: float) -> Decision:
    """Give the version to return to what its healthy targets can carry, and the rest as it gets more of them."""
    fleet, release = observed.fleet, waiting.release
    if release.paused_since is not None or takes_what_runs(release):
        return waiting
    if not is_enough(fleet, release, release.candidate):
        said = (
            f"{waiting.reason}. Traffic: {fleet.traffic}. ECS replaces tasks that fail; this waits until then, at most "
            f"{release.policy.stage_timeout_seconds} s. To return traffic to tasks that run and are not healthy: "
            "playbooks/rollback.yml -e rollback_force=true"
        )
        return Decision(Wait(POLL_SECONDS, urgent=True), said, release)
    share = carried_percent(fleet, release.candidate, wanted_count(observed, release))
    if release.forced or now - release.entered_at > release.policy.return_timeout_seconds:
        share = 100
    weights = Weights.split(release.candidate, share)
    if not fleet.is_at(weights):
        said = f"returning {share} % of traffic to {release.candidate} now; {waiting.reason}"
        return Decision(Shift(weights), said, release)
    said = (
        f"traffic: {fleet.traffic}; {waiting.reason}. ECS starts the missing tasks, the rest of the traffic follows them, "
        f"all of it after {release.policy.return_timeout_seconds} s at the latest. "
        "To return all of it now: playbooks/rollback.yml -e rollback_force=true"
    )
    return Decision(Wait(POLL_SECONDS, urgent=True), said, release)


def _next_step(release: Release, passed: str, now: float) -> Decision:
    following = release.step + 1
    if following < len(release.plan.steps):
        return _enter(release.at(Phase.SHIFTING, now, following), passed)
    if release.plan.bake_seconds:
        baking = replace(release.at(Phase.BAKING, now, following), since=now)
        return _enter(baking, f"{passed}; baking for {release.plan.bake_seconds} s")
    return _succeed(release, passed, now)


def _why_on(observed: Observed, release: Release) -> str:
    """Why a step that was judged is over: by a person, or by a verdict, which is told with its numbers."""
    if _operator_request(observed, release) in (RequestKind.PROMOTE, RequestKind.PROMOTE_ALL):
        return f"promoted by {_requester(observed)}"
    verdict = judgement(observed, release)
    if verdict.result is Result.PASS and observed.probe is not None:
        verdict = combine((verdict, observed.probe))
    said = "passed" if verdict.result is Result.PASS else "goes on although it cannot be told"
    return f"{said}: {verdict.reason}"


def _bake(observed: Observed, release: Release, now: float) -> Decision | AbortReason:
    baking = Step(100, release.plan.bake_seconds)
    hold = _hold(observed, release, baking, now, judged=True)
    watched = in_place.await_alarms(observed, release, now) if release.in_place else None
    return hold or watched or _succeed(release, f"bake {_why_on(observed, release)}", now, observed.fleet.routed)


def _hold(
    observed: Observed, release: Release, step: Step, now: float, *, judged: bool
) -> Decision | AbortReason | None:
    """What keeps the release at its present weights or ends it there; None when it may go on.

    A step without a duration has no time to be judged in: the next one, or the bake, judges for it.
    """
    pausing = _pause(observed, release, now)
    if pausing is not None:
        return pausing
    request = _operator_request(observed, release)
    last = len(release.plan.steps) - 1
    if request is RequestKind.PROMOTE_ALL and release.step < last:
        return _enter(release.at(Phase.SHIFTING, now, last), f"promoted to the last step by {_requester(observed)}")
    if request in (RequestKind.PROMOTE, RequestKind.PROMOTE_ALL):
        return None
    left = _seconds_left(release, step, now)
    verdict = judgement(observed, release)
    if left > 0:
        said = f"{left:.0f} s left at {observed.fleet.weights}; {verdict.reason}"
        return Decision(Wait(min(WATCH_SECONDS, left)), said, release)
    if step.approval:
        return _await_approval(release, step.approval_timeout_seconds, -left, "this step wants it")
    if judged and observed.probe is not None and release.step >= last:
        verdict = combine((verdict, observed.probe))
        waiting = await_nodes(
            release, observed.fleet, observed.fleet.weights_changed_at, now, "the probe's answer counts"
        )
        if observed.probe.result is not Result.PASS and waiting is not None:
            return replace(waiting, action=Wait(POLL_SECONDS))
    return _when_unclear(release, verdict, -left) if judged and verdict.result is not Result.PASS else None


def _seconds_left(release: Release, step: Step, now: float) -> float:
    held = now - (release.since if release.since is not None else now)
    return max(step.duration_seconds, release.policy.settle_seconds) - held


def probe_is_due(release: Release, fleet: Fleet, now: float) -> bool:
    """The version probe asks every target, so it is asked only when its answer decides: as the last step or the bake ends."""
    last = release.step + 1 >= len(release.plan.steps)
    replacing = release.in_place and release.phase is Phase.SHIFTING
    if not last or replacing or not fleet.is_at(release.candidate_weights):
        return False
    if release.in_place and not fleet.state(release.candidate).steady:
        return False
    if release.phase is Phase.BAKING:
        return _seconds_left(release, Step(100, release.plan.bake_seconds), now) <= 0
    return release.phase is Phase.SHIFTING and _seconds_left(release, release.plan.steps[release.step], now) <= 0


def _pause(observed: Observed, release: Release, now: float) -> Decision | None:
    request = _operator_request(observed, release)
    if release.paused_since is None:
        if request is not RequestKind.PAUSE:
            return None
        return _enter(
            replace(release, paused_since=now), f"paused by {_requester(observed)} at {observed.fleet.weights}"
        )
    if request in (RequestKind.RESUME, RequestKind.PROMOTE, RequestKind.PROMOTE_ALL):
        return _enter(replace(release, paused_since=None, entered_at=now), f"resumed by {_requester(observed)}")
    return Decision(Wait(WATCH_SECONDS), f"paused since {clock_time(release.paused_since)}", release)


def _await_approval(release: Release, limit: int, waited: float, why: str) -> Decision | AbortReason:
    if waited > limit:
        return AbortReason(Outcome.APPROVAL_EXPIRED, f"not promoted within {limit} seconds ({why})")
    left = f"{limit - waited:.0f} s left, then traffic returns to {release.live}"
    return Decision(Wait(WATCH_SECONDS, for_approval=True), f"waiting for promote ({why}): {left}", release)


def _when_unclear(release: Release, verdict: Verdict, waited: float) -> Decision | AbortReason | None:
    patience = release.policy.patience_seconds
    if waited <= patience:
        said = f"cannot tell yet, {patience - waited:.0f} s of patience left: {verdict.reason}"
        return Decision(Wait(WATCH_SECONDS), said, release)
    if verdict.result is Result.FAIL:
        return AbortReason(Outcome.ROLLED_BACK, verdict.reason)
    unclear = f"cannot tell: {verdict.reason}"
    match release.policy.inconclusive:
        case OnInconclusive.CONTINUE:
            return None
        case OnInconclusive.APPROVAL:
            return _await_approval(release, release.policy.pause_timeout_seconds, waited - patience, unclear)
        case OnInconclusive.RETURN:
            return AbortReason(Outcome.INCONCLUSIVE, unclear)


def _succeed(release: Release, passed: str, now: float, routed: bool = True) -> Decision:
    reason = f"{release.label} " + (f"serves all traffic from {release.candidate}" if routed else "runs")
    window = 0 if release.single_writer else release.policy.window_seconds
    warm_until = None if release.in_place else now + window
    done = replace(release, outcome=Outcome.SUCCEEDED, reason=reason, ended_at=now, warm_until=warm_until)
    return _enter(done, passed)


def _enter(release: Release, reason: str) -> Decision:
    return Decision(Record(), reason, release)


def _operator_request(observed: Observed, release: Release) -> RequestKind | None:
    """What a person wants of this release. A promotion holds for the step it was made at and no other."""
    request = observed.operator_request
    if request is None or request.release_id != release.id:
        return None
    promotion = request.kind in (RequestKind.PROMOTE, RequestKind.PROMOTE_ALL)
    return None if promotion and request.step != release.step else request.kind


def _requester(observed: Observed) -> str:
    return observed.operator_request.by if observed.operator_request else "an unknown operator"


PHASES: Mapping[Phase, Callable[[Observed, Release, float], Decision | AbortReason]] = {
    Phase.PREPARING: _prepare,
    Phase.STAGING: _stage,
    Phase.PROVING: _prove,
    Phase.SHIFTING: _shift,
    Phase.VERIFYING: in_place.verify,
    Phase.BAKING: _bake,
}
