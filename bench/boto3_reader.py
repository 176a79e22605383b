"""All that a second run of deploy.yml looks at, read by a boto3 script that knows every name: in two batches, each at once.

python -m bench.boto3_reader ENVIRONMENT SERVICE
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import boto3


def main(name: str, service: str) -> None:
    made = {
        client: boto3.client(client)
        for client in (
            "acm",
            "application-autoscaling",
            "cloudwatch",
            "dynamodb",
            "ec2",
            "ecr",
            "ecs",
            "efs",
            "elbv2",
            "iam",
            "logs",
            "sns",
            "sts",
        )
    }
    ec2, ecs, efs, elb, iam = (made[client] for client in ("ec2", "ecs", "efs", "elbv2", "iam"))
    tagged = [{"Name": "tag:pear:environment", "Values": [name]}]
    table = f"{name}-releases"
    roles = f"{name}-{ec2.meta.region_name}-{service}"
    first: dict[str, Callable[[], Any]] = {
        "identity": made["sts"].get_caller_identity,
        "certificates": made["acm"].list_certificates,
        "targets": lambda: made["application-autoscaling"].describe_scalable_targets(ServiceNamespace="ecs"),
        "alarms": lambda: made["cloudwatch"].describe_alarms(AlarmNamePrefix=name),
        "dashboards": lambda: made["cloudwatch"].list_dashboards(DashboardNamePrefix=name),
        "table": lambda: made["dynamodb"].describe_table(TableName=table),
        "backups": lambda: made["dynamodb"].describe_continuous_backups(TableName=table),
        "zones": ec2.describe_availability_zones,
        "vpcs": lambda: ec2.describe_vpcs(Filters=tagged),
        "subnets": lambda: ec2.describe_subnets(Filters=tagged),
        "tables": lambda: ec2.describe_route_tables(Filters=tagged),
        "gateways": lambda: ec2.describe_internet_gateways(Filters=tagged),
        "nats": lambda: ec2.describe_nat_gateways(Filters=tagged),
        "endpoints": lambda: ec2.describe_vpc_endpoints(Filters=tagged),
        "groups": lambda: ec2.describe_security_groups(Filters=tagged),
        "flow": lambda: ec2.describe_flow_logs(Filters=tagged),
        "repository": lambda: made["ecr"].describe_repositories(repositoryNames=[service]),
        "lifecycle": lambda: made["ecr"].get_lifecycle_policy(repositoryName=service),
        "images": lambda: made["ecr"].describe_images(repositoryName=service),
        "cluster": lambda: ecs.describe_clusters(clusters=[name], include=["TAGS", "SETTINGS", "CONFIGURATIONS"]),
        "services": lambda: ecs.describe_services(cluster=name, services=[f"{service}-blue", f"{service}-green"]),
        "files": efs.describe_file_systems,
        "balancer": lambda: elb.describe_load_balancers(Names=[name]),
        "targets_of": elb.describe_target_groups,
        "logs": lambda: made["logs"].describe_log_groups(logGroupNamePrefix="/"),
        "topics": made["sns"].list_topics,
    }
    for role in ("execution", "task"):
        first[f"role {role}"] = partial(iam.get_role, RoleName=f"{roles}-{role}")
        first[f"policies {role}"] = partial(iam.list_role_policies, RoleName=f"{roles}-{role}")
    with ThreadPoolExecutor(10) as pool:
        found = _at_once(pool, first)
        _at_once(pool, _second(made, roles, found))


def _second(made: dict[str, Any], roles: str, found: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """What is asked for by an id that the first batch told."""
    ec2, ecs, efs, elb, iam = (made[client] for client in ("ec2", "ecs", "efs", "elbv2", "iam"))
    vpc = found["vpcs"]["Vpcs"][0]["VpcId"]
    files = found["files"]["FileSystems"][0]["FileSystemId"]
    balancer = found["balancer"]["LoadBalancers"][0]["LoadBalancerArn"]
    groups = [group["TargetGroupArn"] for group in found["targets_of"]["TargetGroups"]]
    live = found["services"]["services"][0]["taskDefinition"]
    then: dict[str, Callable[[], Any]] = {
        "names": lambda: ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames"),
        "support": lambda: ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsSupport"),
        "definition": lambda: ecs.describe_task_definition(taskDefinition=live, include=["TAGS"]),
        "policy": lambda: efs.describe_file_system_policy(FileSystemId=files),
        "lifecycle": lambda: efs.describe_lifecycle_configuration(FileSystemId=files),
        "backup": lambda: efs.describe_backup_policy(FileSystemId=files),
        "points": lambda: efs.describe_access_points(FileSystemId=files),
        "mounts": lambda: _mounts(efs, files),
        "attributes": lambda: elb.describe_load_balancer_attributes(LoadBalancerArn=balancer),
        "listeners": lambda: _rules(elb, balancer),
        "tags": lambda: elb.describe_tags(ResourceArns=[balancer, *groups]),
        "table tags": lambda: made["dynamodb"].list_tags_of_resource(ResourceArn=found["table"]["Table"]["TableArn"]),
        "images' tags": lambda: made["ecr"].list_tags_for_resource(
            resourceArn=found["repository"]["repositories"][0]["repositoryArn"]
        ),
    }
    for arn in groups:
        then[f"attributes {arn}"] = partial(elb.describe_target_group_attributes, TargetGroupArn=arn)
    for topic in found["topics"]["Topics"]:
        then[topic["TopicArn"]] = partial(made["sns"].get_topic_attributes, TopicArn=topic["TopicArn"])
    for group in found["logs"]["logGroups"]:
        then[group["arn"]] = partial(made["logs"].list_tags_for_resource, resourceArn=group["logGroupArn"])
    for role in ("execution", "task"):
        for policy in found[f"policies {role}"]["PolicyNames"]:
            then[f"{role} {policy}"] = partial(iam.get_role_policy, RoleName=f"{roles}-{role}", PolicyName=policy)
    return then


def _mounts(efs: Any, files: str) -> None:
    for mount in efs.describe_mount_targets(FileSystemId=files)["MountTargets"]:
        efs.describe_mount_target_security_groups(MountTargetId=mount["MountTargetId"])


def _rules(elb: Any, balancer: str) -> None:
    for listener in elb.describe_listeners(LoadBalancerArn=balancer)["Listeners"]:
        elb.describe_rules(ListenerArn=listener["ListenerArn"])


def _at_once(pool: ThreadPoolExecutor, asked: dict[str, Callable[[], Any]]) -> dict[str, Any]:
    running = {key: pool.submit(read) for key, read in asked.items()}
    return {key: future.result() for key, future in running.items()}


if __name__ == "__main__":
    main(*sys.argv[1:])
