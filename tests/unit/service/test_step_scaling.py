"""Step scaling of a worker against moto: policies and the alarms that call them, made once, put right, and gone with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.naming import ServiceNames
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.environment.teardown_order import Resource
from ansible_collections.pear.fargate.plugins.module_utils.environment.teardown_service import belongs
from ansible_collections.pear.fargate.plugins.module_utils.service import step_scaling
from ansible_collections.pear.fargate.plugins.module_utils.service.autoscaling_service import run
from ansible_collections.pear.fargate.plugins.module_utils.service.scaling import variable_warnings
from ansible_collections.pear.fargate.plugins.module_utils.service.variables import findings
from ansible_collections.pear.fargate.plugins.modules.autoscaling_service import ARGUMENT_SPEC
from moto import mock_aws

REGION = "eu-central-1"
WAKE: dict[str, Any] = {
    "name": "wake",
    "metric": "messages",
    "queue": "mails",
    "steps": [{"at": 1, "adjustment": 1}, {"at": 1000, "adjustment": 5}],
}
SLEEP: dict[str, Any] = {
    "name": "sleep",
    "metric": "messages",
    "queue": "mails",
    "comparison": "<",
    "adjustment": "exact",
    "periods": 15,
    "steps": [{"at": 1, "adjustment": 0}],
}
BOTH: dict[str, Any] = {"minimum": 0, "maximum": 20, "step_policies": [WAKE, SLEEP]}


def checked(options: dict[str, Any]) -> dict[str, Any]:
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate(options)
    assert not validated.error_messages
    return dict(validated.validated_parameters)


def invoke(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    given = checked({"environment": "staging", "service": "mailer", "kind": "worker", **options})
    return run(Invocation(given, Aws({"region": REGION}), check_mode))


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        ecs = boto3.client("ecs", REGION)
        ecs.create_cluster(clusterName="staging")
        ecs.register_task_definition(family="f", containerDefinitions=[{"name": "app", "image": "i", "memory": 1}])
        ecs.create_service(cluster="staging", serviceName="mailer-blue", taskDefinition="f", desiredCount=1)
        yield


def alarms() -> dict[str, dict[str, Any]]:
    found = boto3.client("cloudwatch", REGION).describe_alarms()["MetricAlarms"]
    return {alarm["AlarmName"]: alarm for alarm in found}


def targets() -> list[dict[str, Any]]:
    client = boto3.client("application-autoscaling", REGION)
    return list(client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"])


def policies() -> dict[str, dict[str, Any]]:
    client = boto3.client("application-autoscaling", REGION)
    found = client.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    return {policy["PolicyName"]: policy for policy in found}


@pytest.mark.usefixtures("worker")
def test_policies_and_their_alarms_are_made_once() -> None:
    planned = invoke(True, **BOTH)
    assert list(planned["diff"]["after"]) == [
        "bounds",
        "policy wake",
        "policy sleep",
        "alarm staging/Scaling/mailer/wake",
        "alarm staging/Scaling/mailer/sleep",
    ]
    assert alarms() == {}
    assert invoke(**BOTH)["changed"]
    again = invoke(**BOTH)
    assert not again["changed"], again["diff"]
    (wake,) = [policy for name, policy in policies().items() if name.endswith("wake")]
    assert wake["StepScalingPolicyConfiguration"]["StepAdjustments"] == [
        {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 999.0, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 999.0, "ScalingAdjustment": 5},
    ]
    alarm = alarms()["staging/Scaling/mailer/wake"]
    assert alarm["AlarmActions"] == [wake["PolicyARN"]]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1.0, "GreaterThanOrEqualToThreshold")
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": "mails"}]
    tags = boto3.client("cloudwatch", REGION).list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"pear:environment": "staging", "pear:service": "mailer"}


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    "then",
    [
        pytest.param({"minimum": 0, "maximum": 20}, id="no policies"),
        pytest.param({"state": "absent"}, id="absent"),
        pytest.param({}, id="no bounds"),
    ],
)
def test_both_go_together(then: dict[str, Any]) -> None:
    invoke(**BOTH)
    boto3.client("cloudwatch", REGION).put_metric_alarm(
        AlarmName="staging/mailer/queue-age-mails",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="m",
        Namespace="n",
        Period=60,
        Threshold=1,
        Statistic="Sum",
    )
    assert invoke(**then)["changed"]
    # AWS deletes the policies with the target; moto keeps them.
    assert targets() == [] or policies() == {}
    assert list(alarms()) == ["staging/mailer/queue-age-mails"]
    assert not invoke(**then)["changed"]


@pytest.mark.usefixtures("worker")
def test_an_alarm_that_was_changed_or_deleted_is_put_right() -> None:
    invoke(**BOTH)
    client = boto3.client("cloudwatch", REGION)
    client.delete_alarms(AlarmNames=["staging/Scaling/mailer/wake"])
    message = invoke(**BOTH)
    assert list(message["diff"]["after"]) == ["alarm staging/Scaling/mailer/wake"]
    assert set(alarms()) == {"staging/Scaling/mailer/wake", "staging/Scaling/mailer/sleep"}


@pytest.mark.usefixtures("worker")
def test_a_policy_that_changes_its_type_is_deleted_before_its_name_is_used_again() -> None:
    tracking = {"name": "wake", "metric": "cpu", "target": 50}
    invoke(minimum=1, maximum=9, policies=[tracking])
    invoke(minimum=1, maximum=9, step_policies=[WAKE])
    assert [policy["PolicyType"] for policy in policies().values()] == ["StepScaling"]
    invoke(minimum=1, maximum=9, policies=[tracking])
    assert [policy["PolicyType"] for policy in policies().values()] == ["TargetTrackingScaling"]
    assert not [name for name in alarms() if "/Scaling/" in name]


def test_the_steps_below_a_threshold_count_downwards() -> None:
    option = {
        **WAKE,
        "comparison": "<=",
        "adjustment": "percent",
        "minimum_adjustment": 2,
        "steps": [{"at": 100, "adjustment": -10}, {"at": 20, "adjustment": -50}],
    }
    (given,) = checked({"environment": "e", "service": "s", "step_policies": [option]})["step_policies"]
    policy = step_scaling.policy(given)
    assert policy["StepAdjustments"] == [
        {"MetricIntervalUpperBound": 0.0, "MetricIntervalLowerBound": -80.0, "ScalingAdjustment": -10},
        {"MetricIntervalUpperBound": -80.0, "ScalingAdjustment": -50},
    ]
    assert policy["MinAdjustmentMagnitude"] == 2
    assert step_scaling.threshold(given) == 100


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"kind": "web"}, "step_policies.wake: only a worker has one ECS service for good"),
        ({"step_policies": [{**WAKE, "steps": []}]}, "step_policies.wake has no steps"),
        ({"step_policies": [{**WAKE, "queue": None}]}, "queue belongs to the metrics messages and backlog"),
        ({"step_policies": [{**WAKE, "metric": "custom"}]}, "custom_metric belongs to metric custom"),
        (
            {"step_policies": [{**WAKE, "steps": [*reversed(WAKE["steps"])]}]},
            "with comparison >= each step begins above the one before it, and 1 follows 1000",
        ),
        (
            {"step_policies": [{**SLEEP, "steps": [{"at": 1, "adjustment": -1}]}]},
            "an exact number of tasks is not below 0",
        ),
        ({"step_policies": [{**WAKE, "minimum_adjustment": 2}]}, "minimum_adjustment belongs to adjustment percent"),
        (
            {"policies": [{"name": "wake", "metric": "cpu", "target": 50}]},
            "policies and step_policies: wake is there twice",
        ),
        ({"minimum": None, "maximum": None}, "step_policies need a minimum and a maximum"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], why: str) -> None:
    with pytest.raises(Failure, match=why):
        invoke(**{**BOTH, **options})


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "autoscaling_step_policies is set, and service_kind is not worker"),
        ({"service_kind": "worker", "autoscaling_step_policies": [{**WAKE, "steps": []}]}, "wake has no steps"),
        ({"service_single_writer": True}, "autoscaling_step_policies"),
    ],
)
def test_mistakes_are_found_before_a_release(values: dict[str, Any], why: str) -> None:
    given = {"autoscaling_minimum": 0, "autoscaling_maximum": 2, "autoscaling_step_policies": [WAKE], **values}
    assert any(why in finding for finding in findings(given)), findings(given)


def test_a_step_starts_the_first_task_where_its_adjustment_is_a_count() -> None:
    none = {"autoscaling_minimum": 0}
    assert any("none is started" in warning for warning in variable_warnings(none))
    assert not [*variable_warnings({**none, "autoscaling_step_policies": [WAKE]})]
    percent = {**WAKE, "adjustment": "percent"}
    assert [*variable_warnings({**none, "autoscaling_step_policies": [percent]})]


def test_they_are_removed_with_their_service_alone() -> None:
    own = ServiceNames("staging", "mailer")
    for service, expected in (("mailer", True), ("mailer2", False)):
        name = f"staging/Scaling/{service}/wake"
        assert belongs(Resource("alarm", name, name, REGION), own, REGION) is expected
