"""The preflight finds all resources of others under the names that ours will have, and names each with its owner."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.arns import ArnScope
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.ownership import KINDS
from ansible_collections.pear.fargate.plugins.module_utils.service import foreign
from moto import mock_aws

from ..saved_queries import QueryStore
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
    QueryStore().install(monkeypatch)
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


@dataclass(frozen=True)
class Crowd:
    """An account in which others use the name corp for every kind, and what the inventory says of environment and service."""

    environment: dict[str, Any]
    service: dict[str, Any]

    def found(self, **said: Any) -> list[str]:
        """The sentences, also of an environment with a network of its own and of a service in a cluster of others."""
        aws = Aws({"region": REGION})
        own_network = {**self.environment, "network_existing": {}, "network_flow_log_days": 7}
        with_services = {**self.service, "cluster_existing": "crowded"}
        sentences: list[str] = []
        for values in (self.environment, own_network):
            sentences += foreign.of_environment(aws, {**values, **said}, PLACE, [])
        for values in (self.service, with_services):
            sentences += foreign.of_service(aws, {**values, **said}, [])
        return sorted(set(sentences))


@pytest.fixture
def crowd(corp: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Crowd:
    QueryStore().install(monkeypatch)
    TraceStore().installed_for(monkeypatch)
    for name in ("corp/web/cpu", "corp/web/of-the-inventory", "corp/web/of-nobody", "corp/*/balancer-errors"):
        client("cloudwatch").put_metric_alarm(
            AlarmName=name, Namespace="n", MetricName="m", Period=60, EvaluationPeriods=1, Statistic="Sum", Threshold=1,
            ComparisonOperator="GreaterThanThreshold", Tags=OTHERS,
        )  # fmt: skip
    client("cloudwatch").put_dashboard(DashboardName="corp-eu-central-1-Environment", DashboardBody="{}")
    for name in ("corp/web/errors by route", "corp/web/of nobody"):
        client("logs").put_query_definition(name=name, queryString="fields @message")
    for name in ("/pear/corp/network", "/aws/rds/instance/corp-database/postgresql"):
        client("logs").create_log_group(logGroupName=name)
    for kind in ("web-infrastructure", "web-schedule", "backup", "flow-log"):
        client("iam").create_role(RoleName=f"corp-{REGION}-{kind}", AssumeRolePolicyDocument="{}", Tags=OTHERS)
    for topic in ("corp-warnings", "corp-releases"):
        client("sns").create_topic(Name=topic, Tags=OTHERS)
    client("rds").create_db_parameter_group(
        DBParameterGroupName="corp-database-postgres17",
        DBParameterGroupFamily="postgres17",
        Description="x",
        Tags=OTHERS,
    )
    rule = {"Priority": 1, "FixedRate": 1.0, "ReservoirSize": 1, "Version": 1}
    every = dict.fromkeys(("ServiceName", "ServiceType", "Host", "HTTPMethod", "URLPath", "ResourceARN"), "*")
    for name in ("corp-web-health-checks", "corp-web-orders", "corp-orders"):
        client("xray").create_sampling_rule(SamplingRule={"RuleName": name, **rule, **every}, Tags=OTHERS)
    client("xray").create_group(GroupName="corp-web", Tags=OTHERS)
    client("ecs").create_cluster(clusterName="crowded")
    client("ecs").create_service(cluster="crowded", serviceName="web-blue", taskDefinition="corp-web", desiredCount=0)
    monitored = {
        "monitoring_alarms": [{"name": "of-the-inventory"}],
        "monitoring_sampling_rules": [{"name": "orders", "percent": 100}],
    }
    of_environment = {
        **corp, **monitored,
        "environment_release_topic": True, "database_engine": "postgres", "database_engine_version": "17.6",
        "database_log_exports": ["postgresql"],
    }  # fmt: skip
    of_service = {
        **SERVICE, **monitored,
        "service_collector": {"enabled": True, "remote_sampling": True},
        "service_health_check": {"path": "/healthz"},
        "service_volumes": [{"name": "work", "path": "/work", "ebs": {"size_gib": 10}}],
    }  # fmt: skip
    return Crowd(of_environment, of_service)


ROLE = "arn:aws:iam::123456789012:role/ours"
# What the hint says, and what somebody writes who follows it.
USES: dict[str, dict[str, Any] | None] = {
    "leave environment_release_topic out": {"environment_release_topic": False},
    "leave it out of database_log_exports": {"database_log_exports": []},
    "leave it out of monitoring_sampling_rules, or for that of health checks set monitoring_trace_health_checks to true": {
        "monitoring_sampling_rules": []
    },
    "leave service_schedules out": {"service_schedules": []},
    # Without the playbooks: no variable ends it.
    "release it with pear.fargate.bluegreen_cutover, whose option services takes those of others": None,
    "set cluster_existing to its name": {"cluster_existing": "corp"},
    "set database_enabled to false, and give its address in service_environment": {"database_enabled": False},
    "set dns_create_zone to false": {"dns_create_zone": False},
    "set file_system_backup_plan to null": {"file_system_backup_plan": None},
    "set file_system_existing to its ID": {"file_system_existing": "fs-1"},
    "set load_balancer_access_logs_create to false": {"load_balancer_access_logs_create": False},
    "set load_balancer_existing to its ARN, or to a listener's": {"load_balancer_existing": "arn:aws:x"},
    "set monitoring_dashboard to false": {"monitoring_dashboard": False},
    "set monitoring_enabled to false": {"monitoring_enabled": False},
    "set monitoring_enabled to false, which leaves out alarms too": {"monitoring_enabled": False},
    "set monitoring_topic_arns": {"monitoring_topic_arns": ["arn:aws:sns:x"]},
    "set monitoring_trace_group to false": {"monitoring_trace_group": False},
    "set monitoring_trace_health_checks to true": {"monitoring_trace_health_checks": True},
    "set monitoring_warning_topic_arns": {"monitoring_warning_topic_arns": ["arn:aws:sns:x"]},
    "set network_flow_log_days to 0": {"network_flow_log_days": 0},
    "set registry_existing to true": {"registry_existing": True},
    "set service_execution_role_arn to its ARN": {"service_execution_role_arn": ROLE},
    "set service_infrastructure_role_arn to its ARN": {"service_infrastructure_role_arn": ROLE},
    "set service_log_group to its name": {"service_log_group": "/corp/web"},
    "set service_task_role_arn to its ARN": {"service_task_role_arn": ROLE},
}
RENAMES: dict[str, Any] = {
    "environment_name": "ours",
    "dns_zone": "ours.example",
    "load_balancer_access_logs_bucket": "ours",
    "monitoring_sampling_rules": [{"name": "ours"}],
    "registry_repository": "ours",
    "service_name": "ours",
}


def _ways(sentences: list[str], pattern: str) -> dict[str, str]:
    """What a sentence says where the pattern stands, by the begin that names the resource."""
    found = {sentence.partition(", and no ")[0]: re.search(pattern, sentence) for sentence in sentences}
    return {
        name: match[1].replace(", or for that of health checks service_name", "")
        for name, match in found.items()
        if match
    }


@pytest.mark.long
def test_each_of_the_three_ways_on_ends_the_refusal(crowd: Crowd) -> None:
    """For every kind that the preflight looks for, and every hint that it gives."""
    sentences = crowd.found()
    uses = _ways(sentences, r"[Uu]se it as it is \(([^()]*)\)")
    renames = _ways(sentences, r"[Cc]hoose another name \(([^()]*)\)")
    kinds = _ways(sentences, r"environment_adopt: \[(\w+)\]")
    # Parts of a network are found with it, by vpc_network alone.
    assert set(kinds.values()) == set(KINDS) - {"network", "ecs_service"}
    assert set(uses.values()) == set(USES)
    assert len(renames) == len(sentences) and set(renames.values()) == set(RENAMES)

    def stays(name: str, said: dict[str, Any]) -> bool:
        return any(sentence.startswith(f"{name},") for sentence in told(said))

    answers: dict[str, list[str]] = {}

    def told(said: dict[str, Any]) -> list[str]:
        key = repr(said)
        if key not in answers:
            answers[key] = crowd.found(**said)
        return answers[key]

    followed = {name: USES[use] for name, use in uses.items()}
    assert [name for name, said in followed.items() if said is not None and stays(name, said)] == []
    assert [name for name, rename in renames.items() if stays(name, {rename: RENAMES[rename]})] == []
    assert [name for name, kind in kinds.items() if stays(name, {"environment_adopt": [kind]})] == []


def test_only_alarms_and_saved_queries_with_names_of_ours_are_refused(crowd: Crowd) -> None:
    named = [sentence.split(" exists")[0] for sentence in crowd.found()]
    assert [name for name in named if name.startswith(("Alarm", "Saved query"))] == [
        "Alarm corp/*/balancer-errors", "Alarm corp/web/cpu", "Alarm corp/web/of-the-inventory", "Saved query corp/web/errors by route",
    ]  # fmt: skip


def test_the_alarms_of_a_service_that_has_some_of_ours_take_one_call_for_tags(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    arns = {alarm["AlarmName"]: alarm["AlarmArn"] for alarm in client("cloudwatch").describe_alarms()["MetricAlarms"]}
    ours = [{"Key": "pear:environment", "Value": "corp"}]
    client("cloudwatch").tag_resource(ResourceARN=arns["corp/web/cpu"], Tags=ours)
    read: list[str] = []
    tags = foreign.cloudwatch.tags
    monkeypatch.setattr(foreign.cloudwatch, "tags", lambda aws, arn: read.append(arn) or tags(aws, arn))
    found = foreign.of_service(Aws({"region": REGION}), crowd.service, [])
    assert not [sentence for sentence in found if sentence.startswith("Alarm")]
    assert [arn for arn in read if ":alarm:" in arn] == [arns["corp/web/cpu"]]


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
