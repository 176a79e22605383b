"""Runs of a controller in a world: orders, worlds with releases behind them, what goes wrong, and what has to hold at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.release.controller import Controller
from ansible_collections.pear.fargate.plugins.module_utils.release.loop import Ending
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import Order, ReturnOrder
from ansible_collections.pear.fargate.plugins.module_utils.rollout.lease import LATE_WRITE_SECONDS
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Gates,
    Outcome,
    Plan,
    Policy,
    Step,
)

from .world import BLUE, GREEN, World

PLAN = Plan("steps", (Step(10, 4), Step(50, 4), Step(100)), bake_seconds=4)


ROLLING = Plan("rolling", (Step(100),), bake_seconds=4)


ONE_WRITER = Plan("all_at_once", (Step(100),), bake_seconds=4)


POLICY = Policy(stage_timeout_seconds=60, patience_seconds=4, return_timeout_seconds=20, window_seconds=600)


def order(name: str, number: int = 0, plan: Plan = PLAN) -> Order:
    return Order(
        id=f"deploy-{name}-{number}",
        service="scoreboard",
        by="ada",
        digest=f"sha256:{name}",
        fingerprint=name,
        plan=plan,
        gates=Gates(alarms=("errors",)),
        policy=POLICY,
        checks=("migrate",) if plan.in_place else ("migrate", "smoke"),
        verifications=("smoke",) if plan.in_place else (),
        desired_count=2,
    )


def deploy(world: World, name: str, plan: Plan = PLAN) -> Ending:
    world.specified = f"task:{name}" if plan.in_place else ""
    given = order(name, len(world.records), plan)
    if world.one_writer:
        given = replace(given, desired_count=1, single_writer=True)
    return Controller(world.ports(), f"deployer of {name}").deploy(given)


def restart(world: World, name: str, plan: Plan = PLAN) -> Ending:
    """The version that serves, once more."""
    world.specified = f"task:{name}" if plan.in_place else ""
    given = replace(order(name, len(world.records), plan), restart=True)
    return Controller(world.ports(), f"deployer of {name}").deploy(given)


def roll(world: World, name: str) -> Ending:
    return deploy(world, name, ROLLING)


def roll_back(world: World) -> Ending:
    return Controller(world.ports(), "on call").rollback(
        ReturnOrder(f"rollback-{world.calls}", "scoreboard", "grace", POLICY)
    )


def with_two_releases() -> World:
    return _two_releases().copy()


@cache
def _two_releases() -> World:
    world = World(alarms={"errors": "OK"})
    assert deploy(world, "one").outcome is Outcome.SUCCEEDED
    world.autoscale()
    assert deploy(world, "two").outcome is Outcome.SUCCEEDED
    world.calls = 0
    return world


def with_two_rolled_releases() -> World:
    return _two_rolled_releases().copy()


@cache
def _two_rolled_releases() -> World:
    world = World(alarms={"errors": "OK"})
    for name in ("one", "two"):
        assert roll(world, name).outcome is Outcome.SUCCEEDED
    world.calls = 0
    return world


def with_two_worker_releases() -> World:
    """Two releases of a service without a load balancer."""
    return _two_worker_releases().copy()


@cache
def _two_worker_releases() -> World:
    world = World(alarms={"errors": "OK"}, routed=False)
    for name in ("one", "two"):
        assert roll(world, name).outcome is Outcome.SUCCEEDED
    world.calls = 0
    return world


def with_ecs_rollback() -> World:
    world = with_two_rolled_releases()
    world.ecs_rolls_back = True
    return world


def with_ecs_watching() -> World:
    """ECS watches the alarm for longer than the release bakes, and returns the version before by it."""
    world = with_ecs_rollback()
    world.watch_seconds = 30
    return world


def with_one_writer(plan: Plan) -> World:
    return _with_one_writer(plan).copy()


@cache
def _with_one_writer(plan: Plan) -> World:
    world = World(alarms={"errors": "OK"}, one_writer=True, specified_count=1)
    for name in ("one", "two"):
        assert deploy(world, name, plan).outcome is Outcome.SUCCEEDED
    world.calls = 0
    return world


def with_two_rules(world: World) -> World:
    """The service answers at a second set of hosts, by a rule of its own."""
    world.others = (world.weights,)
    world.weights_known = (world.weights, world.others)
    return world


def with_cold_blue() -> World:
    world = with_two_releases()
    world.pass_time(POLICY.window_seconds + 1)
    return world


@dataclass(frozen=True)
class Story:
    """A world, what the doomed controller does in it, and what the world has against that."""

    name: str
    world: Callable[[], World]
    act: Callable[[World], Ending]
    outcome: Outcome
    spoil: Callable[[World], None] = lambda world: None
    without_a_target: tuple[Outcome, ...] = (Outcome.REFUSED,)
    plan: Plan = PLAN


def fire_at_half(world: World) -> None:
    """The alarm fires once the candidate holds half of the traffic, and is quiet again when traffic is home."""

    def watch(number: int, name: str) -> None:
        candidate_half = world.weights.green == 50
        world.alarms["errors"] = "ALARM" if candidate_half else "OK"

    world.after_call = watch


def fire_in_the_bake(world: World) -> None:
    """The alarm fires once every task runs the new version, and is quiet again when the version before is back."""

    def watch(number: int, name: str) -> None:
        serving = world.sides[BLUE]
        world.alarms["errors"] = "ALARM" if serving.task_definition == "task:three" and serving.steady else "OK"

    world.after_call = watch


def fire_while_ecs_watches(world: World) -> None:
    """The alarm fires once the release's own bake is over, and is quiet again when the version before is back."""
    replaced: list[float] = []

    def watch(number: int, name: str) -> None:
        serving = world.sides[BLUE]
        bad = serving.task_definition == "task:three" and bool(serving.watched_by)
        if bad and not replaced:
            replaced.append(world.time)
        world.alarms["errors"] = "ALARM" if bad and world.time > replaced[0] + ROLLING.bake_seconds + 5 else "OK"

    world.after_call = watch


def fire_for_three(world: World) -> None:
    """The alarm fires once the third version has all traffic."""

    def watch(number: int, name: str) -> None:
        serves = world.weights.green == 100 and world.sides[GREEN].task_definition == "task:three"
        world.alarms["errors"] = "ALARM" if serves and world.sides[GREEN].healthy else "OK"

    world.after_call = watch


def with_many_tasks() -> World:
    """Two releases, and both colours with eight tasks."""
    world = with_two_releases()
    for colour in (BLUE, GREEN):
        world.sides[colour] = replace(world.sides[colour], desired=8, running=8, healthy=8)
    return world


def fire_in_the_bake_while_live_is_short(world: World) -> None:
    """Once the candidate has all traffic, live has two healthy tasks of eight for ten seconds, and the alarm fires."""

    def watch(number: int, name: str) -> None:
        if world.weights.green == 100 and BLUE not in world.short:
            world.short[BLUE] = (2, world.time + 10)
            world.sides[BLUE] = replace(world.sides[BLUE], healthy=2)
        world.alarms["errors"] = "ALARM" if world.weights.green and BLUE in world.short else "OK"

    world.after_call = watch


def keep_the_old_version_short(world: World) -> None:
    """The version to return to has two healthy tasks of eight for ten seconds."""
    idle = world.weights.leader.other if world.weights.leader else GREEN
    world.short[idle] = (2, world.time + 10)
    world.sides[idle] = replace(world.sides[idle], healthy=2)


def check_end(world: World) -> None:
    """The invariants as they hold once a controller has come to its end."""
    records = world.releases()
    assert all(one.closed and one.outcome is not None for one in records), "I5: a release without an end"
    # One that took over from a living controller and had nothing to do lets the lease end with the last possible write.
    lease = world.lease
    free = lease is None or lease.owner == "" or lease.expired_for_others(world.time + LATE_WRITE_SECONDS + 1)
    assert free, "the lease was not given back"
    if any(one.outcome is Outcome.SUCCEEDED for one in records):
        leader = world.weights.leader
        assert leader is not None and world.weights.of(leader) == 100, f"traffic is left at {world.weights}"
        assert world.fleet.rules_agree, f"the rules disagree: {world.fleet.traffic}"
        serving, idle = world.sides[leader], world.sides[leader.other]
        assert serving.healthy >= world.minimum, f"I2: {serving} serves"
        assert serving.scale_in_at is None, "I3: the serving colour is going to be scaled in"
        assert not serving.scale_in_suspended, f"{serving} serves and never scales in"
        assert idle.desired == 0 or idle.scale_in_at is not None, f"{idle} is left over"
        assert idle.desired == 0 or idle.scale_in_suspended is not False, f"{idle} is warm, and shrinks"
        good = {one.task_definition for one in records if one.outcome is Outcome.SUCCEEDED}
        assert serving.task_definition in good, f"{serving.task_definition} serves and never succeeded"


def quiet(world: World) -> None:
    world.before_call = lambda number, name: None
    world.after_call = lambda number, name: None
    world.alarms["errors"] = "OK"
    world.sick.clear()
    world.proofs.clear()
    world.short.clear()
    for colour in (BLUE, GREEN):
        world.settle(colour)


def live_dies_at_a_tenth(act: Callable[[World], None] = lambda world: None) -> World:
    """A release of the third version, in whose first step all tasks of live become unhealthy for good."""
    world = with_two_releases()
    live = world.weights.leader
    assert live is not None

    def watch(number: int, name: str) -> None:
        if world.weights.of(live) not in (0, 100):
            world.sides[live] = replace(world.sides[live], healthy=0)
            act(world)

    world.after_call = watch
    world.settle = lambda colour: None if colour is live else World.settle(world, colour)  # type: ignore[method-assign]
    return world


class Stop(BaseException):
    """The test has seen enough."""


def stuck_canary() -> World:
    """The controller of a canary died just as live did."""

    def die(world: World) -> None:
        raise Stop

    world = live_dies_at_a_tenth(die)
    with pytest.raises(Stop):
        deploy(world, "three")
    world.after_call = lambda number, name: None
    return world


def killed_at_half() -> World:
    """The controller of a release died while its candidate had half of the traffic."""
    return killed_when(lambda world: world.weights.green == 50)


def killed_when(reached: Callable[[World], bool]) -> World:
    """The controller of a release died before its next call."""
    world = with_two_releases()

    def die(_number: int, name: str) -> None:
        if reached(world):
            raise Stop

    world.before_call = die
    with pytest.raises(Stop):
        deploy(world, "three")
    quiet(world)
    return world
