"""The resources of a call: ARNs among its parameters, and names that become ARNs by the service authorization reference."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .actions import Action, ResourceType
from .calls import Account, ApiCall, texts_of
from .conditions import arn_like

# Per kind of resource: the variables of its ARN, and where in the parameters their values are (JMESPath). A kind that is not
# here is found by the ARNs among the parameters alone.
_NAMED: dict[str, dict[str, str]] = {
    "ecs:cluster": {"ClusterName": "cluster || clusterName || clusters"},
    "ecs:container-instance": {"ClusterName": "cluster"},
    "ecs:service": {"ClusterName": "cluster", "ServiceName": "service || serviceName || services"},
    "ecs:task": {"ClusterName": "cluster", "TaskId": "task || tasks"},
    "ecr:repository": {"RepositoryName": "repositoryName || repositoryNames"},
    "scheduler:schedule": {"GroupName": 'GroupName || `"default"`', "ScheduleName": "Name"},
    "scheduler:schedule-group": {"GroupName": "Name"},
    "elasticloadbalancing:loadbalancer/app/": {"LoadBalancerName": "Type != 'network' && Name"},
    "elasticloadbalancing:loadbalancer/net/": {"LoadBalancerName": "Type == 'network' && Name"},
    "elasticloadbalancing:targetgroup": {"TargetGroupName": "Name"},
    "route53:hostedzone": {
        "Id": "HostedZoneId || (ResourceType == 'hostedzone' && ResourceId) || (!ResourceType && Id)"
    },
    "route53:healthcheck": {"Id": "HealthCheckId || (ResourceType == 'healthcheck' && ResourceId)"},
    "route53:change": {"Id": "Id"},
    "elasticfilesystem:file-system": {
        "FileSystemId": "FileSystemId || (starts_with(ResourceId || '', 'fs-') && ResourceId)"
    },
    "elasticfilesystem:access-point": {
        "AccessPointId": "AccessPointId || (starts_with(ResourceId || '', 'fsap-') && ResourceId)"
    },
    "dynamodb:table": {"TableName": "TableName"},
    "dynamodb:index": {"TableName": "TableName", "IndexName": "IndexName"},
    "rds:cluster": {"DbClusterInstanceName": "DBClusterIdentifier"},
    "rds:db": {"DbInstanceName": "DBInstanceIdentifier"},
    "rds:pg": {"ParameterGroupName": "DBParameterGroupName"},
    "rds:cluster-pg": {"ClusterParameterGroupName": "DBClusterParameterGroupName"},
    "rds:subgrp": {"SubnetGroupName": "DBSubnetGroupName"},
    "rds:og": {"OptionGroupName": "OptionGroupName"},
    "rds:snapshot": {"SnapshotName": "DBSnapshotIdentifier"},
    "rds:cluster-snapshot": {"ClusterSnapshotName": "DBClusterSnapshotIdentifier"},
    "backup:backupVault": {"BackupVaultName": "BackupVaultName"},
    "backup:backupPlan": {"BackupPlanId": "BackupPlanId"},
    "s3:bucket": {"BucketName": "Bucket"},
    "s3:object": {"BucketName": "Bucket", "ObjectName": "Key"},
    "ssm:parameter": {"ParameterNameWithoutLeadingSlash": "Name || Names"},
    "sns:topic": {"TopicName": "Name"},
    "logs:log-group": {"LogGroupName": "logGroupName || logGroupNames"},
    "logs:log-stream": {"LogGroupName": "logGroupName", "LogStreamName": "logStreamName"},
    "fis:experiment-template": {"Id": "id || experimentTemplateId"},
    "fis:experiment": {"Id": "id"},
    "fis:action": {"Id": "actions.*.actionId"},
    "cloudwatch:alarm": {"AlarmName": "AlarmName || AlarmNames"},
    "cloudwatch:dashboard": {"DashboardName": "DashboardName || DashboardNames"},
    "xray:sampling-rule": {
        "SamplingRuleName": "SamplingRule.RuleName || SamplingRuleUpdate.RuleName || RuleName",
    },
    # The id of a group is X-Ray's to give: where a group is named, it may be any.
    "xray:group": {"GroupName": "GroupName", "Id": 'GroupName && `"*"`'},
    "iam:policy": {"PolicyNameWithPath": "PolicyName"},
    "iam:user": {"UserNameWithPath": "UserName"},
    "sqs:queue": {"QueueName": "QueueUrl || QueueName"},
    "servicequotas:quota": {"ServiceCode": "ServiceCode", "QuotaCode": "QuotaCode"},
}
# A value of these variables may be an ARN or a path: its last part is the name.
_LAST_PART = {"ClusterName", "ServiceName", "TaskId", "Id", "QueueName"}
# All kinds that an action requires are authorised; elsewhere they are alternatives, such as listeners of the kinds of load balancers.
_TOGETHER = {"ec2", "rds"}
# DescribeAlarms needs all alarms: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/permissions-reference-cw.html, and
# so does PutCompositeAlarm: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
_ALL_OF_THEM = {"cloudwatch:DescribeAlarms", "cloudwatch:PutCompositeAlarm"}
_PREFIXES = {
    "vpc": "vpc", "subnet": "subnet", "sg": "security-group", "sgr": "security-group-rule", "igw": "internet-gateway",
    "nat": "natgateway", "rtb": "route-table", "eipalloc": "elastic-ip", "vpce": "vpc-endpoint", "fl": "vpc-flow-log",
    "eigw": "egress-only-internet-gateway", "eni": "network-interface", "acl": "network-acl", "pl": "prefix-list",
    "vol": "volume", "snap": "snapshot",
}  # fmt: skip
_TAGS = {"Tags", "tags", "TagSpecifications", "BackupPlanTags", "BackupVaultTags"}
_EC2_ID = re.compile(r"([a-z]+)-[0-9a-f]{8,}")


@dataclass(frozen=True)
class Target:
    """A resource that an action is authorised on, and the condition keys that AWS has for the two."""

    arn: str
    keys: frozenset[str]


def targets(action: Action, call: ApiCall, account: Account) -> list[Target]:
    """What an action of a call is authorised on; `*` where it takes no resource."""
    if str(action) in _ALL_OF_THEM:
        return [Target(call.scope.fill(action.types[0].arn, {}), action.keys | action.types[0].keys)]
    found: list[Target] = []
    missing: list[ResourceType] = []
    for kind in action.types:
        arns = sorted(set(_of_kind(action.service, kind, call, account)))
        found += [Target(arn, action.keys | kind.keys) for arn in arns]
        if not arns and kind.required:
            missing.append(kind)
    if missing and (action.service in _TOGETHER or not found):
        # An ELB action that names no load balancer is about the kind that there always is.
        for kind in missing if action.service in _TOGETHER else [_application_kind(missing)]:
            values = _DEFAULTS.get(f"{action.service}:{kind.name}", _none)(call)
            found.append(Target(call.scope.fill(kind.arn, values), action.keys | kind.keys))
    return found or [Target("*", action.keys)]


def _application_kind(kinds: list[ResourceType]) -> ResourceType:
    return next((kind for kind in kinds if "/app" in kind.name), kinds[0])


def _of_kind(service: str, kind: ResourceType, call: ApiCall, account: Account) -> Iterator[str]:
    pattern = call.scope.fill(kind.arn, {})
    # The value of a tag may be an ARN, and is no resource of the call.
    parameters = {key: value for key, value in call.parameters.items() if key not in _TAGS}
    given = [text for text in texts_of(parameters) if text.startswith("arn:")]
    yield from (arn for arn in given if arn_like(arn, pattern) and _is_of(arn, pattern))
    name = f"{service}:{kind.name}"
    special = _SPECIAL.get(name) or (_ec2 if service == "ec2" else None)
    if special is not None:
        yield from special(kind, call, account)
    elif name in _NAMED:
        yield from _from_names(_NAMED[name], kind, call)


def _is_of(arn: str, pattern: str) -> bool:
    """cluster/x is no service/x/y, and a load balancer no listener: as many parts as the pattern has."""
    return arn.count("/") == pattern.count("/")


def _from_names(variables: dict[str, str], kind: ResourceType, call: ApiCall) -> Iterator[str]:
    values: list[list[str]] = []
    for variable, expression in variables.items():
        given = call.texts(expression)
        if variable == "ClusterName" and not given:
            # The cluster that ECS takes where none is named.
            given = ["default"]
        elif variable in _LAST_PART:
            given = [text.rpartition("/")[2] for text in given]
        else:
            given = [text for text in given if not text.startswith("arn:")]
        values.append([text.lstrip("/") if kind.name == "parameter" else text for text in given])
    if all(values):
        for combination in itertools.product(*values):
            yield call.scope.fill(kind.arn, dict(zip(variables, combination, strict=True)))


def _ec2(kind: ResourceType, call: ApiCall, account: Account) -> Iterator[str]:
    # Tags of what is created are its own, not resources of the call. Nor are the groups that a rule names as sources, which may be
    # another account's: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
    given = [
        text
        for key, value in call.parameters.items()
        if key not in {"TagSpecifications", "IpPermissions"}
        for text in texts_of(value)
    ]
    tables = [account.route_table_of(text) for text in given if text.startswith("rtbassoc-")]
    for text in [*given, *(table for table in tables if table)]:
        found = _EC2_ID.fullmatch(text)
        if found and _PREFIXES.get(found[1]) == kind.name:
            yield call.scope.fill(re.sub(r"\$\{\w+Id\}$", text, kind.arn), {})


def _file_system(kind: ResourceType, call: ApiCall, account: Account) -> Iterator[str]:
    yield from _from_names(_NAMED["elasticfilesystem:file-system"], kind, call)
    for mount_target in call.texts("MountTargetId"):
        if file_system := account.file_system_of(mount_target):
            yield call.scope.fill(kind.arn, {"FileSystemId": file_system})


def _role(kind: ResourceType, call: ApiCall, account: Account) -> Iterator[str]:
    path = "".join(call.texts("Path")).strip("/")
    for name in call.texts("RoleName"):
        yield account.role_arn(name) or call.scope.fill(kind.arn, {"RoleNameWithPath": f"{path}/{name}".lstrip("/")})


def _identity_provider(kind: ResourceType, call: ApiCall, account: Account) -> Iterator[str]:
    """Its name is the URL without the scheme."""
    for url in call.texts("Url"):
        yield call.scope.fill(kind.arn, {"OidcProviderName": url.removeprefix("https://")})


def _secret(kind: ResourceType, call: ApiCall, account: Account) -> Iterator[str]:
    for name in call.texts("SecretId || Name"):
        if not name.startswith("arn:"):
            yield account.secret_arn(name) or call.scope.fill(kind.arn, {"SecretId": name})


def _key(kind: ResourceType, call: ApiCall, account: Account) -> Iterator[str]:
    for reference in call.texts("KeyId"):
        if not reference.startswith("arn:") or ":alias/" in reference:
            yield account.key_arn(reference) or call.scope.fill(kind.arn, {"KeyId": reference})


def _task_definition(kind: ResourceType, call: ApiCall, account: Account) -> Iterator[str]:
    for family in call.texts("family"):
        yield call.scope.fill(kind.arn, {"TaskDefinitionFamilyName": family})
    for reference in call.texts("taskDefinition"):
        if not reference.startswith("arn:"):
            found = account.task_definition(reference)
            family, _, revision = reference.partition(":")
            known = {"TaskDefinitionFamilyName": family} | (
                {"TaskDefinitionRevisionNumber": revision} if revision else {}
            )
            yield str(found["taskDefinitionArn"]) if found else call.scope.fill(kind.arn, known)


def _log_group(kind: ResourceType, call: ApiCall, account: Account) -> Iterator[str]:
    """All calls but those of tags are about the ARN with a log stream, of which the name is empty.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    """
    end = "" if "Tag" in call.operation else ":log-stream:"
    yield from (arn + end for arn in _from_names(_NAMED["logs:log-group"], kind, call))


_SPECIAL: dict[str, Callable[[ResourceType, ApiCall, Account], Iterator[str]]] = {
    "elasticfilesystem:file-system": _file_system,
    "iam:role": _role,
    "iam:oidc-provider": _identity_provider,
    "secretsmanager:Secret": _secret,
    "kms:key": _key,
    "ecs:task-definition": _task_definition,
    "logs:log-group": _log_group,
}


def _none(call: ApiCall) -> dict[str, str]:
    return {}


def _engine(call: ApiCall) -> str:
    return "".join(call.texts("Engine"))


# What RDS takes where the call names none.
_DEFAULTS: dict[str, Callable[[ApiCall], dict[str, str]]] = {
    "rds:og": lambda call: {"OptionGroupName": f"default:{_engine(call)}"},
    "rds:pg": lambda call: {"ParameterGroupName": f"default.{_engine(call)}"},
    "rds:cluster-pg": lambda call: {"ClusterParameterGroupName": f"default.{_engine(call)}"},
    "rds:subgrp": lambda call: {"SubnetGroupName": "default"},
}
