# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove one resource: what AWS is asked for each kind. Waiting and repeating is the caller's."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..aws import (
    acm,
    autoscaling,
    cloudwatch,
    dynamodb,
    ec2,
    ecr,
    ecs,
    efs,
    elbv2,
    iam,
    logs,
    rds,
    route53,
    scheduler,
    sns,
    xray,
)
from ..aws.errors import AwsError
from ..aws.session import Aws
from . import teardown_backup as backup_teardown
from . import teardown_rds as rds_teardown
from .teardown_order import Resource


def remove(aws: Aws, resource: Resource) -> None:
    """Request the removal; some resources take a while to disappear."""
    try:
        _REMOVERS[resource.kind](aws, resource)
    except AwsError as refused:
        # With the resource's name, which is more than its id.
        raise AwsError(f"remove {resource}", refused.cause) from refused


def _dns_record(aws: Aws, resource: Resource) -> None:
    zone_id, record = resource.detail
    route53.change(aws, zone_id, [{"Action": "DELETE", "ResourceRecordSet": record}], "environment removed")


def _autoscaling(aws: Aws, resource: Resource) -> None:
    cluster, service = resource.id.split("/", 1)
    autoscaling.deregister(aws, cluster, service)


def _ecs_service(aws: Aws, resource: Resource) -> None:
    cluster, service = resource.id.split(" ", 1)
    ecs.delete_service(aws, cluster, service, force=True)


def _role(aws: Aws, resource: Resource) -> None:
    for policy in iam.role_policies(aws, resource.id):
        iam.delete_role_policy(aws, resource.id, policy)
    for policy_arn in iam.attached_policies(aws, resource.id):
        iam.detach_policy(aws, resource.id, policy_arn)
    iam.delete_role(aws, resource.id)


def _internet_gateway(aws: Aws, resource: Resource) -> None:
    for attachment in resource.detail.get("Attachments", []):
        ec2.detach_internet_gateway(aws, resource.id, attachment["VpcId"])
    # Detached by an earlier try: only the deletion is left.
    resource.detail["Attachments"] = []
    ec2.delete_internet_gateway(aws, resource.id)


def _route_table(aws: Aws, resource: Resource) -> None:
    for association in resource.detail.get("Associations", []):
        if association.get("SubnetId") and not association.get("Main"):
            ec2.disassociate(aws, association["RouteTableAssociationId"])
    resource.detail["Associations"] = []
    ec2.delete_route_table(aws, resource.id)


def _rules(aws: Aws, resource: Resource) -> None:
    group = resource.detail
    ec2.change_rules(aws, group["GroupId"], egress=False, add=[], remove=group.get("IpPermissions", []))
    ec2.change_rules(aws, group["GroupId"], egress=True, add=[], remove=group.get("IpPermissionsEgress", []))


def _alarm(aws: Aws, resource: Resource) -> None:
    cloudwatch.delete_alarms(aws.elsewhere(resource.detail), [resource.id])


def _by_id(delete: Callable[[Aws, str], None]) -> Callable[[Aws, Resource], None]:
    return lambda aws, resource: delete(aws, resource.id)


_REMOVERS: Mapping[str, Callable[[Aws, Resource], None]] = {
    "DNS record": _dns_record,
    "health check": _by_id(route53.delete_health_check),
    "hosted zone": _by_id(route53.delete_zone),
    "composite alarm": _alarm,
    "alarm": _alarm,
    "dashboard": lambda aws, resource: cloudwatch.delete_dashboards(aws, [resource.id]),
    "saved query": lambda aws, resource: logs.delete_saved_query(aws, resource.detail),
    "trace group": _by_id(xray.delete_trace_group),
    "sampling rule": _by_id(xray.delete_sampling_rule),
    "topic": lambda aws, resource: sns.delete(aws.elsewhere(resource.detail), resource.id),
    "schedules": _by_id(scheduler.delete_group),
    "schedule": lambda aws, resource: scheduler.delete(aws, resource.detail, resource.id),
    "autoscaling": _autoscaling,
    "ECS service": _ecs_service,
    "listener rule": _by_id(elbv2.delete_rule),
    "listener": _by_id(elbv2.delete_listener),
    "load balancer": _by_id(elbv2.delete_load_balancer),
    "target group": _by_id(elbv2.delete_target_group),
    "certificate": _by_id(acm.delete_certificate),
    "task definition": _by_id(ecs.deregister_task_definition),
    "cluster": _by_id(ecs.delete_cluster),
    "ledger": _by_id(dynamodb.delete_table),
    "database": rds_teardown.delete_instance,
    "database cluster": rds_teardown.delete_cluster,
    "database subnet group": _by_id(rds.delete_subnet_group),
    "database parameters": lambda aws, resource: rds.delete_parameter_group(aws, resource.id, of_cluster=False),
    "database cluster parameters": lambda aws, resource: rds.delete_parameter_group(aws, resource.id, of_cluster=True),
    "database log group": _by_id(logs.delete_log_group),
    "backup plan": backup_teardown.delete_plan,
    "backup": backup_teardown.delete_backup,
    "backup vault": backup_teardown.delete_vault,
    "mount target": _by_id(efs.delete_mount_target),
    "access point": _by_id(efs.delete_access_point),
    "file system": _by_id(efs.delete_file_system),
    "repository": _by_id(ecr.delete_repository),
    "flow log": lambda aws, resource: ec2.delete_flow_logs(aws, [resource.id]),
    "log group": _by_id(logs.delete_log_group),
    "role": _role,
    "endpoint": _by_id(ec2.delete_endpoint),
    "NAT gateway": _by_id(ec2.delete_nat_gateway),
    "address": _by_id(ec2.release_address),
    "internet gateway": _internet_gateway,
    "egress-only gateway": _by_id(ec2.delete_egress_only_gateway),
    "subnet": _by_id(ec2.delete_subnet),
    "route table": _route_table,
    "security group rules": _rules,
    "security group": _by_id(ec2.delete_security_group),
    "VPC": _by_id(ec2.delete_vpc),
    "deployer role": _role,
    "deployer policy": _by_id(iam.delete_managed_policy),
    "identity provider": _by_id(iam.delete_oidc_provider),
}
