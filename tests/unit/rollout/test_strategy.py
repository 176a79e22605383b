"""Plans: what each strategy does to traffic and when, and every mistake in its settings at once."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import ErrorGate, Gates, Plan, Step
from ansible_collections.pear.fargate.plugins.module_utils.rollout.strategy import metrics_seconds, plan, timeline
from hypothesis import given
from hypothesis import strategies as st

APPROVED = {"weight": 20, "approval": True, "approval_timeout_seconds": 900}


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        pytest.param({"strategy": "all_at_once"}, (Step(100),), id="all at once"),
        pytest.param(
            {"strategy": "canary", "percent": 5, "duration_seconds": 300}, (Step(5, 300), Step(100)), id="canary"
        ),
        pytest.param(
            {"strategy": "linear", "step_percent": 40, "interval_seconds": 60},
            (Step(40, 60), Step(80, 60), Step(100)),
            id="linear whose step does not divide a hundred",
        ),
        pytest.param(
            {"strategy": "linear", "step_percent": 50, "interval_seconds": 60},
            (Step(50, 60), Step(100)),
            id="linear whose step does",
        ),
        pytest.param(
            {"strategy": "steps", "steps": [{"weight": 1, "duration_seconds": 60}, APPROVED, {"weight": 100}]},
            (Step(1, 60), Step(20, 0, True, 900), Step(100)),
            id="steps with an approval",
        ),
        pytest.param({"strategy": "rolling"}, (Step(100),), id="rolling has one step"),
    ],
)
def test_a_strategy_becomes_steps(settings: dict[str, Any], steps: tuple[Step, ...]) -> None:
    assert plan(settings, Gates()) == Plan(settings["strategy"], steps)


@pytest.mark.parametrize(
    ("settings", "findings"),
    [
        pytest.param({"strategy": "slow"}, ["strategy is 'slow'"], id="unknown strategy"),
        pytest.param({"strategy": "canary"}, ["duration_seconds is needed", "percent is needed"], id="options missing"),
        pytest.param(
            {"strategy": "all_at_once", "percent": 5}, ["percent means nothing to the strategy"], id="option misplaced"
        ),
        pytest.param(
            {"strategy": "linear", "step_percent": 0, "interval_seconds": -1},
            ["step_percent is 0", "interval_seconds is -1"],
            id="out of range",
        ),
        pytest.param(
            {"strategy": "steps", "steps": [{"weight": 50}, {"weight": 50}, {"wieght": 90}]},
            ["wieght is unknown", "weight is needed", "larger than the one before", "the last weight is 50"],
            id="all findings of all steps",
        ),
        pytest.param({"strategy": "steps", "steps": []}, ["at least one step"], id="no steps"),
        pytest.param({"strategy": "steps", "steps": [7]}, ["steps[1]: is 7"], id="a step that is none"),
    ],
)
def test_bad_settings_are_all_named_at_once(settings: dict[str, Any], findings: list[str]) -> None:
    found = plan(settings, Gates())
    assert isinstance(found, list)
    assert len(found) == len(findings)
    for told, part in zip(found, findings, strict=True):
        assert part in told


def test_a_metric_gate_needs_steps_long_enough_to_see_a_metric() -> None:
    found = plan({"strategy": "canary", "percent": 5, "duration_seconds": 60}, Gates(errors=ErrorGate()))
    assert isinstance(found, list)
    assert [told.split(" lasts")[0] for told in found] == ["step 1", "the last step and the bake together"]


def test_a_timeline_says_when_each_step_begins_and_ends() -> None:
    made = plan({"strategy": "canary", "percent": 5, "duration_seconds": 300, "bake_seconds": 600}, Gates())
    assert isinstance(made, Plan)
    assert [(row.title, row.weight, row.start, row.until) for row in timeline(made)] == [
        ("step 1 of 2", 5, 0, 300),
        ("step 2 of 2", 100, 300, 300),
        ("bake", 100, 300, 900),
    ]
    assert made.duration_seconds == 900


@given(st.integers(1, 100), st.integers(0, 3600))
def test_a_linear_plan_rises_to_a_hundred_in_steps_of_at_most_its_width(width: int, interval: int) -> None:
    made = plan({"strategy": "linear", "step_percent": width, "interval_seconds": interval}, Gates())
    assert isinstance(made, Plan)
    weights = [0, *(step.weight for step in made.steps)]
    assert weights[-1] == 100
    assert all(0 < after - before <= width for before, after in itertools.pairwise(weights))


@pytest.mark.parametrize("began", range(0, 60, 7))
def test_the_shortest_judged_step_has_three_whole_periods_wherever_it_begins(began: int) -> None:
    period, delay = 60, 60
    end = began + metrics_seconds(period, delay)
    first, last = -(-began // period) * period, (end - delay) // period * period
    assert (last - first) // period >= 3
