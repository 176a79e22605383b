"""When ECS has replaced all tasks of a colour and only watches its deployment alarms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.ecs import service_state
from ansible_collections.pear.fargate.plugins.module_utils.aws.ecs_states import Deployment, ServiceState
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import TargetState
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.colour_state import Reading, colour_state
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour

NEW = Deployment("new", "PRIMARY", "family/app:2", 2, 2, 0, 0, "IN_PROGRESS")
OLD = Deployment("old", "ACTIVE", "family/app:1", 0, 0, 0, 0, "COMPLETED")
HEALTHY = (TargetState("10.0.0.1", 8080, "healthy"), TargetState("10.0.0.2", 8080, "healthy"))


def state(*deployments: Deployment, alarms: tuple[str, ...] = ("errors",)) -> ServiceState:
    return ServiceState("blue", "arn", "ACTIVE", "family/app:2", 2, 2, 0, deployments, watched_by=alarms)


@pytest.mark.parametrize(
    ("deployments", "alarms", "watched"),
    [
        pytest.param((NEW, OLD), ("errors",), ("errors",), id="replaced, and listed beside the one before"),
        pytest.param((NEW,), ("errors",), ("errors",), id="replaced"),
        pytest.param((NEW,), (), (), id="without alarms ECS is not done"),
        pytest.param((replace(NEW, rollout_state="COMPLETED"),), ("errors",), (), id="completed"),
        pytest.param((replace(NEW, rollout_state="FAILED"),), ("errors",), (), id="failed"),
        pytest.param((replace(NEW, running=1),), ("errors",), (), id="a task is missing"),
        pytest.param((replace(NEW, pending=1),), ("errors",), (), id="a task starts"),
        pytest.param((replace(NEW, desired=0, running=0),), ("errors",), (), id="ECS has not begun"),
        pytest.param((NEW, replace(OLD, running=1)), ("errors",), (), id="a task before still runs"),
        pytest.param((NEW, replace(OLD, pending=1)), ("errors",), (), id="a task before still starts"),
    ],
)
def test_what_ecs_watches_after_all_tasks_were_replaced(
    deployments: tuple[Deployment, ...], alarms: tuple[str, ...], watched: tuple[str, ...]
) -> None:
    found = colour_state(Reading(Colour.BLUE, state(*deployments, alarms=alarms), HEALTHY))
    assert found.watched_by == watched
    assert found.settled == (bool(watched) or deployments[0].rollout_state == "COMPLETED")


@pytest.mark.parametrize(
    ("alarms", "watched"),
    [
        pytest.param({"alarmNames": ["b", "a"], "enable": True, "rollback": True}, ("a", "b"), id="returned by ECS"),
        pytest.param({"alarmNames": ["a"], "enable": True, "rollback": False}, ("a",), id="ended by ECS"),
        pytest.param({"alarmNames": ["a"], "enable": False, "rollback": False}, (), id="not enabled"),
    ],
)
def test_ecs_watches_alarms_that_only_end_a_deployment_too(alarms: dict[str, Any], watched: tuple[str, ...]) -> None:
    raw = {
        "serviceName": "web",
        "serviceArn": "arn",
        "status": "ACTIVE",
        "desiredCount": 1,
        "runningCount": 1,
        "pendingCount": 0,
    }
    assert service_state({**raw, "deploymentConfiguration": {"alarms": alarms}}).watched_by == watched
    assert service_state(raw).watched_by == ()
