"""The stable colour loses its targets while it has traffic: which colour gets it, and what is not promised."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.release.controller import Controller
from ansible_collections.pear.fargate.plugins.module_utils.rollout.actions import Action, Record, Shift, Wait
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import ReturnOrder
from ansible_collections.pear.fargate.plugins.module_utils.rollout.decide import decide
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    ColourState,
    Fleet,
    Observed,
    Outcome,
    Phase,
    Release,
    RequestKind,
    Weights,
    WhenStableIsDown,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.stable_down import no_way_back, unserved

from .runs import POLICY, deploy, live_dies_at_a_tenth, stuck_canary, with_two_releases
from .states import ALL, BLUE, HOME, NOW, READY, RELEASE, TENTH, at, requested, seen
from .world import World

DOWN = ColourState(BLUE, "task:1", 4, 4, 0)
CANARY = replace(RELEASE, since=NOW - 20)
CONFIRMED = replace(CANARY, stable_down_since=NOW - 5)


def by_policy(release: Release, policy: WhenStableIsDown, **more: Any) -> Release:
    return replace(release, policy=replace(release.policy, when_stable_is_down=policy), **more)


HOLD, ASK = by_policy(CONFIRMED, WhenStableIsDown.HOLD), by_policy(CONFIRMED, WhenStableIsDown.ASK)
PROMOTED = requested(RequestKind.PROMOTE)
ROWS = (
    ("one look is not enough", seen(TENTH, blue=DOWN), CANARY, Record(), "90 % of requests are not served"),
    (
        "nor is a moment",
        seen(TENTH, blue=DOWN),
        replace(CANARY, stable_down_since=NOW - 2),
        Wait(2.0),
        "blue has no healthy target",
    ),
    ("it is back", seen(TENTH), CONFIRMED, Record(), "blue has healthy targets again"),
    ("promote: the last step is recorded", seen(TENTH, blue=DOWN), CONFIRMED, Record(), "green takes all traffic"),
    (
        "promote: then traffic moves",
        seen(TENTH, blue=DOWN),
        replace(CONFIRMED, step=2, since=None),
        Shift(ALL),
        "green takes all traffic",
    ),
    (
        "promote: with fewer tasks than planned, as errors are the other choice",
        seen(TENTH, replace(READY, healthy=1), DOWN),
        replace(CONFIRMED, step=2, since=None),
        Shift(ALL),
        "green takes all traffic",
    ),
    ("before the first step too", seen(HOME, blue=DOWN), replace(CONFIRMED, since=None), Record(), "green takes all"),
    ("hold says who is not served", seen(TENTH, blue=DOWN), HOLD, Wait(2.0), "90 % of requests are not served"),
    ("hold goes on with the plan", seen(TENTH, blue=DOWN), HOLD, Wait(2.0), "40 s left"),
    ("hold hears a promotion", seen(TENTH, blue=DOWN, operator_request=PROMOTED), HOLD, Record(), "green takes all"),
    ("ask waits for a person", seen(TENTH, blue=DOWN), ASK, Wait(2.0), "waiting for promote"),
    ("ask hears one", seen(TENTH, blue=DOWN, operator_request=PROMOTED), ASK, Record(), "green takes all traffic"),
    (
        "ask does not wait for ever",
        seen(TENTH, blue=DOWN),
        replace(ASK, stable_down_since=NOW - 601, since=NOW - 1),
        Wait(2.0),
        "59 s left",
    ),
    (
        "a pause is a person's will",
        seen(TENTH, blue=DOWN),
        replace(CONFIRMED, paused_since=NOW - 9),
        Wait(2.0),
        "paused since",
    ),
    (
        "a return with nowhere to go says so",
        seen(TENTH, blue=DOWN),
        at(Phase.RETURNING, reason="pager"),
        Wait(2.0, urgent=True),
        "blue cannot take traffic back: it has 0 healthy targets and needs 1; 90 % of requests are not served",
    ),
    (
        "and hears a promotion",
        seen(TENTH, blue=DOWN, operator_request=PROMOTED),
        at(Phase.RETURNING, reason="pager"),
        Shift(ALL),
        "all traffic to green",
    ),
    (
        "which ends it",
        seen(ALL, blue=DOWN, operator_request=PROMOTED),
        at(Phase.RETURNING, reason="pager", evidence={}),
        Record(),
        "green serves: green 4 healthy",
    ),
    (
        "a forced return does not look at health",
        seen(TENTH, blue=DOWN),
        at(Phase.RETURNING, reason="pager", forced=True),
        Shift(HOME),
        "returning traffic to blue",
    ),
)


@pytest.mark.parametrize(("observed", "release", "action", "said"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_what_is_done_when_the_stable_colour_is_down(
    observed: Observed, release: Release, action: Action, said: str
) -> None:
    decision = decide(observed, release, NOW)
    assert decision.action == action, decision.reason
    assert said in decision.reason


@pytest.mark.parametrize(
    ("weights", "blue", "green", "said"),
    [
        (TENTH, DOWN, READY, "90 % of requests are not served: blue has no healthy target"),
        (TENTH, DOWN, replace(READY, healthy=0), "100 % of requests are not served: blue and green have no"),
        (ALL, DOWN, READY, ""),
    ],
)
def test_the_share_that_is_not_served(weights: Weights, blue: ColourState, green: ColourState, said: str) -> None:
    assert unserved(Fleet(weights, blue, green)).startswith(said)
    assert bool(unserved(Fleet(weights, blue, green))) is bool(said)


def test_traffic_that_is_at_home_has_nothing_to_return() -> None:
    assert no_way_back(Fleet(HOME, DOWN, READY), RELEASE) == ""
    assert "promote_all=true gives it all traffic" in no_way_back(Fleet(TENTH, DOWN, READY), RELEASE)


def test_a_canary_whose_live_colour_dies_serves_everybody_and_succeeds() -> None:
    world = live_dies_at_a_tenth()
    live = world.weights.leader
    ending = deploy(world, "three")
    assert ending.outcome is Outcome.SUCCEEDED, ending.reason
    assert live is not None and world.weights == Weights.all_to(live.other)
    shifts = [weights for name, weights in world.writes if name == "shift"]
    assert len(shifts) >= 2 and shifts[-2].of(live) not in (0, 100), "from its first step straight to all traffic"


@pytest.mark.parametrize(
    ("alarm", "outcome"),
    [
        pytest.param("quiet", Outcome.SUCCEEDED, id="no alarm sees it"),
        pytest.param("until it is served", Outcome.SUCCEEDED, id="an alarm fires until requests are served"),
        pytest.param("longer", Outcome.INTERRUPTED, id="it fires longer: judged bad, with nowhere to return to"),
    ],
)
def test_live_that_dies_while_the_candidate_starts_is_replaced_by_it(alarm: str, outcome: Outcome) -> None:
    """An alarm that fires since nobody is served does not keep the only version that could serve from doing so."""
    world = with_two_releases()
    live = world.weights.leader
    assert live is not None

    def die(_number: int, name: str) -> None:
        if world.sides[live.other].task_definition == "task:three":
            world.sides[live] = replace(world.sides[live], healthy=0)
            served = world.weights.of(live.other) == 100
            world.alarms["errors"] = "OK" if alarm == "quiet" or (served and alarm != "longer") else "ALARM"

    world.after_call = die
    world.settle = lambda colour: None if colour is live else World.settle(world, colour)  # type: ignore[method-assign]
    ending = deploy(world, "three")
    assert (ending.outcome, world.weights) == (outcome, Weights.all_to(live.other)), ending.reason


def rollback(world: World, force: bool = False) -> Any:
    return Controller(world.ports(), "on call").rollback(
        ReturnOrder("rollback-1", "scoreboard", "grace", POLICY, force=force)
    )


def test_a_rollback_with_nowhere_to_go_is_refused_at_once_and_leaves_the_lease_alone() -> None:
    world = stuck_canary()
    before, lease, writes = world.time, world.lease, list(world.writes)
    ending = rollback(world)
    assert ending.outcome is Outcome.REFUSED
    assert "cannot take traffic back" in ending.reason and "rollback_force=true" in ending.reason
    assert (world.time, world.lease, world.writes) == (before, lease, writes)


def test_a_rollback_that_is_refused_says_when_no_controller_would_read_a_promotion() -> None:
    world = stuck_canary()
    assert world.lease is not None
    world.lease = replace(world.lease, owner="ada", expires_at=world.time + 90)
    assert "release the same version" not in rollback(world).reason
    world.pass_time(200)
    assert (
        "release the same version again, so that a controller works on it; then playbooks/promote.yml -l scoreboard"
        in (rollback(world).reason)
    )


@pytest.mark.parametrize("living", [False, True], ids=["of a dead controller", "of a living one"])
def test_a_forced_rollback_returns_traffic_whatever_the_health(living: bool) -> None:
    world = stuck_canary()
    if living:
        assert world.lease is not None
        world.lease = replace(world.lease, owner="ada", expires_at=world.time + 90)
    home = Weights.all_to(next(one.live for one in world.releases() if not one.closed))
    world.minimum = 0
    rollback(world, force=True)
    assert world.weights == home
