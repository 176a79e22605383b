"""What a release in place writes: only what differs, never the desired count that autoscaling owns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import service_definition, task_definition
from ansible_collections.pear.fargate.plugins.module_utils.aws.ecs_states import Deployment, ServiceState
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.in_place_changes import (
    LiveService,
    Specified,
    adjustments_of,
    changes_of,
    diff,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour

BLUE, GREEN = Colour.BLUE, Colour.GREEN
ARN = "arn:aws:ecs:eu-central-1:123456789012:task-definition/local-app:"
SPEC: dict[str, Any] = {
    "family": "local-app",
    "cpu": 256,
    "memory": 512,
    "log_group": "/pear/local/app",
    "region": "eu-central-1",
    "containers": [{"name": "app", "image": "app@sha256:1", "ports": [8080], "environment": {"A": 1}}],
    "subnet_ids": ["subnet-b", "subnet-a"],
    "security_group_ids": ["sg-1"],
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
SPECIFIED = Specified(REQUEST, SETTINGS, 2, {"team": "games"})


def registered(revision: int, **changes: Any) -> dict[str, Any]:
    """A request as ECS describes it later."""
    return {**REQUEST, **changes, "taskDefinitionArn": f"{ARN}{revision}", "revision": revision, "status": "ACTIVE"}


def state(name: str = "app-blue", **changes: Any) -> ServiceState:
    primary = Deployment("ecs-svc/1", "PRIMARY", f"{ARN}1", 2, 2, 0, 0, "COMPLETED")
    values: dict[str, Any] = {"desired": 2, "settings": SETTINGS, "tags": {"team": "games", "other": "x"}, **changes}
    deployments = values.pop("deployments", (primary,))
    desired = values.pop("desired")
    return ServiceState(name, f"arn/{name}", "ACTIVE", f"{ARN}1", desired, desired, 0, deployments, **values)


LIVE = LiveService(BLUE, {BLUE: state(), GREEN: state("app-green", desired=0)}, registered(1))


def with_live(**changes: Any) -> LiveService:
    return replace(LIVE, services={**LIVE.services, BLUE: state(**changes)})


def test_nothing_is_written_where_everything_is_as_specified() -> None:
    changes = changes_of(LIVE, SPECIFIED)
    assert changes.reasons == ()
    text = diff(LIVE, SPECIFIED, changes)
    assert text["before"] == text["after"]


SPOT = [{"capacity_provider": "FARGATE_SPOT", "weight": 1, "base": 0}]


@pytest.mark.parametrize(
    ("live", "specified", "expected"),
    [
        pytest.param(LiveService(BLUE, {}), SPECIFIED, {"create": True, "create_idle": True}, id="a first release"),
        pytest.param(
            replace(LIVE, definition=registered(1, cpu="512")),
            SPECIFIED,
            {"redefine": True, "reasons": ("the task definition differs from local-app:1",)},
            id="another task definition",
        ),
        pytest.param(
            replace(LIVE, definition=registered(1) | {"status": "INACTIVE"}),
            SPECIFIED,
            {"redefine": True},
            id="a revision that was deregistered",
        ),
        pytest.param(
            LIVE,
            replace(SPECIFIED, settings={**SETTINGS, "subnets": ["subnet-c"]}),
            {"settings": frozenset({"subnets"}), "redefine": False},
            id="other subnets",
        ),
        pytest.param(
            LIVE,
            replace(SPECIFIED, settings={**SETTINGS, "capacity_providers": SPOT}),
            {"settings": frozenset({"capacity_providers"})},
            id="other capacity providers",
        ),
        pytest.param(LIVE, replace(SPECIFIED, desired_count=5), {"desired_count": 5}, id="another desired count"),
        pytest.param(LIVE, replace(SPECIFIED, desired_count=0), {"desired_count": 0}, id="no task at all"),
        pytest.param(
            replace(LIVE, autoscaled=True),
            replace(SPECIFIED, desired_count=5),
            {"desired_count": None, "reasons": ()},
            id="autoscaling owns the desired count",
        ),
        pytest.param(with_live(tags={}), SPECIFIED, {"tags": True, "redefine": False}, id="tags alone"),
        pytest.param(
            replace(LIVE, services={BLUE: state()}),
            SPECIFIED,
            {"create_idle": True, "create": False},
            id="the other colour's service is missing",
        ),
    ],
)
def test_what_differs(live: LiveService, specified: Specified, expected: dict[str, Any]) -> None:
    changes = changes_of(live, specified)
    assert {name: getattr(changes, name) for name in expected} == expected


def test_the_diff_shows_what_is_written_and_nothing_else() -> None:
    specified = replace(SPECIFIED, desired_count=5, definition={**REQUEST, "cpu": "1024"})
    shown = diff(LIVE, specified, changes_of(LIVE, specified))
    before, after = (set(shown[side].splitlines()) for side in ("before", "after"))
    assert after - before == {'  "cpu": "1024",', "desired_count: 5"}
    assert before - after == {'  "cpu": "256",', "desired_count: 2"}


def test_what_is_asked_for_reads_back_as_what_is_wanted() -> None:
    """ECS's answer to our own CreateService has no difference to the settings it was made from."""
    created = service_definition.create_request(SETTINGS, f"{ARN}1", 2)
    assert created["launchType"] == "FARGATE"
    assert service_definition.differences(service_definition.described(created), SETTINGS) == set()


def test_the_alarms_of_the_gates_are_those_that_ecs_rolls_back_by() -> None:
    settings = service_definition.wanted({**SPEC, "gates": {"alarms": ["b", "a"]}}, "arn:tg")
    created = service_definition.create_request(settings, f"{ARN}1", 2)
    assert created["deploymentConfiguration"]["alarms"] == {"alarmNames": ["a", "b"], "enable": True, "rollback": True}
    assert service_definition.differences(service_definition.described(created), settings) == set()
    without = service_definition.update_request(SETTINGS, service_definition.differences(settings, SETTINGS))
    assert without["deploymentConfiguration"]["alarms"] == {"alarmNames": [], "enable": False, "rollback": False}
    assert service_definition.differences(service_definition.described({**created, **without}), SETTINGS) == set()


def test_ecs_rolls_back_by_deployment_alarms_that_no_gate_names_and_by_each_once() -> None:
    settings = service_definition.wanted(
        {**SPEC, "deployment_alarms": ["c", "a"], "gates": {"alarms": ["a"]}}, "arn:tg"
    )
    assert settings["alarms"] == ["a", "c"]


def test_an_update_names_only_what_changes() -> None:
    assert service_definition.update_request(SETTINGS, {"health_check_grace_seconds"}) == {
        "healthCheckGracePeriodSeconds": 30
    }
    assert list(service_definition.update_request(SETTINGS, {"subnets"})) == ["networkConfiguration"]


@pytest.mark.parametrize(
    ("live", "specified", "redeployments", "reasons"),
    [
        pytest.param(LIVE, SPECIFIED, (), (), id="as specified"),
        pytest.param(with_live(desired=5), SPECIFIED, (), ("desired count 5 → 2",), id="a count that somebody changed"),
        pytest.param(LIVE, replace(SPECIFIED, desired_count=0), (), ("desired count 2 → 0",), id="stopped on purpose"),
        pytest.param(
            replace(with_live(desired=5), autoscaled=True), SPECIFIED, (), (), id="a count that autoscaling owns"
        ),
        pytest.param(
            with_live(settings={**SETTINGS, "health_check_grace_seconds": 5, "subnets": ["subnet-z"]}),
            SPECIFIED,
            ("settings differ: subnets",),
            ("settings differ: health_check_grace_seconds",),
            id="what needs new tasks, and what does not",
        ),
        pytest.param(
            with_live(settings={**SETTINGS, "rollback": False, "alarms": ["errors"]}),
            SPECIFIED,
            (),
            (),
            id="how ECS ends a deployment of its own",
        ),
        pytest.param(with_live(tags={}), SPECIFIED, (), ("tags differ",), id="tags"),
    ],
)
def test_a_live_colour_is_compared_in_what_is_no_version(
    live: LiveService, specified: Specified, redeployments: tuple[str, ...], reasons: tuple[str, ...]
) -> None:
    found = adjustments_of(live, specified)
    assert (found.redeployments, found.reasons) == (redeployments, reasons)


GAME = {"name": "game", "port": 7000, "protocol": "TCP_UDP"}
FURTHER = {**SPEC, "further_target_groups": [GAME, {"name": "internal", "container": "proxy", "port": 80}]}
ARNS = {"game": "arn:game", "internal": "arn:z-internal"}


def test_tasks_of_the_live_colour_are_registered_in_further_target_groups_too() -> None:
    settings = service_definition.wanted(FURTHER, "arn:tg", ARNS)
    assert settings["load_balancers"] == [
        {"target_group_arn": "arn:game", "container": "app", "port": 7000},
        {"target_group_arn": "arn:tg", "container": "app", "port": 8080},
        {"target_group_arn": "arn:z-internal", "container": "proxy", "port": 80},
    ]
    changes = changes_of(LIVE, replace(SPECIFIED, settings=settings))
    assert changes.settings == {"load_balancers"} <= service_definition.REDEPLOYING
    assert service_definition.wanted(FURTHER, "arn:tg")["load_balancers"] == SETTINGS["load_balancers"], "the idle one"


def test_a_worker_may_have_them_and_loses_the_last_one_again() -> None:
    settings = service_definition.wanted(FURTHER, "", {"game": "arn:game"})
    assert [one["target_group_arn"] for one in settings["load_balancers"]] == ["arn:game"]
    assert settings["health_check_grace_seconds"] == 30
    without = service_definition.wanted(SPEC, "")
    assert "health_check_grace_seconds" not in without
    assert "loadBalancers" not in service_definition.create_request(without, f"{ARN}1", 1)
    differing = service_definition.differences(settings, without)
    assert service_definition.update_request(without, differing)["loadBalancers"] == []


def test_their_ports_are_port_mappings_of_the_container_by_transport_protocol() -> None:
    (app,) = task_definition.register_request(FURTHER)["containerDefinitions"]
    assert [(one["containerPort"], one["protocol"]) for one in app["portMappings"]] == [
        (8080, "tcp"),
        (7000, "tcp"),
        (7000, "udp"),
    ]


def test_an_earlier_version_keeps_the_target_groups_whose_ports_it_has() -> None:
    held = [
        {"target_group_arn": "arn:admin", "container": "app", "port": 9000},
        {"target_group_arn": "arn:game", "container": "app", "port": 7000},
        {"target_group_arn": "arn:internal", "container": "app", "port": 8081},
        {"target_group_arn": "arn:tg", "container": "app", "port": 8081},
    ]
    ports = [{"containerPort": port} for port in (8080, 9000)]
    definition = {"containerDefinitions": [{"name": "app", "portMappings": ports}]}
    found = service_definition.balancers_of_version(held, definition, "arn:tg")
    assert {one["target_group_arn"]: one["port"] for one in found} == {
        "arn:admin": 9000,
        "arn:internal": 8080,
        "arn:tg": 8080,
    }
    of_worker = service_definition.balancers_of_version(held[:2], definition, "")
    assert [one["target_group_arn"] for one in of_worker] == ["arn:admin"]
    assert len(service_definition.balancers_of_version(held, definition)) == 4, "of others: none is left out"
