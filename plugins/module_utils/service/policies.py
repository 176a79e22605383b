# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""IAM policies of a service's two roles, with least privilege. Pure.

The execution role is used by Fargate to start a task, the task role by the containers themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..aws.arns import ArnScope
from ..aws.naming import TAG_ENVIRONMENT, ServiceNames

_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}$")
_ECR_IMAGE = re.compile(r"^(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.[^/]+/([^:@]+)")


def trust_policy(place: ArnScope) -> dict[str, Any]:
    """Let only ECS tasks of this account and region assume the role (confused deputy prevention)."""
    return _policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": place.account},
                "ArnLike": {"aws:SourceArn": place.arn("ecs", "*")},
            },
        }
    )


def execution_policy(
    place: ArnScope,
    log_group: str,
    repositories: Sequence[str] = (),
    images: Sequence[str] = (),
    containers: Sequence[Mapping[str, Any]] = (),
    secrets: Sequence[str] = (),
    kms_keys: Sequence[str] = (),
    log_groups: Sequence[str] = (),
    environment_files: Sequence[str] = (),
) -> dict[str, Any]:
    """Pull from these repositories, write this log group, read exactly what these containers are given, and what else is named:
    further secrets, log groups and environment files.
    """
    written = [place.arn("logs", f"log-group:{name}:*") for name in sorted({log_group, *log_groups})]
    statements = [_allow("Log", ["logs:CreateLogStream", "logs:PutLogEvents"], written)]
    pulled = {place.arn("ecr", f"repository/{name}") for name in repositories} | _repositories_of(images, place)
    if pulled:
        # GetAuthorizationToken knows no resource.
        statements.append(_allow("Login", ["ecr:GetAuthorizationToken"], ["*"]))
        actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        statements.append(_allow("Pull", actions, sorted(pulled)))
    read = [arn for source in [*secrets_of(containers), *secrets] for arn in secret_patterns(source, place)]
    secret_arns = sorted({arn for arn in read if ":secretsmanager:" in arn})
    parameters = sorted({arn for arn in read if ":ssm:" in arn})
    if secret_arns:
        statements.append(_allow("Secrets", ["secretsmanager:GetSecretValue"], secret_arns))
    if parameters:
        statements.append(_allow("Parameters", ["ssm:GetParameters"], parameters))
    if kms_keys:
        statements.append(_allow("Decrypt", ["kms:Decrypt"], sorted(kms_keys)))
    given = {file for container in containers for file in container.get("environment_files") or ()}
    files = sorted(given | set(environment_files))
    if files:
        statements.append(_allow("EnvironmentFiles", ["s3:GetObject"], files))
        buckets = sorted({file.partition("/")[0] for file in files})
        statements.append(_allow("EnvironmentFileBuckets", ["s3:GetBucketLocation"], buckets))
    return _policy(*statements)


def secrets_of(containers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Where the values come from that ECS reads for these containers: by value, as two may use one variable's name."""
    found: list[str] = []
    for container in containers:
        found += (container.get("secrets") or {}).values()
        found += ((container.get("log") or {}).get("secret_options") or {}).values()
        found += [container["repository_credentials"]] if container.get("repository_credentials") else []
    return found


def registered_secrets(definition: Mapping[str, Any]) -> list[str]:
    """The same of a registered task definition."""
    found: list[str] = []
    for container in definition.get("containerDefinitions", []):
        found += [secret["valueFrom"] for secret in container.get("secrets", [])]
        found += [secret["valueFrom"] for secret in container.get("logConfiguration", {}).get("secretOptions", [])]
        credentials = container.get("repositoryCredentials", {}).get("credentialsParameter")
        found += [credentials] if credentials else []
    return found


def registered_environment_files(definition: Mapping[str, Any]) -> list[str]:
    """ARNs of the objects in S3 that hold variables of a registered task definition."""
    containers = definition.get("containerDefinitions", [])
    return [file["value"] for container in containers for file in container.get("environmentFiles", [])]


def registered_images(definition: Mapping[str, Any]) -> list[str]:
    """The images of a registered task definition, its sidecars' too."""
    return [container["image"] for container in definition.get("containerDefinitions", [])]


def registered_log_groups(definition: Mapping[str, Any]) -> list[str]:
    """The log groups of CloudWatch that a registered task definition writes to."""
    logs = [container.get("logConfiguration", {}) for container in definition.get("containerDefinitions", [])]
    groups = [log.get("options", {}).get("awslogs-group") for log in logs if log.get("logDriver") == "awslogs"]
    return [group for group in groups if group]


def schedule_trust_policy(place: ArnScope) -> dict[str, Any]:
    """EventBridge Scheduler, for schedules of this account alone."""
    return _policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": "scheduler.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": place.account}},
        }
    )


def experiment_trust_policy(place: ArnScope) -> dict[str, Any]:
    """Fault Injection Service, for experiments of this account alone."""
    return _policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": "fis.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": place.account}},
        }
    )


def experiment_policy(place: ArnScope, environment: str, cluster_name: str) -> dict[str, Any]:
    """Stop tasks of an environment in one cluster, which others may use too, and cut subnets off for a while by network ACLs that Fault
    Injection Service makes and removes.

    https://docs.aws.amazon.com/fis/latest/userguide/fis-actions-reference.html#stop-task and #disrupt-connectivity; the latter as in the
    managed policy AWSFaultInjectionSimulatorNetworkAccess
    """
    tasks = place.arn("ecs", f"task/{cluster_name}/*")
    find = {
        **_allow("Find", ["ecs:ListTasks"], ["*"]),
        "Condition": {"ArnEquals": {"ecs:cluster": place.arn("ecs", f"cluster/{cluster_name}")}},
    }
    # The page lists it for the action, however its targets are given.
    tagged = _allow("FindByTags", ["tag:GetResources"], ["*"])
    stop = {
        **_allow("Stop", ["ecs:StopTask"], [tasks]),
        "Condition": {"StringEquals": {f"aws:ResourceTag/{TAG_ENVIRONMENT}": environment}},
    }
    return _policy(find, tagged, _allow("Describe", ["ecs:DescribeTasks"], [tasks]), stop, *_network_acls(place))


def _network_acls(place: ArnScope) -> list[dict[str, Any]]:
    """Change none but those that Fault Injection Service has made, and which of them a subnet has."""
    acls, vpcs, subnets = (place.arn("ec2", f"{kind}/*") for kind in ("network-acl", "vpc", "subnet"))
    asked = {"aws:RequestTag/managedByFIS": "true"}
    made = {"StringEquals": {"aws:ResourceTag/managedByFIS": "true"}}
    look = ["ec2:DescribeManagedPrefixLists", "ec2:DescribeNetworkAcls", "ec2:DescribeSubnets", "ec2:DescribeVpcs"]
    return [
        _allow("FindSubnets", look, ["*"]),
        {**_allow("MakeAcls", ["ec2:CreateNetworkAcl"], [acls]), "Condition": {"StringEquals": asked}},
        _allow("MakeAclsInVpcs", ["ec2:CreateNetworkAcl"], [vpcs]),
        {
            **_allow("TagAcls", ["ec2:CreateTags"], [acls]),
            "Condition": {"StringEquals": {"ec2:CreateAction": "CreateNetworkAcl", **asked}},
        },
        {**_allow("KeepAcls", ["ec2:CreateNetworkAclEntry", "ec2:DeleteNetworkAcl"], [acls]), "Condition": made},
        _allow("GiveAcls", ["ec2:ReplaceNetworkAclAssociation"], [acls, subnets]),
    ]


def schedule_policy(place: ArnScope, names: ServiceNames, cluster_name: str, roles: Sequence[str]) -> dict[str, Any]:
    """Start tasks of one service in one cluster, with that service's two roles, given by ARN."""
    definitions = place.arn("ecs", f"task-definition/{names.family}:*")
    cluster = place.arn("ecs", f"cluster/{cluster_name}")
    run = {**_allow("Run", ["ecs:RunTask"], [definitions]), "Condition": {"ArnEquals": {"ecs:cluster": cluster}}}
    tag = {
        **_allow("Tag", ["ecs:TagResource"], [place.arn("ecs", f"task/{cluster_name}/*")]),
        "Condition": {"StringEquals": {"ecs:CreateAction": "RunTask"}},
    }
    hand = {
        **_allow("HandRoles", ["iam:PassRole"], sorted(roles)),
        "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
    }
    return _policy(run, tag, hand)


def infrastructure_trust_policy(place: ArnScope) -> dict[str, Any]:
    """Let ECS assume the role, for this account."""
    return _policy(
        {
            "Effect": "Allow",
            "Principal": {"Service": "ecs.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": place.account}},
        }
    )


def infrastructure_policy(place: ArnScope, kms_keys: Sequence[str] = ()) -> dict[str, Any]:
    """EBS volumes of tasks, which ECS tags as its own. As AmazonECSInfrastructureRolePolicyForVolumes, for one region.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/infrastructure_IAM_role.html
    """
    volumes = place.arn("ec2", "volume/*")
    task = place.arn("ecs", "task/*")
    made = {
        "ArnLike": {"aws:RequestTag/AmazonECSCreated": task},
        "StringEquals": {"aws:RequestTag/AmazonECSManaged": "true"},
    }
    tagged = {**made, "StringEquals": {**made["StringEquals"], "ec2:CreateAction": "CreateVolume"}}
    ours = {"StringEquals": {"aws:ResourceTag/AmazonECSManaged": "true"}}
    deleted = {"ArnLike": {"aws:ResourceTag/AmazonECSCreated": task}, **ours}
    snapshots = f"arn:{place.partition}:ec2:{place.region}:*:snapshot/*"
    statements = [
        {**_allow("CreateVolumes", ["ec2:CreateVolume"], [volumes]), "Condition": made},
        _allow("CreateFromSnapshots", ["ec2:CreateVolume"], [snapshots]),
        {**_allow("TagNewVolumes", ["ec2:CreateTags"], [volumes]), "Condition": tagged},
        _allow("Describe", ["ec2:DescribeAvailabilityZones", "ec2:DescribeVolumes"], ["*"]),
        {**_allow("AttachVolumes", ["ec2:AttachVolume", "ec2:DetachVolume"], [volumes]), "Condition": ours},
        _allow("AttachToInstances", ["ec2:AttachVolume", "ec2:DetachVolume"], [place.arn("ec2", "instance/*")]),
        {**_allow("DeleteVolumes", ["ec2:DeleteVolume"], [volumes]), "Condition": deleted},
    ]
    if kms_keys:
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ebs-kms-encryption.html
        used = ["kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
        statements.append(_allow("UseKeys", ["kms:DescribeKey", *used], sorted(kms_keys)))
        grant = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
        statements.append({**_allow("GrantKeys", ["kms:CreateGrant"], sorted(kms_keys)), "Condition": grant})
    return _policy(*statements)


def task_policy(
    place: ArnScope,
    statements: Sequence[Mapping[str, Any]] = (),
    volumes: Sequence[Mapping[str, Any]] = (),
    read_only: Sequence[str] = (),
    execute_command: bool = False,
    secrets: Sequence[str] = (),
    kms_keys: Sequence[str] = (),
    protects_tasks_of: str = "",
) -> dict[str, Any] | None:
    """What the service's own statements say, its mounts, secrets that its containers read themselves, a shell and the protection
    of tasks of a cluster where that is allowed; None where it needs nothing.
    """
    granted = [dict(statement) for statement in statements]
    granted += [
        _mount(place, volume, volume["name"] not in read_only) for volume in volumes if volume.get("access_point_id")
    ]
    if secrets:
        granted.append(_allow("ReadSecrets", ["secretsmanager:GetSecretValue"], sorted(secrets)))
        if kms_keys:
            granted.append(_allow("DecryptSecrets", ["kms:Decrypt"], sorted(kms_keys)))
    if execute_command:
        channels = ["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"]
        granted.append(_allow("ExecuteCommand", [f"ssmmessages:{channel}" for channel in channels], ["*"]))
    if protects_tasks_of:
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection-endpoint.html
        actions = ["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"]
        granted.append(_allow("ProtectTasks", actions, [place.arn("ecs", f"task/{protects_tasks_of}/*")]))
    return _policy(*granted) if granted else None


def secret_arn(source: str, place: ArnScope) -> str:
    """Return the ARN that a container's secret is read from: a secret without key and version, a parameter by name or ARN."""
    if not source.startswith("arn:"):
        return place.arn("ssm", f"parameter/{source.lstrip('/')}")
    if ":secretsmanager:" in source:
        # arn:…:secret:NAME-SUFFIX:json-key:version-stage:version-id; the last three choose within the secret.
        return ":".join(source.split(":")[:7])
    return source


def secret_patterns(source: str, place: ArnScope) -> list[str]:
    """The resources that a policy names for a secret. IAM compares the whole ARN, which ends with six characters of AWS's own.

    Six characters at the end may be AWS's, or the end of a name that was given without them, such as prod/db-202401: both are named.
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen
    """
    arn = secret_arn(source, place)
    if ":secretsmanager:" not in arn:
        return [arn]
    return [arn, f"{arn}-??????"] if _SUFFIX.search(arn) else [f"{arn}-??????"]


def _mount(place: ArnScope, volume: Mapping[str, Any], writes: bool) -> dict[str, Any]:
    actions = ["elasticfilesystem:ClientMount"]
    if writes:
        actions.append("elasticfilesystem:ClientWrite")
    point = place.arn("elasticfilesystem", f"access-point/{volume['access_point_id']}")
    resource = place.arn("elasticfilesystem", f"file-system/{volume['file_system_id']}")
    sid = "Mount" + re.sub(r"[^A-Za-z0-9]", "", volume["name"].title())
    return {
        **_allow(sid, actions, [resource]),
        "Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": point}},
    }


def _repositories_of(images: Sequence[str], place: ArnScope) -> set[str]:
    """ARNs of the repositories that these references name, where they are ECR's."""
    parts = [match.groups() for match in map(_ECR_IMAGE.match, images) if match]
    return {f"arn:{place.partition}:ecr:{region}:{account}:repository/{name}" for account, region, name in parts}


def _allow(sid: str, actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _policy(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [dict(statement) for statement in statements]}
