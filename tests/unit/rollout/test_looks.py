"""How often a controller looks at the fleet: once for decisions that only write the ledger, anew after every other write."""

from __future__ import annotations

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Outcome, Plan

from .runs import ONE_WRITER, PLAN, ROLLING, check_end, deploy, roll_back, with_one_writer, with_two_releases
from .world import World

# What changes the fleet, or starts a task beside it.
WRITES = {"shift", "Stage", "Replace", "ScaleIn", "SetScaleIn", "CancelScaleIn", "ScheduleScaleIn", "prove"}


def calls(world: World, act: object, seconds_of_a_save: float = 0.0) -> list[tuple[str, float]]:
    """The names and times of all calls of a run."""
    made: list[tuple[str, float]] = []

    def note(_number: int, name: str) -> None:
        made.append((name, world.time))
        if name == "save":
            world.pass_time(seconds_of_a_save)

    world.before_call = note
    assert act(world).outcome is Outcome.SUCCEEDED  # type: ignore[operator]
    check_end(world)
    return made


def looks_before_writes(made: list[tuple[str, float]]) -> list[tuple[str, bool, float]]:
    """Of each write: its name, whether the fleet was read since the write before, and how old that look is."""
    found = []
    read_at, fresh = 0.0, False
    for name, at in made:
        if name == "read":
            read_at, fresh = at, True
        elif name in WRITES:
            found.append((name, fresh, at - read_at))
            fresh = False
    return found


@pytest.mark.parametrize("plan", [PLAN, ROLLING], ids=lambda plan: plan.strategy)
def test_no_write_rests_on_a_look_from_before_another_write(plan: Plan) -> None:
    for act in (lambda world: deploy(world, "three", plan), roll_back):
        found = looks_before_writes(calls(with_two_releases(), act))
        assert found
        assert all(fresh for _name, fresh, _age in found), found


@pytest.mark.parametrize("plan", [PLAN, ROLLING], ids=lambda plan: plan.strategy)
def test_no_write_rests_on_an_old_look(plan: Plan) -> None:
    """Where the ledger answers slowly, each decision looks for itself."""
    found = looks_before_writes(calls(with_two_releases(), lambda world: deploy(world, "three", plan), 1.5))
    assert found
    assert max(age for _name, _fresh, age in found) < 1.5 + 1.0, found


def test_decisions_that_write_only_the_ledger_share_a_look() -> None:
    made = [name for name, _at in calls(with_two_releases(), roll_back)]
    before = made[: made.index("CancelScaleIn")]
    assert before.count("read") == 1
    # Before the lease is taken, and after it.
    assert before.count("history") == 2


def test_where_one_task_may_write_each_decision_looks_for_itself() -> None:
    shared = [name for name, _at in calls(with_two_releases(), lambda world: deploy(world, "three", ROLLING))]
    alone = [name for name, _at in calls(with_one_writer(ONE_WRITER), lambda world: deploy(world, "three", ONE_WRITER))]
    saves = shared[: shared.index("Replace")]
    assert saves.count("read") < saves.count("save") + 2
    started = alone[: alone.index("Stage")]
    assert started.count("read") > started.count("save")


def test_the_first_looks_after_tasks_were_started_come_soon() -> None:
    made = calls(with_two_releases(), lambda world: deploy(world, "three"))
    began = next(at for name, at in made if name == "Stage")
    after = [at - began for name, at in made if name == "read" and at > began][:4]
    first, second, third = (later - at for at, later in zip([0.0, *after], after[:3], strict=False))
    assert first < 1
    assert 1 <= second < 2
    assert third >= 2
