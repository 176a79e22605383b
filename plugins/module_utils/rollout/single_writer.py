# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A service that only one task may write for: every task of one version has stopped before one of the other starts.

ECS's own deployments do not promise that: with a maximum of 100 percent they start a task while the one before it is
still stopping (https://github.com/aws/containers-roadmap/issues/959).
"""

from __future__ import annotations

from .actions import POLL_SECONDS, Decision, ScaleIn, Stage, Wait
from .lease import clock_time
from .model import Colour, Fleet, Observed, Phase, Release


def stop_tasks(observed: Observed, release: Release, colour: Colour, now: float) -> Decision | None:
    """What is missing until no task of this colour runs and none can be started by a write that arrives late; None once it is so."""
    state = observed.fleet.state(colour)
    if state.desired:
        said = f"stopping {colour} ({state.running} running): only one task may write at a time"
        return Decision(ScaleIn(colour), said, release)
    if state.unended:
        return Decision(Wait(POLL_SECONDS), f"{colour}: waiting until {state.unended} tasks have stopped", release)
    if now < observed.late_until:
        until = clock_time(observed.late_until)
        said = f"{colour} is stopped; a write that would start tasks may still arrive until {until}"
        return Decision(Wait(POLL_SECONDS), said, release)
    return None


def before_staging(observed: Observed, release: Release, now: float) -> Decision | None:
    """The candidate starts without another task beside it: what is left of its colour ends first, then the stable colour."""
    candidate = observed.fleet.state(release.candidate)
    if candidate.task_definition != release.task_definition or release.inherits(candidate):
        stopping = stop_tasks(observed, release, release.candidate, now)
        if stopping is not None:
            return stopping
    return stop_tasks(observed, release, release.live, now)


def start_stable_again(observed: Observed, release: Release, now: float) -> Decision | None:
    """A return: the candidate's tasks end, then the stable colour's start. None once they are healthy, or too late for it."""
    live = observed.fleet.state(release.live)
    if not live.task_definition:
        return None
    stopping = stop_tasks(observed, release, release.candidate, now)
    if stopping is not None:
        return stopping
    if live.desired == 0:
        if live.unended:
            return stop_tasks(observed, release, release.live, now)
        started = Stage(live.colour, live.task_definition, max(1, release.capacity), as_it_is=True)
        return Decision(started, f"starting {live.colour} again: {release.reason}", release)
    until = max(release.entered_at, observed.late_until) + release.policy.return_timeout_seconds
    if is_short_of_targets(observed, release) and now <= until:
        return Decision(Wait(POLL_SECONDS), f"starting {live.colour} again: {live}", release)
    return None


def is_short_of_targets(observed: Observed, release: Release) -> bool:
    """The stable colour has been stopped and is not back yet."""
    live = observed.fleet.state(release.live)
    return bool(live.task_definition) and live.healthy < max(1, release.policy.minimum_healthy)


def has_begun_to_return(fleet: Fleet, release: Release) -> bool:
    """A controller that could not record it has stopped the new version, or started the old one again."""
    if release.in_place:
        started = release.phase in (Phase.SHIFTING, Phase.VERIFYING, Phase.BAKING)
        return started and fleet.state(release.live).desired == 0 and release.capacity > 0
    return release.phase not in (Phase.PREPARING, Phase.STAGING) and fleet.state(release.live).desired > 0
