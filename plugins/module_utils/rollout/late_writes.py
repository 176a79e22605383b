# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes that arrive late: while one may, undo it and scale nothing in."""

from __future__ import annotations

from . import in_place
from .abort_rules import takes_what_runs
from .actions import POLL_SECONDS, CancelScaleIn, Decision, Shift, Stage, Wait
from .lease import clock_time
from .model import Colour, Fleet, Kind, Observed, Outcome, Release, Weights


def watch(observed: Observed, release: Release, now: float) -> Decision | None:
    """What is done at the end of a release before anything is put away; None once no write can arrive any more."""
    if release.in_place:
        return _watch_in_place(observed, release, now)
    serving = release.candidate if release.outcome is Outcome.SUCCEEDED else release.live
    nothing_served_before = release.first and serving is release.live
    if not nothing_served_before:
        undoing = _undo(observed.fleet, release, serving)
        if undoing is not None:
            return undoing
    if now < observed.late_until:
        return _wait(observed, release)
    state = observed.fleet.state(serving)
    away = not observed.fleet.is_at(Weights.all_to(serving))
    recovering = away and state.desired and now <= observed.late_until + release.policy.return_timeout_seconds
    if recovering and not nothing_served_before and release.outcome is not Outcome.INTERRUPTED:
        return Decision(Wait(POLL_SECONDS), f"a late write moved traffic; it returns once healthy: {state}", release)
    return None


def _undo(fleet: Fleet, release: Release, serving: Colour) -> Decision | None:
    """The write that takes back what a late one did to the colour that serves; traffic comes first."""
    state, other = fleet.state(serving), fleet.state(serving.other)
    late = "a write that arrived late"
    forced = _is_forced(release)
    if fleet.share(serving) and state.healthy == 0 and other.healthy and not forced:
        away = f"{late} left {serving} without healthy tasks: {serving.other} serves until it has some"
        return Decision(Shift(Weights.all_to(serving.other)), away, release)
    enough = max(1, release.policy.minimum_healthy) if other.healthy else 1
    if not fleet.is_at(Weights.all_to(serving)) and (state.healthy >= enough or (forced and state.running)):
        return Decision(Shift(Weights.all_to(serving)), f"{late} set {fleet.traffic}: undone", release)
    if state.desired == 0 and state.task_definition:
        grown = Stage(serving, state.task_definition, release.capacity, as_it_is=True)
        return Decision(grown, f"{late} scaled {serving} in, which serves: undone", release)
    if state.scale_in_at is not None:
        return Decision(CancelScaleIn(serving), f"a scale-in of {serving} is scheduled, which serves: undone", release)
    return None


def _is_forced(release: Release) -> bool:
    """A person wanted traffic where it is, whatever the health there."""
    return release.forced or (release.kind is Kind.ROLLBACK and takes_what_runs(release))


def _watch_in_place(observed: Observed, release: Release, now: float) -> Decision | None:
    if release.outcome is not Outcome.SUCCEEDED:
        back = in_place.write_back(observed, release, now)
        if back is not None:
            return back
    if now < observed.late_until:
        return _wait(observed, release)
    state = observed.fleet.state(release.live)
    if (
        release.outcome is not Outcome.SUCCEEDED
        and in_place.is_restored(observed.fleet, release)
        and not state.settled
        and now <= observed.late_until + release.policy.return_timeout_seconds
    ):
        return Decision(Wait(POLL_SECONDS), f"returning after a write that arrived late: {state}", release)
    return None


def _wait(observed: Observed, release: Release) -> Decision:
    until = clock_time(observed.late_until)
    said = f"traffic: {observed.fleet.traffic}; a write may still arrive until {until}: nothing is scaled in before"
    return Decision(Wait(POLL_SECONDS), said, release)
