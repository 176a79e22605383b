"""CloudWatch of the sandbox without its processes, minute by minute, with the alarms of a service."""

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
from ansible_collections.pear.fargate.plugins.module_utils.monitoring import cloudwatch_alarms
from ansible_collections.pear.fargate.plugins.modules import cloudwatch_alarms as module
from moto import mock_aws
from moto.backends import get_backend
from moto.cloudwatch.responses import CloudWatchResponse

from sandbox.api import alarm_actions, overlay, sns
from sandbox.api.cloudwatch import MetricCalls
from sandbox.api.cloudwatch_alarms import AlarmClock
from sandbox.config import Settings
from sandbox.metrics.balancers import NAMESPACE
from sandbox.metrics.samples import Samples
from sandbox.metrics.store import Metric, Regions

from .given import ENVIRONMENT, REGION

TOPIC = "arn:aws:sns:eu-central-1:123456789012:staging-alarms"
CRITICAL = "staging/scores/critical"
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

    def pass_minutes(self, minutes: int, **reported: float) -> None:
        """Each with these data points, by the ids of the alarms' metrics; of what is not named nothing is reported."""
        metrics = _metrics()
        for _ in range(minutes):
            for name, value in reported.items():
                samples = Samples()
                if name.startswith("answered"):
                    samples.add(0.02, int(value))
                else:
                    samples.add(value)
                self.metrics.of(REGION).add(metrics[name], self.now + 30, samples)
            self.now += 60
            self.metrics.of(REGION).told_until(NAMESPACE, self.now)
            # Composite alarms of composite ones are settled too.
            for _again in range(2):
                self.clock.tick(self.now)


def _metrics() -> dict[str, Metric]:
    return {
        metric["id"]: Metric.of(metric["namespace"], metric["metric"], metric["dimensions"])
        for alarm in service_alarms(ENVIRONMENT, "scores")
        for metric in alarm.get("metrics", [])
        if "namespace" in metric
    }


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


def provision(released: bool = True, check_mode: bool = False, composite: bool = True, **more: Any) -> dict[str, Any]:
    environment = {**ENVIRONMENT, "released": ["scores"] if released else [], **more}
    alarms = service_alarms(environment, "scores", tell=[TOPIC], composite=composite)
    return ensure(alarms, "staging/scores/", check_mode)


def ensure(alarms: list[dict[str, Any]], purge_prefix: str, check_mode: bool = False) -> dict[str, Any]:
    """As the module cloudwatch_alarms does."""
    given = {"alarms": alarms, "purge_prefix": purge_prefix}
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
