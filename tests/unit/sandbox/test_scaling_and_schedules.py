"""Step scaling by its bounds and cooldowns; schedules at their minutes, once each, and again where a start was refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from sandbox.api.scheduler import Scheduler
from sandbox.api.state import Sandbox
from sandbox.api.step_scaling import StepScaling
from sandbox.config import Settings
from sandbox.laws.cron import DueTimes, Schedule
from sandbox.laws.step_scaling import wanted
from sandbox.roles import RoleRefused

HOUR = datetime(2026, 11, 2, 12, 0, tzinfo=UTC).timestamp()
STEPS = {
    "StepAdjustments": [
        {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 20, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 20, "ScalingAdjustment": 3},
        {"MetricIntervalUpperBound": 0, "ScalingAdjustment": -1},
    ]
}


def policy(kind: str, adjustment: int = 0, **more: Any) -> dict[str, Any]:
    steps = {"StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": adjustment}]}
    return {"AdjustmentType": kind, **steps, **more}


@pytest.mark.parametrize(
    ("configuration", "count", "excess", "after"),
    [
        pytest.param(
            {"AdjustmentType": "ChangeInCapacity", **STEPS}, 2, 0.0, 3, id="a lower bound belongs to its step"
        ),
        pytest.param({"AdjustmentType": "ChangeInCapacity", **STEPS}, 2, 20.0, 5, id="an upper bound does not"),
        pytest.param({"AdjustmentType": "ChangeInCapacity", **STEPS}, 2, -5.0, 1, id="below the threshold"),
        pytest.param(policy("ChangeInCapacity", 1), 2, -5.0, 2, id="no step holds it"),
        pytest.param(policy("ExactCapacity", 7), 2, 1.0, 7, id="an exact count"),
        pytest.param(policy("PercentChangeInCapacity", 10), 3, 1.0, 4, id="less than one task is one"),
        pytest.param(policy("PercentChangeInCapacity", 55), 3, 1.0, 4, id="a fraction is lost"),
        pytest.param(policy("PercentChangeInCapacity", -55), 3, 1.0, 2, id="towards zero"),
        pytest.param(policy("PercentChangeInCapacity", 10, MinAdjustmentMagnitude=2), 5, 1.0, 7, id="two at least"),
    ],
)
def test_a_step_adjusts_the_count(configuration: dict[str, Any], count: int, excess: float, after: int) -> None:
    assert wanted(configuration, count, excess) == after


class Scaled:
    """A service with two tasks, between one and nine, and one policy."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, configuration: dict[str, Any]) -> None:
        sandbox = Sandbox(Settings(tmp_path, "127.77", "podman", "none"), Mock())
        self.service = SimpleNamespace(desired=2, primary=SimpleNamespace(rollout_state="COMPLETED"))
        self.target = SimpleNamespace(min_capacity=1, max_capacity=9, suspended_state={})
        known = SimpleNamespace(
            policy_arn="arn:policy",
            policy_type="StepScaling",
            scalable_dimension="count",
            resource_id="service/c/web",
            step_scaling_policy_configuration=configuration,
        )
        backend = SimpleNamespace(policies={"p": known}, targets={"count": {"service/c/web": self.target}})
        monkeypatch.setattr(sandbox, "backend", lambda service: backend)
        sandbox.fargate.store.services["c", "web"] = self.service  # type: ignore[assignment]
        self.scaling = StepScaling(sandbox)

    def after(self, excess: float, at: float) -> int:
        self.scaling.alarm("arn:policy", excess, at)
        return self.service.desired


def test_in_its_cooldown_a_scale_out_counts_towards_the_next_one(tmp_path: Path, monkeypatch: Any) -> None:
    scaled = Scaled(tmp_path, monkeypatch, {"AdjustmentType": "ChangeInCapacity", "Cooldown": 60, **STEPS})
    assert scaled.after(5.0, 0.0) == 3
    assert scaled.after(5.0, 30.0) == 3, "the same step again adds nothing"
    assert scaled.after(25.0, 40.0) == 5, "a larger step adds what is missing: three instead of one"
    assert scaled.after(5.0, 101.0) == 6, "after the cooldown it is a step of its own"
    assert scaled.after(500.0, 200.0) == 9 == scaled.after(500.0, 300.0), "never beyond the bounds"


def test_a_scale_in_waits_for_cooldown_deployment_and_suspension(tmp_path: Path, monkeypatch: Any) -> None:
    scaled = Scaled(tmp_path, monkeypatch, {"AdjustmentType": "ChangeInCapacity", "Cooldown": 60, **STEPS})
    scaled.service.desired = 4
    scaled.service.primary.rollout_state = "IN_PROGRESS"
    assert scaled.after(-1.0, 0.0) == 4, "the service is deploying"
    scaled.service.primary.rollout_state = "COMPLETED"
    scaled.target.suspended_state = {"DynamicScalingInSuspended": True}
    assert scaled.after(-1.0, 0.0) == 4, "suspended"
    scaled.target.suspended_state = {}
    assert scaled.after(-1.0, 0.0) == 3
    assert scaled.after(-1.0, 59.0) == 3, "one step in a cooldown"
    assert scaled.after(5.0, 59.0) == 4, "out at any time"
    scaled.target.suspended_state = {"DynamicScalingOutSuspended": True}
    assert scaled.after(5.0, 500.0) == 4


@pytest.mark.parametrize(
    ("expression", "looks", "due"),
    [
        pytest.param("at(2026-11-02T12:01:00)", (0, 59, 61, 120), [61], id="once"),
        pytest.param("at(2026-11-02T11:59:00)", (0, 60), [], id="never what was over before"),
        pytest.param("rate(1 minute)", (0, 30, 61, 90, 125), [0, 61, 125], id="a rate begins at once"),
        pytest.param("cron(0/2 * * * ? *)", (1, 60, 119, 121, 122, 245), [121, 245], id="each named minute once"),
    ],
)
def test_a_schedule_is_due_once_at_each_of_its_times(expression: str, looks: tuple[int, ...], due: list[int]) -> None:
    times, schedule = DueTimes(), Schedule(expression, "UTC", HOUR, at_once=True)
    assert [look for look in looks if times.is_due("key", schedule, HOUR + look)] == due


class Planned:
    """A schedule that runs a task, and what RunTask answers."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expression: str, **more: Any) -> None:
        sandbox = Sandbox(Settings(tmp_path, "127.77", "podman", "none"), Mock())
        network = {"awsvpcConfiguration": {"Subnets": ["subnet-1"], "AssignPublicIp": "DISABLED"}}
        self.schedule = SimpleNamespace(
            arn="arn:schedule",
            name="web.nightly",
            group_name="staging",
            state="ENABLED",
            schedule_expression=expression,
            schedule_expression_timezone="UTC",
            creation_date=HOUR,
            start_date=None,
            end_date=None,
            action_after_completion=None,
            target={
                "Arn": "arn:aws:ecs:eu-central-1:1:cluster/staging",
                "RoleArn": "arn:aws:iam::1:role/schedule",
                "Input": '{"containerOverrides": [{"name": "app", "command": ["tidy"]}]}',
                "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 1},
                "EcsParameters": {
                    "TaskDefinitionArn": "arn:task:1",
                    "LaunchType": "FARGATE",
                    "Group": "web:nightly",
                    "NetworkConfiguration": network,
                },
            },
        )
        vars(self.schedule).update(more)
        group = SimpleNamespace(schedules={"web.nightly": self.schedule})
        self.backend = Mock(schedule_groups={"staging": group})
        monkeypatch.setattr(sandbox, "backend", lambda service: self.backend)
        self.ecs = Mock()
        self.ecs.run_task.return_value = {"tasks": [{}], "failures": []}
        self.roles = Mock()
        monkeypatch.setattr("sandbox.api.scheduler.Roles", lambda core: self.roles)
        clients = {("ecs", self.roles.session.return_value): self.ecs}
        monkeypatch.setattr(sandbox, "client", lambda service, credentials: clients[service, credentials])
        self.scheduler = Scheduler(sandbox)
        monkeypatch.setattr(self.scheduler, "_pool", Mock(submit=lambda function, *given: function(*given)))

    def runs(self, *seconds: float) -> int:
        for second in seconds:
            self.scheduler.tick(HOUR + second)
        return self.ecs.run_task.call_count


def test_a_schedule_runs_its_task_as_its_target_says(tmp_path: Path, monkeypatch: Any) -> None:
    planned = Planned(tmp_path, monkeypatch, "cron(1 12 * * ? *)")
    assert planned.runs(0, 30, 61, 62, 150) == 1
    role = ("arn:aws:iam::1:role/schedule", "scheduler.amazonaws.com", "web.nightly")
    planned.roles.session.assert_called_once_with(*role)
    planned.ecs.run_task.assert_called_once_with(
        cluster="arn:aws:ecs:eu-central-1:1:cluster/staging",
        taskDefinition="arn:task:1",
        count=1,
        startedBy="chronos-schedule/web.nightly",
        networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": "DISABLED"}},
        overrides={"containerOverrides": [{"name": "app", "command": ["tidy"]}]},
        launchType="FARGATE",
        group="web:nightly",
    )


def test_a_refused_start_is_tried_again_as_often_as_the_policy_says(tmp_path: Path, monkeypatch: Any) -> None:
    planned = Planned(tmp_path, monkeypatch, "at(2026-11-02T12:01:00)")
    planned.ecs.run_task.return_value = {"tasks": [], "failures": [{"reason": "Capacity is unavailable at this time."}]}
    assert planned.runs(0, 61) == 1
    assert planned.runs(90, 122, 200, 400) == 2


def test_a_role_that_the_scheduler_cannot_take_starts_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    planned = Planned(tmp_path, monkeypatch, "at(2026-11-02T12:01:00)")
    planned.roles.session.side_effect = RoleRefused("arn:aws:iam::1:role/schedule")
    assert planned.runs(0, 61, 122) == 0
    assert planned.roles.session.call_count == 2


@pytest.mark.parametrize(
    "more",
    [{"state": "DISABLED"}, {"start_date": HOUR + 900}, {"end_date": HOUR + 30}],
    ids=["disabled", "early", "over"],
)
def test_what_is_not_in_force_runs_nothing(tmp_path: Path, monkeypatch: Any, more: dict[str, Any]) -> None:
    assert Planned(tmp_path, monkeypatch, "at(2026-11-02T12:01:00)", **more).runs(0, 61, 200) == 0


def test_a_one_time_schedule_can_be_deleted_once_it_has_run(tmp_path: Path, monkeypatch: Any) -> None:
    planned = Planned(tmp_path, monkeypatch, "at(2026-11-02T12:01:00)", action_after_completion="DELETE")
    planned.runs(61)
    planned.backend.delete_schedule.assert_called_once_with("staging", "web.nightly")
