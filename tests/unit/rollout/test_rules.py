"""Production rules that disagree: which decision makes them agree, and what waits for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.rollout.actions import ScaleIn, Shift, Wait
from ansible_collections.pear.fargate.plugins.module_utils.rollout.decide import decide
from ansible_collections.pear.fargate.plugins.module_utils.rollout.disagreements import disagreements
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    ColourState,
    Fleet,
    Observed,
    Outcome,
    Phase,
    Release,
    Weights,
)

from .runs import check_end, deploy, quiet, roll, roll_back, with_two_releases, with_two_rolled_releases, with_two_rules
from .states import ALL, BLUE, GREEN, HOME, NOW, RELEASE
from .world import FURTHER_SHIFT, Death, World

TENTH = Weights(90, 10)
LIVE = ColourState(BLUE, "task:1", 4, 4, 4)
CANDIDATE = ColourState(GREEN, RELEASE.task_definition, 4, 4, 4)


def decided(release: Release, weights: Weights, *others: Weights, **sides: ColourState) -> Any:
    fleet = Fleet(weights, sides.get("blue", LIVE), sides.get("green", CANDIDATE), others=others)
    return decide(Observed(fleet), release, NOW)


def at(phase: Phase, **fields: Any) -> Release:
    fields = {"step": len(RELEASE.plan.steps) if phase is Phase.BAKING else 0, "since": NOW, **fields}
    return replace(RELEASE, phase=phase, entered_at=NOW, replaced_deployment="old", **fields)


@pytest.mark.parametrize(
    ("phase", "weights", "other", "wanted"),
    [
        pytest.param(Phase.PREPARING, HOME, TENTH, HOME, id="before a release"),
        pytest.param(Phase.STAGING, HOME, TENTH, HOME, id="while the candidate is staged"),
        pytest.param(Phase.PROVING, HOME, TENTH, HOME, id="while it is checked"),
        pytest.param(Phase.BAKING, ALL, TENTH, ALL, id="while it bakes"),
        pytest.param(Phase.RETURNING, HOME, TENTH, HOME, id="on the way back"),
    ],
)
def test_the_weights_of_the_first_rule_are_written_to_all(
    phase: Phase, weights: Weights, other: Weights, wanted: Weights
) -> None:
    decision = decided(at(phase, puts_right=True), weights, weights, other)
    assert decision.action == Shift(wanted)
    assert phase is Phase.RETURNING or str(other) in decision.reason, "it says which weights were found"


def test_a_step_that_only_the_first_rule_has_is_not_reached() -> None:
    step = RELEASE.plan.steps[0].weight
    reached = Weights.split(GREEN, step)
    assert decided(at(Phase.SHIFTING), reached, HOME).action == Shift(reached)
    assert decided(at(Phase.SHIFTING, paused_since=NOW), reached, HOME).action == Shift(reached), (
        "a pause holds a whole step"
    )
    assert not isinstance(decided(at(Phase.SHIFTING), reached, reached).action, Shift)


def test_a_colour_without_healthy_tasks_gets_no_requests_by_that() -> None:
    dead = replace(LIVE, healthy=0)
    decision = decided(at(Phase.STAGING), HOME, ALL, blue=dead)
    assert isinstance(decision.action, Wait), "and green, which a rule sends requests to, gets no other version"
    assert "the listener rules disagree" in decision.reason


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.ROLLED_BACK])
def test_nothing_is_scaled_in_that_any_rule_sends_requests_to(outcome: Outcome) -> None:
    ended = at(Phase.BAKING, outcome=outcome, ended_at=NOW, warm_until=NOW - 1, reason="over")
    serving = ALL if outcome is Outcome.SUCCEEDED else HOME
    idle = BLUE if outcome is Outcome.SUCCEEDED else GREEN
    assert decided(ended, serving, serving).action == ScaleIn(idle)
    assert not isinstance(decided(ended, serving, TENTH).action, ScaleIn)


def test_rules_that_disagree_while_no_release_is_under_way_are_named_and_repaired() -> None:
    last = replace(at(Phase.BAKING), outcome=Outcome.SUCCEEDED, closed=True, ended_at=NOW - 60, warm_until=NOW + 60)
    (found,) = (
        one for one in disagreements(Fleet(ALL, LIVE, CANDIDATE, others=(ALL, TENTH)), [last], NOW) if one.is_urgent
    )
    assert (found.subject, found.repair) == ("listener rules", Shift(ALL))
    assert found.found == "blue 0 % green 100 % (further rules: blue 90 % green 10 %)"
    dead = replace(CANDIDATE, healthy=0)
    told = [
        one
        for one in disagreements(Fleet(ALL, LIVE, dead, others=(TENTH,)), [], NOW)
        if one.subject == "listener rules"
    ]
    assert [one.repair for one in told] == [None], "a colour without a healthy task gets nothing"


def dies_between_two_writes(world: World, weights: Weights) -> None:
    def die(number: int, name: str) -> None:
        if name == FURTHER_SHIFT and world.weights == weights:
            raise Death

    world.before_call = die


@pytest.mark.parametrize("then", ["the same version", "another version", "a rollback"])
def test_the_run_after_a_death_between_two_writes_moves_the_other_rule_first(then: str) -> None:
    world = with_two_rules(with_two_releases())
    half = Weights(50, 50)
    dies_between_two_writes(world, half)
    with pytest.raises(Death):
        deploy(world, "three")
    assert (world.weights, world.others) == (half, (Weights.split(GREEN, 10),))
    quiet(world)
    world.pass_time(200)
    before = len(world.writes)
    runs = {
        "the same version": lambda: deploy(world, "three"),
        "another version": lambda: deploy(world, "four"),
        "a rollback": lambda: roll_back(world),
    }
    assert runs[then]().outcome is Outcome.SUCCEEDED
    fleet_writes = [entry for entry in world.writes[before:] if entry[0] != "save"]
    assert [name for name, _weights in fleet_writes[:2]] == ["shift", "shift"]
    check_end(world)


def test_a_rule_that_somebody_moved_is_put_right_by_the_next_run_of_the_version_that_serves() -> None:
    world = with_two_rules(with_two_releases())
    world.others = (world.weights.__class__(world.weights.green, world.weights.blue),)
    ending = deploy(world, "two")
    assert (ending.outcome, ending.changed) == (None, True)
    assert world.fleet.rules_agree
    assert not deploy(world, "two").changed


def test_a_rolling_release_writes_a_rule_that_was_left_behind() -> None:
    world = with_two_rules(with_two_rolled_releases())

    def move(number: int, name: str) -> None:
        if name == "Replace" and world.fleet.rules_agree:
            world.others = (Weights(0, 100),)

    world.after_call = move
    assert roll(world, "three").outcome is Outcome.SUCCEEDED
    check_end(world)
