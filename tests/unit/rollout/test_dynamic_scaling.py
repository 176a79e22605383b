"""Target tracking takes tasks from what loses traffic: not from a colour that traffic may return to."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pear.fargate.plugins.module_utils.release.controller import Controller
from ansible_collections.pear.fargate.plugins.module_utils.rollout.actions import SetScaleIn
from ansible_collections.pear.fargate.plugins.module_utils.rollout.disagreements import disagreements
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import OldColour, Outcome

from .runs import POLICY, check_end, deploy, fire_at_half, order, roll_back, with_cold_blue, with_two_releases
from .world import BLUE, GREEN, World


def with_many_tasks() -> World:
    """Blue serves with twelve tasks, green is cold; target tracking acts whenever time passes."""
    world = with_cold_blue()
    world.sides[BLUE] = replace(world.sides[BLUE], desired=12, running=12, healthy=12)
    return world


def acting(world: World) -> World:
    """Target tracking acts after every call that a controller makes while traffic moves."""
    after = world.after_call

    def act(number: int, name: str) -> None:
        after(number, name)
        if name == "shift" or world.weights.leader is None or world.weights.of(world.weights.leader) < 100:
            world.track_load()

    world.after_call = act
    return world


def test_a_canary_that_fails_returns_to_as_many_tasks_as_there_were() -> None:
    world = with_many_tasks()
    fire_at_half(world)
    assert deploy(acting(world), "three").outcome is Outcome.ROLLED_BACK
    assert world.sides[BLUE].desired == 12
    check_end(world)


def test_a_warm_colour_keeps_its_tasks_through_its_rollback_window() -> None:
    world = with_many_tasks()
    assert deploy(acting(world), "three").outcome is Outcome.SUCCEEDED
    world.after_call = lambda number, name: None
    for _minute in range(5):
        world.pass_time(60)
        world.track_load()
    assert (world.sides[BLUE].desired, world.sides[GREEN].desired) == (12, 12)
    check_end(world)
    assert roll_back(world).outcome is Outcome.SUCCEEDED
    assert world.sides[BLUE].healthy == 12
    check_end(world)


def test_the_writes_are_in_their_order() -> None:
    world = with_many_tasks()
    world.autoscale()
    before = len(world.writes)
    deploy(world, "three")
    names = [(name, what) for name, what in world.writes[before:] if name in ("shift", "SetScaleIn")]
    assert names[:2] == [
        ("SetScaleIn", SetScaleIn(BLUE, suspended=True)),
        ("SetScaleIn", SetScaleIn(GREEN, suspended=True)),
    ]
    assert names[-1] == ("SetScaleIn", SetScaleIn(GREEN, suspended=False))


def test_a_rollback_moves_traffic_first() -> None:
    world = with_two_releases()
    before = len(world.writes)
    roll_back(world)
    names = [name for name, _ in world.writes[before:] if name in ("shift", "SetScaleIn")]
    assert names[0] == "shift"


def test_a_suspension_that_was_left_is_found_and_ended_by_the_next_deploy() -> None:
    world = with_two_releases()
    world.sides[BLUE] = replace(world.sides[BLUE], scale_in_suspended=True)
    (found,) = disagreements(world.fleet, world.releases(), world.time)
    assert "autoscaling of blue: takes no task away, dynamic scale-in is suspended" in found.sentence
    ending = deploy(world, "two")
    assert (ending.outcome, ending.changed) == (None, True)
    assert world.sides[BLUE].scale_in_suspended is False


def test_two_colours_that_are_both_kept_both_scale_in_again() -> None:
    world = with_many_tasks()
    kept = replace(order("three"), policy=replace(POLICY, old_colour=OldColour.KEEP))
    assert Controller(world.ports(), "me").deploy(kept).outcome is Outcome.SUCCEEDED
    assert [world.sides[colour].scale_in_suspended for colour in (BLUE, GREEN)] == [False, False]


def test_a_service_without_autoscaling_has_nothing_suspended() -> None:
    world = World(alarms={"errors": "OK"})
    for name in ("one", "two"):
        deploy(world, name)
    assert not [name for name, _ in world.writes if name == "SetScaleIn"]
