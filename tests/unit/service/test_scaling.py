"""Autoscaling: what differs is decided by tables; against moto it is written once, and never in check mode."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.autoscaling import SCALE_IN, ScaleIn
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.common.progress import SilentProgress
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.ecs import EcsProvider
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.fleet import ServiceFleet
from ansible_collections.pear.fargate.plugins.module_utils.release.providers.listener import ListenerProvider
from ansible_collections.pear.fargate.plugins.module_utils.rollout.actions import Stage
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour
from ansible_collections.pear.fargate.plugins.module_utils.service import autoscaling_service
from ansible_collections.pear.fargate.plugins.module_utils.service.autoscaling_service import run
from ansible_collections.pear.fargate.plugins.module_utils.service.location import locate
from ansible_collections.pear.fargate.plugins.module_utils.service.scaling import Plan, Scaling, plan
from ansible_collections.pear.fargate.plugins.module_utils.service.schedule_expressions import (
    expression_problem,
    timezone_problem,
)
from ansible_collections.pear.fargate.plugins.module_utils.service.service_routing import run as route
from ansible_collections.pear.fargate.plugins.module_utils.service.specification import Specification
from ansible_collections.pear.fargate.plugins.modules.autoscaling_service import ARGUMENT_SPEC
from ansible_collections.pear.fargate.plugins.modules.service_routing import ARGUMENT_SPEC as ROUTING
from moto import mock_aws

from .given import checked

REGION = "eu-central-1"
BACKLOG = {"name": "queue", "metric": "backlog", "queue": "mails", "target": 20}
CPU = {"name": "cpu", "metric": "cpu", "target": 50}
MORNING = {"name": "morning", "when": "cron(0 7 ? * MON-FRI *)", "minimum": 6}
TWO_BOUNDS = {"m": {"ScalableTargetAction": {"MinCapacity": 6}}, "sale": {"ScalableTargetAction": {"MaxCapacity": 40}}}
RESOURCE = {
    "ServiceNamespace": "ecs",
    "ScalableDimension": "ecs:service:DesiredCount",
    "ResourceId": "service/staging/scores-blue",
}


@pytest.mark.parametrize(
    ("current", "desired", "planned"),
    [
        pytest.param(Scaling(), Scaling(2, 9), Plan(bounds=(2, 9)), id="bounds of a service that had none"),
        pytest.param(Scaling(2, 9), Scaling(2, 9), Plan(), id="nothing to do"),
        pytest.param(
            Scaling(6, 9, schedules={"m": {"ScalableTargetAction": {"MinCapacity": 6}}}),
            Scaling(2, 9, schedules={"m": {"ScalableTargetAction": {"MinCapacity": 6}}}),
            Plan(),
            id="bounds that the schedule has set are no drift",
        ),
        pytest.param(
            Scaling(5, 9, schedules={"m": {"ScalableTargetAction": {"MinCapacity": 6}}}),
            Scaling(2, 9, schedules={"m": {"ScalableTargetAction": {"MinCapacity": 6}}}),
            Plan(bounds=(2, 9)),
            id="bounds that differ are",
        ),
        pytest.param(
            Scaling(6, 40, schedules=TWO_BOUNDS),
            Scaling(2, 9, schedules=TWO_BOUNDS),
            Plan(),
            id="one schedule has set the minimum, and another the maximum",
        ),
        pytest.param(
            Scaling(40, 6, schedules=TWO_BOUNDS),
            Scaling(2, 9, schedules=TWO_BOUNDS),
            Plan(bounds=(2, 9)),
            id="a minimum is no maximum",
        ),
        pytest.param(
            Scaling(2, 9, {"old": {"TargetValue": 1}}),
            Scaling(2, 9, {"new": {"TargetValue": 2}}),
            Plan(put_policies={"new": {"TargetValue": 2}}, delete_policies=("old",)),
            id="a policy that is not wanted goes",
        ),
    ],
)
def test_only_what_differs_is_planned(current: Scaling, desired: Scaling, planned: Plan) -> None:
    assert plan(current, desired) == planned


@pytest.fixture
def scaling(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A provisioned service whose blue ECS service exists; yields Application Auto Scaling's client."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        ec2, elb, ecs = (boto3.client(name, REGION) for name in ("ec2", "elbv2", "ecs"))
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
        balancer = elb.create_load_balancer(Name="staging", Subnets=subnets)["LoadBalancers"][0]
        certificate = boto3.client("acm", REGION).request_certificate(DomainName="a.example")["CertificateArn"]
        listener = elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTPS",
            Port=443,
            DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
            Certificates=[{"CertificateArn": certificate}],
        )["Listeners"][0]["ListenerArn"]
        options = {"environment": "staging", "service": "scores", "vpc_id": balancer["VpcId"], "listener_arn": listener}
        more = {"port": 8080, "hosts": ["a.example"], "paths": ["/*"], "priority": 10, "tags": {"a": "b"}}
        route(Invocation(checked(ROUTING, options | more), Aws({"region": REGION})))
        ecs.create_cluster(clusterName="staging")
        ecs.register_task_definition(family="f", containerDefinitions=[{"name": "app", "image": "i", "memory": 1}])
        ecs.create_service(cluster="staging", serviceName="scores-blue", taskDefinition="f", desiredCount=2)
        yield boto3.client("application-autoscaling", REGION)


def invoke(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    given = checked(ARGUMENT_SPEC, {"environment": "staging", "service": "scores", **options})
    return run(Invocation(given, Aws({"region": REGION}), check_mode))


def test_check_mode_tells_everything_and_writes_nothing(scaling: Any) -> None:
    message = invoke(True, minimum=2, maximum=9, policies=[CPU], schedules=[MORNING])
    assert list(message["diff"]["after"]) == ["bounds", "policy cpu", "schedule morning"]
    assert scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []


def test_check_mode_takes_only_what_is_missing_for_not_provisioned(
    monkeypatch: pytest.MonkeyPatch, scaling: Any
) -> None:
    def denied(*_: Any) -> None:
        raise Failure("Failed to read the load balancer: AccessDenied.")

    missing = invoke(True, service="unknown", minimum=2, maximum=9)
    assert "not provisioned yet" in str(missing)
    monkeypatch.setattr(autoscaling_service, "locate_in_environment", denied)
    with pytest.raises(Failure, match="AccessDenied"):
        invoke(True, minimum=2, maximum=9)


def test_all_kinds_are_written_once(scaling: Any) -> None:
    policies = [
        CPU,
        {"name": "memory", "metric": "memory", "target": 70, "disable_scale_in": True},
        {"name": "requests", "metric": "requests", "target": 1000},
        {
            "name": "backlog",
            "metric": "custom",
            "target": 20,
            "custom_metric": {"namespace": "n", "name": "JobsPerTask", "dimensions": {"b": "2", "a": "1"}},
        },
    ]
    given = {"minimum": 2, "maximum": 9, "policies": policies, "schedules": [MORNING]}
    assert invoke(**given)["changed"]
    again = invoke(**given)
    assert not again["changed"], again["diff"]
    found = {
        policy["PolicyName"]: policy
        for policy in scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    }
    label = found["pear-requests"]["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"][
        "ResourceLabel"
    ]
    assert label.startswith("app/staging/")
    assert "/targetgroup/staging-scores-blue/" in label


def test_what_is_not_wanted_any_more_goes_and_the_releases_own_action_stays(scaling: Any) -> None:
    invoke(minimum=2, maximum=9, policies=[CPU], schedules=[MORNING])
    names = {SCALE_IN, ScaleIn(2e9, "deploy-7").name}
    for name in names:
        scaling.put_scheduled_action(
            **RESOURCE,
            ScheduledActionName=name,
            Schedule="at(2030-01-01T00:00:00)",
            ScalableTargetAction={"MinCapacity": 0},
        )
    assert invoke(minimum=2, maximum=9)["changed"]
    assert scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"] == []
    actions = scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"]
    assert {action["ScheduledActionName"] for action in actions} == names


OTHERS = {
    "PolicyName": "cpu",
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingScalingPolicyConfiguration": {
        "TargetValue": 30,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
    },
}


def others(scaling: Any) -> Any:
    policies = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    actions = scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"]
    return (
        [policy for policy in policies if not policy["PolicyName"].startswith("pear-")],
        [action for action in actions if not action["ScheduledActionName"].startswith("pear-")],
    )


@pytest.mark.parametrize(
    "then",
    [
        pytest.param({"minimum": 2, "maximum": 9, "policies": [CPU]}, id="ours of the same name stands beside it"),
        pytest.param({"minimum": 2, "maximum": 9}, id="a release without policies"),
        pytest.param({}, id="autoscaling that ends"),
    ],
)
def test_what_others_made_is_neither_changed_nor_deleted(scaling: Any, then: dict[str, Any]) -> None:
    invoke(minimum=2, maximum=9, policies=[CPU], schedules=[MORNING])
    scaling.put_scaling_policy(**RESOURCE, **OTHERS)
    at = {"Schedule": "cron(0 7 * * ? *)", "ScalableTargetAction": {"MinCapacity": 3}}
    scaling.put_scheduled_action(**RESOURCE, ScheduledActionName="morning", **at)
    before = others(scaling)
    assert [len(kind) for kind in before] == [1, 1]
    assert "cpu, morning" in invoke(True, **then)["warnings"][0]
    told = invoke(**then)
    assert told["foreign"] == ["cpu", "morning"]
    assert others(scaling) == before
    mine = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    kept = [policy["PolicyName"] for policy in mine if policy["PolicyName"] != "cpu"]
    assert kept == [f"pear-{policy['name']}" for policy in then.get("policies", [])]
    assert not invoke(**then)["changed"]


def test_a_colour_that_is_used_again_keeps_what_others_made(scaling: Any) -> None:
    scaling.register_scalable_target(**RESOURCE, MinCapacity=0, MaxCapacity=0)
    scaling.put_scaling_policy(**RESOURCE, **OTHERS)
    aws = Aws({"region": REGION})
    fleet = ServiceFleet(aws, locate(aws, "staging", "scores"), SilentProgress(), write_until=math.inf)
    fleet.read()
    ListenerProvider(fleet).stage(Stage(Colour.BLUE, "", 2, as_it_is=True))
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 2)
    assert [policy["PolicyName"] for policy in others(scaling)[0]] == ["cpu"]


def test_without_bounds_autoscaling_ends_but_what_a_release_keeps_stays(scaling: Any) -> None:
    scaling.register_scalable_target(**RESOURCE, MinCapacity=0, MaxCapacity=2)
    assert not invoke()["changed"]
    invoke(minimum=2, maximum=9, policies=[CPU])
    assert invoke()["changed"]
    assert scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []


def test_absent_ends_autoscaling_whatever_bounds_are_given(scaling: Any) -> None:
    invoke(minimum=2, maximum=9, policies=[CPU])
    assert invoke(True, minimum=2, maximum=9, state="absent")["changed"]
    assert len(scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]) == 1
    assert invoke(minimum=2, maximum=9, state="absent")["changed"]
    assert scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []
    assert not invoke(state="absent")["changed"]


def test_absent_leaves_what_others_made(scaling: Any) -> None:
    invoke(minimum=2, maximum=9, policies=[CPU])
    scaling.put_scaling_policy(**RESOURCE, PolicyName="cpu-tracking", PolicyType="TargetTrackingScaling")
    message = invoke(state="absent")
    assert message["changed"] and message["foreign"] == ["cpu-tracking"]
    assert [
        policy["PolicyName"] for policy in scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    ] == ["cpu-tracking"]


def test_while_traffic_is_shifted_nothing_is_changed(scaling: Any) -> None:
    elb = boto3.client("elbv2", REGION)
    listener = elb.describe_listeners(
        LoadBalancerArn=elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    )["Listeners"][0]["ListenerArn"]
    (rule,) = [rule for rule in elb.describe_rules(ListenerArn=listener)["Rules"] if rule["Priority"] == "10"]
    action = rule["Actions"][0]
    for group in action["ForwardConfig"]["TargetGroups"]:
        group["Weight"] = 50
    elb.modify_rule(RuleArn=rule["RuleArn"], Actions=[{"Type": "forward", "ForwardConfig": action["ForwardConfig"]}])
    message = invoke(minimum=2, maximum=9)
    assert not message["changed"]
    assert "shifting traffic" in message["note"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"minimum": 9, "maximum": 2}, "must not be above"),
        ({"minimum": 2}, "belong together"),
        ({"policies": [CPU]}, "need a minimum"),
        ({"minimum": 1, "maximum": 2, "policies": [CPU, CPU]}, "cpu is there twice"),
        ({"minimum": 1, "maximum": 2, "policies": [{**CPU, "target": 150}]}, "percents end at 100"),
        ({"minimum": 1, "maximum": 2, "policies": [{**CPU, "metric": "custom"}]}, "custom_metric belongs"),
        ({"minimum": 1, "maximum": 2, "schedules": [{"name": "s", "when": "7:00", "minimum": 1}]}, "at\\(…\\)"),
        ({"minimum": 1, "maximum": 2, "policies": [{**BACKLOG, "queue": None}]}, "queue belongs to metric backlog"),
        ({"kind": "worker", "minimum": 1, "maximum": 2, "policies": [{**CPU, "metric": "requests"}]}, "requests"),
        (
            {"minimum": 1, "maximum": 2, "schedules": [{**MORNING, "timezone": "Europe/Berlyn"}]},
            "'Europe/Berlyn'; there is no such time zone",
        ),
    ],
)
@pytest.mark.long
def test_what_makes_no_sense_is_refused(scaling: Any, options: dict[str, Any], why: str) -> None:
    with pytest.raises(Failure, match=why):
        invoke(**options)


def insights(value: str) -> None:
    boto3.client("ecs", REGION).update_cluster(
        cluster="staging", settings=[{"name": "containerInsights", "value": value}]
    )


def test_the_backlog_of_a_worker_is_its_queue_divided_by_its_running_tasks(scaling: Any) -> None:
    boto3.client("ecs", REGION).create_service(
        cluster="staging", serviceName="mailer-blue", taskDefinition="f", desiredCount=1
    )
    insights("enabled")
    wanted = {"service": "mailer", "kind": "worker", "minimum": 1, "maximum": 9, "policies": [BACKLOG]}
    assert invoke(**wanted)["changed"]
    assert not invoke(**wanted)["changed"]
    (put,) = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    waiting, running, backlog = put["TargetTrackingScalingPolicyConfiguration"]["CustomizedMetricSpecification"][
        "Metrics"
    ]
    assert waiting["MetricStat"]["Metric"]["Dimensions"] == [{"Name": "QueueName", "Value": "mails"}]
    assert {"Name": "ServiceName", "Value": "mailer-blue"} in running["MetricStat"]["Metric"]["Dimensions"]
    assert [metric["ReturnData"] for metric in (waiting, running, backlog)] == [False, False, True]


def test_a_backlog_needs_the_count_of_running_tasks(scaling: Any) -> None:
    insights("disabled")
    with pytest.raises(Failure, match="Set cluster_container_insights to enabled"):
        invoke(minimum=1, maximum=2, policies=[BACKLOG])


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("cron(0 7 ? * MON-FRI *)", ""),
        ("cron(0/15 6-18,22 L JAN,7 ? 2027)", ""),
        ("cron(0 9 ? * 2#1 *)", ""),
        ("rate(1 hour)", ""),
        ("at(2026-12-24T18:00:00)", ""),
        ("0 3 * * *", "expected rate(…), cron(…) or at(…)"),
        ("cron(0 3 * * *)", "and this has 5"),
        ("cron(0 3 * * * *)", "one of day of month and day of week is ?"),
        ("cron(0 25 * * ? *)", "25 is no hours"),
        ("cron(0 3 ? * MON-FRI-SUN *)", "is no day of week"),
        ("cron(0/0 3 * * ? *)", "0/0 is no minutes"),
        ("rate(5 minute)", "AWS wants rate(5 minutes)"),
        ("rate(1 hours)", "AWS wants rate(1 hour)"),
        ("rate(0 hours)", "above 0"),
        ("at(2026-12-24 18:00)", "is written as at("),
    ],
)
def test_an_expression_is_read_as_aws_reads_it(expression: str, problem: str) -> None:
    found = expression_problem(expression)
    assert problem in found
    assert bool(found) is bool(problem)


def test_a_misspelled_time_zone_is_named_with_the_one_that_was_meant() -> None:
    assert timezone_problem("Europe/Berlin") == timezone_problem("UTC") == ""
    assert "did you mean America/New_York" in timezone_problem("US/New York")


@pytest.mark.parametrize(
    ("autoscaling", "others_too", "owned"),
    [(None, False, True), (True, False, True), (False, False, False), (False, True, True)],
)
@pytest.mark.long
def test_a_count_is_the_inventorys_again_in_the_run_that_ends_autoscaling(
    scaling: Any, autoscaling: bool | None, others_too: bool, owned: bool
) -> None:
    invoke(minimum=2, maximum=9, policies=[CPU])
    if others_too:
        scaling.put_scaling_policy(**RESOURCE, **OTHERS)
    aws = Aws({"region": REGION})
    spec = Specification({"autoscaling": autoscaling}, REGION)
    fleet = ServiceFleet(aws, locate(aws, "staging", "scores"), SilentProgress(), spec)
    assert EcsProvider(fleet)._is_autoscaled("scores-blue") is owned
