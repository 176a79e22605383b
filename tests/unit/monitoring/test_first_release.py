"""A service that was never released pages nobody, and one that was pages as ever: before the sandbox's alarms, minute by minute."""

from __future__ import annotations

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.filter.monitoring import service_alarms
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.environment import environment_info
from moto import mock_aws

from .given import ENVIRONMENT, REGION
from .world import CRITICAL, World, provision, told, world

__all__ = ["world"]

NOBODY_SERVED = "staging/scores/no-healthy-target"


def states(world: World) -> dict[str, str]:
    alarms = world.backend("cloudwatch").alarms
    return {name: alarms[name].state_value for name in (CRITICAL, NOBODY_SERVED) if name in alarms}


def enabled(world: World) -> set[str]:
    return {str(alarm.actions_enabled).lower() for alarm in world.backend("cloudwatch").alarms.values()}


def test_without_that_a_new_service_would_page(world: World) -> None:
    """What CloudWatch does with alarms that are made as usual: why they are not."""
    provision(released=True)
    world.pass_minutes(5)
    assert told() == ["ALARM"]


def test_provisioning_pages_nobody_until_the_first_release_and_from_then_on_every_outage(world: World) -> None:
    provision(released=False)
    assert states(world) == {CRITICAL: "ALARM", NOBODY_SERVED: "ALARM"}
    # Nothing stays switched off, whatever happens to the run.
    assert enabled(world) == {"true"}
    world.pass_minutes(10)
    assert told() == []
    # Again, before the first release, and with a first release that failed.
    assert not provision(released=False)["changed"]
    world.pass_minutes(5, healthy_blue=0)
    assert not provision(released=True)["changed"]
    assert told() == [] and states(world)[CRITICAL] == "ALARM"
    world.pass_minutes(5, healthy_blue=2)
    assert told() == ["OK"] and set(states(world).values()) == {"OK"}
    world.pass_minutes(6)
    assert told() == ["OK", "ALARM"] and set(states(world).values()) == {"ALARM"}


def test_a_release_that_is_quicker_than_the_first_evaluation_pages_nobody(world: World) -> None:
    provision(released=False)
    world.pass_minutes(6, healthy_blue=2)
    assert told() == ["OK"]


def test_without_a_composite_alarm_the_alarm_itself_is_quiet_until_then(world: World) -> None:
    provision(released=False, composite=False)
    world.pass_minutes(5)
    assert told(NOBODY_SERVED) == []
    world.pass_minutes(5, healthy_blue=2)
    world.pass_minutes(6)
    assert told(NOBODY_SERVED) == ["OK", "ALARM"]


def test_an_alarm_of_a_released_service_that_was_deleted_begins_as_usual(world: World) -> None:
    """In an outage it has to page."""
    provision(released=False)
    boto3.client("cloudwatch", REGION).delete_alarms(AlarmNames=[CRITICAL])
    provision(released=True)
    assert states(world)[CRITICAL] == "INSUFFICIENT_DATA"
    world.pass_minutes(1)
    assert told() == ["ALARM"]


def test_what_was_left_by_an_interrupted_run_is_seen_and_put_right(world: World) -> None:
    provision(released=False)
    boto3.client("cloudwatch", REGION).disable_alarm_actions(AlarmNames=[NOBODY_SERVED, CRITICAL])
    shown = provision(released=False, check_mode=True)["diff"]
    assert shown["before"] == {name: {"ActionsEnabled": False} for name in (NOBODY_SERVED, CRITICAL)}
    provision(released=False)
    assert enabled(world) == {"true"}
    world.pass_minutes(5)
    assert told() == []


def test_check_mode_sets_no_state(world: World) -> None:
    assert provision(released=False, check_mode=True)["changed"]
    assert world.backend("cloudwatch").alarms == {}


def test_a_service_was_released_once_it_has_an_ecs_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")

    def released(**existing: str) -> list[str]:
        options = {"environment": "staging", "parts": [], "services": ["scores", "board"], "existing": existing}
        return list(environment_info.read(Aws({"region": REGION}), options)["released"])

    with mock_aws():
        ecs = boto3.client("ecs", REGION)
        assert released() == []
        for cluster in ("staging", "theirs"):
            ecs.create_cluster(clusterName=cluster)
        ecs.register_task_definition(
            family="app", containerDefinitions=[{"name": "app", "image": "app", "memory": 128}]
        )
        assert released() == []
        ecs.create_service(cluster="staging", serviceName="scores-green", taskDefinition="app", desiredCount=0)
        ecs.create_service(cluster="theirs", serviceName="board-blue", taskDefinition="app", desiredCount=0)
        assert released() == ["scores"]
        assert released(cluster="theirs") == ["board"]
        assert "released" not in environment_info.read(
            Aws({"region": REGION}), {"environment": "staging", "parts": [], "services": []}
        )


def test_only_what_cannot_be_ok_before_the_first_release_starts_in_alarm() -> None:
    unreleased = {**ENVIRONMENT, "released": []}
    starting = {alarm["name"] for alarm in service_alarms(unreleased, "scores") if alarm.get("starts_in_alarm")}
    assert starting == {CRITICAL, NOBODY_SERVED}
    assert not [alarm for alarm in service_alarms(ENVIRONMENT, "scores") if "starts_in_alarm" in alarm]
    worker = service_alarms(unreleased, "scores", kind="worker", queues=["orders"])
    assert not [alarm for alarm in worker if alarm.get("starts_in_alarm")]
