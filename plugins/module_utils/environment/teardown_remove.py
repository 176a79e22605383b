# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove one thing: what AWS is asked for each kind. Waiting and repeating is the caller's."""

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
from .teardown_order import Thing


def remove(aws: Aws, thing: Thing) -> None:
    """Request the removal; some resources take a while to disappear."""
    try:
        _REMOVERS[thing.kind](aws, thing)
    except AwsError as refused:
        # With the thing's name, which is more than its id.
        raise AwsError(f"remove {thing}", refused.cause) from refused


def _dns_record(aws: Aws, thing: Thing) -> None:
    zone_id, record = thing.detail
    route53.change(aws, zone_id, [{"Action": "DELETE", "ResourceRecordSet": record}], "environment removed")


def _autoscaling(aws: Aws, thing: Thing) -> None:
    cluster, service = thing.id.split("/", 1)
    autoscaling.deregister(aws, cluster, service)


def _ecs_service(aws: Aws, thing: Thing) -> None:
    cluster, service = thing.id.split(" ", 1)
    ecs.delete_service(aws, cluster, service, force=True)


def _role(aws: Aws, thing: Thing) -> None:
    for policy in iam.role_policies(aws, thing.id):
        iam.delete_role_policy(aws, thing.id, policy)
    for policy_arn in iam.attached_policies(aws, thing.id):
        iam.detach_policy(aws, thing.id, policy_arn)
    iam.delete_role(aws, thing.id)


def _internet_gateway(aws: Aws, thing: Thing) -> None:
    for attachment in thing.detail.get("Attachments", []):
        ec2.detach_internet_gateway(aws, thing.id, attachment["VpcId"])
    # Detached by an earlier try: only the deletion is left.
    thing.detail["Attachments"] = []
    ec2.delete_internet_gateway(aws, thing.id)


def _route_table(aws: Aws, thing: Thing) -> None:
    for association in thing.detail.get("Associations", []):
        if association.get("SubnetId") and not association.get("Main"):
            ec2.disassociate(aws, association["RouteTableAssociationId"])
    thing.detail["Associations"] = []
    ec2.delete_route_table(aws, thing.id)


def _rules(aws: Aws, thing: Thing) -> None:
    group = thing.detail
    ec2.change_rules(aws, group["GroupId"], egress=False, add=[], remove=group.get("IpPermissions", []))
    ec2.change_rules(aws, group["GroupId"], egress=True, add=[], remove=group.get("IpPermissionsEgress", []))


def _alarm(aws: Aws, thing: Thing) -> None:
    cloudwatch.delete_alarms(aws.elsewhere(thing.detail), [thing.id])


def _by_id(delete: Callable[[Aws, str], None]) -> Callable[[Aws, Thing], None]:
    return lambda aws, thing: delete(aws, thing.id)


_REMOVERS: Mapping[str, Callable[[Aws, Thing], None]] = {
    "DNS record": _dns_record,
    "health check": _by_id(route53.delete_health_check),
    "hosted zone": _by_id(route53.delete_zone),
    "composite alarm": _alarm,
    "alarm": _alarm,
    "dashboard": lambda aws, thing: cloudwatch.delete_dashboards(aws, [thing.id]),
    "saved query": lambda aws, thing: logs.delete_saved_query(aws, thing.detail),
    "trace group": _by_id(xray.delete_trace_group),
    "sampling rule": _by_id(xray.delete_sampling_rule),
    "topic": lambda aws, thing: sns.delete(aws.elsewhere(thing.detail), thing.id),
    "schedules": _by_id(scheduler.delete_group),
    "schedule": lambda aws, thing: scheduler.delete(aws, thing.detail, thing.id),
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
    "database parameters": lambda aws, thing: rds.delete_parameter_group(aws, thing.id, of_cluster=False),
    "database cluster parameters": lambda aws, thing: rds.delete_parameter_group(aws, thing.id, of_cluster=True),
    "database log group": _by_id(logs.delete_log_group),
    "backup plan": backup_teardown.delete_plan,
    "backup": backup_teardown.delete_backup,
    "backup vault": backup_teardown.delete_vault,
    "mount target": _by_id(efs.delete_mount_target),
    "access point": _by_id(efs.delete_access_point),
    "file system": _by_id(efs.delete_file_system),
    "repository": _by_id(ecr.delete_repository),
    "flow log": lambda aws, thing: ec2.delete_flow_logs(aws, [thing.id]),
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
