"""What a call needs besides its own action: roles that it passes, tags that it sets, calls that the service makes as the caller.

The service authorization reference lists most of it as dependent actions, without the parameters that they depend on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .calls import Account, ApiCall

# Roles among the parameters, and the service that is given them.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
PASSED: dict[str, tuple[tuple[str, str], ...]] = {
    "ecs:RegisterTaskDefinition": (("[taskRoleArn, executionRoleArn]", "ecs-tasks.amazonaws.com"),),
    "ecs:RunTask": (
        ("[overrides.taskRoleArn, overrides.executionRoleArn]", "ecs-tasks.amazonaws.com"),
        ("volumeConfigurations[].managedEBSVolume.roleArn", "ecs.amazonaws.com"),
    ),
    "ecs:CreateService": (
        ("role", "ecs.amazonaws.com"),
        ("loadBalancers[].advancedConfiguration.roleArn", "ecs.amazonaws.com"),
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-tls.html
        ("serviceConnectConfiguration.services[].tls.roleArn", "ecs.amazonaws.com"),
        ("volumeConfigurations[].managedEBSVolume.roleArn", "ecs.amazonaws.com"),
    ),
    "fis:CreateExperimentTemplate": (("roleArn", "fis.amazonaws.com"),),
    "fis:UpdateExperimentTemplate": (("roleArn", "fis.amazonaws.com"),),
    "scheduler:CreateSchedule": (("Target.RoleArn", "scheduler.amazonaws.com"),),
    "scheduler:UpdateSchedule": (("Target.RoleArn", "scheduler.amazonaws.com"),),
    "backup:CreateBackupSelection": (("BackupSelection.IamRoleArn", "backup.amazonaws.com"),),
    "ec2:CreateFlowLogs": (("DeliverLogsPermissionArn", "vpc-flow-logs.amazonaws.com"),),
    "rds:CreateDBInstance": (("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),),
    "rds:ModifyDBInstance": (("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),),
    "rds:CreateDBCluster": (("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),),
}
PASSED["ecs:UpdateService"] = PASSED["ecs:CreateService"][1:]


def passed_roles(call: ApiCall, account: Account) -> Iterator[tuple[str, str]]:
    """The ARN of each role that a call hands to a service, and that service."""
    for expression, service in PASSED.get(call.name, ()):
        for reference in call.texts(expression):
            # RegisterTaskDefinition and CreateService take a name too.
            name = reference.rpartition("/")[2]
            yield reference if reference.startswith("arn:") else account.role_arn(name) or _role(call, name), service
    # The roles of the task definition are passed once more by whoever starts it:
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/CWE_IAM_role.html, and
    # https://github.com/keidarcy/e1s/issues/429 for UpdateService, which is refused with a task definition and not without.
    if call.name in {"ecs:RunTask", "ecs:CreateService", "ecs:UpdateService"}:
        for reference in call.texts("taskDefinition"):
            definition = account.task_definition(reference) or {}
            for kind in ("taskRoleArn", "executionRoleArn"):
                if role := definition.get(kind):
                    yield str(role), "ecs-tasks.amazonaws.com"


def _role(call: ApiCall, name: str) -> str:
    return call.scope.fill("arn:${Partition}:iam::${Account}:role/${Name}", {"Name": name})


@dataclass(frozen=True)
class ServiceRole:
    """A service-linked role, and the calls of which the first makes it, as the caller."""

    service: str
    name: str
    calls: tuple[str, ...]
    page: str
    # Those that go on without it, and leave it unmade.
    tries: tuple[str, ...] = ()

    def arn(self, call: ApiCall) -> str:
        template = "arn:${Partition}:iam::${Account}:role/aws-service-role/${Service}/${Name}"
        return call.scope.fill(template, {"Service": self.service, "Name": self.name})


SERVICE_ROLES = (
    ServiceRole(
        "ecs.amazonaws.com",
        "AWSServiceRoleForECS",
        ("ecs:CreateService", "ecs:UpdateService", "ecs:RunTask"),
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html",
        tries=("ecs:CreateCluster",),
    ),
    ServiceRole(
        "elasticloadbalancing.amazonaws.com",
        "AWSServiceRoleForElasticLoadBalancing",
        ("elasticloadbalancing:CreateLoadBalancer",),
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-service-linked-roles.html",
    ),
    ServiceRole(
        "ecs.application-autoscaling.amazonaws.com",
        "AWSServiceRoleForApplicationAutoScaling_ECSService",
        ("application-autoscaling:RegisterScalableTarget",),
        "https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-service-linked-roles.html",
    ),
    ServiceRole(
        "rds.amazonaws.com",
        "AWSServiceRoleForRDS",
        ("rds:CreateDBInstance", "rds:CreateDBCluster"),
        "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAM.ServiceLinkedRoles.html",
    ),
    ServiceRole(
        "elasticfilesystem.amazonaws.com",
        "AWSServiceRoleForAmazonElasticFileSystem",
        ("elasticfilesystem:CreateMountTarget",),
        "https://docs.aws.amazon.com/efs/latest/ug/using-service-linked-roles.html",
    ),
    ServiceRole(
        "backup.amazonaws.com",
        "AWSServiceRoleForBackup",
        ("backup:CreateBackupSelection",),
        "https://docs.aws.amazon.com/aws-backup/latest/devguide/using-service-linked-roles-AWSServiceRoleForBackup.html",
    ),
    ServiceRole(
        "fis.amazonaws.com",
        "AWSServiceRoleForFIS",
        ("fis:StartExperiment",),
        "https://docs.aws.amazon.com/fis/latest/userguide/using-service-linked-roles.html",
    ),
    ServiceRole(
        "replication.ecr.amazonaws.com",
        "AWSServiceRoleForECRReplication",
        ("ecr:PutReplicationConfiguration",),
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/using-service-linked-roles.html",
    ),
    ServiceRole(
        "pullthroughcache.ecr.amazonaws.com",
        "AWSServiceRoleForECRPullThroughCache",
        ("ecr:CreatePullThroughCacheRule",),
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/using-service-linked-roles.html",
    ),
)


def service_role(call: ApiCall) -> ServiceRole | None:
    """The service-linked role without which a call's service can't do its work."""
    return next((role for role in SERVICE_ROLES if call.name in role.calls + role.tries), None)


def made_as_caller(call: ApiCall) -> Iterator[ApiCall]:
    """The calls that a service makes with the caller's permissions to carry out a call."""
    for name, parameters in _FOLLOWING.get(call.name, _nothing)(call):
        service, _, operation = name.partition(":")
        yield ApiCall(service, operation, parameters, call.scope)


Following = Iterator[tuple[str, Mapping[str, Any]]]


def _nothing(call: ApiCall) -> Following:
    return iter(())


def _reads(*names: str) -> Callable[[ApiCall], Following]:
    return lambda call: ((name, {}) for name in names)


def _mount_target(call: ApiCall) -> Following:
    """https://docs.aws.amazon.com/efs/latest/ug/API_CreateMountTarget.html"""
    yield "ec2:DescribeSubnets", {}
    yield "ec2:DescribeNetworkInterfaces", {}
    parameters = call.parameters
    interface = {"SubnetId": parameters.get("SubnetId"), "Groups": parameters.get("SecurityGroups") or []}
    yield "ec2:CreateNetworkInterface", interface


def _scalable_target(call: ApiCall) -> Following:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/auto-scaling-IAM.html"""
    if call.parameters.get("ServiceNamespace") == "ecs":
        _, cluster, service = str(call.parameters["ResourceId"]).split("/")
        yield "ecs:DescribeServices", {"cluster": cluster, "services": [service]}
        yield "ecs:UpdateService", {"cluster": cluster, "service": service}


def _scaling_policy(call: ApiCall) -> Following:
    if call.parameters.get("PolicyType") == "TargetTrackingScaling":
        yield "cloudwatch:DescribeAlarms", {}
        yield "cloudwatch:PutMetricAlarm", {"AlarmName": f"TargetTracking-{call.parameters['ResourceId']}-AlarmHigh-*"}


def _scaling_policy_gone(call: ApiCall) -> Following:
    yield "cloudwatch:DeleteAlarms", {"AlarmNames": [f"TargetTracking-{call.parameters['ResourceId']}-AlarmHigh-*"]}


def _endpoint(call: ApiCall) -> Following:
    yield from _reads("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs")(call)
    if call.parameters.get("VpcEndpointType") == "Interface" and call.parameters.get("PrivateDnsEnabled"):
        yield "route53:AssociateVPCWithHostedZone", {}


def _web_acl(call: ApiCall) -> Following:
    """https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html"""
    yield "elasticloadbalancing:SetWebACL", {"ResourceArn": call.parameters.get("ResourceArn")}


def _web_acl_read(call: ApiCall) -> Following:
    # That of a load balancer is one of its region.
    any_of_region = "arn:${Partition}:wafv2:${Region}:${Account}:regional/webacl/*/*"
    yield "wafv2:GetWebACL", {"ARN": call.scope.fill(any_of_region, {})}


def _database(call: ApiCall) -> Following:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html"""
    parameters = call.parameters
    if parameters.get("ManageMasterUserPassword"):
        kind = "cluster" if "Cluster" in call.operation else "db"
        secret = {"Name": f"rds!{kind}-*", "Tags": [{"Key": "aws:secretsmanager:owningService", "Value": "rds"}]}
        yield "secretsmanager:CreateSecret", secret
    for key in call.texts("KmsKeyId"):
        yield from _grants(key, "rds")
    for key in call.texts("MasterUserSecretKmsKeyId"):
        for name in ("DescribeKey", "CreateGrant", "Decrypt", "GenerateDataKey"):
            yield _key(name, key, "secretsmanager")


def _vault(call: ApiCall) -> Following:
    """https://docs.aws.amazon.com/aws-backup/latest/devguide/access-control.html"""
    yield "backup-storage:MountCapsule", {}
    for key in call.texts("EncryptionKeyArn"):
        for name in ("CreateGrant", "GenerateDataKey", "Decrypt", "RetireGrant", "DescribeKey"):
            yield _key(name, key, "backup")


def _group_of_schedules(call: ApiCall) -> Following:
    yield "scheduler:DeleteSchedule", {"GroupName": call.parameters.get("Name"), "Name": "*"}


def _quota(call: ApiCall) -> Following:
    """Applied values of these services' quotas are read from the services themselves."""
    limits = {"dynamodb": "DescribeLimits", "elasticloadbalancing": "DescribeAccountLimits", "iam": "GetAccountSummary"}
    service = str(call.parameters.get("ServiceCode"))
    if service in limits:
        yield f"{service}:{limits[service]}", {}


def _key(name: str, key: str, service: str) -> tuple[str, Mapping[str, Any]]:
    return f"kms:{name}", {"KeyId": key, "ViaService": service}


def _grants(key: str, service: str) -> Following:
    """A key of the customer's is described, and the service is granted its use."""
    yield _key("DescribeKey", key, service)
    yield _key("CreateGrant", key, service)


def of_encrypted_topic(call: ApiCall, account: Account) -> Iterator[ApiCall]:
    """Who publishes uses the topic's key, unless that is the one that AWS manages for SNS.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    topics = call.texts("TopicArn") if call.name in {"sns:Publish", "sns:PublishBatch"} else []
    for key in (key for topic in topics if (key := account.key_of_topic(topic))):
        for name in ("GenerateDataKey", "Decrypt"):
            yield ApiCall("kms", name, {"KeyId": key, "ViaService": "sns"}, call.scope)


def _repository(call: ApiCall) -> Following:
    for key in call.texts("encryptionConfiguration.kmsKey"):
        yield from _grants(key, "ecr")
        yield _key("RetireGrant", key, "ecr")


def _encrypted(expression: str, service: str, *uses: str) -> Callable[[ApiCall], Following]:
    """A key that the service is granted, and uses as the caller besides."""

    def following(call: ApiCall) -> Following:
        for key in call.texts(expression):
            yield from _grants(key, service)
            yield from (_key(use, key, service) for use in uses)

    return following


# Of which EFS says that they are required, and DynamoDB that whoever selects the key must have them.
_OF_FILES = ("Decrypt", "GenerateDataKeyWithoutPlaintext")
_OF_TABLES = (*_OF_FILES, "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")


# https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-permissions.html; the last action by the policy of
# AWS's load balancer controller: https://github.com/kubernetes-sigs/aws-load-balancer-controller
_LOAD_BALANCER = (
    "ec2:DescribeAccountAttributes",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "ec2:GetSecurityGroupsForVpc",
)
_FOLLOWING: dict[str, Callable[[ApiCall], Following]] = {
    "application-autoscaling:RegisterScalableTarget": _scalable_target,
    "application-autoscaling:PutScalingPolicy": _scaling_policy,
    "application-autoscaling:DeleteScalingPolicy": _scaling_policy_gone,
    "backup:CreateBackupVault": _vault,
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    "dynamodb:CreateTable": _encrypted("SSESpecification.KMSMasterKeyId", "dynamodb", *_OF_TABLES),
    "dynamodb:UpdateTable": _encrypted("SSESpecification.KMSMasterKeyId", "dynamodb", *_OF_TABLES),
    "ec2:CreateVpcEndpoint": _endpoint,
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
    "ecr:CreateRepository": _repository,
    # https://docs.aws.amazon.com/efs/latest/ug/encryption-at-rest.html#EFSKMSPolicy
    "elasticfilesystem:CreateFileSystem": _encrypted("KmsKeyId", "elasticfilesystem", *_OF_FILES),
    "elasticfilesystem:CreateMountTarget": _mount_target,
    # https://docs.aws.amazon.com/efs/latest/ug/API_DeleteMountTarget.html
    "elasticfilesystem:DeleteMountTarget": _reads("ec2:DeleteNetworkInterface"),
    "elasticfilesystem:DescribeMountTargetSecurityGroups": _reads("ec2:DescribeNetworkInterfaceAttribute"),
    "elasticfilesystem:ModifyMountTargetSecurityGroups": _reads("ec2:ModifyNetworkInterfaceAttribute"),
    "elasticloadbalancing:CreateLoadBalancer": _reads(*_LOAD_BALANCER),
    "elasticloadbalancing:CreateTargetGroup": _reads("ec2:DescribeVpcs"),
    "elasticloadbalancing:SetSecurityGroups": _reads("ec2:DescribeSecurityGroups", "ec2:GetSecurityGroupsForVpc"),
    "elasticloadbalancing:SetSubnets": _reads("ec2:DescribeSubnets", "ec2:DescribeVpcs"),
    "rds:CreateDBCluster": _database,
    "rds:CreateDBInstance": _database,
    "scheduler:DeleteScheduleGroup": _group_of_schedules,
    "servicequotas:GetServiceQuota": _quota,
    "wafv2:AssociateWebACL": _web_acl,
    "wafv2:DisassociateWebACL": _web_acl,
    "wafv2:GetWebACLForResource": _web_acl_read,
}
