"""The alarms that Application Auto Scaling makes for target tracking, as a client sees them, and that the collection leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.module_utils.service.scaling import Scaled
from ansible_collections.pear.fargate.plugins.module_utils.service.scaling import policy as scaling_policy
from moto import mock_aws

from sandbox.api import autoscaling, overlay, tracking_alarms
from sandbox.laws.target_tracking import HIGH_MINUTES, LOW_MINUTES

from ..monitoring.world import ensure

REGION = "eu-central-1"
TARGET = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/staging/scores-blue",
    "ScalableDimension": "ecs:service:DesiredCount",
}
LABEL = "app/staging/0123/targetgroup/staging-scores-blue/4567"


@pytest.fixture
def scaling(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    before = len(overlay.registered.patches)
    with mock_aws():
        services = {("staging", "scores-blue"): object()}
        sandbox: Any = SimpleNamespace(
            starts=[], keep=lambda *_kept: None, fargate=SimpleNamespace(store=SimpleNamespace(services=services))
        )
        autoscaling.install(sandbox)
        tracking_alarms.install(sandbox)
        ecs = boto3.client("ecs", REGION)
        ecs.create_cluster(clusterName="staging")
        containers = [{"name": "app", "image": "i", "memory": 128}]
        definition = ecs.register_task_definition(family="f", containerDefinitions=containers)
        ecs.create_service(
            cluster="staging",
            serviceName="scores-blue",
            taskDefinition=definition["taskDefinition"]["taskDefinitionArn"],
            desiredCount=1,
        )
        client = boto3.client("application-autoscaling", REGION)
        client.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=4)
        yield client
    for owner, name, original in reversed(overlay.registered.patches[before:]):
        setattr(owner, name, original)
    del overlay.registered.patches[before:]


def put(scaling: Any, metric: str, target: float = 50.0, disable_scale_in: bool = False, **more: Any) -> dict[str, Any]:
    """A policy as the collection writes it."""
    option = {
        "metric": metric,
        "target": target,
        "scale_in_cooldown_seconds": 300,
        "scale_out_cooldown_seconds": 60,
        "disable_scale_in": disable_scale_in,
        **more,
    }
    answer = scaling.put_scaling_policy(
        **TARGET,
        PolicyName=metric,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=scaling_policy(option, Scaled("staging", "scores-blue", LABEL)),
    )
    return {"PolicyARN": answer["PolicyARN"], "Alarms": answer["Alarms"]}


def alarms() -> dict[str, dict[str, Any]]:
    """Those that there are, by High and Low."""
    found = boto3.client("cloudwatch", REGION).describe_alarms()["MetricAlarms"]
    return {alarm["AlarmName"].partition("-Alarm")[2].partition("-")[0]: alarm for alarm in found}


def test_a_policy_has_an_alarm_above_its_target_and_one_below(scaling: Any) -> None:
    answer = put(scaling, "cpu")
    found = alarms()
    assert set(found) == {"High", "Low"}
    described = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"][0]
    named = {(alarm["AlarmName"], alarm["AlarmARN"]) for alarm in described["Alarms"]}
    assert named == {(alarm["AlarmName"], alarm["AlarmArn"]) for alarm in found.values()}
    assert answer["Alarms"] == described["Alarms"]
    for kind, comparison, threshold, minutes in (
        ("High", "GreaterThanThreshold", 50.0, HIGH_MINUTES),
        ("Low", "LessThanThreshold", 45.0, LOW_MINUTES),
    ):
        alarm = found[kind]
        assert alarm["AlarmName"].startswith(f"TargetTracking-service/staging/scores-blue-Alarm{kind}-")
        assert (alarm["ComparisonOperator"], alarm["Threshold"], alarm["EvaluationPeriods"], alarm["Period"]) == (
            comparison,
            threshold,
            minutes,
            60,
        )
        assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == ("AWS/ECS", "CPUUtilization", "Average")
        assert {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]} == {
            "ClusterName": "staging",
            "ServiceName": "scores-blue",
        }
        assert alarm["AlarmActions"] == [answer["PolicyARN"]]


@pytest.mark.parametrize(
    ("metric", "more", "watched"),
    [
        pytest.param("memory", {}, ("AWS/ECS", "MemoryUtilization", "Average"), id="memory"),
        pytest.param("requests", {}, ("AWS/ApplicationELB", "RequestCountPerTarget", "Sum"), id="requests"),
        pytest.param(
            "custom",
            {"custom_metric": {"namespace": "Shop", "name": "carts", "dimensions": {}, "statistic": "Maximum"}},
            ("Shop", "carts", "Maximum"),
            id="a metric of its own",
        ),
    ],
)
def test_the_alarms_watch_what_the_policy_does(
    scaling: Any, metric: str, more: dict[str, Any], watched: tuple[str, str, str]
) -> None:
    put(scaling, metric, **more)
    assert {(a["Namespace"], a["MetricName"], a["Statistic"]) for a in alarms().values()} == {watched}


def test_the_alarms_of_a_backlog_have_its_metric_math(scaling: Any) -> None:
    put(scaling, "backlog", queue="mails")
    for alarm in alarms().values():
        by_id = {query["Id"]: query for query in alarm["Metrics"]}
        assert by_id["backlog"]["Expression"] == "waiting / IF(FILL(running, 0) > 1, running, 1)"
        assert by_id["waiting"]["MetricStat"]["Metric"]["MetricName"] == "ApproximateNumberOfMessagesVisible"
        assert [key for key, query in by_id.items() if query["ReturnData"]] == ["backlog"]


def test_a_changed_policy_keeps_its_arn_and_the_names_of_its_alarms(scaling: Any) -> None:
    before, named = put(scaling, "cpu"), {alarm["AlarmName"] for alarm in alarms().values()}
    assert put(scaling, "cpu", 70.0) == before
    assert {alarm["AlarmName"]: alarm["Threshold"] for alarm in alarms().values()} == {
        name: 70.0 if "High" in name else 63.0 for name in named
    }
    put(scaling, "cpu", 70.0, disable_scale_in=True)
    assert set(alarms()) == {"High"}


def test_the_alarms_go_with_their_policy(scaling: Any) -> None:
    put(scaling, "cpu")
    scaling.delete_scaling_policy(**TARGET, PolicyName="cpu")
    assert alarms() == {}


def test_the_alarms_go_with_the_target_of_their_policy(scaling: Any) -> None:
    put(scaling, "cpu")
    scaling.deregister_scalable_target(**TARGET)
    assert alarms() == {}


def test_the_collection_removes_none_of_them(scaling: Any) -> None:
    """An environment or a service may be named as their names begin: what is below ENV/SERVICE/ alone is the collection's."""
    put(scaling, "cpu")
    assert not ensure([], "staging/scores/")["changed"]
    assert set(alarms()) == {"High", "Low"}
