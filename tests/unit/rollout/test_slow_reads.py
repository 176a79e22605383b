"""Reads that take long, one after the other: a look of many of them ends before the lease does, and no other controller gets it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.release.controller import Controller
from ansible_collections.pear.fargate.plugins.module_utils.release.lease_holder import LeaseHolder
from ansible_collections.pear.fargate.plugins.module_utils.release.loop import Ending
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import PortError
from ansible_collections.pear.fargate.plugins.module_utils.rollout import lease as leases
from ansible_collections.pear.fargate.plugins.module_utils.rollout.lease import Held
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Outcome, Plan

from .runs import PLAN, ROLLING, check_end, deploy, order, quiet, with_two_releases, with_two_rolled_releases
from .world import World, timed_out

# What a provider, the judges and a preflight read: requests of AWS, each of which may be repeated.
LOOKS = {"read", "readings", "read_load_balancer"}


def slow(world: World, begins: Callable[[], bool], requests: int, seconds: float, answered: bool) -> list[float]:
    """From a moment on each look needs so many requests, of which each takes as long as one attempt may. Another controller
    asks for the lease all the time; the list returned has the times at which it would have got it.
    """
    began: list[float] = []
    got: list[float] = []

    def ask_for_lease() -> None:
        lease = world.lease
        if lease is not None and lease.owner and lease.expired_for_others(world.time):
            got.append(world.time)

    def look(_number: int, name: str, effect: Callable[[], Any]) -> Any:
        if not began and begins():
            began.append(world.time)
        if name not in LOOKS or not began or world.time >= began[0] + seconds:
            return effect()
        for _request in range(requests):
            if world.time > world.read_deadline.until:
                raise PortError(f"{name} was not sent", transient=True)
            world.pass_time(leases.READ_SECONDS)
            ask_for_lease()
        if not answered:
            raise timed_out(name)
        return effect()

    world.around_call = look
    return got


def at_half(world: World) -> Callable[[], bool]:
    return lambda: world.weights.green == 50


def run(world: World, plan: Plan = PLAN) -> Ending | PortError:
    try:
        return deploy(world, "three", plan)
    except PortError as failure:
        return failure


@pytest.mark.parametrize("answered", [True, False], ids=["answered at last", "never answered"])
@pytest.mark.parametrize("requests", [3, 6, 9, 15])
def test_a_look_whose_calls_all_hang_never_outlasts_the_lease(requests: int, answered: bool) -> None:
    world = with_two_releases()
    got = slow(world, at_half(world), requests, 900.0, answered)
    ended = run(world)
    assert got == []
    assert isinstance(ended, PortError) or ended.outcome in (Outcome.SUCCEEDED, Outcome.INTERRUPTED), ended
    assert isinstance(ended, PortError) or ended.outcome is Outcome.SUCCEEDED or world.weights.blue == 100
    quiet(world)
    world.pass_time(1_000)
    world.around_call = lambda number, name, effect: effect()
    for name in ("three", "four"):
        assert deploy(world, name).outcome in (Outcome.SUCCEEDED, None)
    check_end(world)


@pytest.mark.parametrize("requests", [1, 3])
def test_looks_that_are_slow_and_fit_into_the_lease_end_no_release(requests: int) -> None:
    world = with_two_releases()
    got = slow(world, at_half(world), requests, 600.0, answered=True)
    ended = run(world)
    assert isinstance(ended, Ending) and ended.outcome is Outcome.SUCCEEDED, ended
    assert got == []


@pytest.mark.parametrize("requests", [6, 9])
def test_the_looks_before_a_release_begins_and_in_place_keep_the_lease_as_well(requests: int) -> None:
    for plan, make in ((PLAN, with_two_releases), (ROLLING, with_two_rolled_releases)):
        world = make()
        got = slow(world, lambda world=world: bool(world.lease and world.lease.owner), requests, 400.0, answered=True)  # type: ignore[misc]
        run(world, plan)
        assert got == []


def test_without_a_bound_the_lease_would_be_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the deadline is for: this is what happened before there was one."""
    monkeypatch.setattr(LeaseHolder, "within_lease", lambda self, look: look())
    world = with_two_releases()
    got = slow(world, at_half(world), 15, 900.0, answered=True)
    run(world)
    assert got


def test_a_look_is_not_held_back_where_hardly_anything_is_left_of_the_lease() -> None:
    """It could keep no lease any more, and what is seen may still return traffic."""
    world = with_two_releases()

    def refuse(_number: int, name: str) -> None:
        if name == "renew":
            raise timed_out(name)

    world.before_call = refuse
    holder = LeaseHolder(world.ports(), "ada")
    assert not isinstance(holder.take("r", force=False), Held)
    assert holder.within_lease(lambda: world.read_deadline.until) == world.time + leases.SECONDS - leases.READ_SECONDS
    world.pass_time(leases.SECONDS)
    # A renewal whose answer did not come may have arrived.
    assert holder.within_lease(lambda: world.read_deadline.until) == world.time + leases.SECONDS - leases.READ_SECONDS
    world.pass_time(leases.SECONDS)
    assert holder.within_lease(lambda: world.read_deadline.until) == float("inf")
    holder.lost()
    assert holder.within_lease(lambda: world.read_deadline.until) == float("inf")
    assert world.read_deadline.until == float("inf")


def test_whoever_waits_between_tries_keeps_the_lease() -> None:
    world = with_two_releases()
    got: list[float] = []
    tries: list[float] = []

    def hang() -> None:
        tries.append(world.time)
        world.pass_time(40.0)
        if world.lease and world.lease.expired_for_others(world.time):
            got.append(world.time)
        raise timed_out("read")

    controller = Controller(world.ports(), "ada")
    controller.lease_holder.take(order("three").id, force=False)
    with pytest.raises(PortError):
        controller.lease_holder.with_retries(hang)
    assert (len(tries), got) == (5, [])
