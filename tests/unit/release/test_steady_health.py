"""One odd look is not a verdict: a state that the load balancer does not know, and targets that are missing once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.ecs_states import Deployment, ServiceState
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import TargetState
from ansible_collections.pear.fargate.plugins.module_utils.aws.tasks import ContainerState, TaskState
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.colour_state import Reading, colour_state
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.steady_health import SteadyHealth
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour

DEPLOYMENT = Deployment("ecs-svc/1", "PRIMARY", "app:1", 2, 2, 0, 0, "COMPLETED")
STATE = ServiceState("app-blue", "arn", "ACTIVE", "app:1", 2, 2, 0, (DEPLOYMENT,), ())
A, B = TargetState("10.0.0.1", 80, "healthy"), TargetState("10.0.0.2", 80, "healthy")
UNKNOWN = replace(B, state="unavailable", reason="Elb.InternalError")
ILL = replace(B, state="unhealthy", reason="Target.ResponseCodeMismatch", description="Health checks failed: [500]")


def healthy(*looks: tuple[TargetState, ...] | Reading) -> list[int]:
    memory, found = SteadyHealth(), []
    for look in looks:
        reading = memory.known(look if isinstance(look, Reading) else Reading(Colour.BLUE, STATE, look))
        found.append(memory.believe(reading, colour_state(reading)).healthy)
    return found


@pytest.mark.parametrize(
    ("looks", "counts"),
    [
        pytest.param([(A, B), (A, UNKNOWN), (A, UNKNOWN), (A, UNKNOWN)], [2, 2, 2, 2], id="unavailable is not ill"),
        pytest.param([(A, ILL), (A, UNKNOWN)], [1, 1], id="nor is it well"),
        pytest.param([(A, UNKNOWN), (A, B)], [1, 2], id="what was never known is not counted"),
        pytest.param([(A, B), (), (A, B)], [2, 2, 2], id="one missing look is passed over"),
        pytest.param([(A, B), (), (), (A, B)], [2, 2, 0, 2], id="two are believed"),
        pytest.param([(A, B), (A,), (A, B), (B,), (B,)], [2, 2, 2, 2, 1], id="each doubt is new"),
        pytest.param([(A, B), (A, ILL)], [2, 1], id="what the load balancer calls unhealthy is believed at once"),
        pytest.param([(A, B), (A, replace(B, state="draining"))], [2, 1], id="and what it drains"),
    ],
)
def test_how_many_targets_count_as_healthy(looks: list[tuple[TargetState, ...]], counts: list[int]) -> None:
    assert healthy(*looks) == counts


def test_tasks_of_a_new_deployment_or_a_smaller_count_are_counted_at_once() -> None:
    new = replace(STATE, deployments=(replace(DEPLOYMENT, id="ecs-svc/2"),))
    fewer = replace(STATE, desired=1, deployments=(replace(DEPLOYMENT, desired=1, running=1),))
    assert healthy((A, B), Reading(Colour.BLUE, new, ())) == [2, 0]
    assert healthy((A, B), Reading(Colour.BLUE, fewer, (A,))) == [2, 1]


def test_a_state_says_why_its_targets_are_unhealthy() -> None:
    state = colour_state(Reading(Colour.BLUE, STATE, (A, ILL, UNKNOWN)))
    assert state.unhealthy == "1 unhealthy: Target.ResponseCodeMismatch: Health checks failed: [500]"


@pytest.mark.parametrize(
    ("stop_code", "reason", "told"),
    [
        ("EssentialContainerExited", "OutOfMemoryError: killed", "exit code 137 (SIGKILL), OutOfMemoryError: killed"),
        ("EssentialContainerExited", "", "(SIGKILL: ECS gives no reason; it may have been out of memory)"),
        ("ServiceSchedulerInitiated", "", "(SIGKILL: it did not end within its stop timeout)"),
        ("UserInitiated", "", "(SIGKILL: it did not end within its stop timeout)"),
    ],
)
def test_only_ecs_calls_a_killed_container_out_of_memory(stop_code: str, reason: str, told: str) -> None:
    container = ContainerState("app", "STOPPED", exit_code=137, reason=reason)
    task = TaskState("1", "app:1", "ecs-svc/1", "STOPPED", stop_code=stop_code, containers=(container,))
    assert told in task.cause
    assert ("out of memory" in task.cause) is (stop_code == "EssentialContainerExited" and not reason)
