# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the rule, the tasks or the scheduled scale-ins disagree with the ledger while no release is under way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .actions import CancelScaleIn, ScheduleScaleIn, SetScaleIn, Shift
from .history import good_releases
from .lease import clock_time
from .model import Colour, ColourState, Fleet, Kind, OldColour, Outcome, Release, Weights

# The next release or rollback may use the tasks that are left over, so they are not stopped at once.
_LEFT_OVER_SECONDS = 600.0
# A schedule is written in whole seconds, and may be put off while a late write can arrive.
_SAME_TIME_SECONDS = 60.0
_TRAFFIC = "traffic"
_RETURNED = (Outcome.ROLLED_BACK, Outcome.SUPERSEDED, Outcome.INCONCLUSIVE, Outcome.APPROVAL_EXPIRED, Outcome.FAILED)

Repair: TypeAlias = "Shift | CancelScaleIn | ScheduleScaleIn | SetScaleIn"


@dataclass(frozen=True)
class Disagreement:
    """What is found, what the ledger and the rule say instead, and the write that puts it right, if one can."""

    subject: str
    found: str
    recorded: str
    repair: Repair | None = None

    @property
    def sentence(self) -> str:
        return f"{self.subject}: {self.found}; the ledger and the rule say: {self.recorded}"

    @property
    def row(self) -> dict[str, str]:
        """As results hold it, and drift.yml shows it."""
        return {"what": self.subject, "found": self.found, "recorded": self.recorded}

    @property
    def returned_to(self) -> Weights | None:
        """Where its repair brings traffic back to, which left for what is not on record; None where it does not."""
        return self.repair.weights if self.subject == _TRAFFIC and isinstance(self.repair, Shift) else None

    @property
    def is_urgent(self) -> bool:
        """Users are not served, or soon will not be."""
        return isinstance(self.repair, (Shift, CancelScaleIn))


def disagreements(fleet: Fleet, history: Sequence[Release], now: float) -> list[Disagreement]:
    """What no release can have meant, traffic first."""
    found = list(_of_traffic(fleet, history))
    weights = next(
        (disagreement.repair.weights for disagreement in found if isinstance(disagreement.repair, Shift)), fleet.weights
    )
    for colour in Colour:
        if weights.of(colour):
            found += _of_serving(fleet.state(colour))
        elif not fleet.share(colour):
            found += _of_idle(fleet.state(colour), history, now)
    return found


def _of_traffic(fleet: Fleet, history: Sequence[Release]) -> Iterator[Disagreement]:
    last = _last_success(history)
    if last is None or fleet.weights == last.candidate_weights:
        yield from _of_rules(fleet)
        return
    serving, other = fleet.state(last.candidate), fleet.state(last.candidate.other)
    why = _why_not_on(other, fleet.weights, history)
    repair = Shift(last.candidate_weights) if why and serving.healthy else None
    recorded = f"{last.candidate_weights}, since {last.id} of {clock_time(last.ended_at or last.started_at)}"
    yield Disagreement(_TRAFFIC, fleet.traffic + (f", and {why}" if why else ""), recorded, repair)
    if repair is None:
        yield from _of_rules(fleet)


def _of_rules(fleet: Fleet) -> Iterator[Disagreement]:
    """Further rules whose weights are not those of the first: of a run that died between two writes, or by somebody's hand."""
    if fleet.rules_agree:
        return
    served = any(fleet.weights.of(colour) and fleet.state(colour).healthy for colour in Colour)
    recorded = f"all rules have the weights of the first, {fleet.weights}"
    yield Disagreement("listener rules", fleet.traffic, recorded, Shift(fleet.weights) if served else None)


def _why_not_on(other: ColourState, weights: Weights, history: Sequence[Release]) -> str:
    """Why traffic on the colour that the last success left was not put there on purpose; empty where a person may have moved it."""
    if not other.healthy:
        return f"{other.colour} has no healthy task"
    if weights.of(other.colour) != 100:
        return "no release is under way that would split it"
    made = [
        release for release in history if release.task_definition and release.task_definition == other.task_definition
    ]
    newest = max(made, key=lambda release: release.started_at) if made else None
    kept = {release.task_definition for release in good_releases(history)}
    if newest is None or other.task_definition in kept:
        return ""
    if newest.outcome in _RETURNED:
        return f"{other.colour} runs what {newest.id} ended with as {newest.outcome}"
    gone_back_over = newest.outcome is Outcome.SUCCEEDED
    return f"{other.colour} runs {newest.id}, which a rollback went back over" if gone_back_over else ""


def _of_serving(state: ColourState) -> Iterator[Disagreement]:
    if state.scale_in_at is not None:
        yield Disagreement(
            f"scheduled scale-in of {state.colour}", _scheduled(state), "it serves", CancelScaleIn(state.colour)
        )
    if state.scale_in_suspended:
        # Releases suspend it and end that: no other part may rely on it.
        yield Disagreement(
            f"autoscaling of {state.colour}",
            "takes no task away, dynamic scale-in is suspended",
            "it serves, and no release is under way",
            SetScaleIn(state.colour, suspended=False),
        )


def _of_idle(state: ColourState, history: Sequence[Release], now: float) -> Iterator[Disagreement]:
    """A colour without traffic is scaled in at the end of the rollback window of the release that took its traffic."""
    last = _last_success(history, beside=True)
    if last is None or last.policy.old_colour is not OldColour.SCALE_IN:
        return
    if last.live is not state.colour or last.warm_until is None or not state.desired:
        return
    if any(state.scale_in_for == (release.id,) for release in history if _failed_on(state, release, last)):
        return
    early = state.scale_in_at is not None and state.scale_in_at < last.warm_until - _SAME_TIME_SECONDS
    own = state.scale_in_for in ((last.id,), ("",))
    if state.scale_in_at is not None and own and not early:
        return
    at = max(last.warm_until, now + _LEFT_OVER_SECONDS)
    recorded = f"at {clock_time(last.warm_until)}, for {last.id}"
    repair = ScheduleScaleIn(state.colour, at, last.id)
    yield Disagreement(f"scheduled scale-in of {state.colour}", _scheduled(state), recorded, repair)


def _failed_on(state: ColourState, release: Release, last: Release) -> bool:
    """A release after the last success that ended without one, and whose tasks the colour has."""
    ended = release.outcome not in (None, Outcome.SUCCEEDED)
    return ended and release.candidate is state.colour and release.started_at > last.started_at


def _scheduled(state: ColourState) -> str:
    if state.scale_in_at is None:
        return f"none, with {state.running} tasks running"
    made_for = ", ".join(release_id or "an unknown release" for release_id in state.scale_in_for)
    return f"at {clock_time(state.scale_in_at)}" + (f", for {made_for}" if made_for else "")


def _last_success(history: Sequence[Release], *, beside: bool = False) -> Release | None:
    """The success that says where traffic is; with `beside`, the one that left the other colour warm."""
    done = [
        release
        for release in history
        if release.outcome is Outcome.SUCCEEDED
        and release.kind in (Kind.DEPLOY, Kind.ROLLBACK)
        and not (beside and release.in_place)
    ]
    return max(done, key=lambda release: (release.started_at, release.ended_at or 0.0)) if done else None
