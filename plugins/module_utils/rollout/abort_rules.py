# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules that stop a release, in the order in which they are believed: the first that applies gives the reason."""

from __future__ import annotations

import math
from collections.abc import Callable

from . import in_place, single_writer
from .abort import AbortReason
from .gates import alarms, combine, judge
from .model import Fleet, Observed, OnInconclusive, Outcome, Phase, Release, RequestKind, Result, Verdict, Weights
from .partial_return import is_enough


def abort_reason(observed: Observed, release: Release, now: float) -> AbortReason | None:
    rules = IN_PLACE_RULES if release.in_place else RULES
    return next((found for rule in rules if (found := rule(observed, release, now)) is not None), None)


def judgement(observed: Observed, release: Release) -> Verdict:
    """Everything that is judged while the candidate holds production traffic."""
    candidate, minimum = observed.fleet.state(release.candidate), release.policy.minimum_healthy
    if release.in_place:
        # A service that was told to run no task is as healthy as it can be.
        minimum = min(minimum, candidate.desired)
    return judge(release.gates, observed.readings, candidate, minimum)


def wanted_count(observed: Observed, release: Release) -> int:
    """As many tasks as live runs now (autoscaling may have grown it), and never fewer than when the release began."""
    if release.single_writer:
        return release.capacity
    return max(release.capacity, observed.fleet.state(release.live).running, release.policy.minimum_healthy)


def takes_what_runs(release: Release) -> bool:
    """A person forced the rollback to a version that is not healthy: its tasks have to run, and no more."""
    return release.policy.minimum_healthy == 0


def not_ready(observed: Observed, release: Release, weight: int) -> str | None:
    """Why the candidate cannot hold this weight yet; None when it can."""
    candidate = observed.fleet.state(release.candidate)
    share = wanted_count(observed, release) * weight * release.policy.capacity_percent / 10_000
    needed = max(1, release.policy.minimum_healthy, math.ceil(share))
    if takes_what_runs(release):
        return None if candidate.running >= needed else f"{weight} % needs {needed} running: {candidate}"
    if candidate.healthy < needed:
        why = f" ({candidate.unhealthy})" if candidate.unhealthy else ""
        return f"{weight} % needs {needed} healthy: {candidate}{why}"
    if release.single_writer:
        # No target serves until the candidate has traffic: an alarm that fires for that would keep it so.
        return None
    quiet = _alarms_quiet(observed, release)
    return quiet.reason if quiet.result is Result.FAIL else None


_HEALTHY = Verdict(Result.PASS, "healthy")


def _alarms_quiet(observed: Observed, release: Release) -> Verdict:
    return combine((*alarms(release.gates.alarms, observed.readings.alarms), _HEALTHY))


def _abort_requested(observed: Observed, release: Release, now: float) -> AbortReason | None:
    request = observed.operator_request
    if request is None or request.release_id != release.id or request.kind is not RequestKind.ABORT:
        return None
    return AbortReason(
        request.outcome,
        f"stopped by {request.by}" + (f": {request.reason}" if request.reason else ""),
    )


def _weights_changed_by_others(observed: Observed, release: Release, now: float) -> AbortReason | None:
    if release.phase is Phase.PREPARING or release.is_rewriting or observed.fleet.weights in _own_weights(release):
        return None
    return AbortReason(
        Outcome.SUPERSEDED,
        f"the {observed.fleet.routing} has {observed.fleet.weights}, which this release did not set: somebody else is moving traffic",
    )


def can_be_resumed(release: Release, fleet: Fleet) -> bool:
    """Whether a release that was left can go on: not on its way back, no check failed, and all is where it put it."""
    if not release.goes_forward or any(verdict.result is Result.FAIL for verdict in release.proofs.values()):
        return False
    candidate = fleet.state(release.candidate)
    own = candidate.task_definition == release.task_definition and not release.inherits(candidate)
    if candidate.failure and own and release.phase is not Phase.PREPARING:
        # Its deployment failed meanwhile: a new release starts a new one.
        return False
    if release.in_place and not in_place.is_resumable(release, fleet):
        return False
    if release.single_writer and single_writer.has_begun_to_return(fleet, release):
        return False
    return release.is_rewriting or release.phase is Phase.PREPARING or fleet.weights in _own_weights(release)


def has_own_weights(release: Release, fleet: Fleet) -> bool:
    """Traffic is as this release set it."""
    return fleet.weights in _own_weights(release)


def _own_weights(release: Release) -> tuple[Weights, ...]:
    """The weights this release can have left behind, given what it has recorded."""
    if release.phase is Phase.BAKING:
        return (release.candidate_weights,)
    if release.phase is not Phase.SHIFTING:
        # A first release may find the rule pointing anywhere: there was nothing to point at.
        return (release.stable_weights, release.candidate_weights) if release.first else (release.stable_weights,)
    here = Weights.split(release.candidate, release.plan.steps[release.step].weight)
    if release.since is not None:
        return (here,)
    # A promotion to the last step, or a rescue, skips steps: any earlier one may be where traffic still is.
    before = (Weights.split(release.candidate, step.weight) for step in release.plan.steps[: release.step])
    stable = (release.stable_weights,) if release.step == 0 or release.stable_down_since is not None else ()
    return (here, *stable, *before)


def _candidate_failing(observed: Observed, release: Release, now: float) -> AbortReason | None:
    candidate = observed.fleet.state(release.candidate)
    ours = candidate.task_definition == release.task_definition
    # What an earlier release's deployment failed at is not held against this one.
    if release.phase is Phase.PREPARING or not candidate.failure or not ours or release.inherits(candidate):
        return None
    return AbortReason(Outcome.ROLLED_BACK, f"{release.candidate} does not run: {candidate.failure}")


def _candidate_put_back(observed: Observed, release: Release, now: float) -> AbortReason | None:
    """ECS put the version before back on the candidate's service by itself, where its circuit breaker or its alarms do that."""
    candidate = observed.fleet.state(release.candidate)
    if release.phase is Phase.PREPARING or release.inherits(candidate) or not candidate.ecs_rollback:
        return None
    if candidate.task_definition == release.task_definition:
        return None
    return AbortReason(Outcome.ROLLED_BACK, f"{release.candidate} does not run: {candidate.ecs_rollback}")


def _candidate_replaced(observed: Observed, release: Release, now: float) -> AbortReason | None:
    candidate = observed.fleet.state(release.candidate)
    if release.phase in (Phase.PREPARING, Phase.STAGING) or candidate.task_definition == release.task_definition:
        return None
    return AbortReason(
        Outcome.SUPERSEDED,
        f"{release.candidate} runs {candidate.task_definition or 'nothing'} instead of {release.task_definition}: "
        "somebody else changed it",
    )


def _judged_bad(observed: Observed, release: Release, now: float) -> AbortReason | None:
    weight = observed.fleet.share(release.candidate)
    if weight == 0 or release.phase not in (Phase.SHIFTING, Phase.VERIFYING, Phase.BAKING):
        return None
    replacing = release.in_place and release.phase is not Phase.BAKING
    if replacing and release.single_writer and release.phase is Phase.SHIFTING:
        # No task has answered yet: what fires now fires for the requests that no target served.
        return None
    # While ECS replaces tasks, old and new ones answer in one target group: only alarms can be judged.
    verdict = _alarms_quiet(observed, release) if replacing else judgement(observed, release)
    if verdict.result is not Result.FAIL:
        return None
    return AbortReason(Outcome.ROLLED_BACK, f"at {weight} % on {release.candidate}: {verdict.reason}")


def _not_proven(observed: Observed, release: Release, now: float) -> AbortReason | None:
    if not release.proofs:
        return None
    verdict = combine(release.proofs.values())
    if verdict.result is Result.FAIL:
        return AbortReason(Outcome.ROLLED_BACK, verdict.reason)
    if verdict.result is Result.INCONCLUSIVE and release.policy.inconclusive is not OnInconclusive.CONTINUE:
        return AbortReason(Outcome.INCONCLUSIVE, verdict.reason)
    return None


def _not_ready_in_time(observed: Observed, release: Release, now: float) -> AbortReason | None:
    limit = release.policy.stage_timeout_seconds
    shifted = release.phase is Phase.SHIFTING and release.since is not None
    if shifted or release.phase in (Phase.PROVING, Phase.BAKING) or release.paused_since is not None:
        return None
    if now - release.entered_at <= limit:
        return None
    if release.is_rewriting and is_enough(observed.fleet, release, release.candidate):
        # It returns traffic to what is healthy there, rather than to the version that it leaves.
        return None
    if release.phase is Phase.PREPARING:
        if observed.fleet.is_at(release.stable_weights):
            # It waits until every node of the load balancer has them.
            return None
        live = observed.fleet.state(release.live)
        return AbortReason(Outcome.REFUSED, f"nothing was changed: no healthy {live} within {limit} seconds")
    shifting = release.phase is Phase.SHIFTING
    weight = release.plan.steps[release.step].weight if shifting else 100
    why = not_ready(observed, release, weight)
    ready = why is None and (shifting or observed.fleet.state(release.candidate).replaced)
    if ready or (shifting and observed.fleet.is_at(Weights.split(release.candidate, weight))):
        # A controller that could not read for a while finds what it waited for, or its own shift.
        return None
    return AbortReason(Outcome.ROLLED_BACK, f"not ready after {limit} seconds: " + (why or "its service is not steady"))


def _paused_too_long(observed: Observed, release: Release, now: float) -> AbortReason | None:
    limit = release.policy.pause_timeout_seconds
    if release.paused_since is None or now - release.paused_since <= limit:
        return None
    return AbortReason(Outcome.APPROVAL_EXPIRED, f"paused for longer than {limit} seconds and not resumed")


RULES: tuple[Callable[[Observed, Release, float], AbortReason | None], ...] = (
    _abort_requested,
    _weights_changed_by_others,
    _candidate_failing,
    _candidate_put_back,
    _candidate_replaced,
    _judged_bad,
    _not_proven,
    _not_ready_in_time,
    _paused_too_long,
)
IN_PLACE_RULES: tuple[Callable[[Observed, Release, float], AbortReason | None], ...] = (
    _abort_requested,
    _weights_changed_by_others,
    in_place.deployment_failed,
    _judged_bad,
    _not_proven,
    in_place.not_done_in_time,
    _paused_too_long,
)
