# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads of what an environment stands on: one function per call, found by name and tag, None for what is missing."""

from __future__ import annotations

from typing import Any

from .errors import aws_call, is_code
from .naming import TAG_COMPONENT, TAG_ENVIRONMENT
from .session import Aws


def _filters(environment: str, **more: str) -> list[dict[str, Any]]:
    wanted = {f"tag:{TAG_ENVIRONMENT}": environment, f"tag:{TAG_COMPONENT}": "network", **more}
    return [{"Name": name, "Values": [value]} for name, value in wanted.items()]


def tags_of(entry: dict[str, Any]) -> dict[str, str]:
    """Tags as a dict, whatever case the service writes them in."""
    pairs = entry.get("Tags") or entry.get("tags") or []
    return {pair.get("Key", pair.get("key")): pair.get("Value", pair.get("value", "")) for pair in pairs}


@aws_call("find out who calls (sts:GetCallerIdentity)")
def caller(aws: Aws) -> dict[str, str]:
    answer = aws.client("sts", probe=True).get_caller_identity()
    return {"account": answer["Account"], "arn": answer["Arn"]}


@aws_call("read the VPC of {environment}")
def vpcs(aws: Aws, environment: str) -> list[dict[str, Any]]:
    return aws.client("ec2").describe_vpcs(Filters=_filters(environment))["Vpcs"]


@aws_call("read VPC {vpc_id}")
def vpc(aws: Aws, vpc_id: str) -> dict[str, Any]:
    return aws.client("ec2").describe_vpcs(VpcIds=[vpc_id])["Vpcs"][0]


@aws_call("read the subnets of {environment}")
def subnets(aws: Aws, environment: str) -> list[dict[str, Any]]:
    pages = aws.client("ec2").get_paginator("describe_subnets").paginate(Filters=_filters(environment))
    return [subnet for page in pages for subnet in page["Subnets"]]


@aws_call("read subnets {subnet_ids}")
def subnets_by_id(aws: Aws, subnet_ids: list[str]) -> list[dict[str, Any]]:
    return aws.client("ec2").describe_subnets(SubnetIds=subnet_ids)["Subnets"]


@aws_call("read the security groups of {environment}")
def security_groups(aws: Aws, environment: str) -> list[dict[str, Any]]:
    pages = aws.client("ec2").get_paginator("describe_security_groups").paginate(Filters=_filters(environment))
    return [group for page in pages for group in page["SecurityGroups"]]


@aws_call("read load balancer {name}")
def load_balancer(aws: Aws, name: str) -> dict[str, Any] | None:
    client = aws.client("elbv2")
    try:
        return client.describe_load_balancers(Names=[name])["LoadBalancers"][0]
    except client.exceptions.ClientError as cause:
        if is_code(cause, "LoadBalancerNotFound"):
            return None
        raise


@aws_call("read the listeners of {load_balancer_arn}")
def listeners(aws: Aws, load_balancer_arn: str) -> list[dict[str, Any]]:
    pages = aws.client("elbv2").get_paginator("describe_listeners").paginate(LoadBalancerArn=load_balancer_arn)
    return [listener for page in pages for listener in page["Listeners"]]


@aws_call("read the target groups of {load_balancer_arn}")
def target_groups(aws: Aws, load_balancer_arn: str) -> dict[str, str]:
    """ARNs by name, of the target groups that rules of the load balancer name."""
    client = aws.client("elbv2")
    pages = client.get_paginator("describe_target_groups").paginate(LoadBalancerArn=load_balancer_arn)
    try:
        return {group["TargetGroupName"]: group["TargetGroupArn"] for page in pages for group in page["TargetGroups"]}
    except client.exceptions.ClientError as cause:
        # A load balancer without services has none yet.
        if is_code(cause, "TargetGroupNotFound"):
            return {}
        raise


@aws_call("read cluster {name}")
def cluster(aws: Aws, name: str) -> dict[str, Any] | None:
    found = aws.client("ecs").describe_clusters(clusters=[name], include=["SETTINGS"])["clusters"]
    return next((one for one in found if one["status"] == "ACTIVE"), None)


@aws_call("read the repositories")
def repositories(aws: Aws) -> dict[str, str]:
    """Repository URI by name, for every repository of the account and region."""
    pages = aws.client("ecr").get_paginator("describe_repositories").paginate()
    return {one["repositoryName"]: one["repositoryUri"] for page in pages for one in page["repositories"]}


@aws_call("read the zones of the region")
def zones(aws: Aws) -> list[str]:
    """Names of the region's availability zones that are open to this account, in order."""
    found = aws.client("ec2").describe_availability_zones(
        Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}, {"Name": "state", "Values": ["available"]}]
    )["AvailabilityZones"]
    return sorted(zone["ZoneName"] for zone in found)
