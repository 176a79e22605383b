"""A service that was never released pages nobody, and one that was pages as ever: before the sandbox's alarms, minute by minute."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.filter.monitoring import service_alarms
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.environment import environment_info
from ansible_collections.pear.fargate.plugins.module_utils.monitoring import cloudwatch_alarms
from ansible_collections.pear.fargate.plugins.modules import cloudwatch_alarms as module
from moto import mock_aws
from moto.backends import get_backend
from moto.cloudwatch.responses import CloudWatchResponse

from sandbox.api import alarm_actions, overlay, sns
from sandbox.api.cloudwatch import MetricCalls
from sandbox.api.cloudwatch_alarms import AlarmClock
from sandbox.config import Settings
from sandbox.metrics.samples import Samples
from sandbox.metrics.store import Metric, Regions

from .given import ENVIRONMENT, REGION

TOPIC = "arn:aws:sns:eu-central-1:123456789012:staging-alarms"
CRITICAL, NOBODY_SERVED = "staging/scores/critical", "staging/scores/no-healthy-target"
# A whole minute, long ago: the samples of later ones are all here.
BEGAN = 1_700_000_040.0


@dataclass
class World:
    """CloudWatch of the sandbox without its processes; a minute passes when it is told to."""

    settings: Settings
    metrics: Regions = field(default_factory=lambda: Regions(1.0))
    lock: Any = field(default_factory=threading.RLock)
    starts: list[Any] = field(default_factory=list)
    fargate: Any = field(default_factory=lambda: SimpleNamespace(scheduler=SimpleNamespace()))
    deliveries: Any = None
    now: float = BEGAN
    clock: Any = None

    def keep(self, name: str, owner: Any, *attributes: str, growing: bool = False) -> None:
        assert all(hasattr(owner, attribute) for attribute in attributes)

    def backend(self, service: str, region: str | None = None) -> Any:
        return get_backend(service)[self.settings.account][region or REGION]  # type: ignore[call-overload]

    def pass_minutes(self, minutes: int, healthy: float | None) -> None:
        """Of both colours' targets blue has so many healthy ones; None: no target is registered, so nothing is reported."""
        for _ in range(minutes):
            if healthy is not None:
                samples = Samples()
                samples.add(healthy)
                self.metrics.of(REGION).add(_healthy_blue(), self.now + 30, samples)
            self.now += 60
            self.clock.tick(self.now)


def _healthy_blue() -> Metric:
    (alarm,) = [alarm for alarm in service_alarms(ENVIRONMENT, "scores") if alarm["name"] == NOBODY_SERVED]
    found = next(metric for metric in alarm["metrics"] if metric["id"] == "healthy_blue")
    return Metric.of(found["namespace"], found["metric"], found["dimensions"])


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    made = World(Settings(home=tmp_path, prefix="127.77", engine="podman", network="n"))
    before = len(overlay.registered.patches)
    with mock_aws():
        MetricCalls(made.metrics).install()
        alarm_actions.install(made)  # type: ignore[arg-type]
        made.clock = AlarmClock(made)  # type: ignore[arg-type]
        made.deliveries = sns.Deliveries(made)  # type: ignore[arg-type]
        made.deliveries.install()
        boto3.client("sns", REGION).create_topic(Name="staging-alarms")
        yield made
    for owner, name, original in reversed(overlay.registered.patches[before:]):
        setattr(owner, name, original)
    del overlay.registered.patches[before:]
    for added in ("describe_alarm_history", "put_composite_alarm"):
        delattr(CloudWatchResponse, added)


def provision(released: bool, check_mode: bool = False, composite: bool = True) -> dict[str, Any]:
    environment = {**ENVIRONMENT, "released": ["scores"] if released else []}
    alarms = service_alarms(environment, "scores", tell=[TOPIC], composite=composite)
    given = {"alarms": alarms, "purge_prefix": "staging/scores/"}
    validated = ArgumentSpecValidator(module.ARGUMENT_SPEC).validate(given)
    assert not validated.error_messages
    call = Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode)
    return cloudwatch_alarms.run(call)


def told(name: str = CRITICAL) -> list[str]:
    """The states that the topic was told of."""
    client = boto3.client("cloudwatch", REGION)
    found = {}
    for kind in ("StateUpdate", "Action"):
        items = client.describe_alarm_history(
            AlarmName=name,
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            HistoryItemType=kind,
            ScanBy="TimestampAscending",
        )["AlarmHistoryItems"]
        found[kind] = items
    # Each action follows the change that it was for.
    changes = [(item["Timestamp"], item["HistorySummary"].rpartition(" ")[2]) for item in found["StateUpdate"]]
    return [max(change for change in changes if change[0] <= item["Timestamp"])[1] for item in found["Action"]]


def states(world: World) -> dict[str, str]:
    alarms = world.backend("cloudwatch").alarms
    return {name: alarms[name].state_value for name in (CRITICAL, NOBODY_SERVED) if name in alarms}


def enabled(world: World) -> set[str]:
    return {str(alarm.actions_enabled).lower() for alarm in world.backend("cloudwatch").alarms.values()}


def test_without_that_a_new_service_would_page(world: World) -> None:
    """What CloudWatch does with alarms that are made as usual: why they are not."""
    provision(released=True)
    world.pass_minutes(5, healthy=None)
    assert told() == ["ALARM"]


def test_provisioning_pages_nobody_until_the_first_release_and_from_then_on_every_outage(world: World) -> None:
    provision(released=False)
    assert states(world) == {CRITICAL: "ALARM", NOBODY_SERVED: "ALARM"}
    # Nothing stays switched off, whatever happens to the run.
    assert enabled(world) == {"true"}
    world.pass_minutes(10, healthy=None)
    assert told() == []
    # Again, before the first release, and with a first release that failed.
    assert not provision(released=False)["changed"]
    world.pass_minutes(5, healthy=0)
    assert not provision(released=True)["changed"]
    assert told() == [] and states(world)[CRITICAL] == "ALARM"
    world.pass_minutes(5, healthy=2)
    assert told() == ["OK"] and set(states(world).values()) == {"OK"}
    world.pass_minutes(6, healthy=None)
    assert told() == ["OK", "ALARM"] and set(states(world).values()) == {"ALARM"}


def test_a_release_that_is_quicker_than_the_first_evaluation_pages_nobody(world: World) -> None:
    provision(released=False)
    world.pass_minutes(6, healthy=2)
    assert told() == ["OK"]


def test_without_a_composite_alarm_the_alarm_itself_is_quiet_until_then(world: World) -> None:
    provision(released=False, composite=False)
    world.pass_minutes(5, healthy=None)
    assert told(NOBODY_SERVED) == []
    world.pass_minutes(5, healthy=2)
    world.pass_minutes(6, healthy=None)
    assert told(NOBODY_SERVED) == ["OK", "ALARM"]


def test_an_alarm_of_a_released_service_that_was_deleted_begins_as_usual(world: World) -> None:
    """In an outage it has to page."""
    provision(released=False)
    boto3.client("cloudwatch", REGION).delete_alarms(AlarmNames=[CRITICAL])
    provision(released=True)
    assert states(world)[CRITICAL] == "INSUFFICIENT_DATA"
    world.pass_minutes(1, healthy=None)
    assert told() == ["ALARM"]


def test_what_was_left_by_an_interrupted_run_is_seen_and_put_right(world: World) -> None:
    provision(released=False)
    boto3.client("cloudwatch", REGION).disable_alarm_actions(AlarmNames=[NOBODY_SERVED, CRITICAL])
    shown = provision(released=False, check_mode=True)["diff"]
    assert shown["before"] == {name: {"ActionsEnabled": False} for name in (NOBODY_SERVED, CRITICAL)}
    provision(released=False)
    assert enabled(world) == {"true"}
    world.pass_minutes(5, healthy=None)
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
