# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A release in place: ECS replaces the tasks of the live colour a few at a time; the release follows, judges, returns."""

from __future__ import annotations

from dataclasses import replace

from .abort import AbortReason
from .actions import POLL_SECONDS, WATCH_SECONDS, Collect, Decision, Prove, Record, Replace, Wait
from .model import ColourState, Fleet, Kind, Observed, Outcome, Phase, Release
from .single_writer import stop_tasks

# ECS answers reads for some seconds as if a write had not happened yet.
STALE_READ_SECONDS = 30.0


def stage(observed: Observed, release: Release, now: float) -> Decision:
    """Start the deployment, once: a colour that has it already is followed."""
    state = observed.fleet.state(release.candidate)
    same = state.task_definition == release.task_definition
    as_it_is = not state.deviations or release.restart
    fresh = same and as_it_is and release.inherits(state) and _needs_new_tasks(state, release)
    done = same and not state.deviations and not fresh
    if done and not _is_stopped(state, release):
        return _enter(release.at(Phase.SHIFTING, now), f"{release.candidate}: ECS has the deployment")
    stopping = stop_tasks(observed, release, state.colour, now) if release.single_writer else None
    if stopping is not None:
        return stopping
    count = release.capacity if release.single_writer else None
    # A rollback has no specification: it deploys what was registered.
    specified = release.kind is Kind.DEPLOY
    action = Replace(release.candidate, release.task_definition, specified, fresh, count)
    return Decision(action, f"{release.candidate}: {_why(state, release, fresh)}", release.at(Phase.SHIFTING, now))


def _why(state: ColourState, release: Release, fresh: bool) -> str:
    if fresh:
        why = state.failure or ("asked for" if release.restart else f"it is not healthy ({state})")
        return "starting the same version again: " + "; ".join([why, *state.deviations])
    return "starting the deployment: " + ("; ".join(state.deviations) or "the task definition differs")


def _needs_new_tasks(state: ColourState, release: Release) -> bool:
    return release.restart or bool(state.failure) or state.healthy < min(release.policy.minimum_healthy, state.desired)


def _is_stopped(state: ColourState, release: Release) -> bool:
    """This release, or one before it, stopped the colour's tasks so that others may start."""
    return release.single_writer and bool(state.task_definition) and state.desired == 0 and release.capacity > 0


def follow(observed: Observed, release: Release, now: float) -> Decision:
    """Wait until ECS has replaced all tasks and they are healthy. It may watch its alarms for some minutes after that."""
    state = observed.fleet.state(release.candidate)
    recent = now - release.entered_at <= STALE_READ_SECONDS
    # The same version once more is another deployment.
    missing = state.task_definition != release.task_definition or (release.restart and release.inherits(state))
    if recent and (missing or state.deviations):
        return Decision(Wait(POLL_SECONDS), f"{release.candidate}: waiting for ECS to show the deployment", release)
    if missing:
        return _enter(release.at(Phase.STAGING, now), f"{release.candidate}: ECS does not show the deployment")
    if not state.settled:
        return Decision(Wait(POLL_SECONDS), f"replacing tasks: {state}", release)
    if release.verifications:
        return _enter(release.at(Phase.VERIFYING, now), f"{state}: now the checks {', '.join(release.verifications)}")
    return _bake(release, f"{state}: {'tasks replaced' if state.watched_by else 'deployment completed'}", now)


def await_alarms(observed: Observed, release: Release, now: float) -> Decision | None:
    """ECS may still return the version before by an alarm: only a deployment that it has completed is a success."""
    state = observed.fleet.state(release.candidate)
    if state.steady or state.task_definition != release.task_definition:
        return None
    # While a task is replaced, or one is added, ECS watches all the same.
    said = "ECS has not completed the deployment"
    if state.watched_by:
        said = f"ECS watches {', '.join(state.watched_by)} before it completes the deployment"
    waited = f"{(now - release.entered_at) / 60:.0f} minutes so far"
    return Decision(Wait(WATCH_SECONDS), f"{state}; {said} ({waited})", release)


def verify(observed: Observed, release: Release, now: float) -> Decision:
    missing = next((check for check in release.verifications if check not in release.proofs), None)
    if missing is not None:
        return Decision(Prove(missing), f"check {missing} on {release.candidate}, which has all traffic", release)
    return _bake(release, "all checks passed", now)


def _bake(release: Release, reason: str, now: float) -> Decision:
    baking = replace(release.at(Phase.BAKING, now, len(release.plan.steps)), since=now)
    seconds = release.plan.bake_seconds
    return _enter(baking, reason + (f": baking for {seconds} s" if seconds else ""))


def deployment_failed(observed: Observed, release: Release, now: float) -> AbortReason | None:
    """The deployment that this release started has failed, was put back by ECS, or was replaced by somebody else's."""
    state = observed.fleet.state(release.candidate)
    if release.phase is Phase.PREPARING or release.inherits(state):
        return None
    if state.task_definition == release.task_definition:
        return AbortReason(Outcome.ROLLED_BACK, state.failure) if state.failure else None
    if state.ecs_rollback:
        return AbortReason(Outcome.ROLLED_BACK, f"ECS rolled back: {state.ecs_rollback}")
    return AbortReason(
        Outcome.SUPERSEDED,
        f"{release.candidate} runs {state.task_definition or 'nothing'} instead of {release.task_definition}: "
        "another deployment replaced it",
    )


def not_done_in_time(observed: Observed, release: Release, now: float) -> AbortReason | None:
    limit = release.policy.stage_timeout_seconds
    if release.phase not in (Phase.STAGING, Phase.SHIFTING) or now - release.entered_at <= limit:
        return None
    state = observed.fleet.state(release.candidate)
    return AbortReason(
        Outcome.ROLLED_BACK, f"not done after {limit} seconds, all tasks should be running and healthy: {state}"
    )


def is_resumable(release: Release, fleet: Fleet) -> bool:
    """No other deployment was started since: the colour has this release's version, or still what it had before."""
    state = fleet.state(release.candidate)
    return (
        release.phase is Phase.PREPARING or release.inherits(state) or state.task_definition == release.task_definition
    )


def is_restored(fleet: Fleet, release: Release) -> bool:
    """The version before this release is what the colour runs."""
    state = fleet.state(release.live)
    is_stable = bool(release.stable_task_definition) and state.task_definition == release.stable_task_definition
    return is_stable and not _is_stopped(state, release)


def write_back(observed: Observed, release: Release, now: float) -> Decision | None:
    """The write that returns the colour to the last good version; None where there is nothing to return, or nowhere."""
    state = observed.fleet.state(release.live)
    if release.single_writer:
        return _start_again(observed, release, now)
    failed_version_runs = state.task_definition == release.task_definition
    if not failed_version_runs or not release.returnable:
        return None
    back = Replace(release.live, release.stable_task_definition, specified=False)
    return Decision(
        back, f"returning {release.live} to {_short(release.stable_task_definition)}: {release.reason}", release
    )


def _start_again(observed: Observed, release: Release, now: float) -> Decision | None:
    """The write back where one task at a time may write: what runs ends first, and what was stopped starts again."""
    state = observed.fleet.state(release.live)
    failed_version_runs = state.task_definition == release.task_definition and release.returnable
    ours = state.task_definition in (release.task_definition, release.stable_task_definition)
    if not failed_version_runs and not (ours and _is_stopped(state, release)):
        return None
    stopping = stop_tasks(observed, release, state.colour, now)
    if stopping is not None:
        return stopping
    good = release.stable_task_definition or state.task_definition
    back = Replace(release.live, good, specified=False, count=release.capacity)
    return Decision(back, f"starting {release.live} with {_short(good)}: {release.reason}", release)


def restore(observed: Observed, release: Release, now: float) -> Decision:
    """Follow a return to its end: the version before, evidence, outcome."""
    back = write_back(observed, release, now)
    if back is not None:
        return back
    if release.evidence is None:
        return Decision(Collect(), "keeping the evidence", release)
    state = observed.fleet.state(release.live)
    waited = now - max(release.entered_at, observed.late_until if release.single_writer else 0.0)
    if _is_returning(observed, release) and not state.settled and waited <= release.policy.return_timeout_seconds:
        return Decision(Wait(POLL_SECONDS), f"returning to {_short(state.task_definition)}: {state}", release)
    outcome, reason = _end(observed, release)
    return Decision(Record(), reason, replace(release, outcome=outcome, reason=reason, ended_at=now))


def _is_returning(observed: Observed, release: Release) -> bool:
    return release.returnable and is_restored(observed.fleet, release)


def _end(observed: Observed, release: Release) -> tuple[Outcome, str]:
    cause = release.cause or Outcome.INTERRUPTED
    state = observed.fleet.state(release.live)
    if state.task_definition not in (release.task_definition, release.stable_task_definition):
        return Outcome.SUPERSEDED, release.reason
    if not release.stable_task_definition:
        return Outcome.FAILED, f"{release.reason}; there is no version before it to return to"
    if not release.returnable:
        # Settings of the same version: there is no other one to return to.
        stays = (
            f"{release.reason}; {_short(release.task_definition)} is also the version before, so nothing was returned"
        )
        return Outcome.FAILED if cause is Outcome.ROLLED_BACK else cause, stays
    if not state.settled:
        seconds = release.policy.return_timeout_seconds
        return (
            Outcome.FAILED,
            f"{release.reason}; the return is not complete after {seconds} s: {state}. Look at it now",
        )
    return cause, release.reason


def _short(task_definition: str) -> str:
    """family:revision of an ARN."""
    return task_definition.rpartition("/")[2]


def _enter(release: Release, reason: str) -> Decision:
    return Decision(Record(), reason, release)
