"""When ECS takes a deployment for failed: by its circuit breaker, and by alarms."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from sandbox.fargate.model import Breaker, Deployment, Limit
from sandbox.fargate.scheduler import Scheduler


@pytest.mark.parametrize(
    ("limit", "desired", "threshold"),
    [
        pytest.param(Limit(), 1, 3, id="never fewer than three"),
        pytest.param(Limit(), 25, 13, id="half of the desired count, rounded up"),
        pytest.param(Limit(), 4000, 200, id="never more than two hundred"),
        pytest.param(Limit("BOUNDED_PERCENT", 10), 100, 10, id="another share within the bounds"),
        pytest.param(Limit("UNBOUNDED_PERCENT", 50), 2, 1, id="a share without bounds"),
        pytest.param(Limit("UNBOUNDED_PERCENT", 50), 4000, 2000, id="a large share without bounds"),
        pytest.param(Limit("COUNT", 2), 4000, 2, id="a number"),
    ],
)
def test_the_threshold_is_what_its_configuration_says(limit: Limit, desired: int, threshold: int) -> None:
    breaker = Breaker(True, True, threshold - 1, limit)
    assert (breaker.threshold(desired), breaker.tripped(desired)) == (threshold, False)
    breaker.failures += 1
    assert breaker.tripped(desired)


@pytest.mark.parametrize(("resets", "left"), [(True, 0), (False, 2)])
def test_a_task_that_becomes_healthy_resets_the_count_unless_told_otherwise(resets: bool, left: int) -> None:
    breaker = Breaker(True, True, 2, resets=resets)
    breaker.saw_healthy_task()
    assert breaker.failures == left


@pytest.mark.parametrize(
    ("alarms", "unwatched", "rolls_back", "bakes"),
    [
        pytest.param({"alarmNames": ["five minutes"], "enable": True}, [], "", [True, True, False], id="looks back"),
        pytest.param({"alarmNames": ["five minutes"], "enable": False}, [], "", [False] * 3, id="not enabled"),
        pytest.param({"alarmNames": ["five minutes"], "enable": True}, ["five minutes"], "", [True, False, False], id="fired before"),
        pytest.param({"alarmNames": ["five minutes"], "enable": True}, [], "ecs-svc/1", [False] * 3, id="ECS's own return"),
        pytest.param({}, [], "", [False] * 3, id="none"),
    ],
)  # fmt: skip
def test_a_deployment_goes_on_for_as_long_as_its_alarms_look_back(
    alarms: dict[str, Any], unwatched: list[str], rolls_back: str, bakes: list[bool]
) -> None:
    """While tasks are replaced, just after that, and five minutes later."""
    scheduler = cast(Any, SimpleNamespace(looks_back=lambda names: 300.0 if names else 0.0))
    deployment = Deployment("web:1", {"deploymentConfiguration": {"alarms": alarms}}, Breaker(True, True))
    deployment.unwatched_alarms, deployment.rolls_back = unwatched, rolls_back
    found = [Scheduler._bakes(scheduler, deployment, replaced) for replaced in (False, True)]
    if deployment.replaced_at is not None:
        deployment.replaced_at -= 301
    assert [*found, Scheduler._bakes(scheduler, deployment, True)] == bakes


def test_an_alarm_that_fires_before_a_deployment_does_not_end_it() -> None:
    """Or nothing that mends the cause could be deployed."""
    alarms = {"alarmNames": ["before", "during"], "enable": True, "rollback": True}
    settings = {"deploymentConfiguration": {"alarms": alarms}}
    firing = ["before"]
    scheduler = cast(Any, SimpleNamespace(firing=lambda names: [name for name in names if name in firing]))
    deployment, service = Deployment("web:1", settings, Breaker(True, True)), cast(Any, SimpleNamespace(desired=2))
    assert Scheduler._failure(scheduler, service, deployment) is None
    firing.append("during")
    assert Scheduler._failure(scheduler, service, deployment) == ("alarm", "alarm detected: during", True)
