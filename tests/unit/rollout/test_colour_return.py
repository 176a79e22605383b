"""The ledger is away and no controller works: a person names the colour that gets all traffic, and the next run sorts it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.release.controller import Controller
from ansible_collections.pear.fargate.plugins.module_utils.release.loop import Ending
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import PortError
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import ReturnOrder
from ansible_collections.pear.fargate.plugins.module_utils.rollout.colour_return import ColourOrder
from ansible_collections.pear.fargate.plugins.module_utils.rollout.disagreements import disagreements
from ansible_collections.pear.fargate.plugins.module_utils.rollout.lease import Lease
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour, Outcome, Weights

from .runs import POLICY, check_end, deploy, killed_at_half, quiet, roll_back, with_two_releases, with_two_rules
from .world import BLUE, GREEN, World, denied, timed_out

LEDGER = frozenset({"lease", "take", "renew", "save", "history", "operator_request"})
WRITES = frozenset({"take", "renew", "save"})
AWAY = [
    pytest.param(LEDGER, id="all of it"),
    pytest.param(frozenset({"history"}), id="its releases"),
]


def refuse(world: World, calls: frozenset[str], failure: Callable[[str], PortError] = timed_out) -> None:
    def fail(_number: int, name: str) -> None:
        if name in calls:
            raise failure(name)

    world.before_call = fail


def return_to(world: World, colour: Colour, check_mode: bool = False, minimum: int = 1) -> Ending:
    order = ColourOrder(f"rollback-{world.calls}", "scoreboard", "grace", colour, minimum)
    return Controller(world.ports(), "on call").without_ledger.return_to_colour(order, check_mode)


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("calls", AWAY)
def test_a_rollback_without_the_ledger_is_refused_with_what_is_known_and_the_way(
    calls: frozenset[str], force: bool
) -> None:
    world = killed_at_half()
    refuse(world, calls)
    order = ReturnOrder("rollback-1", "scoreboard", "grace", POLICY, force=force)
    ending = Controller(world.ports(), "on call").rollback(order)
    assert ending.outcome is Outcome.REFUSED
    assert "Without the ledger it is not known which colour is stable" in ending.reason
    assert "Traffic: blue 50 % green 50 %" in ending.reason
    assert "blue has 2 healthy targets, runs task:two" in ending.reason
    assert "green has 2 healthy targets, runs task:three" in ending.reason
    assert "-e rollback_to_colour=blue or -e rollback_to_colour=green" in ending.reason
    assert world.weights == Weights(50, 50)


def test_what_is_known_without_ledger_and_tasks_is_told_too() -> None:
    world = killed_at_half()
    refuse(world, LEDGER | {"read"})
    ending = roll_back(world)
    assert "blue has 2 healthy targets. green has 2 healthy targets" in ending.reason
    refuse(world, LEDGER | {"read", "read_load_balancer"})
    ending = roll_back(world)
    assert ending.outcome is Outcome.REFUSED
    assert "traffic cannot be read either: Failed to read: read timeout" in ending.reason


@pytest.mark.parametrize("follow", ["deploy", "deploy another", "rollback"])
@pytest.mark.parametrize("colour", Colour)
@pytest.mark.parametrize("calls", AWAY)
def test_a_named_colour_gets_all_traffic_without_the_ledger_and_the_next_run_ends_what_was_unfinished(
    calls: frozenset[str], colour: Colour, follow: str
) -> None:
    world = with_two_rules(killed_at_half())
    refuse(world, calls)
    before = len(world.writes)
    ending = return_to(world, colour)
    assert ending.outcome is Outcome.SUCCEEDED
    assert f"{colour} has all traffic by order of grace, without a record, as the ledger is away" in ending.reason
    assert "Before: blue 50 % green 50 %." in ending.reason
    assert world.fleet.is_at(Weights.all_to(colour))
    assert world.writes[before:] == [("shift", Weights.all_to(colour))] * 2
    quiet(world)
    world.pass_time(200)
    ending = roll_back(world) if follow == "rollback" else deploy(world, "three" if follow == "deploy" else "four")
    assert ending.outcome is Outcome.SUCCEEDED, ending.reason
    check_end(world)
    if follow == "rollback":
        assert world.weights.blue == 100, "the ledger knows that green never passed its gates"


@pytest.mark.parametrize("tasks", [frozenset(), frozenset({"read"})], ids=["tasks are read", "tasks are not read"])
@pytest.mark.parametrize("follow", ["deploy", "rollback"])
def test_a_rollback_that_can_read_the_release_under_way_and_not_take_the_lease_returns_its_traffic(
    tasks: frozenset[str], follow: str
) -> None:
    world = killed_at_half()
    refuse(world, WRITES | tasks)
    before = len(world.writes)
    ending = roll_back(world)
    assert ending.outcome is Outcome.SUCCEEDED
    assert (
        "blue has all traffic, release deploy-three-2 had blue 50 % green 50 %. This is not on record" in ending.reason
    )
    assert world.writes[before:] == [("shift", Weights(100, 0))]
    quiet(world)
    world.pass_time(200)
    ending = deploy(world, "four") if follow == "deploy" else roll_back(world)
    assert ending.outcome is Outcome.SUCCEEDED, ending.reason
    check_end(world)


def test_a_rollback_that_cannot_take_the_lease_and_finds_nothing_under_way_names_the_way() -> None:
    world = with_two_releases()
    refuse(world, WRITES)
    ending = roll_back(world)
    assert ending.outcome is Outcome.REFUSED
    assert "Without its lease no rollback begins" in ending.reason
    assert "-e rollback_to_colour=blue" in ending.reason
    assert return_to(world, GREEN).outcome is Outcome.SUCCEEDED


def test_a_ledger_that_denies_its_caller_is_away_too() -> None:
    world = killed_at_half()
    refuse(world, LEDGER, denied)
    assert return_to(world, BLUE).outcome is Outcome.SUCCEEDED


def test_a_colour_with_too_few_healthy_targets_gets_no_traffic() -> None:
    world = killed_at_half()
    refuse(world, LEDGER)
    world.short[BLUE] = (0, world.time + 10_000)
    world.settle(BLUE)
    ending = return_to(world, BLUE)
    assert ending.outcome is Outcome.REFUSED
    assert "blue has too few healthy targets to take traffic, 1 needed" in ending.reason
    assert "green has 2 healthy targets" in ending.reason
    assert return_to(world, GREEN, minimum=3).outcome is Outcome.REFUSED
    assert world.weights == Weights(50, 50)


@pytest.mark.parametrize("check_mode", [False, True])
def test_while_the_ledger_answers_no_colour_can_be_named_and_a_living_controller_keeps_its_lease(
    check_mode: bool,
) -> None:
    world = killed_at_half()
    world.lease = held = Lease("scoreboard", "ada", "deploy-three-2", 9, world.time, world.time + 90)
    ending = return_to(world, BLUE, check_mode)
    assert ending.outcome is Outcome.REFUSED
    assert "the ledger answers, so it is known what served before" in ending.reason
    assert world.lease == held
    world.lease = replace(held, expires_at=world.time - 60)
    assert return_to(world, BLUE, check_mode).outcome is Outcome.REFUSED
    assert world.lease.expired_for_others(world.time + 60)
    assert world.weights == Weights(50, 50)


def test_check_mode_tells_what_would_be_done_and_writes_nothing() -> None:
    world = killed_at_half()
    refuse(world, LEDGER)
    before = list(world.writes)
    ending = return_to(world, BLUE, check_mode=True)
    assert (ending.outcome, ending.changed) == (None, True)
    assert ending.reason.startswith("all traffic would go to blue, without a record")
    assert world.writes == before
    world.weights = Weights(100, 0)
    assert return_to(world, BLUE, check_mode=True).changed is False


def test_a_colour_that_has_all_traffic_is_left_as_it_is() -> None:
    world = with_two_releases()
    refuse(world, LEDGER)
    before = list(world.writes)
    ending = return_to(world, BLUE)
    assert (ending.outcome, ending.changed) == (None, False)
    assert world.writes == before


def test_a_colour_named_while_no_release_was_under_way_is_a_disagreement_afterwards() -> None:
    world = with_two_releases()
    refuse(world, LEDGER)
    assert return_to(world, GREEN).outcome is Outcome.SUCCEEDED
    quiet(world)
    found = disagreements(world.fleet, world.releases(), world.time)
    assert found[0].subject == "traffic"
    assert found[0].found == "blue 0 % green 100 %"
    assert any(one.subject == "scheduled scale-in of green" for one in found), "it serves now"
    deploy(world, "three")
    check_end(world)


def test_a_write_of_another_controller_that_arrives_after_the_return_is_undone_by_the_next_run() -> None:
    world = killed_at_half()
    refuse(world, LEDGER)
    assert return_to(world, BLUE).outcome is Outcome.SUCCEEDED
    world.arrive_late(lambda: world.shift(Weights(50, 50)))
    quiet(world)
    world.pass_time(200)
    assert roll_back(world).outcome is Outcome.SUCCEEDED
    assert world.weights == Weights(100, 0)
    check_end(world)


def test_a_write_that_times_out_is_repeated_and_a_load_balancer_that_is_away_is_named() -> None:
    world = killed_at_half()
    failed: list[str] = []

    def fail(_number: int, name: str) -> None:
        if name in LEDGER or (name == "shift" and len(failed) < 3):
            failed.append(name)
            raise timed_out(name)

    world.before_call = fail
    assert return_to(world, BLUE).outcome is Outcome.SUCCEEDED
    refuse(world, LEDGER | {"read_load_balancer"})
    with pytest.raises(PortError, match="Failed to read_load_balancer"):
        return_to(world, GREEN)
