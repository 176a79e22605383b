"""What a rollback does that only ends what a killed controller has left: it waits for the lease's end, and spares those who live."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.release.controller import Controller
from ansible_collections.pear.fargate.plugins.module_utils.release.loop import Ending
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import ReturnOrder
from ansible_collections.pear.fargate.plugins.module_utils.rollout.lease import SECONDS, SKEW
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Outcome, Weights

from .runs import POLICY, check_end, deploy, killed_at_half, quiet, roll_back, with_two_releases
from .world import World

ORDER = ReturnOrder("rollback-1", "scoreboard", "awx", POLICY, only_abandoned=True)


class Stop(BaseException):
    """The process is gone."""


def end_abandoned(world: World) -> Ending:
    return Controller(world.ports(), "the job after it").rollback(ORDER)


def test_the_traffic_of_a_killed_release_returns_once_its_lease_is_over() -> None:
    world = killed_at_half()
    began = world.time
    ended = end_abandoned(world)
    assert ended.outcome is Outcome.SUCCEEDED and world.weights.leader is not None
    assert world.weights in (Weights(100, 0), Weights(0, 100))
    assert SECONDS < world.time - began < SECONDS + SKEW + 60
    assert [one.target for one in world.releases() if one.kind == "rollback"] == [], "it went back to another release"
    check_end(world)


def test_a_rollback_that_was_killed_is_completed() -> None:
    world = with_two_releases()
    live = world.weights.leader

    def die(_number: int, name: str) -> None:
        if world.weights.leader is not live:
            raise Stop

    world.before_call = die
    with pytest.raises(Stop):
        roll_back(world)
    quiet(world)
    assert end_abandoned(world).outcome is Outcome.SUCCEEDED
    assert world.weights.leader is not live
    check_end(world)


@pytest.mark.parametrize("force", [False, True])
def test_nothing_is_written_where_no_release_is_under_way(force: bool) -> None:
    world = with_two_releases()
    writes = list(world.writes)
    ended = Controller(world.ports(), "the job after it").rollback(replace(ORDER, force=force))
    assert (ended.outcome, ended.changed, ended.reason) == (None, False, "no release is under way")
    assert world.writes == writes


def test_a_controller_that_renews_its_lease_is_left_alone() -> None:
    world = with_two_releases()
    found: list[Ending] = []

    def look(number: int, name: str) -> None:
        # The deploy goes on meanwhile: it renews its lease and does nothing else here.
        if world.weights.blue == 50 and not found:
            found.append(Ending(None, "under way"))
            world.after_call = lambda number, name: renew() if name == "lease" else None
            found.append(end_abandoned(world))
            world.after_call = lambda number, name: None

    def renew() -> None:
        assert world.lease is not None
        world.lease = replace(world.lease, expires_at=world.time + SECONDS)

    world.after_call = look
    assert deploy(world, "three").outcome is Outcome.SUCCEEDED
    assert (found[1].outcome, found[1].changed) == (None, False)
    assert "deployer of three works on release" in found[1].reason
    check_end(world)


def test_a_signal_ends_the_wait() -> None:
    world = killed_at_half()
    weights = world.weights
    controller = Controller(world.ports(), "the job after it")
    world.after_call = lambda number, name: controller.interrupt("interrupted by SIGTERM") if name == "lease" else None
    ended = controller.rollback(ORDER)
    assert ended.outcome is Outcome.INTERRUPTED and "SIGTERM" in ended.reason
    assert world.weights == weights


def test_a_release_that_somebody_else_ends_meanwhile_is_no_reason_to_go_back_to_another() -> None:
    world = killed_at_half()
    reads = iter(range(100))

    def look(number: int, name: str) -> None:
        if name == "lease" and next(reads) == 1:
            world.after_call = lambda number, name: None
            assert roll_back(world).outcome is Outcome.SUCCEEDED
            assert world.lease is not None
            world.lease = replace(world.lease, owner="", expires_at=world.time)

    world.after_call = look
    ended = end_abandoned(world)
    assert (ended.outcome, ended.reason) == (None, "no release is under way"), ended
    assert [one for one in world.releases() if one.kind == "rollback"] == []
    check_end(world)
