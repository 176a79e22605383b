"""ECS or autoscaling cannot be read while a bad candidate has traffic: the rule and the target health are enough to return it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.release.controller import Controller
from ansible_collections.pear.fargate.plugins.module_utils.release.loop import Ending
from ansible_collections.pear.fargate.plugins.module_utils.release.pace import BLIND_SECONDS
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import PortError
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Outcome, Phase, Plan, Weights

from .faults import sampled
from .runs import (
    PLAN,
    ROLLING,
    check_end,
    deploy,
    killed_at_half,
    order,
    quiet,
    roll_back,
    with_two_releases,
    with_two_rolled_releases,
)
from .world import BLUE, GREEN, World, denied, throttled, timed_out

FLEET = frozenset({"read"})
LOAD_BALANCER = frozenset({"read_load_balancer", "shift"})
LEDGER = frozenset({"lease", "take", "renew", "save", "history", "operator_request"})
WRITES_OF_TASKS = {"Stage", "Replace", "ScaleIn", "ScheduleScaleIn", "CancelScaleIn", "SetScaleIn", "Adjust"}


def away(world: World, calls: frozenset[str], weight: int = 50, seconds: float = 10_000) -> list[float]:
    """Once the candidate has this weight, these calls fail for a time. Returns when that began."""
    began: list[float] = []

    def refuse(_number: int, name: str) -> None:
        if not began and world.weights.green == weight:
            began.append(world.time)
        if began and world.time < began[0] + seconds and name in calls:
            raise timed_out(name)

    world.before_call = refuse
    return began


@pytest.mark.parametrize("weight", [10, 50, 100])
@pytest.mark.parametrize("follow", ["deploy", "rollback"])
def test_a_fleet_that_cannot_be_read_keeps_no_traffic_on_the_candidate_and_the_next_run_ends_it(
    weight: int, follow: str
) -> None:
    world = with_two_releases()
    began = away(world, FLEET, weight)
    before = len(world.writes)
    with pytest.raises(
        PortError, match=r"All traffic is on blue\. The tasks could not be read, so nothing was scaled in"
    ):
        deploy(world, "three")
    assert world.weights == Weights(100, 0)
    assert world.time - began[0] < 120
    returned = world.writes.index(("shift", Weights(100, 0)), before)
    assert not {name for name, _ in world.writes[returned:]} & WRITES_OF_TASKS
    recorded = world.releases()[-1]
    assert (recorded.phase, recorded.cause, recorded.closed) == (Phase.RETURNING, Outcome.INTERRUPTED, False)
    assert recorded.reason is not None and "Failed to read" in recorded.reason
    quiet(world)
    world.pass_time(200)
    ending = deploy(world, "three") if follow == "deploy" else roll_back(world)
    assert ending.outcome is Outcome.SUCCEEDED, ending.reason
    check_end(world)


def test_traffic_is_returned_within_a_minute_of_the_fleets_loss() -> None:
    world = with_two_releases()
    began = away(world, FLEET)
    returned: list[float] = []

    def look(_number: int, name: str) -> None:
        if name == "shift" and world.weights.blue == 100 and began:
            returned.append(world.time)

    world.after_call = look
    with pytest.raises(PortError):
        deploy(world, "three")
    assert returned[0] - began[0] < 60


def test_a_fleet_that_can_be_read_again_in_time_ends_the_release_in_the_same_run() -> None:
    world = with_two_releases()
    away(world, FLEET, seconds=40)
    ending = deploy(world, "three")
    assert ending.outcome is Outcome.INTERRUPTED
    assert world.weights == Weights(100, 0)
    quiet(world)
    check_end(world)


def test_fleet_and_ledger_away_return_traffic_without_a_record() -> None:
    world = with_two_releases()
    away(world, FLEET | LEDGER)
    with pytest.raises(PortError, match=r"taken out of traffic.*not recorded"):
        deploy(world, "three")
    assert world.weights == Weights(100, 0)
    quiet(world)
    world.pass_time(200)
    assert roll_back(world).outcome is Outcome.SUCCEEDED
    check_end(world)


def test_a_stable_colour_without_healthy_targets_gets_no_traffic_and_that_is_said() -> None:
    world = with_two_releases()
    away(world, FLEET)
    inner = world.before_call

    def sicken(number: int, name: str) -> None:
        if name == "read_load_balancer":
            world.sides[BLUE] = replace(world.sides[BLUE], healthy=0)
        inner(number, name)

    world.before_call = sicken
    with pytest.raises(
        PortError, match="Traffic stays at blue 50 % green 50 %: blue has 0 healthy targets and needs 1"
    ):
        deploy(world, "three")
    assert world.weights == Weights(50, 50)


def test_a_load_balancer_that_is_away_too_is_named() -> None:
    world = with_two_releases()
    away(world, FLEET | LOAD_BALANCER)
    with pytest.raises(
        PortError, match=r"Traffic stays as it is, for the load balancer cannot be read either: Failed to read_load"
    ):
        deploy(world, "three")
    assert world.weights == Weights(50, 50)


def test_somebody_who_moved_traffic_meanwhile_is_not_overruled() -> None:
    world = with_two_releases()
    began = away(world, FLEET)
    inner = world.before_call

    def move(number: int, name: str) -> None:
        if began and name == "read_load_balancer":
            world.weights = Weights(30, 70)
        inner(number, name)

    world.before_call = move
    with pytest.raises(PortError, match="did not set these weights, somebody else is moving traffic"):
        deploy(world, "three")
    assert world.weights == Weights(30, 70)


def test_a_controller_that_was_overtaken_meanwhile_writes_nothing() -> None:
    world = with_two_releases()
    away(world, FLEET)
    inner = world.before_call

    def overtake(number: int, name: str) -> None:
        if name == "read_load_balancer" and world.lease is not None:
            world.lease = replace(world.lease, owner="grace", fence=world.lease.fence + 1)
        inner(number, name)

    world.before_call = overtake
    ending = Controller(world.ports(), "ada").deploy(order("three", 2))
    assert ending.outcome is Outcome.SUPERSEDED
    assert world.weights == Weights(50, 50)


def test_reads_that_are_denied_return_traffic_too() -> None:
    world = with_two_releases()

    def refuse(_number: int, name: str) -> None:
        if name in FLEET and world.weights.green:
            raise denied(name)

    world.before_call = refuse
    ending = deploy(world, "three")
    assert ending.outcome is Outcome.INTERRUPTED
    assert world.weights == Weights(100, 0)
    quiet(world)
    check_end(world)


def test_reads_that_stay_throttled_return_traffic_in_the_end() -> None:
    world = with_two_releases()

    def refuse(_number: int, name: str) -> None:
        if name in FLEET and world.weights.green:
            raise throttled(name)

    world.before_call = refuse
    began = world.time
    deploy(world, "three")
    assert world.weights == Weights(100, 0)
    assert BLIND_SECONDS < world.time - began < BLIND_SECONDS + 200
    quiet(world)
    check_end(world)


def test_a_rollback_of_a_release_whose_controller_died_returns_traffic_while_the_fleet_cannot_be_read() -> None:
    world = killed_at_half()
    away(world, FLEET)
    with pytest.raises(PortError, match="All traffic is on blue"):
        roll_back(world)
    assert world.weights == Weights(100, 0)
    quiet(world)
    world.pass_time(200)
    assert deploy(world, "four").outcome is Outcome.SUCCEEDED
    check_end(world)


def test_a_rollback_that_can_neither_read_tasks_nor_return_traffic_is_refused_and_leaves_the_lease_alone() -> None:
    world = killed_at_half()
    away(world, FLEET)
    world.short[BLUE] = (0, world.time + 10_000)
    world.settle(BLUE)
    held = world.lease
    ending = roll_back(world)
    assert ending.outcome is Outcome.REFUSED
    assert "blue cannot take traffic back" in ending.reason
    assert world.lease == held
    assert world.weights == Weights(50, 50)


@pytest.mark.parametrize("plan", [PLAN, ROLLING], ids=lambda plan: plan.strategy)
@pytest.mark.parametrize("calls", [FLEET, FLEET | LEDGER], ids=["fleet", "fleet and ledger"])
def test_at_whatever_call_the_fleet_cannot_be_read_any_more_the_next_run_ends_well(
    plan: Plan, calls: frozenset[str]
) -> None:
    make = with_two_rolled_releases if plan.in_place else with_two_releases
    world = make()
    deploy(world, "three", plan)
    for last in sampled(world.calls):
        world = make()

        def refuse(number: int, name: str, last: int = last) -> None:
            if number >= last and name in calls:
                raise timed_out(name)

        world.before_call = refuse
        try:
            ending: Ending | None = deploy(world, "three", plan)
        except PortError:
            ending = None
        succeeded = ending is not None and ending.outcome is Outcome.SUCCEEDED
        recorded = any(one.fingerprint == "three" and one.outcome is Outcome.SUCCEEDED for one in world.releases())
        if not succeeded and not recorded:
            assert world.share(GREEN) == 0, f"call {last}: traffic stayed on the candidate"
        quiet(world)
        world.pass_time(700)
        for name in ("three", "four"):
            assert deploy(world, name, plan).outcome in (Outcome.SUCCEEDED, None)
        check_end(world)
