"""A return to a colour that is short of healthy targets: what it can carry goes there at once, the rest as it recovers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.release.controller import Controller
from ansible_collections.pear.fargate.plugins.module_utils.rollout.actions import Action, Record, Shift, Stage, Wait
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import ReturnOrder
from ansible_collections.pear.fargate.plugins.module_utils.rollout.decide import decide
from ansible_collections.pear.fargate.plugins.module_utils.rollout.history import forced
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    ColourState,
    Fleet,
    Kind,
    Observed,
    OperatorRequest,
    Outcome,
    Phase,
    Release,
    RequestKind,
    Weights,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.partial_return import carried_percent

from .runs import (
    POLICY,
    check_end,
    deploy,
    fire_in_the_bake_while_live_is_short,
    keep_the_old_version_short,
    order,
    roll_back,
    with_many_tasks,
)
from .states import ALL, BLUE, GREEN, HOME, NOW, RELEASE
from .world import Lines, World, timed_out

LIVE = ColourState(BLUE, "task:1", 8, 8, 8)
CANDIDATE = ColourState(GREEN, "task:2", 8, 8, 8)
HALF, A_THIRD = Weights(50, 50), Weights(37, 63)


def short(healthy: int, **more: Any) -> ColourState:
    return replace(LIVE, healthy=healthy, **more)


@pytest.mark.parametrize(
    ("weights", "healthy", "candidate", "percent"),
    [
        pytest.param(ALL, 8, 8, 100, id="all are healthy"),
        pytest.param(ALL, 6, 8, 100, id="six of eight carry all of it for a while"),
        pytest.param(ALL, 4, 8, 75, id="half carry three quarters"),
        pytest.param(ALL, 1, 8, 18, id="one carries a fifth"),
        pytest.param(HALF, 1, 8, 50, id="never less than it has"),
        pytest.param(Weights(80, 20), 1, 8, 100, id="the last fifth loads it hardly more"),
        pytest.param(ALL, 1, 0, 100, id="the other colour has no healthy target"),
    ],
)
def test_the_share_that_healthy_targets_carry(weights: Weights, healthy: int, candidate: int, percent: int) -> None:
    fleet = Fleet(weights, short(healthy), replace(CANDIDATE, healthy=candidate))
    assert carried_percent(fleet, BLUE, 8) == percent


BAKING = replace(RELEASE, phase=Phase.BAKING, step=3, since=NOW - 1, entered_at=NOW - 1, capacity=8)
RETURNING = replace(BAKING, phase=Phase.RETURNING, cause=Outcome.ROLLED_BACK, reason="errors", entered_at=NOW - 5)
ABORT = OperatorRequest(RELEASE.id, RequestKind.ABORT, 3, "grace")
PROMOTE = OperatorRequest(RELEASE.id, RequestKind.PROMOTE_ALL, 3, "grace")
BACK = replace(
    RELEASE, kind=Kind.ROLLBACK, phase=Phase.SHIFTING, capacity=8, entered_at=NOW - 5, live=GREEN, candidate=BLUE
)
BACK = replace(BACK, task_definition="task:1", plan=replace(BACK.plan, steps=BACK.plan.steps[-1:], bake_seconds=0))
TIMEOUT = RELEASE.policy.return_timeout_seconds

ROWS = (
    (
        "the first write returns what live can carry",
        Observed(Fleet(ALL, short(2), CANDIDATE), operator_request=ABORT),
        BAKING,
        Shift(A_THIRD),
        "returning 37 % of traffic to blue now, as blue has 2 healthy of the 8 that all traffic needs: stopped by grace",
    ),
    (
        "live has more than it can carry: the return is recorded",
        Observed(Fleet(HALF, short(2), CANDIDATE), operator_request=ABORT),
        replace(BAKING, phase=Phase.SHIFTING, step=1),
        Record(),
        "stopped by grace",
    ),
    (
        "then live gets the tasks that it lacks",
        Observed(Fleet(A_THIRD, short(2, desired=2, running=2), CANDIDATE)),
        RETURNING,
        Stage(BLUE, "task:1", 8, as_it_is=True),
        "it gets 8 tasks",
    ),
    (
        "the wait says what is known, what is tried, how long, and the forced way",
        Observed(Fleet(A_THIRD, short(2), CANDIDATE)),
        RETURNING,
        Wait(2.0, urgent=True),
        "traffic: blue 37 % green 63 %, as blue has 2 healthy of the 8 that all traffic needs (8 running). ECS starts the "
        f"missing ones; the rest of the traffic follows them, and all of it after {TIMEOUT} s at the latest. To return all "
        "of it now: playbooks/rollback.yml -e rollback_force=true",
    ),
    (
        "the share grows with live",
        Observed(Fleet(A_THIRD, short(4), CANDIDATE)),
        RETURNING,
        Shift(Weights(75, 25)),
        "returning 75 % of traffic to blue now",
    ),
    (
        "all of it once live carries that",
        Observed(Fleet(A_THIRD, short(6), CANDIDATE)),
        RETURNING,
        Shift(HOME),
        "returning traffic to blue: errors",
    ),
    (
        "all of it once the candidate has no healthy target",
        Observed(Fleet(A_THIRD, short(2), replace(CANDIDATE, healthy=0))),
        RETURNING,
        Shift(HOME),
        "returning traffic to blue",
    ),
    (
        "all of it after the time of a return",
        Observed(Fleet(A_THIRD, short(2), CANDIDATE)),
        replace(RETURNING, entered_at=NOW - TIMEOUT - 1),
        Shift(HOME),
        "returning traffic to blue",
    ),
    (
        "all of it where a person forces it",
        Observed(Fleet(A_THIRD, short(2), CANDIDATE)),
        replace(RETURNING, forced=True),
        Shift(HOME),
        "returning traffic to blue",
    ),
    (
        "a promotion moves nothing while live has healthy targets",
        Observed(Fleet(A_THIRD, short(2), CANDIDATE), operator_request=PROMOTE),
        RETURNING,
        Wait(2.0, urgent=True),
        "traffic: blue 37 %",
    ),
    (
        "a rollback moves what the old version can carry",
        Observed(Fleet(Weights(0, 100), short(2), CANDIDATE)),
        BACK,
        Shift(A_THIRD),
        "returning 37 % of traffic to blue now; step 1 of 1 waits: 100 % needs 8 healthy: blue 2 healthy of 8",
    ),
    (
        "and says what it waits for",
        Observed(Fleet(A_THIRD, short(2), CANDIDATE)),
        BACK,
        Wait(2.0, urgent=True),
        "the rest of the traffic follows them",
    ),
    (
        "and does not go back to the version that it leaves",
        Observed(Fleet(A_THIRD, short(2), CANDIDATE)),
        replace(BACK, entered_at=NOW - max(TIMEOUT, BACK.policy.stage_timeout_seconds) - 1),
        Shift(HOME),
        "returning 100 % of traffic to blue now",
    ),
    (
        "and is forced by a person",
        Observed(Fleet(A_THIRD, short(2), CANDIDATE)),
        replace(BACK, forced=True),
        Shift(HOME),
        "returning 100 % of traffic to blue now",
    ),
    (
        "but a colour without healthy targets gets nothing, and how to force it is said",
        Observed(Fleet(Weights(0, 100), short(0), CANDIDATE)),
        BACK,
        Wait(2.0, urgent=True),
        "waits: 100 % needs 8 healthy: blue 0 healthy of 8 running, 8 desired. Traffic: blue 0 % green 100 %. ECS replaces tasks "
        "that fail; this waits until then, at most 300 s. To return traffic to tasks that run and are not healthy: "
        "playbooks/rollback.yml -e rollback_force=true",
    ),
    (
        "also where the version that it leaves is down too",
        Observed(Fleet(Weights(0, 100), short(0), replace(CANDIDATE, healthy=0))),
        replace(BACK, stable_down_since=NOW - 60),
        Wait(2.0, urgent=True),
        "100 % of requests are not served: green has no healthy target; step 1 of 1 waits: 100 % needs 8 healthy",
    ),
    (
        "unless a person forces it, to tasks that run",
        Observed(Fleet(Weights(0, 100), short(0), CANDIDATE)),
        forced(BACK),
        Shift(HOME),
        "step 1 of 1: blue 100 %",
    ),
    (
        "also then",
        Observed(Fleet(Weights(0, 100), short(0), replace(CANDIDATE, healthy=0))),
        forced(replace(BACK, stable_down_since=NOW - 60)),
        Shift(HOME),
        "step 1 of 1: blue 100 %",
    ),
    (
        "but not to a colour without tasks",
        Observed(Fleet(Weights(0, 100), short(0, running=0), CANDIDATE)),
        forced(BACK),
        Wait(2.0),
        "100 % needs 8 running: blue 0 healthy of 0 running",
    ),
)


@pytest.mark.parametrize(("observed", "release", "action", "said"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_what_a_return_does_while_its_colour_is_short(
    observed: Observed, release: Release, action: Action, said: str
) -> None:
    decision = decide(observed, release, NOW)
    assert decision.action == action, decision.reason
    assert said in decision.reason


def shifts(world: World, before: int) -> list[str]:
    return [str(weights) for name, weights in world.writes[before:] if name == "shift"]


def test_a_release_that_fails_while_live_is_short_returns_in_parts_and_ends_rolled_back() -> None:
    world = with_many_tasks()
    fire_in_the_bake_while_live_is_short(world)
    before = len(world.writes)
    assert deploy(world, "three").outcome is Outcome.ROLLED_BACK
    assert shifts(world, before)[-3:] == ["blue 0 % green 100 %", "blue 37 % green 63 %", "blue 100 % green 0 %"]
    check_end(world)


def test_a_return_that_has_to_wait_says_so_at_once_and_once() -> None:
    world = with_many_tasks()
    fire_in_the_bake_while_live_is_short(world)
    ports = world.ports()
    assert Controller(ports, "ada").deploy(order("three", 2)).outcome is Outcome.ROLLED_BACK
    said = cast(Lines, ports.progress).said
    waiting = [line for line in said if "traffic: blue 37 % green 63 %" in line]
    assert waiting[0].startswith("scoreboard: traffic: blue 37 %") and "rollback_force=true" in waiting[0]
    assert all(line.startswith("… ") for line in waiting[1:]), "the same line twice"
    assert said.index(waiting[0]) == 1 + next(number for number, line in enumerate(said) if "returning 37 %" in line)


def test_a_rollback_to_a_version_that_is_short_moves_traffic_at_once_and_the_rest_as_it_recovers() -> None:
    world = with_many_tasks()
    keep_the_old_version_short(world)
    before, began = len(world.writes), world.time
    moments: list[float] = []

    def look(number: int, name: str) -> None:
        if name == "shift":
            moments.append(world.time - began)

    world.after_call = look
    assert roll_back(world).outcome is Outcome.SUCCEEDED
    assert shifts(world, before) == ["blue 63 % green 37 %", "blue 0 % green 100 %"]
    assert moments[0] == 0 and moments[1] >= 10
    check_end(world)


def test_a_rollback_in_part_that_is_forced_moves_all_traffic_at_once() -> None:
    world = with_many_tasks()
    keep_the_old_version_short(world)
    forced: list[Outcome | None] = []

    def interfere(number: int, name: str) -> None:
        if world.weights == Weights(63, 37) and not forced:
            forced.append(None)
            began = world.time
            order = ReturnOrder("rollback-forced", "scoreboard", "grace", POLICY, force=True)
            shifted: list[float] = []
            world.after_call = lambda number, name: shifted.append(world.time) if name == "shift" else None
            forced.append(Controller(world.ports(), "night shift").rollback(order).outcome)
            assert shifted[0] == began
            world.after_call = lambda number, name: None

    world.after_call = interfere
    assert roll_back(world).outcome is Outcome.SUPERSEDED
    assert forced == [None, Outcome.SUCCEEDED]
    check_end(world)


def force(world: World) -> Outcome | None:
    given = ReturnOrder("rollback-forced", "scoreboard", "grace", POLICY, force=True)
    return Controller(world.ports(), "night shift").rollback(given).outcome


def sicken(world: World, *colours: Colour) -> None:
    world.minimum = 0
    world.short |= dict.fromkeys(colours, (0, world.time + 10000))
    for colour in colours:
        world.settle(colour)


def test_a_forced_rollback_moves_traffic_at_once_although_both_versions_are_down() -> None:
    world = with_many_tasks()
    sicken(world, BLUE, GREEN)
    began = world.time
    assert (force(world), world.weights, world.time) == (Outcome.SUCCEEDED, ALL, began)


def test_a_rollback_that_waits_for_a_version_that_became_sick_is_forced_by_the_next_run() -> None:
    world = with_many_tasks()
    outcomes: list[Outcome | None] = []

    def interfere(_number: int, name: str) -> None:
        if name == "CancelScaleIn":
            sicken(world, GREEN)
        if world.short and name == "read" and not outcomes:
            outcomes.append(None)
            outcomes.append(force(world))

    world.after_call = interfere
    assert roll_back(world).outcome is Outcome.SUPERSEDED
    # Also after the time in which writes of the first may arrive, which are undone.
    assert (outcomes, world.weights) == ([None, Outcome.SUCCEEDED], ALL)


def test_without_the_ledger_all_traffic_returns_as_no_controller_may_be_left_to_move_the_rest() -> None:
    world = with_many_tasks()
    fire_in_the_bake_while_live_is_short(world)
    spoiled = world.after_call
    began = len(world.writes)

    def refuse(number: int, name: str) -> None:
        if world.weights.green == 100 and name in ("renew", "save"):
            raise timed_out(name)

    world.before_call, world.after_call = refuse, spoiled
    deploy(world, "three")
    assert shifts(world, began)[-1] == "blue 100 % green 0 %"
    assert "blue 37 % green 63 %" not in shifts(world, began)
