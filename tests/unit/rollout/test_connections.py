"""A network load balancer: no tasks are stopped or replaced while nodes without the last weights may send them connections."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.release.controller import Controller
from ansible_collections.pear.fargate.plugins.module_utils.release.loop import Ending
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import Refused, ReturnOrder, begin_deploy
from ansible_collections.pear.fargate.plugins.module_utils.rollout.disagreements import disagreements
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    OldColour,
    OnInconclusive,
    Outcome,
    Policy,
    Result,
    Verdict,
    Weights,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.nodes import CONNECTIONS_NODES_SECONDS

from .runs import ONE_WRITER, POLICY, Stop, deploy, order, quiet, roll
from .world import BLUE, GREEN, World

SHORT = replace(POLICY, window_seconds=0)


def game() -> World:
    world = World(alarms={"errors": "OK"}, of_connections=True)
    for colour in (BLUE, GREEN):
        world.live(colour, "task:before")
    return world


def released(world: World, name: str, policy: Policy = POLICY) -> Ending:
    wanted = replace(order(name, len(world.records)), policy=policy, adopts=True)
    return Controller(world.ports(), "ada").deploy(wanted)


def returned(world: World) -> Ending:
    return Controller(world.ports(), "grace").rollback(ReturnOrder("rollback-1", "scoreboard", "grace", POLICY))


def test_the_old_colour_goes_once_every_node_has_the_weights_however_short_its_window_is() -> None:
    world = game()
    before = world.time
    assert released(world, "two", SHORT).outcome is Outcome.SUCCEEDED
    # The world refuses to stop a colour before (I8).
    assert world.fleet.blue.desired == 0 and world.time - before >= CONNECTIONS_NODES_SECONDS


def test_a_failed_candidate_goes_as_late() -> None:
    world = game()
    assert released(world, "two").outcome is Outcome.SUCCEEDED
    world.pass_time(CONNECTIONS_NODES_SECONDS)
    world.alarms["errors"] = "OK"
    world.after_call = lambda _number, name: world.alarms.update(errors="ALARM") if name == "shift" else None
    before = world.time
    assert released(world, "three").outcome is Outcome.ROLLED_BACK
    assert world.weights == Weights.all_to(GREEN)
    ended, at = world.time, world.fleet.blue.scale_in_at
    assert ended - before < 60, "nobody waits for it"
    assert at is not None and at - before >= CONNECTIONS_NODES_SECONDS
    assert disagreements(world.compared, world.releases(), ended) == []
    world.pass_time(at - ended)
    assert world.fleet.blue.desired == 0


def test_a_rollback_does_not_wait_until_a_failed_candidate_may_go() -> None:
    world = game()
    assert released(world, "two").outcome is Outcome.SUCCEEDED
    world.pass_time(CONNECTIONS_NODES_SECONDS)
    world.after_call = lambda _number, name: world.alarms.update(errors="ALARM") if name == "shift" else None

    def die(_number: int, _name: str) -> None:
        if any(release.outcome is Outcome.ROLLED_BACK for release in world.releases()):
            raise Stop

    world.before_call = die
    with pytest.raises(Stop):
        released(world, "three")
    quiet(world)
    before = world.time
    assert returned(world).outcome is Outcome.SUCCEEDED
    assert world.weights == Weights.all_to(BLUE)
    assert world.time - before < 120


def test_the_next_release_begins_once_no_node_sends_connections_to_its_candidate_and_a_rollback_at_once() -> None:
    world = game()
    assert released(world, "two").outcome is Outcome.SUCCEEDED
    refused = released(world, "three")
    assert refused.outcome is Outcome.REFUSED
    assert "may send connections to blue, whose tasks this release replaces" in refused.reason
    assert returned(world).outcome is Outcome.SUCCEEDED
    assert world.weights == Weights.all_to(BLUE)
    world.pass_time(CONNECTIONS_NODES_SECONDS)
    assert released(world, "three").outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize("of_connections", [True, False])
@pytest.mark.parametrize("dies", [False, True])
@pytest.mark.parametrize("recorded", [False, True])
def test_a_split_that_somebody_left_is_put_right_on_every_node_before_the_candidate_gets_tasks(
    of_connections: bool, dies: bool, recorded: bool
) -> None:
    world = game()
    world.of_connections = of_connections
    if recorded:
        assert released(world, "two").outcome is Outcome.SUCCEEDED
        world.pass_time(CONNECTIONS_NODES_SECONDS)
    world.weights = Weights.split(world.weights.leader.other, 20)

    def die(_number: int, _name: str) -> None:
        if any(release.puts_right for release in world.releases()) and ("shift", world.weights) in world.writes[-2:]:
            raise Stop

    if dies:
        world.after_call = die
        with pytest.raises(Stop):
            released(world, "three")
        quiet(world)
    # The world refuses tasks of another version before every node has the weights (I8).
    assert released(world, "three").outcome is Outcome.SUCCEEDED
    assert any(release.puts_right for release in world.releases())


@pytest.mark.parametrize("old_colour", OldColour)
def test_a_release_whose_checks_failed_holds_the_next_one_not_back(old_colour: OldColour) -> None:
    world = game()
    world.proofs["smoke"] = Verdict(Result.FAIL, "it answers 500")
    assert released(world, "two", replace(POLICY, old_colour=old_colour)).outcome is Outcome.ROLLED_BACK
    found = begin_deploy(order("three", 9), world.compared, world.releases(), world.time)
    assert not isinstance(found, Refused), found


def test_a_release_that_ended_before_its_checks_were_over_holds_the_next_one_not_back() -> None:
    world = game()
    world.sick.add("task:two")
    assert released(world, "two", replace(POLICY, old_colour=OldColour.KEEP)).outcome is Outcome.ROLLED_BACK
    found = begin_deploy(order("three", 9), world.compared, world.releases(), world.time)
    assert not isinstance(found, Refused), found


def test_a_release_that_went_on_although_a_check_could_not_tell_has_moved_weights() -> None:
    world = game()
    world.proofs["smoke"] = Verdict(Result.INCONCLUSIVE, "it did not answer in time")
    went_on = replace(POLICY, inconclusive=OnInconclusive.CONTINUE)
    assert released(world, "two", went_on).outcome is Outcome.SUCCEEDED
    assert "release deploy-two-0 ended" in released(world, "three").reason


def test_a_release_in_place_moves_no_weight_and_holds_the_next_one_not_back() -> None:
    world = game()
    assert roll(world, "two").outcome is Outcome.SUCCEEDED
    found = begin_deploy(order("three", 9), world.compared, world.releases(), world.time)
    assert not isinstance(found, Refused), found


def test_behind_an_application_load_balancer_the_next_release_begins_at_once() -> None:
    world = game()
    world.of_connections = False
    assert released(world, "two").outcome is Outcome.SUCCEEDED
    assert released(world, "three").outcome is Outcome.SUCCEEDED


def test_one_writer_is_released_and_rolled_back_without_moving_weights() -> None:
    """Its tasks are stopped before others start: nodes with the weights before would send connections to no task for minutes."""
    world = World(alarms={"errors": "OK"}, of_connections=True, one_writer=True, specified_count=1)
    refused = deploy(world, "one", ONE_WRITER)
    assert refused.outcome is Outcome.REFUSED
    assert "connections to it would fail. Release with rolling" in refused.reason
    for name in ("one", "two"):
        assert roll(world, name).outcome is Outcome.SUCCEEDED
    served = world.weights
    assert returned(world).outcome is Outcome.SUCCEEDED
    assert (world.weights, world.sides[BLUE].task_definition) == (served, "task:one")
    assert "shift" not in [name for name, _what in world.writes]
