"""What a rolling release writes: only what differs, never the desired count that autoscaling owns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import service_definition, task_definition
from ansible_collections.pear.fargate.plugins.module_utils.aws.ecs_states import Deployment, ServiceState
from ansible_collections.pear.fargate.plugins.module_utils.release.release_plan import Plan, Seen, Wanted, decide, diff

ARN = "arn:aws:ecs:eu-central-1:123456789012:task-definition/local-app:"
SPEC: dict[str, Any] = {
    "family": "local-app",
    "cpu": 256,
    "memory": 512,
    "log_group": "/pear/local/app",
    "region": "eu-central-1",
    "containers": [{"name": "app", "image": "app@sha256:1", "ports": [8080], "environment": {"A": 1}}],
    "subnets": ["subnet-b", "subnet-a"],
    "security_groups": ["sg-1"],
    "minimum_healthy_percent": 100,
    "maximum_percent": 200,
    "availability_zone_rebalancing": True,
    "health_check_grace_seconds": 30,
    "platform_version": "LATEST",
    "container": "app",
    "port": 8080,
}
SETTINGS = service_definition.wanted(SPEC, "arn:tg")
REQUEST = task_definition.register_request(SPEC)
WANTED = Wanted(REQUEST, SETTINGS, 2, {"team": "games"})


def registered(revision: int, **changes: Any) -> dict[str, Any]:
    """A request as ECS describes it later."""
    return {**REQUEST, **changes, "taskDefinitionArn": f"{ARN}{revision}", "revision": revision, "status": "ACTIVE"}


def state(name: str = "app-blue", **changes: Any) -> ServiceState:
    primary = Deployment("ecs-svc/1", "PRIMARY", f"{ARN}1", 2, 2, 0, 0, "COMPLETED")
    values: dict[str, Any] = {"desired": 2, "settings": SETTINGS, "tags": {"team": "games", "other": "x"}, **changes}
    deployments = values.pop("deployments", (primary,))
    desired = values.pop("desired")
    return ServiceState(name, f"arn/{name}", "ACTIVE", f"{ARN}1", desired, desired, 0, deployments, **values)


LIVE = Seen("blue", {"blue": state(), "green": state("app-green", desired=0)}, registered(1))
FAILED = Deployment("ecs-svc/1", "PRIMARY", f"{ARN}1", 2, 0, 0, 3, "FAILED")


def with_live(**changes: Any) -> Seen:
    return replace(LIVE, services={**LIVE.services, "blue": state(**changes)})


def test_nothing_is_written_where_everything_is_as_specified() -> None:
    plan = decide(LIVE, WANTED)
    assert not plan.changed
    assert plan.task_definition == f"{ARN}1"
    text = diff(LIVE, WANTED, plan)
    assert text["before"] == text["after"]


@pytest.mark.parametrize(
    ("seen", "wanted", "expected"),
    [
        pytest.param(
            Seen("blue", {}), WANTED, {"register": True, "create": True, "create_idle": True}, id="a first release"
        ),
        pytest.param(
            replace(LIVE, running_definition=registered(1, cpu="512")),
            WANTED,
            {"register": True, "redefine": True, "update": True},
            id="another task definition",
        ),
        pytest.param(
            replace(LIVE, running_definition=registered(1, cpu="512"), latest_definition=registered(4)),
            WANTED,
            {"register": False, "redefine": True, "task_definition": f"{ARN}4"},
            id="a revision that a failed release left is used again",
        ),
        pytest.param(
            LIVE,
            replace(WANTED, settings={**SETTINGS, "subnets": ["subnet-c"]}),
            {"settings": frozenset({"subnets"}), "redefine": False, "update": True},
            id="other subnets",
        ),
        pytest.param(LIVE, replace(WANTED, desired=5), {"desired": 5, "update": True}, id="another desired count"),
        pytest.param(
            replace(LIVE, autoscaled=True),
            replace(WANTED, desired=5),
            {"desired": None, "changed": False},
            id="autoscaling owns the desired count",
        ),
        pytest.param(
            with_live(deployments=(FAILED,)),
            WANTED,
            {"force": True, "update": True},
            id="a stalled deployment is tried again",
        ),
        pytest.param(
            LIVE,
            replace(
                WANTED,
                settings={
                    **SETTINGS,
                    "capacity_providers": [{"capacity_provider": "FARGATE_SPOT", "weight": 1, "base": 0}],
                },
            ),
            {"force": True},
            id="ECS starts no deployment by itself for other capacity providers",
        ),
        pytest.param(
            with_live(tags={}), WANTED, {"tags": True, "update": False, "changed": True}, id="tags alone roll nothing"
        ),
        pytest.param(
            replace(LIVE, services={"blue": state()}),
            WANTED,
            {"create_idle": True, "update": False},
            id="the other colour's service is missing",
        ),
    ],
)
def test_a_plan(seen: Seen, wanted: Wanted, expected: dict[str, Any]) -> None:
    plan: Plan = decide(seen, wanted)
    assert {name: getattr(plan, name) for name in expected} == expected
    assert not plan.changed or plan.reason != "everything is as specified"


def test_the_diff_shows_what_is_written_and_nothing_else() -> None:
    wanted = replace(WANTED, desired=5, definition={**REQUEST, "cpu": "1024"})
    shown = diff(LIVE, wanted, decide(LIVE, wanted))
    before, after = (set(shown[side].splitlines()) for side in ("before", "after"))
    assert after - before == {'  "cpu": "1024",', "desired_count: 5"}
    assert before - after == {'  "cpu": "256",', "desired_count: 2"}


def test_what_is_asked_for_reads_back_as_what_is_wanted() -> None:
    """ECS's answer to our own CreateService has no difference to the settings it was made from."""
    created = service_definition.create_request(SETTINGS, f"{ARN}1", 2)
    assert created["launchType"] == "FARGATE"
    assert service_definition.differences(service_definition.described(created), SETTINGS) == set()


def test_an_update_names_only_what_changes() -> None:
    assert service_definition.update_request(SETTINGS, {"health_check_grace_seconds"}) == {
        "healthCheckGracePeriodSeconds": 30
    }
    assert list(service_definition.update_request(SETTINGS, {"subnets"})) == ["networkConfiguration"]
