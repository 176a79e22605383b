# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stable colour loses all its targets while it has traffic: who is not served, and what the release does about it."""

from __future__ import annotations

from dataclasses import replace

from .actions import POLL_SECONDS, Decision, Record, Shift, Wait
from .model import Colour, Fleet, Kind, Observed, Phase, Release, RequestKind, WhenStableIsDown

# More than one look: a single one may be mistaken.
CONFIRM_SECONDS = 4.0


def unserved(fleet: Fleet) -> str:
    """The share of requests that reaches no healthy target, as a sentence; empty where all are served."""
    if not fleet.routed:
        return ""
    down = [colour for colour in Colour if fleet.share(colour) and not fleet.state(colour).healthy]
    if not down:
        return ""
    share = min(100, sum(fleet.share(colour) for colour in down))
    verb = "have" if len(down) > 1 else "has"
    return f"{share} % of requests are not served: {' and '.join(down)} {verb} no healthy target"


def decide_when_down(observed: Observed, release: Release, now: float) -> Decision | None:
    """What is done because the stable colour is down; None where it is not, or where the policy says to hold."""
    fleet = observed.fleet
    if release.first or fleet.share(release.live) == 0:
        return None
    if fleet.state(release.live).healthy:
        if release.stable_down_since is None:
            return None
        back = f"{release.live} has healthy targets again: {fleet.state(release.live)}"
        return Decision(Record(), back, replace(release, stable_down_since=None))
    if release.stable_down_since is None:
        return Decision(Record(), unserved(fleet), replace(release, stable_down_since=now))
    if now - release.stable_down_since < CONFIRM_SECONDS:
        return Decision(Wait(POLL_SECONDS), unserved(fleet), release)
    return _act(observed, release, now)


def _act(observed: Observed, release: Release, now: float) -> Decision | None:
    last = len(release.plan.steps) - 1
    # A pause is the will of a person who is there; a promotion resumes it.
    promoted = _promoted(observed, release)
    if not promoted and release.paused_since is not None:
        return None
    if not promoted and release.step < last and release.policy.when_stable_is_down is not WhenStableIsDown.PROMOTE:
        return _ask(observed, release, now)
    candidate = observed.fleet.state(release.candidate)
    if candidate.healthy < max(1, release.policy.minimum_healthy):
        if release.is_rewriting:
            # A rollback says what it waits for, and how a person forces it.
            return None
        return Decision(Wait(POLL_SECONDS), f"{release.candidate} cannot take over: {candidate}", release)
    why = f"{release.candidate} takes all traffic ({candidate})"
    if release.step < last or release.paused_since is not None:
        return Decision(Record(), f"{unserved(observed.fleet)}; {why}", release.at(Phase.SHIFTING, now, last))
    return Decision(Shift(release.candidate_weights), f"{unserved(observed.fleet)}; {why}", release)


def _ask(observed: Observed, release: Release, now: float) -> Decision | None:
    if release.policy.when_stable_is_down is not WhenStableIsDown.ASK:
        return None
    left = release.policy.pause_timeout_seconds - (now - (release.stable_down_since or now))
    if left <= 0:
        return None
    said = f"waiting for promote, which gives all traffic to {release.candidate} at once; {left:.0f} s left"
    return Decision(Wait(POLL_SECONDS), said, release)


def _promoted(observed: Observed, release: Release) -> bool:
    request = observed.operator_request
    return (
        request is not None
        and request.release_id == release.id
        and request.step == release.step
        and request.kind in (RequestKind.PROMOTE, RequestKind.PROMOTE_ALL)
    )


def take_over_instead(observed: Observed, release: Release) -> Decision | None:
    """A return that has nowhere to go: a promotion gives all traffic to the candidate, if that has healthy targets."""
    candidate = observed.fleet.state(release.candidate)
    if not _promoted(observed, release) or observed.fleet.is_at(release.candidate_weights) or not candidate.healthy:
        return None
    by = observed.operator_request.by if observed.operator_request else ""
    why = f"{release.live} has no healthy target, {by} promoted: all traffic to {release.candidate}"
    return Decision(Shift(release.candidate_weights), why, release)


def took_over(observed: Observed, release: Release) -> bool:
    return _promoted(observed, release) and observed.fleet.is_at(release.candidate_weights)


def no_way_back(fleet: Fleet, release: Release, lost: bool = False) -> str:
    """Why a release under way cannot return its traffic now, and what can be done instead; empty where it can.

    No controller reads a promotion of a release that is lost: one has to take it up first.
    """
    beside = release.kind is Kind.DEPLOY and not release.in_place and not release.first
    # Where one task at a time may write, the stable colour was stopped: a return starts it again.
    beside = beside and not release.single_writer
    needed = max(1, release.policy.minimum_healthy)
    live, candidate = fleet.state(release.live), fleet.state(release.candidate)
    away = not fleet.is_at(release.stable_weights)
    if not beside or release.outcome is not None or not away or live.healthy >= needed or release.forced:
        return ""
    why = f"{live.colour} cannot take traffic back: it has {live.healthy} healthy targets and needs {needed}"
    promote = f"playbooks/promote.yml -l {release.service} -e promote_all=true gives it all traffic"
    if lost:
        promote = f"release the same version again, so that a controller works on it; then {promote}"
    other = f"{candidate.colour} has {candidate.healthy}: {promote}"
    if not candidate.healthy:
        other = f"{candidate.colour} has none either" + (": release a version that works" if lost else "")
    return "; ".join(part for part in (why, unserved(fleet), other) if part)
