"""Properties of every role, changed behind its back: drift.yml names each and writes nothing, deploy.yml puts all right."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.plays import Player, PlayResult

from .calls import mutating_calls
from .conftest import Stage

pytestmark = pytest.mark.long

Change = Callable[[Stage], Any]
SCALED = {
    "autoscaling_minimum": 2,
    "autoscaling_maximum": 4,
    "autoscaling_policies": [{"name": "cpu", "metric": "cpu", "target": 60}],
    "monitoring_sampling_rules": [{"name": "slow", "url_path": "/slow", "percent": 50}],
}


def vpc(stage: Stage) -> str:
    named = [{"Name": "tag:pear:environment", "Values": ["local"]}]
    return stage.client("ec2").describe_vpcs(Filters=named)["Vpcs"][0]["VpcId"]


def group(stage: Stage, name: str) -> dict[str, Any]:
    found = [{"Name": "group-name", "Values": [name]}, {"Name": "vpc-id", "Values": [vpc(stage)]}]
    return stage.client("ec2").describe_security_groups(Filters=found)["SecurityGroups"][0]


def close_tasks(stage: Stage) -> None:
    tasks = group(stage, "local-tasks")
    stage.client("ec2").revoke_security_group_ingress(GroupId=tasks["GroupId"], IpPermissions=tasks["IpPermissions"])


def open_balancer(stage: Stage) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 8443, "ToPort": 8443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    balancer = group(stage, "local-load-balancer")["GroupId"]
    stage.client("ec2").authorize_security_group_ingress(GroupId=balancer, IpPermissions=[rule])


def cut_route(stage: Stage) -> None:
    ec2 = stage.client("ec2")
    named = [{"Name": "tag:Name", "Values": ["local-private-a"]}]
    table = ec2.describe_route_tables(Filters=named)["RouteTables"][0]["RouteTableId"]
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")


def balancer(stage: Stage) -> str:
    return stage.client("elbv2").describe_load_balancers(Names=["local"])["LoadBalancers"][0]["LoadBalancerArn"]


def attribute(key: str, value: str) -> Change:
    return lambda stage: stage.client("elbv2").modify_load_balancer_attributes(
        LoadBalancerArn=balancer(stage), Attributes=[{"Key": key, "Value": value}]
    )


def files(stage: Stage) -> str:
    found = stage.client("efs").describe_file_systems()["FileSystems"]
    return next(one["FileSystemId"] for one in found if one.get("Name") == "local")


def files_stay(stage: Stage) -> None:
    stage.client("efs").put_lifecycle_configuration(FileSystemId=files(stage), LifecyclePolicies=[])


def open_files(stage: Stage) -> None:
    efs = stage.client("efs")
    target = efs.describe_mount_targets(FileSystemId=files(stage))["MountTargets"][0]["MountTargetId"]
    tasks = group(stage, "local-tasks")["GroupId"]
    efs.modify_mount_target_security_groups(MountTargetId=target, SecurityGroups=[tasks])


def weaker_tls(stage: Stage) -> None:
    elb = stage.client("elbv2")
    listeners = elb.describe_listeners(LoadBalancerArn=balancer(stage))["Listeners"]
    (https,) = [one["ListenerArn"] for one in listeners if one["Protocol"] == "HTTPS"]
    elb.modify_listener(ListenerArn=https, SslPolicy="ELBSecurityPolicy-2016-08")


def target_group(stage: Stage) -> str:
    groups = stage.client("elbv2").describe_target_groups(Names=["local-scoreboard-blue"])["TargetGroups"]
    return groups[0]["TargetGroupArn"]


def rules(stage: Stage) -> list[dict[str, Any]]:
    elb = stage.client("elbv2")
    listeners = elb.describe_listeners(LoadBalancerArn=balancer(stage))["Listeners"]
    (https,) = [one["ListenerArn"] for one in listeners if one["Protocol"] == "HTTPS"]
    return [one for one in elb.describe_rules(ListenerArn=https)["Rules"] if one["Priority"] == "100"]


def other_host(stage: Stage) -> None:
    (rule,) = rules(stage)
    condition = {"Field": "host-header", "HostHeaderConfig": {"Values": ["elsewhere.example.test"]}}
    stage.client("elbv2").modify_rule(RuleArn=rule["RuleArn"], Conditions=[condition])


def more_rights(stage: Stage) -> None:
    grant = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    stage.client("iam").put_role_policy(
        RoleName="local-eu-central-1-scoreboard-execution",
        PolicyName="execution",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [grant]}),
    )


def trust_anybody(stage: Stage) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    stage.client("iam").update_assume_role_policy(
        RoleName="local-eu-central-1-scoreboard-task",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )


def alarm(name: str, **change: Any) -> Change:
    def apply(stage: Stage) -> None:
        watch = stage.client("cloudwatch")
        taken = watch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
        (found,) = watch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        watch.put_metric_alarm(**{**{key: found[key] for key in found if key in taken}, **change})

    return apply


def strange_alarm(stage: Stage) -> None:
    stage.client("cloudwatch").put_metric_alarm(
        AlarmName="local/scoreboard/by-hand",
        Namespace="n",
        MetricName="m",
        Period=60,
        EvaluationPeriods=1,
        Statistic="Sum",
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )


def edited_dashboard(stage: Stage) -> None:
    stage.client("cloudwatch").put_dashboard(
        DashboardName="local-eu-central-1-scoreboard", DashboardBody='{"widgets": []}'
    )


def edited_query(stage: Stage) -> None:
    logs = stage.client("logs")
    (query,) = logs.describe_query_definitions(queryDefinitionNamePrefix="local/scoreboard/errors by route")[
        "queryDefinitions"
    ]
    # Whoever edits a query in the console leaves its first line.
    owner = query["queryString"].splitlines()[0]
    logs.put_query_definition(
        queryDefinitionId=query["queryDefinitionId"], name=query["name"], queryString=f"{owner}\nfields @message"
    )


def traced_rarely(stage: Stage) -> None:
    stage.client("xray").update_sampling_rule(
        SamplingRuleUpdate={"RuleName": "local-scoreboard-slow", "FixedRate": 0.01, "URLPath": "*"}
    )


def forgotten_log_group(stage: Stage) -> None:
    """Of a service that the inventory has no longer."""
    tags = {"pear:environment": "local", "pear:service": "lobby"}
    stage.client("logs").create_log_group(logGroupName="/pear/local/lobby", tags=tags)


def bounds(stage: Stage) -> None:
    stage.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="ecs",
        ScalableDimension="ecs:service:DesiredCount",
        ResourceId="service/local/scoreboard-blue",
        MinCapacity=1,
        MaxCapacity=50,
    )


def policy(stage: Stage) -> None:
    stage.client("application-autoscaling").delete_scaling_policy(
        ServiceNamespace="ecs",
        ScalableDimension="ecs:service:DesiredCount",
        ResourceId="service/local/scoreboard-blue",
        PolicyName="pear-cpu",
    )


def of(service: str, operation: str, /, **request: Any) -> Change:
    return lambda stage: getattr(stage.client(service), operation)(**request)


# What is changed, and what the table must say of it.
CHANGES: dict[str, tuple[Change, str]] = {
    "ports of the tasks": (close_tasks, "local-tasks"),
    "an open port": (open_balancer, "local-load-balancer"),
    "the way out": (cut_route, "local-private-a"),
    "DNS names in the VPC": (
        lambda stage: stage.client("ec2").modify_vpc_attribute(VpcId=vpc(stage), EnableDnsHostnames={"Value": False}),
        "enableDnsHostnames",
    ),
    "capacity of the cluster": (
        of(
            "ecs",
            "put_cluster_capacity_providers",
            cluster="local",
            capacityProviders=["FARGATE"],
            defaultCapacityProviderStrategy=[],
        ),
        "capacity: providers",
    ),
    "idle timeout": (attribute("idle_timeout.timeout_seconds", "30"), "idle_timeout.timeout_seconds"),
    "TLS policy": (weaker_tls, "listener 443"),
    "recovery of the ledger": (
        of(
            "dynamodb",
            "update_continuous_backups",
            TableName="local-releases",
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False},
        ),
        "point_in_time_recovery",
    ),
    "where files go": (files_stay, "lifecycle"),
    "who reaches the files": (open_files, "mount_target"),
    "health check": (
        lambda stage: stage.client("elbv2").modify_target_group(
            TargetGroupArn=target_group(stage), HealthCheckPath="/elsewhere"
        ),
        "health check of local-scoreboard-blue",
    ),
    "draining": (
        lambda stage: stage.client("elbv2").modify_target_group_attributes(
            TargetGroupArn=target_group(stage),
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "300"}],
        ),
        "attributes of local-scoreboard-blue",
    ),
    "host of the rule": (other_host, "conditions of the production rule"),
    "immutable tags": (
        of("ecr", "put_image_tag_mutability", repositoryName="scoreboard", imageTagMutability="MUTABLE"),
        "immutable_tags",
    ),
    "scan on push": (
        of(
            "ecr",
            "put_image_scanning_configuration",
            repositoryName="scoreboard",
            imageScanningConfiguration={"scanOnPush": False},
        ),
        "scan_on_push",
    ),
    "images that expire": (of("ecr", "delete_lifecycle_policy", repositoryName="scoreboard"), "lifecycle"),
    "days of the log": (
        of("logs", "put_retention_policy", logGroupName="/pear/local/scoreboard", retentionInDays=1),
        "retention_days",
    ),
    "rights of the execution role": (more_rights, "policy"),
    "who may be the task role": (trust_anybody, "trust"),
    "maximum percent": (
        of(
            "ecs",
            "update_service",
            cluster="local",
            service="scoreboard-blue",
            deploymentConfiguration={"maximumPercent": 300, "minimumHealthyPercent": 0},
        ),
        "maximum_percent",
    ),
    "grace of the health check": (
        of("ecs", "update_service", cluster="local", service="scoreboard-blue", healthCheckGracePeriodSeconds=999),
        "health_check_grace_seconds",
    ),
    "threshold of an alarm": (alarm("local/scoreboard/cpu", Threshold=99.0), "local/scoreboard/cpu"),
    "silence of an alarm": (
        alarm("local/scoreboard/no-healthy-target", TreatMissingData="notBreaching"),
        "local/scoreboard/no-healthy-target",
    ),
    "an alarm that is gone": (
        # Not one that the composite alarm names: CloudWatch refuses to delete those.
        of("cloudwatch", "delete_alarms", AlarmNames=["local/scoreboard/latency-p99"]),
        "local/scoreboard/latency-p99",
    ),
    "an alarm of the load balancer": (alarm("local/*/balancer-errors", AlarmActions=[]), "local/*/balancer-errors"),
    "an alarm by hand": (strange_alarm, "local/scoreboard/by-hand"),
    "an orphan": (forgotten_log_group, "log group /pear/local/lobby"),
    "dashboard": (edited_dashboard, "local-eu-central-1-scoreboard"),
    "saved query": (edited_query, "local/scoreboard/errors by route"),
    "a sampling rule": (traced_rarely, "local-scoreboard-slow"),
    "topic": (
        lambda stage: stage.client("sns").set_topic_attributes(
            TopicArn="arn:aws:sns:eu-central-1:123456789012:local-alarms",
            AttributeName="DisplayName",
            AttributeValue="somebody's",
        ),
        "DisplayName",
    ),
    "bounds of autoscaling": (bounds, "bounds"),
    "policy of autoscaling": (policy, "policy cpu"),
}


@pytest.fixture(scope="module")
def found(deployed: Player, stage: Stage) -> Iterator[PlayResult]:
    """What drift.yml says after everything was changed at once. What these stories asked for is taken back at their end."""
    deployed.run("playbooks/deploy.yml", variables=SCALED).succeeded()
    deployed.run("playbooks/drift.yml", variables=SCALED).succeeded()
    for change, _ in CHANGES.values():
        change(stage)
    before = len(mutating_calls(stage))
    said = deployed.run("playbooks/drift.yml", variables=SCALED)
    # The changes make tasks sick; the ones that replace them open log streams, whatever a playbook does.
    assert set(mutating_calls(stage)[before:]) <= {"logs:CreateLogStream"}
    yield said
    deployed.run("playbooks/deploy.yml").succeeded()


def test_drift_says_so_by_its_exit_status(found: PlayResult) -> None:
    assert found.failed().status == 2
    assert "from the inventory; playbooks/deploy.yml puts them right" in found.output, found.output


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_behind_its_back_is_named(found: PlayResult, what: str) -> None:
    report = found.output.partition("PLAY [Report the drift]")[2]
    assert CHANGES[what][1] in report, report


def test_deploy_puts_everything_right(found: PlayResult, deployed: Player, stage: Stage) -> None:
    # What others made stays, with a warning; it is theirs to remove.
    again = deployed.run("playbooks/deploy.yml", variables=SCALED)
    assert again.status == 0, again.output
    assert all("local/scoreboard/by-hand" in warning for warning in again.warnings), again.warnings
    stage.client("cloudwatch").delete_alarms(AlarmNames=["local/scoreboard/by-hand"])
    stage.client("logs").delete_log_group(logGroupName="/pear/local/lobby")
    clean = deployed.run("playbooks/drift.yml", variables=SCALED).succeeded()
    assert "Nothing differs." in clean.output
