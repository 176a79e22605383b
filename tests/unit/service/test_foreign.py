"""The preflight finds all resources of others under the names that ours will have, and names each with its owner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.arns import ArnScope
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.service import foreign
from moto import mock_aws

from ..xray_settings import TraceStore

REGION = "eu-central-1"
PLACE = ArnScope(REGION, "123456789012")
OTHERS = [{"Key": "Owner", "Value": "platform"}]
SERVICE = {
    "environment_name": "corp",
    "service_name": "web",
    "registry_repository": "web",
    "service_schedules": [{"name": "daily"}],
}


def client(name: str) -> Any:
    return boto3.client(name, REGION)


@pytest.fixture
def corp(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """An account in which others use the name corp for everything."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        vpc = client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
        subnets = [subnet["SubnetId"] for subnet in client("ec2").describe_subnets()["Subnets"]][:2]
        client("ec2").create_security_group(GroupName="corp-tasks", Description="theirs", VpcId=vpc)
        client("elbv2").create_load_balancer(Name="corp", Subnets=subnets, Tags=OTHERS)
        client("ecs").create_cluster(clusterName="corp", tags=[{"key": "Owner", "value": "platform"}])
        client("efs").create_file_system(CreationToken="corp", Tags=OTHERS)
        client("sns").create_topic(Name="corp-alarms", Tags=OTHERS)
        client("route53").create_hosted_zone(Name="corp.example", CallerReference="1")
        client("s3").create_bucket(Bucket="corp-logs", CreateBucketConfiguration={"LocationConstraint": REGION})
        client("dynamodb").create_table(
            TableName="corp-releases",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "service", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "service", "AttributeType": "S"}],
        )
        client("elbv2").create_target_group(
            Name="corp-web-green", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip", Tags=OTHERS
        )
        client("logs").create_log_group(logGroupName="/pear/corp/web")
        client("ecs").register_task_definition(
            family="corp-web",
            containerDefinitions=[{"name": "app", "image": "theirs", "memory": 128}],
            tags=[{"key": "Owner", "value": "platform"}],
        )
        client("cloudwatch").put_dashboard(DashboardName="corp-eu-central-1-web", DashboardBody="{}")
        client("scheduler").create_schedule_group(Name="corp", Tags=OTHERS)
        client("rds").create_db_subnet_group(
            DBSubnetGroupName="corp-database", DBSubnetGroupDescription="x", SubnetIds=subnets, Tags=OTHERS
        )
        client("backup").create_backup_vault(BackupVaultName="corp-backup", BackupVaultTags={"Owner": "platform"})
        for role in ("corp-eu-central-1-web-execution", "corp-eu-central-1-web-task"):
            client("iam").create_role(RoleName=role, AssumeRolePolicyDocument="{}", Tags=OTHERS)
        client("ecr").create_repository(repositoryName="web", tags=OTHERS)
        yield {
            "environment_name": "corp",
            "file_system_enabled": True,
            "file_system_backup_plan": [{"name": "daily"}],
            "database_enabled": True,
            "dns_zone": "corp.example",
            "dns_create_zone": True,
            "load_balancer_access_logs_create": True,
            "load_balancer_access_logs_bucket": "corp-logs",
            "network_existing": {"vpc_id": vpc},
        }


def test_everything_of_the_environment_is_named_at_once(corp: dict[str, Any]) -> None:
    unchecked: list[str] = []
    found = foreign.of_environment(Aws({"region": REGION}), corp, PLACE, unchecked)
    kinds = {
        "Table corp-releases", "Cluster corp", "Load balancer corp", "File system corp", "Topic corp-alarms",
        "Hosted zone corp.example", "Bucket corp-logs", "Security group corp-tasks", "Backup vault corp-backup",
        "Database subnet group corp-database",
    }  # fmt: skip
    assert {kind for kind in kinds for sentence in found if sentence.startswith(kind)} == kinds
    assert len(found) == len(kinds)
    assert unchecked == []


def test_a_repository_that_the_service_does_not_need_may_be_others(corp: dict[str, Any]) -> None:
    aws = Aws({"region": REGION})
    assert [one for one in foreign.of_service(aws, SERVICE, []) if one.startswith("Repository web")]
    public = {**SERVICE, "service_image": "public.ecr.aws/nginx/nginx:1.27"}
    assert not [one for one in foreign.of_service(aws, public, []) if one.startswith("Repository web")]


def test_further_load_balancers_and_target_groups_are_named_too(corp: dict[str, Any]) -> None:
    ec2, elb = client("ec2"), client("elbv2")
    vpc = corp["network_existing"]["vpc_id"]
    block = ".".join(ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlock"].split(".")[:2])
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"{block}.24{n}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    elb.create_load_balancer(Name="corp-games", Type="network", Subnets=subnets, Tags=OTHERS)
    ec2.create_security_group(GroupName="corp-games-load-balancer", Description="theirs", VpcId=vpc)
    elb.create_target_group(Name="corp-web-game", Protocol="TCP", Port=1, VpcId=vpc, TargetType="ip", Tags=OTHERS)
    aws = Aws({"region": REGION})
    found = foreign.of_environment(aws, {**corp, "load_balancer_further": [{"name": "games"}]}, PLACE, [])
    assert [one for one in found if one.startswith("Load balancer corp-games exists")]
    assert [one for one in found if one.startswith("Security group corp-games-load-balancer")]
    found = foreign.of_service(aws, {**SERVICE, "service_further_target_groups": [{"name": "game", "port": 1}]}, [])
    assert [one for one in found if one.startswith("Target group corp-web-game exists")]


@pytest.mark.parametrize(
    ("said", "gone"),
    [
        ({"environment_adopt": ["load_balancer", "cluster"]}, {"Load balancer corp", "Cluster corp"}),
        ({"cluster_existing": "corp", "load_balancer_existing": "arn:aws:x"}, {"Load balancer corp", "Cluster corp"}),
        ({"file_system_existing": "fs-1", "dns_create_zone": False}, {"File system corp", "Hosted zone corp.example"}),
        ({"monitoring_topic_arns": ["arn:aws:sns:x"]}, {"Topic corp-alarms"}),
        ({"environment_name": "ours"}, {"Load balancer corp", "Cluster corp", "Table corp-releases"}),
    ],
)
def test_each_of_the_three_ways_on_ends_the_refusal(corp: dict[str, Any], said: dict[str, Any], gone: set[str]) -> None:
    found = foreign.of_environment(Aws({"region": REGION}), {**corp, **said}, PLACE, [])
    assert not [sentence for sentence in found if sentence.startswith(tuple(gone))]


def test_everything_of_the_service_is_named_at_once(corp: dict[str, Any]) -> None:
    found = foreign.of_service(Aws({"region": REGION}), SERVICE, [])
    assert [sentence.split(" exists")[0] for sentence in found] == [
        "Target group corp-web-green", "Log group /pear/corp/web", "Role corp-eu-central-1-web-execution",
        "Role corp-eu-central-1-web-task", "Repository web", "Dashboard corp-eu-central-1-web", "Schedule group corp",
        "Task definition family corp-web",
    ]  # fmt: skip
    used = {
        "service_log_group": "/corp/web",
        "service_execution_role_arn": "arn:aws:iam::123456789012:role/web",
        "service_task_role_arn": "arn:aws:iam::123456789012:role/web",
        "registry_existing": True,
        "monitoring_dashboard": False,
        "service_schedules": [],
        "environment_adopt": ["task_definition"],
    }
    left = foreign.of_service(Aws({"region": REGION}), {**SERVICE, **used}, [])
    assert [sentence.split(" exists")[0] for sentence in left] == ["Target group corp-web-green"]


def test_a_role_of_others_is_named_that_volumes_would_need(corp: dict[str, Any]) -> None:
    name = "corp-eu-central-1-web-infrastructure"
    boto3.client("iam", REGION).create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    volumes = {"service_volumes": [{"name": "work", "path": "/work", "ebs": {"size_gib": 10}}]}

    def named(**more: Any) -> bool:
        found = foreign.of_service(Aws({"region": REGION}), {**SERVICE, **more}, [])
        return any(sentence.startswith(f"Role {name} exists") for sentence in found)

    assert not named()
    assert named(**volumes)
    assert not named(**volumes, service_infrastructure_role_arn="arn:aws:iam::123456789012:role/ecs")


def test_sampling_rules_and_a_group_of_others_are_named(corp: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    TraceStore().installed_for(monkeypatch)
    rule = {
        "Priority": 1, "FixedRate": 1.0, "ReservoirSize": 1, "ServiceName": "*", "ServiceType": "*", "Host": "*", "HTTPMethod": "*",
        "URLPath": "*", "ResourceARN": "*", "Version": 1,
    }  # fmt: skip
    for name in ("corp-web-health-checks", "corp-web-orders", "corp-admin"):
        client("xray").create_sampling_rule(SamplingRule={"RuleName": name, **rule}, Tags=OTHERS)
    client("xray").create_group(GroupName="corp-web", Tags=OTHERS)
    traced = {
        "service_collector": {"enabled": True, "remote_sampling": True},
        "service_health_check": {"path": "/healthz"},
        "monitoring_sampling_rules": [{"name": "orders", "percent": 100}],
    }

    def named(**more: Any) -> list[str]:
        found = foreign.of_service(Aws({"region": REGION}), {**SERVICE, **traced, **more}, [])
        return [sentence.split(" exists")[0] for sentence in found if "X-Ray" in sentence.split(" exists")[0]]

    rules = ["Sampling rule of X-Ray corp-web-health-checks", "Sampling rule of X-Ray corp-web-orders"]
    assert named() == [*rules, "Group of X-Ray corp-web"]
    assert named(monitoring_trace_group=False, monitoring_trace_health_checks=True) == rules[1:]
    assert named(environment_adopt=["sampling_rule", "trace_group"]) == []
    assert named(monitoring_enabled=False) == []
    shared = {**corp, "monitoring_sampling_rules": [{"name": "admin"}]}
    of_all = foreign.of_environment(Aws({"region": REGION}), shared, PLACE, [])
    assert [sentence for sentence in of_all if sentence.startswith("Sampling rule of X-Ray corp-admin exists")]


def test_what_may_not_be_read_is_told_and_the_rest_is_looked_at(
    corp: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = Aws({"region": REGION})
    denied = foreign.AwsError("read table corp-releases", ValueError("denied"))  # type: ignore[arg-type]

    def refuse(*_: Any) -> None:
        raise denied

    monkeypatch.setattr(foreign.dynamodb, "table", refuse)
    unchecked: list[str] = []
    found = foreign.of_environment(aws, corp, PLACE, unchecked)
    assert unchecked == [str(denied)]
    assert len(found) == 9


def test_an_ecs_service_of_others_in_a_shared_cluster_is_named_and_cannot_be_adopted(corp: dict[str, Any]) -> None:
    definition = client("ecs").describe_task_definition(taskDefinition="corp-web")["taskDefinition"][
        "taskDefinitionArn"
    ]
    client("ecs").create_cluster(clusterName="shared")
    client("ecs").create_service(cluster="shared", serviceName="web-green", taskDefinition=definition, desiredCount=1)
    shared = {**SERVICE, "cluster_existing": "shared", "environment_adopt": ["task_definition"]}
    (said,) = [one for one in foreign.of_service(Aws({"region": REGION}), shared, []) if one.startswith("ECS")]
    assert said.startswith("ECS service web-green exists, and no tag says")
    assert "bluegreen_cutover" in said and "service_name" in said and "environment_adopt" not in said


def test_a_revision_that_was_registered_by_hand_makes_no_family_another_ones(corp: dict[str, Any]) -> None:
    ours = [{"key": "pear:environment", "value": "corp"}]
    client("ecs").create_service(
        cluster="corp", serviceName="web-blue", taskDefinition="corp-web", desiredCount=1, tags=ours
    )
    found = foreign.of_service(Aws({"region": REGION}), SERVICE, [])
    assert not [said for said in found if said.startswith(("ECS", "Task definition"))]
