"""Rule, tasks and scheduled scale-ins against the ledger while no release is under way: what is named, and what is undone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.rollout.actions import CancelScaleIn, ScheduleScaleIn, Shift
from ansible_collections.pear.fargate.plugins.module_utils.rollout.disagreements import Repair, disagreements
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    ColourState,
    Fleet,
    Kind,
    OldColour,
    Outcome,
    Release,
    Weights,
)

from .runs import ROLLING, check_end, deploy, roll, roll_back, with_two_releases
from .states import ALL, BLUE, GREEN, HOME, NOW, RELEASE
from .world import World

WINDOW = 600.0
LAST = replace(
    RELEASE,
    outcome=Outcome.SUCCEEDED,
    closed=True,
    ended_at=NOW - 60,
    warm_until=NOW + WINDOW,
    task_definition="task:2",
)
SCHEDULED = {"scale_in_at": NOW + WINDOW, "scale_in_for": (LAST.id,)}
OLD = ColourState(BLUE, "task:1", 4, 4, 4, **SCHEDULED)
SERVING = ColourState(GREEN, "task:2", 4, 4, 4)
GONE = {"desired": 0, "running": 0, "healthy": 0}


def failed(outcome: Outcome) -> Release:
    """A later release of a third version to blue, which ended without success."""
    return replace(
        LAST,
        id="deploy-3",
        started_at=LAST.started_at + 10,
        live=GREEN,
        candidate=BLUE,
        task_definition="task:3",
        outcome=outcome,
    )


# A version that succeeded on blue, and the rollback from it to green.
OVER = replace(LAST, id="deploy-3", started_at=10.0, live=GREEN, candidate=BLUE, task_definition="task:1")
BACK = replace(LAST, id="rollback-4", started_at=20.0, kind=Kind.ROLLBACK, target="deploy-1", task_definition="task:2")


def found(weights: Weights, *history: Release, blue: ColourState = OLD, green: ColourState = SERVING) -> list[Any]:
    return disagreements(Fleet(weights, blue, green), history or (LAST,), NOW)


ROWS: tuple[tuple[str, list[Any], Repair | None, str], ...] = (
    (
        "a scale-in of what serves is cancelled",
        found(ALL, green=replace(SERVING, scale_in_at=NOW + 9, scale_in_for=("deploy-1",))),
        CancelScaleIn(GREEN),
        "scheduled scale-in of green: at ",
    ),
    (
        "and names the release that it was made for",
        found(ALL, green=replace(SERVING, scale_in_at=NOW + 9, scale_in_for=("deploy-1",))),
        CancelScaleIn(GREEN),
        ", for deploy-1; the ledger and the rule say: it serves",
    ),
    (
        "a scale-in for another release is made for the one that counts",
        found(ALL, blue=replace(OLD, scale_in_for=("deploy-1",))),
        ScheduleScaleIn(BLUE, NOW + WINDOW, LAST.id),
        "for deploy-1; the ledger and the rule say: at ",
    ),
    (
        "two scale-ins become one",
        found(ALL, blue=replace(OLD, scale_in_for=("deploy-1", LAST.id))),
        ScheduleScaleIn(BLUE, NOW + WINDOW, LAST.id),
        f"for deploy-1, {LAST.id}",
    ),
    (
        "one before the end of the window is put off",
        found(ALL, blue=replace(OLD, scale_in_at=NOW + 9)),
        ScheduleScaleIn(BLUE, NOW + WINDOW, LAST.id),
        "scheduled scale-in of blue",
    ),
    (
        "tasks that nothing scales in are scaled in, but not at once",
        found(ALL, replace(LAST, warm_until=NOW - 9), blue=replace(OLD, scale_in_at=None, scale_in_for=())),
        ScheduleScaleIn(BLUE, NOW + 600, LAST.id),
        "scheduled scale-in of blue: none, with 4 tasks running",
    ),
    (
        "traffic on a colour without tasks goes to what the ledger has",
        found(HOME, blue=replace(OLD, **GONE)),
        Shift(ALL),
        "blue has no healthy task",
    ),
    (
        "traffic on a version that was rolled back too",
        found(HOME, LAST, failed(Outcome.ROLLED_BACK), blue=replace(OLD, task_definition="task:3")),
        Shift(ALL),
        "blue runs what deploy-3 ended with as rolled_back",
    ),
    (
        "traffic on a version that a rollback went back over too",
        found(HOME, replace(LAST, id="deploy-1", started_at=1.0, task_definition="task:2"), OVER, BACK),
        Shift(ALL),
        "blue runs deploy-3, which a rollback went back over",
    ),
    (
        "traffic that no release split too",
        found(Weights(30, 70)),
        Shift(ALL),
        "no release is under way that would split it",
    ),
    (
        "traffic on a version that was left to a person is named and stays",
        found(HOME, LAST, failed(Outcome.INTERRUPTED), blue=replace(OLD, task_definition="task:3", scale_in_at=None)),
        None,
        f"traffic: blue 100 % green 0 %; the ledger and the rule say: blue 0 % green 100 %, since {LAST.id}",
    ),
    (
        "traffic that a person moved to an older version stays",
        found(HOME, blue=replace(OLD, scale_in_at=None)),
        None,
        "traffic: blue 100 %",
    ),
    (
        "also where a later try of that version failed",
        found(
            HOME,
            replace(LAST, id="deploy-1", started_at=1.0, candidate=BLUE, live=GREEN, task_definition="task:1"),
            LAST,
            replace(failed(Outcome.ROLLED_BACK), task_definition="task:1"),
            blue=replace(OLD, scale_in_at=None),
        ),
        None,
        "traffic: blue 100 %",
    ),
    (
        "traffic is not moved to a colour without tasks",
        found(HOME, blue=replace(OLD, **GONE), green=replace(SERVING, **GONE)),
        None,
        "blue has no healthy task",
    ),
)


@pytest.mark.parametrize(("rows", "repair", "said"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_disagrees_is_named_with_the_write_that_puts_it_right(
    rows: list[Any], repair: Repair | None, said: str
) -> None:
    first = rows[0]
    assert first.repair == repair
    assert said in first.sentence


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(found(ALL), id="as the release left it"),
        pytest.param(found(ALL, blue=replace(OLD, scale_in_for=("",))), id="a scale-in of an earlier version of this"),
        pytest.param(found(ALL, blue=replace(OLD, **GONE, scale_in_at=None, scale_in_for=())), id="scaled in"),
        pytest.param(disagreements(Fleet(HOME, OLD, SERVING), (), NOW)[1:], id="nothing is on record"),
        pytest.param(
            found(
                ALL,
                replace(LAST, policy=replace(LAST.policy, old_colour=OldColour.KEEP)),
                blue=replace(OLD, scale_in_at=None, scale_in_for=()),
            ),
            id="a colour that the release keeps",
        ),
    ],
)
def test_what_agrees_is_not_named(rows: list[Any]) -> None:
    assert rows == []


def test_a_rolling_release_beside_a_warm_colour_leaves_that_ones_window_as_it_is() -> None:
    world = with_two_releases()
    assert deploy(world, "two", ROLLING).outcome in (Outcome.SUCCEEDED, None)
    assert roll(world, "three").outcome is Outcome.SUCCEEDED
    assert disagreements(world.fleet, world.releases(), world.time) == []


def spoiled(**changes: Any) -> World:
    world = with_two_releases()
    world.sides[GREEN] = replace(world.sides[GREEN], **changes)
    return world


def test_the_next_run_of_the_version_that_serves_replaces_a_scale_in_of_another_release() -> None:
    world = spoiled(scale_in_for=("deploy-0",))
    ending = deploy(world, "two")
    assert (ending.outcome, ending.changed) == (None, True)
    assert world.sides[GREEN].scale_in_for == ("deploy-two-1",)
    assert not deploy(world, "two").changed
    check_end(world)


def test_the_next_run_schedules_the_scale_in_of_tasks_that_nothing_scales_in() -> None:
    world = spoiled(scale_in_at=None, scale_in_for=())
    assert deploy(world, "two").changed
    assert world.sides[GREEN].scale_in_at is not None
    check_end(world)


def test_a_rollback_returns_traffic_before_anything_that_is_not_urgent() -> None:
    world = spoiled(scale_in_for=("deploy-0",))
    before = len(world.writes)
    assert roll_back(world).outcome is Outcome.SUCCEEDED
    names = [name for name, _ in world.writes[before:]]
    assert "ScheduleScaleIn" not in names[: names.index("shift")]
    check_end(world)


def test_a_rollback_that_died_while_the_version_it_left_stood_in_is_followed_by_traffic_where_it_had_returned_it() -> (
    None
):
    """A write that arrived late took its tasks away; then its controller was gone too."""
    world = with_two_releases()
    assert deploy(world, "three").outcome is Outcome.SUCCEEDED
    assert roll_back(world).outcome is Outcome.SUCCEEDED
    serving = world.weights
    rollback = max(world.releases(), key=lambda release: release.started_at)
    world.records[rollback.id] = replace(rollback, closed=False)
    world.weights = Weights.all_to(rollback.live)
    ending = deploy(world, "two")
    assert (ending.outcome, ending.changed) == (None, True)
    assert world.weights == serving


def test_what_cannot_be_undone_is_told_and_costs_no_write() -> None:
    world = with_two_releases()
    world.weights = Weights.all_to(GREEN)
    world.sides[GREEN] = replace(world.sides[GREEN], scale_in_at=None, scale_in_for=(), scale_in_suspended=False)
    world.sides[BLUE] = replace(world.sides[BLUE], desired=0, running=0, healthy=0)
    before = len(world.writes)
    ending = deploy(world, "one")
    assert ending.outcome is None and not ending.changed
    assert len(world.writes) == before
