# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules that stop a release, in the order in which they are believed: the first that applies gives the reason."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from .gates import alarms, combine, judge
from .model import Fleet, Kind, Observed, OnInconclusive, Outcome, Phase, Release, Result, Verdict, Weights, WishKind


@dataclass(frozen=True)
class Trouble:
    """Why a release cannot go on, and the outcome it will have."""

    outcome: Outcome
    reason: str


def trouble(seen: Observed, release: Release, now: float) -> Trouble | None:
    return next((found for rule in RULES if (found := rule(seen, release, now)) is not None), None)


def judgement(seen: Observed, release: Release) -> Verdict:
    """Everything that is judged while the candidate holds production traffic."""
    return judge(release.gates, seen.readings, seen.fleet.side(release.candidate), release.policy.minimum_healthy)


def wanted_count(seen: Observed, release: Release) -> int:
    """As many tasks as live runs now (autoscaling may have grown it), and never fewer than when the release began."""
    return max(release.capacity, seen.fleet.side(release.live).running, release.policy.minimum_healthy)


def not_ready(seen: Observed, release: Release, weight: int) -> str | None:
    """Why the candidate cannot hold this weight yet; None when it can.

    A minimum of nought is the forced rollback to a sick target: its tasks still have to run.
    """
    candidate = seen.fleet.side(release.candidate)
    share = wanted_count(seen, release) * weight * release.policy.capacity_percent / 10_000
    needed = max(1, release.policy.minimum_healthy, math.ceil(share))
    if release.policy.minimum_healthy == 0:
        return None if candidate.running >= needed else f"{weight} % needs {needed} running: {candidate}"
    if candidate.healthy < needed:
        return f"{weight} % needs {needed} healthy: {candidate}"
    quiet = combine((*alarms(release.gates.alarms, seen.readings.alarms), _HEALTHY))
    return quiet.reason if quiet.result is Result.FAIL else None


_HEALTHY = Verdict(Result.PASS, "healthy")


def _asked_to_stop(seen: Observed, release: Release, now: float) -> Trouble | None:
    wish = seen.wish
    if wish is None or wish.release_id != release.id or wish.kind is not WishKind.ABORT:
        return None
    return Trouble(wish.outcome, f"stopped by {wish.by}" + (f": {wish.reason}" if wish.reason else ""))


def _refused(seen: Observed, release: Release, now: float) -> Trouble | None:
    if release.phase is not Phase.PREPARING or not seen.findings:
        return None
    return Trouble(Outcome.REFUSED, "nothing was changed: " + "; ".join(seen.findings))


def _moved_by_others(seen: Observed, release: Release, now: float) -> Trouble | None:
    if can_be_taken_up(release, seen.fleet):
        return None
    return Trouble(
        Outcome.SUPERSEDED,
        f"the rule has {seen.fleet.weights}, which this release did not set: somebody else is moving traffic",
    )


def can_be_taken_up(release: Release, fleet: Fleet) -> bool:
    """Whether a release that was left can be gone on with: it is not on its way back, and traffic is where it put it."""
    # A rollback writes its weights again: after it took the lease over, one late write of another may still arrive.
    rewritten = release.kind is Kind.ROLLBACK and release.phase is Phase.SHIFTING
    placed = rewritten or release.phase is Phase.PREPARING or fleet.weights in _own_weights(release)
    return release.goes_forward and placed


def _own_weights(release: Release) -> tuple[Weights, ...]:
    """The weights this release can have left behind, given what it has recorded."""
    if release.phase is Phase.BAKING:
        return (release.goal,)
    if release.phase is not Phase.SHIFTING:
        # A first release may find the rule pointing anywhere: there was nothing to point at.
        return (release.home, release.goal) if release.first else (release.home,)
    here = Weights.split(release.candidate, release.plan.steps[release.step].weight)
    if release.since is not None:
        return (here,)
    before = release.plan.steps[release.step - 1].weight if release.step else 0
    return (here, Weights.split(release.candidate, before))


def _candidate_failing(seen: Observed, release: Release, now: float) -> Trouble | None:
    candidate = seen.fleet.side(release.candidate)
    ours = candidate.task_definition == release.task_definition
    if release.phase is Phase.PREPARING or not candidate.trouble or not ours:
        return None
    return Trouble(Outcome.ROLLED_BACK, f"{release.candidate} does not run: {candidate.trouble}")


def _candidate_replaced(seen: Observed, release: Release, now: float) -> Trouble | None:
    candidate = seen.fleet.side(release.candidate)
    if release.phase in (Phase.PREPARING, Phase.STAGING) or candidate.task_definition == release.task_definition:
        return None
    return Trouble(
        Outcome.SUPERSEDED,
        f"{release.candidate} runs {candidate.task_definition or 'nothing'} instead of {release.task_definition}: "
        "somebody else changed it",
    )


def _judged_bad(seen: Observed, release: Release, now: float) -> Trouble | None:
    weight = seen.fleet.weights.of(release.candidate)
    if weight == 0 or release.phase not in (Phase.SHIFTING, Phase.BAKING):
        return None
    verdict = judgement(seen, release)
    if verdict.result is not Result.FAIL:
        return None
    return Trouble(Outcome.ROLLED_BACK, f"at {weight} % on {release.candidate}: {verdict.reason}")


def _not_proven(seen: Observed, release: Release, now: float) -> Trouble | None:
    if not release.proofs:
        return None
    verdict = combine(release.proofs.values())
    if verdict.result is Result.FAIL:
        return Trouble(Outcome.ROLLED_BACK, verdict.reason)
    if verdict.result is Result.INCONCLUSIVE and release.policy.inconclusive is not OnInconclusive.CONTINUE:
        return Trouble(Outcome.INCONCLUSIVE, verdict.reason)
    return None


def _not_ready_in_time(seen: Observed, release: Release, now: float) -> Trouble | None:
    limit = release.policy.stage_timeout_seconds
    shifted = release.phase is Phase.SHIFTING and release.since is not None
    if shifted or release.phase in (Phase.PROVING, Phase.BAKING) or release.paused_since is not None:
        return None
    if now - release.entered_at <= limit:
        return None
    if release.phase is Phase.PREPARING:
        live = seen.fleet.side(release.live)
        return Trouble(Outcome.REFUSED, f"nothing was changed: no healthy {live} within {limit} seconds")
    weight = release.plan.steps[release.step].weight if release.phase is Phase.SHIFTING else 100
    return Trouble(
        Outcome.ROLLED_BACK,
        f"not ready after {limit} seconds: " + (not_ready(seen, release, weight) or "its service is not steady"),
    )


def _paused_too_long(seen: Observed, release: Release, now: float) -> Trouble | None:
    limit = release.policy.pause_timeout_seconds
    if release.paused_since is None or now - release.paused_since <= limit:
        return None
    return Trouble(Outcome.APPROVAL_EXPIRED, f"paused for longer than {limit} seconds and not resumed")


RULES: tuple[Callable[[Observed, Release, float], Trouble | None], ...] = (
    _asked_to_stop,
    _refused,
    _moved_by_others,
    _candidate_failing,
    _candidate_replaced,
    _judged_bad,
    _not_proven,
    _not_ready_in_time,
    _paused_too_long,
)
