"""What services left that the inventory no longer names, against moto: found by their marks, and nothing of others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.environment.environment_orphans import run
from moto import mock_aws

from ..xray_settings import TraceStore

REGION = "eu-central-1"


def client(name: str) -> Any:
    return boto3.client(name, REGION)


def tags(environment: str, service: str) -> dict[str, str]:
    return {"pear:environment": environment, "pear:service": service, "pear:region": REGION}


def upper(found: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in found.items()]


def make(environment: str, service: str, marks: dict[str, str], priority: int) -> None:
    """A service as provisioning and a release leave it."""
    elb = client("elbv2")
    vpc = client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    group = elb.create_target_group(
        Name=f"{environment}-{service}-blue", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip", Tags=upper(marks)
    )["TargetGroups"][0]["TargetGroupArn"]
    listener = elb.describe_listeners(
        LoadBalancerArn=elb.describe_load_balancers(Names=["corp"])["LoadBalancers"][0]["LoadBalancerArn"]
    )["Listeners"][0]["ListenerArn"]
    elb.create_rule(
        ListenerArn=listener,
        Priority=priority,
        Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": [f"{service}.example.com"]}}],
        Actions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    lower = [{"key": key, "value": value} for key, value in marks.items()]
    client("ecs").create_service(
        cluster="corp", serviceName=f"{service}-blue", taskDefinition="app", desiredCount=1, tags=lower
    )
    client("iam").create_role(
        RoleName=f"{environment}-{REGION}-{service}-task", AssumeRolePolicyDocument="{}", Tags=upper(marks)
    )
    client("logs").create_log_group(logGroupName=f"/pear/{environment}/{service}", tags=marks)
    client("cloudwatch").put_metric_alarm(
        AlarmName=f"{environment}/{service}/cpu", Namespace="n", MetricName="m", Period=60, EvaluationPeriods=1,
        Statistic="Sum", Threshold=1, ComparisonOperator="GreaterThanThreshold", Tags=upper(marks),
    )  # fmt: skip
    client("xray").create_group(GroupName=f"{environment}-{service}", Tags=upper(marks))
    client("xray").create_sampling_rule(
        SamplingRule={
            "RuleName": f"{environment}-{service}-orders", "Priority": 1, "FixedRate": 1.0, "ReservoirSize": 1, "ServiceName": service,
            "ServiceType": "*", "Host": "*", "HTTPMethod": "*", "URLPath": "*", "ResourceARN": "*", "Version": 1,
        },
        Tags=upper(marks),
    )  # fmt: skip


@pytest.fixture
def corp(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment corp with the services web and lobby, and services of others beside them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    TraceStore().installed_for(monkeypatch)
    with mock_aws():
        subnets = [subnet["SubnetId"] for subnet in client("ec2").describe_subnets()["Subnets"]][:2]
        balancer = client("elbv2").create_load_balancer(Name="corp", Subnets=subnets)["LoadBalancers"][0]
        default = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
        client("elbv2").create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=default
        )
        client("ecs").create_cluster(clusterName="corp")
        client("ecs").register_task_definition(
            family="app", containerDefinitions=[{"name": "app", "image": "app", "memory": 128}]
        )
        make("corp", "web", tags("corp", "web"), 1)
        make("corp", "lobby", tags("corp", "lobby"), 2)
        make("corp", "theirs", {"Owner": "platform"}, 3)
        make("corp-b", "board", tags("corp-b", "board"), 4)
        client("logs").create_log_group(logGroupName="/pear/corp/network", tags={"pear:environment": "corp"})
        client("scheduler").create_schedule_group(Name="corp", Tags=upper({"pear:environment": "corp"}))
        for name in ("lobby.clean", "web.clean"):
            client("scheduler").create_schedule(
                Name=name, GroupName="corp", ScheduleExpression="rate(1 day)", FlexibleTimeWindow={"Mode": "OFF"},
                Target={"Arn": "arn:aws:ecs:x:1:cluster/corp", "RoleArn": "arn:aws:iam::1:role/r"},
            )  # fmt: skip
        yield


def found(*services: str, **target_groups: list[str]) -> list[tuple[str, str]]:
    params = {"environment": "corp", "services": list(services), "clusters": [], "target_groups": target_groups}
    answer = run(Invocation(params, Aws({"region": REGION}), True))
    assert not answer["changed"]
    return [(orphan["kind"], orphan["name"]) for orphan in answer["orphans"]]


def test_nothing_is_an_orphan_that_the_inventory_names_or_others_made(corp: None) -> None:
    assert found("web", "lobby") == []


def test_everything_of_a_service_that_left_the_inventory_is_found(corp: None) -> None:
    assert found("web") == [
        ("ECS service", "lobby-blue"),
        ("alarm", "corp/lobby/cpu"),
        ("listener rule", "2 (host lobby.example.com)"),
        ("log group", "/pear/corp/lobby"),
        ("role", f"corp-{REGION}-lobby-task"),
        ("sampling rule", "corp-lobby-orders"),
        ("schedule", "lobby.clean"),
        ("target group", "corp-lobby-blue"),
        ("trace group", "corp-lobby"),
    ]


def test_a_role_of_the_same_environment_in_another_region_is_none(corp: None) -> None:
    iam = client("iam")
    role = f"corp-{REGION}-lobby-task"
    iam.tag_role(RoleName=role, Tags=[{"Key": "pear:region", "Value": "us-east-1"}])
    assert ("role", role) not in found("web")


def test_an_alarm_on_a_health_check_of_the_same_environment_in_another_region_is_none(corp: None) -> None:
    for region in (REGION, "us-west-2"):
        client("cloudwatch").put_metric_alarm(
            AlarmName=f"corp/*health-check-{region}/shop", Namespace="n", MetricName="m", Period=60, EvaluationPeriods=1,
            Statistic="Sum", Threshold=1, ComparisonOperator="GreaterThanThreshold", Tags=upper(tags("corp", "shop")),
        )  # fmt: skip
    assert ("alarm", f"corp/*health-check-{REGION}/shop") in found("web", "lobby")
    assert len(found("web", "lobby")) == 1


def test_an_environment_that_is_not_there_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    TraceStore().installed_for(monkeypatch)
    with mock_aws():
        assert found() == []


def test_a_further_target_group_that_is_listed_no_longer_is_one_with_what_leads_to_it(corp: None) -> None:
    elb = client("elbv2")
    vpc = client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [subnet["SubnetId"] for subnet in client("ec2").describe_subnets()["Subnets"]][:2]
    games = elb.create_load_balancer(Name="games", Type="network", Subnets=subnets)["LoadBalancers"][0]
    marks = upper({**tags("corp", "web"), "pear:target-group": "game"})
    group = elb.create_target_group(
        Name="corp-web-game", Protocol="TCP", Port=7000, VpcId=vpc, TargetType="ip", Tags=marks
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.create_listener(
        LoadBalancerArn=games["LoadBalancerArn"],
        Protocol="TCP",
        Port=7000,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
        Tags=marks,
    )
    assert found("web", "lobby", web=["game"]) == []
    left = [("listener", "TCP 7000 of games"), ("target group", "corp-web-game")]
    assert found("web", "lobby", web=["other"]) == left
    assert found("web", "lobby") == left
    assert set(left) < set(found("lobby"))
