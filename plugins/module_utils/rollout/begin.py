# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a release or a rollback begins: the order, the fleet and the history in; a release, or why there is none, out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .actions import Adjust
from .gates import alone
from .history import good_releases, live_colour, rollback_target, serving_definition
from .lease import clock_time
from .model import (
    Colour,
    ColourState,
    Fleet,
    Gates,
    Kind,
    OnInconclusive,
    Outcome,
    Phase,
    Plan,
    Policy,
    Release,
    Result,
    Step,
    Verdict,
)
from .nodes import in_force_at
from .strategy import at_once

NONE_UNDER_WAY = "no release is under way"


@dataclass(frozen=True)
class Order:
    """The order of a deploy. The fingerprint stands for the digest and the whole task definition."""

    id: str
    service: str
    by: str
    digest: str
    fingerprint: str
    plan: Plan
    gates: Gates = Gates()
    policy: Policy = Policy()
    checks: tuple[str, ...] = ()
    verifications: tuple[str, ...] = ()
    desired_count: int = 1
    contract: bool = False
    single_writer: bool = False
    version: str = ""
    # Why it may be released although an error budget is spent.
    budget_override: str = ""
    # New tasks although the version is live already.
    restart: bool = False
    # Others deployed what serves now: it is taken on record, so that a rollback can go back to it.
    adopts: bool = False


@dataclass(frozen=True)
class ReturnOrder:
    """The order of a rollback: the last good release, or a named one; `force` overrides the objections.

    With `only_abandoned` it ends a release that no controller works on any more, and goes back to no other.
    """

    id: str
    service: str
    by: str
    policy: Policy = Policy()
    named: str | None = None
    force: bool = False
    only_abandoned: bool = False


@dataclass(frozen=True)
class Begun:
    """A release that may begin."""

    release: Release
    # What others deployed and what serves now: it has to be on record first, so that a rollback can go back to it.
    adopted: Release | None = None


@dataclass(frozen=True)
class Unchanged:
    """No release has to be made: the ordered version is live. Its settings may differ in what needs no new tasks."""

    reason: str
    adjust: Adjust | None = None
    adjustments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """Nothing can be done, and nothing was changed."""

    reason: str


def begin_deploy(order: Order, fleet: Fleet, history: Sequence[Release], now: float) -> Begun | Unchanged | Refused:
    found = _adopted(order, fleet, history, now)
    history = [*history, found] if found else history
    live = live_colour(fleet, history)
    if live is None:
        return Refused(
            f"the {fleet.routing} has {fleet.weights} and no release on record says which colour is live: "
            f"set the weights of the {fleet.routing} to 100 and 0, then release again"
        )
    state = fleet.state(live)
    serving = _serving(state, history)
    if fleet.weights.of(live) == 100 and _is_what_serves(order, state, serving) and not order.restart:
        version = (
            f"release {serving.id} with {serving.label}" if serving else order.version or order.digest or "this version"
        )
        adjust = Adjust(live) if state.adjustments else None
        return Unchanged(f"{version} {_does(fleet, live)} already", adjust, state.adjustments)
    if order.desired_count == 0 and fleet.routed:
        # Nothing is to run: there is no candidate to prove and no traffic to shift.
        order = replace(order, plan=Plan("rolling", (Step(100),)), checks=(), verifications=())
    if order.plan.in_place:
        return Begun(_in_place(order, state, history, now), found)
    if not fleet.routed:
        return Refused(
            f"the strategy {order.plan.strategy} shifts traffic, and no load balancer sends this service any"
        )
    if state.further_target_groups:
        return Refused(
            f"the strategy {order.plan.strategy} shifts traffic by weights, and tasks of {live} are registered in "
            f"{' and '.join(state.further_target_groups)} too, where both versions would answer at once. Release once with rolling and "
            "without these target groups, which takes the tasks out of them"
        )
    if state.names:
        return Refused(
            f"the strategy {order.plan.strategy} shifts traffic by weights, and other services find tasks of {live} by the names "
            f"{' and '.join(state.names)}, which stay with {live}. Release once with rolling and without these names, which takes them away"
        )
    if order.single_writer and fleet.of_connections:
        return Refused(
            f"the strategy {order.plan.strategy} shifts traffic by weights, which nodes of a network load balancer may learn ten minutes "
            f"later, and single_writer stops the tasks of {live} before that: connections to it would fail. Release with rolling, which "
            "moves no weight"
        )
    moved = _still_moving(fleet, [release for release in history if release is not found], live.other, now)
    if moved:
        return Refused(moved)
    first = fleet.state(live).desired == 0 and fleet.state(live).running == 0
    release = replace(
        _ordered(order, live, live.other, now),
        plan=at_once(order.plan) if first else order.plan,
        gates=alone(order.gates) if first else order.gates,
        capacity=order.desired_count if first else _as_many_as_live(fleet.state(live), order.single_writer),
        first=first,
        restart=order.restart or bool(state.redeployments),
    )
    return Begun(release, found)


def _still_moving(fleet: Fleet, history: Sequence[Release], candidate: Colour, now: float) -> str:
    """Why the candidate's tasks cannot be replaced yet: nodes that do not have the last weights send it connections of clients."""
    if not fleet.of_connections:
        return ""
    moved = [release for release in history if _has_moved(release)]
    newest = max(moved, key=lambda release: release.ended_at or 0.0, default=None)
    until = in_force_at(fleet, newest.ended_at or 0.0) if newest else 0.0
    if newest is None or until <= now:
        return ""
    return (
        f"release {newest.id} ended {now - (newest.ended_at or 0.0):.0f} s ago, and until {clock_time(until)} nodes of the network load "
        f"balancer that have not learnt its weights may send connections to {candidate}, whose tasks this release replaces. Run this "
        "again then; a rollback is not held back"
    )


def _has_moved(release: Release) -> bool:
    """Whether weights may have changed: not by a release in place, nor by one that ended before all its checks let it go on.

    What others deployed and a release took on record has no steps.
    """
    if release.in_place or not release.plan.steps:
        return False
    return all(_goes_on(release.proofs.get(check), release.policy) for check in release.checks)


def _goes_on(proof: Verdict | None, policy: Policy) -> bool:
    if proof is None or proof.result is Result.FAIL:
        return False
    return proof.result is Result.PASS or policy.inconclusive is OnInconclusive.CONTINUE


def _does(fleet: Fleet, live: Colour) -> str:
    return f"serves all traffic from {live}" if fleet.routed else "runs"


def _as_many_as_live(live: ColourState, single_writer: bool) -> int:
    return 1 if single_writer else max(1, live.running)


def _adopted(order: Order, fleet: Fleet, history: Sequence[Release], now: float) -> Release | None:
    """What others deployed and what serves all traffic, as a release that succeeded; None where the ledger has it already."""
    live = live_colour(fleet, history)
    if not order.adopts or live is None or fleet.weights.of(live) != 100:
        return None
    state = fleet.state(live)
    good = state.settled and state.desired > 0 and not state.failure
    if not good or not state.task_definition or _serving(state, history):
        return None
    before = now - 1
    return Release(
        id=f"before-{order.id}",
        service=order.service,
        kind=Kind.DEPLOY,
        digest="",
        fingerprint=state.task_definition,
        task_definition=state.task_definition,
        live=live.other,
        candidate=live,
        plan=Plan("adopted", ()),
        started_at=before,
        entered_at=before,
        by=order.by,
        capacity=state.desired,
        outcome=Outcome.SUCCEEDED,
        reason="it served all traffic before this release",
        ended_at=before,
        closed=True,
    )


def _ordered(order: Order, live: Colour, candidate: Colour, now: float) -> Release:
    """What every release takes over from its order."""
    return Release(
        id=order.id,
        service=order.service,
        kind=Kind.DEPLOY,
        digest=order.digest,
        fingerprint=order.fingerprint,
        version=order.version,
        live=live,
        candidate=candidate,
        plan=order.plan,
        started_at=now,
        entered_at=now,
        by=order.by,
        gates=order.gates,
        policy=order.policy,
        checks=order.checks,
        verifications=order.verifications,
        capacity=order.desired_count,
        contract=order.contract,
        single_writer=order.single_writer,
        restart=order.restart,
        budget_override=order.budget_override,
    )


def _is_what_serves(order: Order, live: ColourState, serving: Release | None) -> bool:
    """A release in place goes by what runs, compared with the specification by whoever read it; others by the record."""
    if not order.plan.in_place:
        return (
            serving is not None
            and serving.fingerprint == order.fingerprint
            and live.healthy >= min(order.policy.minimum_healthy, order.desired_count)
            and not live.redeployments
        )
    as_specified = bool(live.task_definition) and not live.deviations
    enough = live.healthy >= min(order.policy.minimum_healthy, live.desired)
    return as_specified and enough and live.replaced and not live.failure


def _in_place(order: Order, live: ColourState, history: Sequence[Release], now: float) -> Release:
    stable = _stable_version(live, history)
    # Nothing good was there before: there is no baseline to compare with, and no version to return to.
    first = not stable
    return replace(
        _ordered(order, live.colour, live.colour, now),
        gates=alone(order.gates) if first else order.gates,
        stable_task_definition=stable,
        first=first,
    )


def _stable_version(live: ColourState, history: Sequence[Release]) -> str:
    """The last version that is known to be good: of a release that succeeded, or else what runs and is healthy."""
    if _serving(live, history):
        return live.task_definition
    good = [release.task_definition for release in good_releases(history) if release.task_definition]
    if good:
        return good[-1]
    return live.task_definition if live.settled and live.desired and not live.failure else ""


def _serving(state: ColourState, history: Sequence[Release]) -> Release | None:
    """The release that made what this colour runs."""
    made = [
        release
        for release in history
        if release.outcome is Outcome.SUCCEEDED
        and release.task_definition
        and release.task_definition == state.task_definition
    ]
    return max(made, key=lambda release: release.started_at) if made else None


def begin_rollback(
    order: ReturnOrder, fleet: Fleet, history: Sequence[Release], now: float
) -> Begun | Unchanged | Refused:
    if order.only_abandoned:
        return Unchanged(NONE_UNDER_WAY)
    found = rollback_target(history, order.named, serving_definition(fleet, history))
    if isinstance(found, str):
        return Refused(found)
    if found.objections and not order.force:
        return Refused(
            f"would have gone back from {found.leaves.id} to {found.release.id}, but " + "; ".join(found.objections)
        )
    live = live_colour(fleet, history)
    if live is None:
        return Refused(f"the {fleet.routing} has {fleet.weights} and the history does not say which colour is live")
    target = found.release
    if fleet.state(live).task_definition == target.task_definition and fleet.weights.of(live) == 100:
        return Unchanged(f"release {target.id} {_does(fleet, live)} already")
    single_writer = target.single_writer or found.leaves.single_writer
    # In a further target group, or by a name, both versions would answer until the failed one has gone: its tasks are replaced too. Of
    # one writer, whose tasks are stopped first, nodes of a network load balancer would send connections to no task for minutes.
    late = single_writer and fleet.of_connections
    if not fleet.routed or fleet.state(live).answers_besides or late:
        back = _back_in_place(order, fleet.state(live), target, now)
        return Begun(replace(back, single_writer=single_writer))
    state = fleet.state(live.other)
    # Where one task at a time may write, live is stopped first: nothing is warm.
    warm = state.task_definition == target.task_definition and state.desired > 0 and not single_writer
    sick = warm and state.healthy < order.policy.minimum_healthy
    if sick and not order.force:
        return Refused(
            f"would have returned traffic to {target.id} on {state.colour}, but it is sick: {state}"
            + (f" ({state.failure})" if state.failure else "")
            + "; -e rollback_force=true returns it all the same"
        )
    release = replace(
        _back(order, live, target, now),
        candidate=live.other,
        plan=Plan("all_at_once", (Step(100),)),
        policy=replace(order.policy, minimum_healthy=0) if sick else order.policy,
        capacity=_as_many_as_live(fleet.state(live), single_writer),
        single_writer=single_writer,
        replaced_deployment=state.deployment_id,
        phase=Phase.SHIFTING if warm else Phase.STAGING,
    )
    return Begun(release)


def _back_in_place(order: ReturnOrder, live: ColourState, target: Release, now: float) -> Release:
    """A rollback without a second colour: ECS replaces the tasks; where that fails, what runs now is deployed again."""
    return replace(
        _back(order, live.colour, target, now),
        capacity=max(1, live.desired),
        stable_task_definition=live.task_definition,
        replaced_deployment=live.deployment_id,
    )


def _back(order: ReturnOrder, live: Colour, target: Release, now: float) -> Release:
    """What every rollback takes over from its order and from the release that it returns to."""
    return Release(
        id=order.id,
        service=order.service,
        kind=Kind.ROLLBACK,
        digest=target.digest,
        fingerprint=target.fingerprint,
        task_definition=target.task_definition,
        version=target.version,
        target=target.id,
        live=live,
        candidate=live,
        plan=Plan("rolling", (Step(100),)),
        started_at=now,
        entered_at=now,
        by=order.by,
        policy=order.policy,
        single_writer=target.single_writer,
        phase=Phase.STAGING,
    )
