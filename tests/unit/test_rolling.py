"""What became of a deployment: a table of what ECS and the load balancer say, and the verdict."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.ecs_states import (
    Deployment,
    Event,
    ServiceDeployment,
    ServiceState,
)
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import TargetState
from ansible_collections.pear.fargate.plugins.module_utils.release.rolling import (
    Followed,
    Observation,
    Outcome,
    failure_seen,
    judge,
)

OURS, OLD, BACK, THEIRS = "ecs-svc/2", "ecs-svc/1", "ecs-svc/3", "ecs-svc/4"
NEW_DEFINITION, OLD_DEFINITION = "arn:aws:ecs:r:1:task-definition/app:2", "arn:aws:ecs:r:1:task-definition/app:1"
FOLLOWED = Followed(OURS, NEW_DEFINITION, OLD_DEFINITION)


def deployment(id: str, status: str = "PRIMARY", state: str = "COMPLETED", **more: Any) -> Deployment:
    definition = NEW_DEFINITION if id == OURS else OLD_DEFINITION
    values: dict[str, Any] = {"desired": 2, "running": 2, "pending": 0, "failed_tasks": 0, **more}
    return Deployment(id, status, values.pop("task_definition", definition), rollout_state=state, **values)


def observed(
    *deployments: Deployment, healthy: int = 2, record: ServiceDeployment | None = None, status: str = "ACTIVE"
) -> Observation:
    service = ServiceState("app-blue", "arn", status, NEW_DEFINITION, 2, 2, 0, deployments)
    targets = tuple(TargetState(f"10.0.0.{n}", 8080, "healthy") for n in range(healthy))
    return Observation(service, targets, record)


ROLLBACK = ServiceDeployment("arn", "ROLLBACK_IN_PROGRESS", "breaker", "rolled back because of failures")


@pytest.mark.parametrize(
    ("seen", "outcome", "reason"),
    [
        pytest.param(observed(deployment(OURS)), Outcome.SUCCEEDED, "2 of 2 tasks run", id="completed and healthy"),
        pytest.param(
            observed(deployment(OURS, state="IN_PROGRESS", running=1), deployment(OLD, "ACTIVE")),
            None,
            "1 of 2 tasks run",
            id="goes on while ECS is not done",
        ),
        pytest.param(
            observed(deployment(OURS), healthy=1), None, "1 of 2 targets are healthy", id="completed is not yet healthy"
        ),
        pytest.param(
            observed(deployment(OURS, running=1)), None, "1 of 2 tasks run", id="completed, and a task has gone since"
        ),
        pytest.param(
            observed(deployment(OURS, state="FAILED", reason="tasks failed to start.")),
            Outcome.FAILED,
            "tasks failed to start",
            id="a first deployment has nothing to return to",
        ),
        pytest.param(
            observed(deployment(OURS, state="FAILED"), record=ROLLBACK),
            None,
            "about to roll back",
            id="before a rollback",
        ),
        pytest.param(
            observed(
                deployment(
                    BACK, state="IN_PROGRESS", reason="ECS deployment circuit breaker: rolling back to deploymentId x."
                ),
                deployment(OURS, "ACTIVE", "FAILED", reason="tasks failed to start."),
            ),
            None,
            "rolling back to app:1",
            id="while it rolls back",
        ),
        pytest.param(
            observed(
                deployment(BACK), deployment(OURS, "ACTIVE", "FAILED", reason="tasks failed to start."), record=ROLLBACK
            ),
            Outcome.ROLLED_BACK,
            "tasks failed to start.",
            id="a rollback that succeeds is a failed release",
        ),
        pytest.param(
            observed(deployment(BACK), healthy=0, record=ROLLBACK),
            None,
            "rolling back",
            id="rolled back, but the old version is not healthy yet",
        ),
        pytest.param(
            observed(deployment(BACK, state="FAILED"), record=ROLLBACK),
            Outcome.FAILED,
            "the rollback to app:1 failed too",
            id="the rollback fails too",
        ),
        pytest.param(
            observed(deployment(THEIRS)), Outcome.SUPERSEDED, f"{THEIRS} with app:1", id="somebody else deployed"
        ),
        pytest.param(observed(status="INACTIVE"), Outcome.SUPERSEDED, "was deleted", id="the service was deleted"),
        pytest.param(observed(), None, "waiting for ECS", id="no primary deployment yet"),
    ],
)
def test_a_verdict(seen: Observation, outcome: Outcome | None, reason: str) -> None:
    verdict = judge(FOLLOWED, seen)
    assert verdict.outcome is outcome
    assert reason in verdict.reason


def test_a_failure_is_remembered_after_ecs_has_dropped_the_deployment() -> None:
    failing = observed(deployment(BACK), deployment(OURS, "ACTIVE", "FAILED", reason="tasks failed to start."))
    cause = failure_seen(FOLLOWED, failing)
    assert cause == "tasks failed to start."
    later = Followed(OURS, NEW_DEFINITION, OLD_DEFINITION, seen_failed=cause)
    assert judge(later, observed(deployment(BACK))).outcome is Outcome.ROLLED_BACK


def test_an_event_is_told_by_names() -> None:
    arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/local-app-blue/73e2d6bc24d8a067"
    event = Event("1", 0.0, f"(service app-blue) registered 1 targets in (target-group {arn})")
    assert event.short == "registered 1 targets in (target-group local-app-blue)"
