# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Going back and ending: traffic first, then the evidence, then the record, then what is left over."""

from __future__ import annotations

from dataclasses import replace

from .actions import Collect, Decision, Done, Record, ScaleIn, ScheduleScaleIn, Shift, Wait
from .lease import clock_time
from .model import Observed, Outcome, Phase, Release
from .trouble import Trouble

POLL_SECONDS = 2.0


def turn_back(seen: Observed, release: Release, trouble: Trouble, now: float) -> Decision:
    """The first write after trouble is the return of traffic; with nothing to return it is the record."""
    turned = release.at(Phase.RETURNING, now, release.step)
    turned = replace(turned, cause=trouble.outcome, reason=trouble.reason)
    if release.phase is Phase.PREPARING:
        ended = replace(turned, outcome=trouble.outcome, ended_at=now, evidence={})
        return Decision(Record(), trouble.reason, ended)
    if seen.fleet.weights != release.home and can_return(seen, release):
        return Decision(Shift(release.home), f"returning traffic to {release.live}: {trouble.reason}", turned)
    return Decision(Record(), trouble.reason, turned)


def can_return(seen: Observed, release: Release) -> bool:
    """A colour without healthy targets is no home, however bad the candidate is."""
    return seen.fleet.side(release.live).healthy >= max(1, release.policy.minimum_healthy)


def bring_home(seen: Observed, release: Release, now: float) -> Decision:
    """Follow a return to its end: traffic, evidence, outcome."""
    away = seen.fleet.weights != release.home
    live = seen.fleet.side(release.live)
    if away and can_return(seen, release):
        return Decision(Shift(release.home), f"returning traffic to {release.live}: {release.reason}", release)
    waited = now - release.entered_at
    if away and live.desired and waited <= release.policy.return_timeout_seconds:
        return Decision(Wait(POLL_SECONDS), f"traffic cannot return yet, live is not healthy: {live}", release)
    if release.evidence is None:
        return Decision(Collect(), "keeping the evidence before anything is stopped", release)
    if not away:
        outcome, reason = release.cause or Outcome.INTERRUPTED, release.reason
    else:
        outcome = Outcome.INTERRUPTED
        why = "this is the first release, there is nowhere to return to" if release.first else str(live)
        reason = f"{release.reason}; traffic stays at {seen.fleet.weights}, for {why}: a person has to look"
    return Decision(Record(), reason, replace(release, outcome=outcome, reason=reason, ended_at=now))


def close(seen: Observed, release: Release, outcome: Outcome, now: float) -> Decision:
    """Put away what an ended release leaves, then mark it closed."""
    if release.closed:
        return Decision(Done(outcome), release.reason, release)
    leftover = _keep_warm(seen, release, now) if outcome is Outcome.SUCCEEDED else _put_away(seen, release)
    return leftover or Decision(Record(), release.reason, replace(release, closed=True))


def _keep_warm(seen: Observed, release: Release, now: float) -> Decision | None:
    old = seen.fleet.side(release.live)
    warm_until = release.warm_until or now
    if old.desired == 0 or seen.fleet.weights.of(release.live):
        return None
    if warm_until <= now:
        return Decision(ScaleIn(release.live), f"the rollback window of {release.live} is over", release)
    if old.scale_in_at is not None:
        return None
    kept = f"{release.live} stays warm until {clock_time(warm_until)}"
    return Decision(ScheduleScaleIn(release.live, warm_until), kept, release)


def _put_away(seen: Observed, release: Release) -> Decision | None:
    candidate = seen.fleet.side(release.candidate)
    ours = candidate.task_definition == release.task_definition
    if not ours or candidate.desired == 0 or seen.fleet.weights.of(release.candidate):
        return None
    return Decision(ScaleIn(release.candidate), f"{release.candidate} is not needed any more", release)
