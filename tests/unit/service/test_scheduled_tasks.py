"""Scheduled tasks against moto: created once, pointed at the live revision after a release and a rollback, removed when unlisted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.filter.policies import schedule_policy
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.common.ownership import ForeignError
from ansible_collections.pear.fargate.plugins.module_utils.environment.teardown_find import everything
from ansible_collections.pear.fargate.plugins.module_utils.release import service_release
from ansible_collections.pear.fargate.plugins.module_utils.service import ecs_scheduled_tasks as scheduled_tasks
from ansible_collections.pear.fargate.plugins.modules.ecs_scheduled_tasks import ARGUMENT_SPEC
from moto import mock_aws

from ..saved_queries import QueryStore
from ..xray_settings import TraceStore

REGION = "eu-central-1"
ACCOUNT = "123456789012"
FAMILY = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/staging-scores"
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-a"], "securityGroups": ["sg-a"], "assignPublicIp": "DISABLED"}}
CLEANING = {"name": "cleaning", "expression": "cron(0 3 * * ? *)", "timezone": "Europe/Berlin", "command": ["clean"]}


class World:
    def __init__(self) -> None:
        self.live = f"{FAMILY}:1"
        self.scheduler = boto3.client("scheduler", REGION)

    def service(self) -> SimpleNamespace:
        arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/staging/scores-blue"
        return SimpleNamespace(name="scores-blue", arn=arn, task_definition=self.live)

    def invoke(
        self, *schedules: dict[str, Any], check_mode: bool = False, follow: bool = False, adopt: bool = False
    ) -> dict[str, Any]:
        given: dict[str, Any] = {"environment": "staging", "service": "scores", "adopt": adopt}
        if not follow:
            role = f"arn:aws:iam::{ACCOUNT}:role/staging-scores-schedule"
            given |= {"schedules": list(schedules), "role_arn": role}
        validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given)
        assert not validated.error_messages, validated.error_messages
        return scheduled_tasks.run(Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode))

    def targets(self) -> dict[str, dict[str, Any]]:
        names = [schedule["Name"] for schedule in self.scheduler.list_schedules()["Schedules"]]
        return {name: self.scheduler.get_schedule(GroupName="staging", Name=name)["Target"] for name in names}

    def schedule(self) -> dict[str, Any]:
        """The schedule as UpdateSchedule takes it."""
        found = self.scheduler.get_schedule(GroupName="staging", Name="scores.cleaning")
        answers = ("Arn", "CreationDate", "LastModificationDate", "ResponseMetadata")
        return {key: value for key, value in found.items() if key not in answers}

    def versions(self) -> dict[str, str]:
        return {name: target["EcsParameters"]["TaskDefinitionArn"] for name, target in self.targets().items()}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    QueryStore().install(monkeypatch)
    TraceStore().installed_for(monkeypatch)
    with mock_aws():
        here = World()
        place = SimpleNamespace(environment="staging", service="scores", cluster="staging")
        monkeypatch.setattr(scheduled_tasks, "locate_in_environment", lambda *_: place)
        monkeypatch.setattr(scheduled_tasks, "live_service", lambda *_: here.service())
        monkeypatch.setattr(scheduled_tasks.ecs, "service_network", lambda *_: NETWORK)
        yield here


def test_a_schedule_is_made_once_and_starts_what_is_live(world: World) -> None:
    assert world.invoke(CLEANING, check_mode=True)["changed"]
    assert world.targets() == {}
    assert world.invoke(CLEANING)["changed"]
    again = world.invoke(CLEANING)
    assert not again["changed"], again["diff"]
    target = world.targets()["scores.cleaning"]
    assert target["Arn"] == f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/staging"
    assert json.loads(target["Input"]) == {"containerOverrides": [{"name": "app", "command": ["clean"]}]}
    assert target["EcsParameters"]["TaskDefinitionArn"] == f"{FAMILY}:1"


def test_schedules_in_a_group_of_others_are_not_touched(world: World) -> None:
    owner = [{"Key": "Owner", "Value": "platform"}]
    world.scheduler.create_schedule_group(Name="staging", Tags=owner)
    target = {"Arn": "arn:aws:lambda:x:1:function:f", "RoleArn": "arn:aws:iam::1:role/r"}
    theirs = {"GroupName": "staging", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target}
    world.scheduler.create_schedule(Name="scores.theirs", ScheduleExpression="rate(1 day)", **theirs)
    for schedules in ([CLEANING], []):
        for check_mode in (True, False):
            with pytest.raises(ForeignError, match=r"Schedule group staging exists.*Owner=platform"):
                world.invoke(*schedules, check_mode=check_mode)
    assert list(world.targets()) == ["scores.theirs"]


def test_an_adopted_group_of_schedules_is_ours_from_then_on(world: World) -> None:
    world.scheduler.create_schedule_group(Name="staging")
    assert "schedule group tags" in world.invoke(CLEANING, adopt=True)["diff"]["after"]
    assert not world.invoke(CLEANING)["changed"]


@pytest.mark.parametrize(
    "change", [{"expression": "rate(1 hour)"}, {"command": ["sweep"]}, {"enabled": False}, {"timezone": "UTC"}]
)
def test_what_differs_is_told_and_put_right(world: World, change: dict[str, Any]) -> None:
    world.invoke(CLEANING)
    assert list(world.invoke({**CLEANING, **change}, check_mode=True)["diff"]["after"]) == ["schedule scores.cleaning"]
    assert not world.invoke(CLEANING)["changed"]
    assert world.invoke({**CLEANING, **change})["changed"]
    assert not world.invoke({**CLEANING, **change})["changed"]


QUEUE = {"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:failed"}
OTHER_SUBNETS = {"awsvpcConfiguration": {"Subnets": ["subnet-b"], "SecurityGroups": ["sg-a"]}}
LATER, LONG_AGO = datetime(2100, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)


def by_hand(target: dict[str, Any], task: dict[str, Any]) -> dict[str, Any]:
    """A target with other settings; None takes one away."""
    changed = {**target, "EcsParameters": {**target["EcsParameters"], **task}}
    changed["EcsParameters"] = {key: value for key, value in changed["EcsParameters"].items() if value is not None}
    return changed


@pytest.mark.parametrize(
    ("target", "task", "besides", "differs"),
    [
        pytest.param({"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/other"}, {}, {}, "Target", id="another role"),
        pytest.param(
            {"RetryPolicy": {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}}, {}, {}, "Target",
            id="another retry policy",
        ),
        pytest.param({}, {"NetworkConfiguration": OTHER_SUBNETS}, {}, "Target", id="other subnets"),
        pytest.param({}, {"PropagateTags": None}, {}, "Target", id="no tags of the task definition"),
        pytest.param({"DeadLetterConfig": QUEUE}, {}, {}, "Target", id="a dead-letter queue"),
        pytest.param({}, {"PlatformVersion": "1.3.0"}, {}, "Target", id="an old platform version"),
        pytest.param({}, {"EnableExecuteCommand": True}, {}, "Target", id="commands in its tasks"),
        pytest.param({}, {}, {"StartDate": LATER}, "StartDate", id="it begins later"),
        pytest.param({}, {}, {"EndDate": LATER}, "EndDate", id="it ends"),
        pytest.param({}, {}, {"Description": "by hand"}, "Description", id="another description"),
    ],
)  # fmt: skip
def test_what_was_changed_by_hand_is_told_and_put_right(
    world: World, target: dict[str, Any], task: dict[str, Any], besides: dict[str, Any], differs: str
) -> None:
    world.invoke(CLEANING)
    made = world.schedule()
    world.scheduler.update_schedule(**{**made, **besides, "Target": by_hand({**made["Target"], **target}, task)})
    assert world.schedule() != made
    told = world.invoke(CLEANING, check_mode=True)["diff"]
    assert list(told["after"]["schedule scores.cleaning"]) == [differs]
    assert json.loads(json.dumps(told)) == told
    world.invoke(CLEANING)
    assert world.schedule() == made
    assert not world.invoke(CLEANING)["changed"]


@pytest.mark.parametrize(
    ("current", "as_requested"),
    [
        pytest.param({"Arn": "a", "Ecs": {"Count": 1, "Subnets": ["b", "a"], "Exec": False}}, True, id="told as false"),
        pytest.param({"Arn": "a", "Ecs": {"Count": 1, "Subnets": ["a", "b"], "Tags": []}}, True, id="told as empty"),
        pytest.param(
            {"Arn": "a", "Ecs": {"Count": 1, "Subnets": ["a", "b"], "PlatformVersion": "LATEST"}}, True, id="a default"
        ),
        pytest.param(
            {"Arn": "a", "ActionAfterCompletion": "NONE", "Ecs": {"Count": 1, "Subnets": ["a", "b"]}}, True,
            id="a default of the schedule",
        ),
        pytest.param(
            {"Arn": "a", "ActionAfterCompletion": "DELETE", "Ecs": {"Count": 1, "Subnets": ["a", "b"]}}, False,
            id="it deletes itself",
        ),
        pytest.param({"Arn": "a", "Ecs": {"Count": 1, "Subnets": ["a", "b"], "Exec": True}}, False, id="one besides"),
        pytest.param({"Arn": "a", "Ecs": {"Count": 2, "Subnets": ["a", "b"]}}, False, id="another count"),
        pytest.param({"Arn": "a", "Ecs": {"Count": 1, "Subnets": ["a"]}}, False, id="a subnet less"),
        pytest.param(None, False, id="nothing there"),
    ],
)  # fmt: skip
def test_a_schedule_is_compared_whole_with_what_is_requested(current: Any, as_requested: bool) -> None:
    assert scheduled_tasks.same("", current, {"Arn": "a", "Ecs": {"Count": 1, "Subnets": ["a", "b"]}}) is as_requested


@pytest.mark.parametrize(
    ("begins", "ends", "follows", "keeps"),
    [
        pytest.param(LATER, None, True, ["StartDate"], id="it has not begun"),
        pytest.param(LONG_AGO, LATER, True, ["EndDate"], id="it has begun"),
        pytest.param(LONG_AGO, LONG_AGO, False, ["StartDate", "EndDate"], id="it has ended"),
    ],
)
def test_a_rollback_keeps_the_dates_of_a_schedule_that_aws_takes(
    world: World, begins: datetime | None, ends: datetime | None, follows: bool, keeps: list[str]
) -> None:
    """EventBridge Scheduler refuses a start in the past, and UpdateSchedule resets a date that is left out."""
    world.invoke(CLEANING)
    dates = {name: date for name, date in (("StartDate", begins), ("EndDate", ends)) if date}
    world.scheduler.update_schedule(**world.schedule(), **dates)
    world.live = f"{FAMILY}:2"
    assert world.invoke(follow=True)["changed"] is follows
    assert [name for name in ("StartDate", "EndDate") if name in world.schedule()] == keeps
    assert world.versions() == {"scores.cleaning": f"{FAMILY}:{2 if follows else 1}"}


def test_schedules_follow_a_release_and_a_rollback(world: World) -> None:
    world.invoke(CLEANING)
    world.live = f"{FAMILY}:2"
    world.invoke(CLEANING)
    assert world.versions() == {"scores.cleaning": f"{FAMILY}:2"}
    world.live = f"{FAMILY}:1"
    before = world.scheduler.get_schedule(GroupName="staging", Name="scores.cleaning")
    assert world.invoke(follow=True)["changed"]
    assert world.versions() == {"scores.cleaning": f"{FAMILY}:1"}
    after = world.scheduler.get_schedule(GroupName="staging", Name="scores.cleaning")
    for key in ("ScheduleExpression", "ScheduleExpressionTimezone", "State", "FlexibleTimeWindow", "Description"):
        assert after[key] == before[key]
    assert not world.invoke(follow=True)["changed"]


def test_a_schedule_that_is_no_longer_listed_is_removed_and_other_services_stay(world: World) -> None:
    world.invoke(CLEANING)
    target = {"Arn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/staging", "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r"}
    world.scheduler.create_schedule(
        GroupName="staging",
        Name="scores-other.cleaning",
        ScheduleExpression="rate(1 day)",
        Target=target,
        FlexibleTimeWindow={"Mode": "OFF"},
    )
    assert world.invoke()["changed"]
    assert set(world.targets()) == {"scores-other.cleaning"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"expression": "0 3 * * *"}, r"expected rate\(…\), cron\(…\) or at\(…\)"),
        ({"name": "the night"}, "other characters"),
        ({"name": "n" * 60}, "over 64 long"),
    ],
)
def test_what_could_never_be_made_is_refused_first(world: World, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(Failure, match=message):
        world.invoke(CLEANING, {**CLEANING, **wrong})
    assert world.targets() == {}


def test_the_group_is_removed_with_its_environment_and_no_other_group_is(world: World) -> None:
    world.invoke(CLEANING)
    world.scheduler.create_schedule_group(Name="production")
    aws = Aws({"region": REGION})
    assert [thing.id for thing in everything(aws, "staging", set()) if thing.kind == "schedules"] == ["staging"]
    assert [thing.id for thing in everything(aws, "production", set()) if thing.kind == "schedules"] == []


def test_a_schedule_may_start_its_own_service_only() -> None:
    environment = {"name": "staging", "region": REGION, "account": ACCOUNT, "caller": f"arn:aws:iam::{ACCOUNT}:user/ci"}
    run, _tag, hand = schedule_policy(environment, "scores")["Statement"]
    assert run["Resource"] == [f"{FAMILY}:*"]
    assert run["Condition"] == {"ArnEquals": {"ecs:cluster": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/staging"}}
    roles = [f"arn:aws:iam::{ACCOUNT}:role/staging-{REGION}-scores-{kind}" for kind in ("execution", "task")]
    assert hand["Resource"] == roles
    theirs = [f"arn:aws:iam::{ACCOUNT}:role/theirs"]
    run, _tag, hand = schedule_policy(environment, "scores", "corp", theirs)["Statement"]
    assert run["Condition"] == {"ArnEquals": {"ecs:cluster": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/corp"}}
    assert hand["Resource"] == theirs


def test_absent_removes_the_schedules_of_the_service_alone(world: World) -> None:
    world.invoke(CLEANING)
    # moto forgets a group's schedules when the group is created again, so the others are not made by the module.
    copy = world.scheduler.get_schedule(GroupName="staging", Name="scores.cleaning")
    kept = {key: copy[key] for key in ("ScheduleExpression", "FlexibleTimeWindow", "Target")}
    for name in ("scores.report", "scores-2.cleaning"):
        world.scheduler.create_schedule(GroupName="staging", Name=name, **kept)

    def absent(check_mode: bool = False) -> dict[str, Any]:
        given = {"environment": "staging", "service": "scores", "state": "absent"}
        params = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given).validated_parameters
        return scheduled_tasks.run(Invocation(params, Aws({"region": REGION}), check_mode))

    assert len(absent(check_mode=True)["diff"]["after"]) == 2
    assert len(world.targets()) == 3
    assert absent()["changed"]
    assert list(world.targets()) == ["scores-2.cleaning"]
    assert not absent()["changed"]


def test_a_release_sets_the_schedules_that_it_is_given(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_release.bluegreen_cutover, "run", lambda call: {"changed": True, "diff": {}})
    role = f"arn:aws:iam::{ACCOUNT}:role/staging-scores-schedule"
    params = {
        "environment": "staging",
        "service": "scores",
        "strategy": "canary",
        "plan": {},
        "failed_dependencies": [],
        "schedules": [{**CLEANING, "enabled": True, "container": None, "variables": {}}],
        "schedule_role_arn": role,
        "adopt": [],
    }
    done = service_release.run(Invocation(params, Aws({"region": REGION}), False))
    assert done["changed"]
    assert world.targets()["scores.cleaning"]["RoleArn"] == role
