"""The ledger cannot be reached while a bad candidate has traffic: traffic goes home, and the record follows when it can."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.release.controller import Controller
from ansible_collections.pear.fargate.plugins.module_utils.release.lease_holder import LeaseHolder
from ansible_collections.pear.fargate.plugins.module_utils.release.loop import Ending
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import PortError
from ansible_collections.pear.fargate.plugins.module_utils.release.runner import run_controller
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Outcome, Plan

from .runs import (
    ONE_WRITER,
    PLAN,
    ROLLING,
    check_end,
    deploy,
    killed_at_half,
    order,
    quiet,
    roll_back,
    with_one_writer,
    with_two_releases,
    with_two_rolled_releases,
)
from .world import BLUE, World, denied, timed_out

LEDGER = {"lease", "take", "renew", "save", "history", "operator_request"}


def away(world: World, begins: Callable[[], bool], seconds: float) -> None:
    """From the moment on, every call of the ledger fails for a time; the alarm fires meanwhile."""
    began: list[float] = []

    def refuse(_number: int, name: str) -> None:
        if not began and begins():
            began.append(world.time)
            world.alarms["errors"] = "ALARM"
        if began and world.time < began[0] + seconds and name in LEDGER:
            raise timed_out(name)

    world.before_call = refuse


def at_half(world: World) -> Callable[[], bool]:
    return lambda: world.weights.green == 50


def test_traffic_returns_without_the_ledger_and_the_same_run_records_it_later() -> None:
    world = with_two_releases()
    away(world, at_half(world), 120)
    ending = deploy(world, "three")
    assert ending.outcome in (Outcome.INTERRUPTED, Outcome.ROLLED_BACK)
    assert world.weights.blue == 100
    quiet(world)
    check_end(world)


@pytest.mark.parametrize("follow", ["deploy", "rollback"])
def test_a_ledger_that_stays_away_keeps_no_traffic_on_the_candidate_and_the_next_run_records_it(follow: str) -> None:
    world = with_two_releases()
    began = world.time
    away(world, at_half(world), 10_000)
    with pytest.raises(PortError, match=r"taken out of traffic.*not recorded"):
        deploy(world, "three")
    assert world.weights.blue == 100
    assert world.time - began < 600
    quiet(world)
    world.pass_time(200)
    ending = deploy(world, "three") if follow == "deploy" else roll_back(world)
    assert ending.outcome is Outcome.SUCCEEDED, ending.reason
    check_end(world)


def test_traffic_is_back_within_a_minute_of_the_ledgers_loss() -> None:
    world = with_two_releases()
    lost: list[float] = []

    def half() -> bool:
        if world.weights.green == 50 and not lost:
            lost.append(world.time)
        return bool(lost)

    away(world, half, 10_000)
    inner = world.before_call

    def look(number: int, name: str) -> None:
        if lost and len(lost) == 1 and world.weights.blue == 100:
            lost.append(world.time)
        inner(number, name)

    world.before_call = look
    with pytest.raises(PortError):
        deploy(world, "three")
    assert lost[1] - lost[0] < 60


@pytest.mark.long
@pytest.mark.parametrize("plan", [PLAN, ROLLING], ids=lambda plan: plan.strategy)
@pytest.mark.parametrize("seconds", [120, 10_000])
def test_at_whatever_call_the_ledger_goes_away_the_next_run_ends_well(plan: Plan, seconds: float) -> None:
    make = with_two_rolled_releases if plan.in_place else with_two_releases
    world = make()
    deploy(world, "three", plan)
    for number in range(5, world.calls + 1, 1):
        world = make()
        away(world, lambda world=world, number=number: world.calls >= number, seconds)  # type: ignore[misc]
        before = world.weights
        try:
            ending: Ending | None = deploy(world, "three", plan)
        except PortError:
            ending = None
        succeeded = ending is not None and ending.outcome is Outcome.SUCCEEDED
        assert succeeded or world.weights in (before, world.releases()[-1].candidate_weights), number
        if not succeeded and world.releases()[-1].outcome is not Outcome.SUCCEEDED:
            serving = world.sides[BLUE].task_definition
            assert world.weights.blue == 100, f"call {number}: traffic stayed on the candidate"
            assert not plan.in_place or serving == "task:two", f"call {number}: {serving} serves"
        quiet(world)
        world.pass_time(700)
        for name in ("three", "four"):
            assert deploy(world, name, plan).outcome in (Outcome.SUCCEEDED, None)
        check_end(world)


def test_a_success_whose_end_cannot_be_put_away_is_a_success_and_the_next_run_puts_it_away() -> None:
    world = with_two_releases()

    def refuse(_number: int, name: str) -> None:
        if name == "ScheduleScaleIn":
            raise denied(name)

    world.before_call = refuse
    ending = deploy(world, "three")
    assert ending.outcome is Outcome.SUCCEEDED
    assert "not put away yet, the next run does that" in ending.reason
    quiet(world)
    assert deploy(world, "three").outcome in (Outcome.SUCCEEDED, None)
    check_end(world)


def test_somebody_who_moved_traffic_meanwhile_is_not_overruled_without_a_lease() -> None:
    world = with_two_releases()
    away(world, at_half(world), 10_000)
    inner = world.before_call

    def move(number: int, name: str) -> None:
        if name == "renew" and world.alarms["errors"] == "ALARM":
            world.weights = type(world.weights)(30, 70)
        inner(number, name)

    world.before_call = move
    with pytest.raises(PortError):
        Controller(world.ports(), "ada").deploy(order("three", 2))
    assert world.weights.green == 70


@pytest.mark.parametrize("unanswered_seconds", [5.0, 12.0, 13.0, 15.0])
def test_traffic_is_back_within_a_minute_although_the_ledgers_calls_are_not_answered(unanswered_seconds: float) -> None:
    world = with_two_releases()
    lost: list[float] = []
    returned: list[float] = []

    def hang(_number: int, name: str) -> None:
        if not lost and world.weights.green == 50:
            lost.append(world.time)
        if lost and not returned and world.weights.blue == 100:
            returned.append(world.time)
        if lost and name in LEDGER:
            world.pass_time(unanswered_seconds)
            raise timed_out(name)

    world.before_call = hang
    with pytest.raises(PortError, match="taken out of traffic"):
        deploy(world, "three")
    assert returned[0] - lost[0] < 60


def test_a_return_that_the_load_balancer_refuses_is_not_sent_by_a_controller_that_was_overtaken() -> None:
    world = with_two_releases()
    refused: list[float] = []
    written: list[int] = []

    def refuse(_number: int, name: str) -> None:
        if world.weights.green == 50:
            world.alarms["errors"] = "ALARM"
        if name == "shift" and world.weights.green == 50 and len(refused) < 5:
            refused.append(world.time)
            if len(refused) == 5:
                LeaseHolder(world.ports(), "grace").take("rollback-1", force=True)
                written.append(len(world.writes))
            raise timed_out(name)

    world.before_call = refuse
    assert deploy(world, "three").outcome is Outcome.SUPERSEDED
    assert len(world.writes) == written[0]


@pytest.mark.parametrize("living", [False, True])
def test_at_whatever_call_of_a_rollback_the_ledger_goes_away_traffic_returns(living: bool) -> None:
    """But for the first: then nothing says which colour is stable."""
    for number in range(1, 60):
        world = killed_at_half()
        world.pass_time(0 if living else 200)
        first = world.calls + number
        away(world, lambda world=world, first=first: world.calls > first, 10_000)  # type: ignore[misc]
        with contextlib.suppress(PortError):
            roll_back(world)
        assert world.weights.blue == 100, f"call {number}: {world.weights}"


@pytest.mark.parametrize("plan", [ONE_WRITER, ROLLING], ids=lambda plan: plan.strategy)
def test_without_the_ledger_no_task_of_a_single_writer_is_started(plan: Plan) -> None:
    """Whoever has the lease by now may start one."""
    world = with_one_writer(plan)
    began = len(world.writes)
    away(world, lambda: any(name == "ScaleIn" for name, _action in world.writes[began:]), 10_000)
    with pytest.raises(PortError):
        deploy(world, "three", plan)
    assert [name for name, _action in world.writes[began:] if name != "save"] == ["ScaleIn"]


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        pytest.param("take", "No release was begun", id="before"),
        pytest.param("Stage", "The ledger holds where this stopped", id="after"),
    ],
)
def test_a_run_that_ends_by_a_failed_call_says_whether_a_release_was_begun(refused: str, said: str) -> None:
    world = with_two_releases()

    def refuse(_number: int, name: str) -> None:
        # Also what would put it right afterwards.
        if name == refused or (refused in called and name in {"save", "Stage", "read"}):
            called.append(name)
            raise denied(name)

    called: list[str] = []
    world.before_call = refuse
    controller = Controller(world.ports(), "deployer of three")
    with pytest.raises(Failure, match=said):
        run_controller(cast(Any, None), controller, lambda: controller.deploy(order("three", 9)))
