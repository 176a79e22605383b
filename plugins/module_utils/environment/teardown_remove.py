# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove one thing: what AWS is asked for each kind. Waiting and repeating is the caller's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..aws import cloudwatch, route53
from ..aws.errors import aws_call
from ..aws.session import Aws
from . import teardown_backup as backup_teardown
from . import teardown_rds as rds_teardown
from .teardown_order import Thing


@aws_call("remove {thing}")
def remove(aws: Aws, thing: Thing) -> None:
    """Ask AWS to remove it; some things go on for a while after that."""
    _REMOVERS[thing.kind](aws, thing)


def _dns_record(aws: Aws, thing: Thing) -> None:
    zone_id, record = thing.detail
    route53.change(aws, zone_id, [{"Action": "DELETE", "ResourceRecordSet": record}], "environment removed")


def _autoscaling(aws: Aws, thing: Thing) -> None:
    aws.client("application-autoscaling").deregister_scalable_target(
        ServiceNamespace="ecs", ScalableDimension="ecs:service:DesiredCount", ResourceId=f"service/{thing.id}"
    )


def _ecs_service(aws: Aws, thing: Thing) -> None:
    cluster, _, service = thing.id.partition(" ")
    aws.client("ecs").delete_service(cluster=cluster, service=service, force=True)


def _role(aws: Aws, thing: Thing) -> None:
    client = aws.client("iam")
    for page in client.get_paginator("list_role_policies").paginate(RoleName=thing.id):
        for name in page["PolicyNames"]:
            client.delete_role_policy(RoleName=thing.id, PolicyName=name)
    for page in client.get_paginator("list_attached_role_policies").paginate(RoleName=thing.id):
        for policy in page["AttachedPolicies"]:
            client.detach_role_policy(RoleName=thing.id, PolicyArn=policy["PolicyArn"])
    client.delete_role(RoleName=thing.id)


def _internet_gateway(aws: Aws, thing: Thing) -> None:
    client = aws.client("ec2")
    for attachment in thing.detail.get("Attachments", []):
        client.detach_internet_gateway(InternetGatewayId=thing.id, VpcId=attachment["VpcId"])
    # Detached by an earlier try: only the deletion is left.
    thing.detail["Attachments"] = []
    client.delete_internet_gateway(InternetGatewayId=thing.id)


def _route_table(aws: Aws, thing: Thing) -> None:
    client = aws.client("ec2")
    for association in thing.detail.get("Associations", []):
        if association.get("SubnetId") and not association.get("Main"):
            client.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
    thing.detail["Associations"] = []
    client.delete_route_table(RouteTableId=thing.id)


def _rules(aws: Aws, thing: Thing) -> None:
    client, group = aws.client("ec2"), thing.detail
    if group.get("IpPermissions"):
        client.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
    if group.get("IpPermissionsEgress"):
        client.revoke_security_group_egress(GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"])


def _call(
    service: str, operation: str, parameter: str, many: bool = False, **more: Any
) -> Callable[[Aws, Thing], None]:
    """One call that takes the id, alone or in a list."""

    def run(aws: Aws, thing: Thing) -> None:
        getattr(aws.client(service), operation)(**{parameter: [thing.id] if many else thing.id}, **more)

    return run


_REMOVERS: Mapping[str, Callable[[Aws, Thing], None]] = {
    "DNS record": _dns_record,
    "health check": lambda aws, thing: route53.delete_health_check(aws, thing.id),
    "hosted zone": _call("route53", "delete_hosted_zone", "Id"),
    "alarm": lambda aws, thing: cloudwatch.delete_alarms(aws.elsewhere(thing.detail), [thing.id]),
    "dashboard": lambda aws, thing: cloudwatch.delete_dashboards(aws, [thing.id]),
    "topic": lambda aws, thing: _call("sns", "delete_topic", "TopicArn")(aws.elsewhere(thing.detail), thing),
    "schedules": _call("scheduler", "delete_schedule_group", "Name"),
    "autoscaling": _autoscaling,
    "ECS service": _ecs_service,
    "load balancer": _call("elbv2", "delete_load_balancer", "LoadBalancerArn"),
    "target group": _call("elbv2", "delete_target_group", "TargetGroupArn"),
    "certificate": _call("acm", "delete_certificate", "CertificateArn"),
    "task definition": _call("ecs", "deregister_task_definition", "taskDefinition"),
    "cluster": _call("ecs", "delete_cluster", "cluster"),
    "ledger": _call("dynamodb", "delete_table", "TableName"),
    "database": rds_teardown.delete_instance,
    "database cluster": rds_teardown.delete_cluster,
    "database subnet group": _call("rds", "delete_db_subnet_group", "DBSubnetGroupName"),
    "database parameters": _call("rds", "delete_db_parameter_group", "DBParameterGroupName"),
    "database cluster parameters": _call("rds", "delete_db_cluster_parameter_group", "DBClusterParameterGroupName"),
    "database log group": _call("logs", "delete_log_group", "logGroupName"),
    "backup plan": backup_teardown.delete_plan,
    "backup": backup_teardown.delete_backup,
    "backup vault": backup_teardown.delete_vault,
    "mount target": _call("efs", "delete_mount_target", "MountTargetId"),
    "access point": _call("efs", "delete_access_point", "AccessPointId"),
    "file system": _call("efs", "delete_file_system", "FileSystemId"),
    "repository": _call("ecr", "delete_repository", "repositoryName", force=True),
    "flow log": _call("ec2", "delete_flow_logs", "FlowLogIds", many=True),
    "log group": _call("logs", "delete_log_group", "logGroupName"),
    "role": _role,
    "endpoint": _call("ec2", "delete_vpc_endpoints", "VpcEndpointIds", many=True),
    "NAT gateway": _call("ec2", "delete_nat_gateway", "NatGatewayId"),
    "address": _call("ec2", "release_address", "AllocationId"),
    "internet gateway": _internet_gateway,
    "egress-only gateway": _call("ec2", "delete_egress_only_internet_gateway", "EgressOnlyInternetGatewayId"),
    "subnet": _call("ec2", "delete_subnet", "SubnetId"),
    "route table": _route_table,
    "security group rules": _rules,
    "security group": _call("ec2", "delete_security_group", "GroupId"),
    "VPC": _call("ec2", "delete_vpc", "VpcId"),
}
