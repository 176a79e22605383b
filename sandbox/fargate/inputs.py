"""What a container is given from elsewhere in AWS: secrets, volumes, a log stream. Refused in AWS's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from ..core import Core
from ..errors import ApiError
from ..faults.model import SUBNET
from ..roles import RoleRefused, Roles
from .file_systems import directory, is_reachable
from .model import StartFailed, Task

_TASK_FAILED = "TaskFailedToStart"
# Until Fargate gives up calls that nobody answers, or a mount.
_UNREACHABLE_SECONDS = 120.0


def client_of(core: Core, task: Task, service: str) -> Any:
    """A client with the permissions of the task's execution role. Raises StartFailed."""
    role = task.overrides.get("executionRoleArn") or task.definition.get("executionRoleArn")
    if not role:
        return core.client(service)
    try:
        return core.client(service, Roles(core).of_task(role, task.id))
    except RoleRefused as refused:
        raise StartFailed(_TASK_FAILED, str(refused)) from refused


def require_network(core: Core, task: Task) -> None:
    """Raises StartFailed in a subnet that is cut off, once the calls that fetch what a task needs have timed out."""
    if any(fault.subject == task.subnet_id for fault in core.faults.of_kind([SUBNET])):
        core.stopping.wait(_UNREACHABLE_SECONDS / core.settings.time_factor)
        raise StartFailed(
            _TASK_FAILED,
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to "
            "retrieve ecr registry auth: service call has been retried 3 time(s): RequestError: send request failed caused by: Post "
            f'"https://api.ecr.{core.settings.region}.amazonaws.com/": dial tcp: i/o timeout. Please check your task network '
            "configuration.",
        )


def require_image(core: Core, task: Task, image: str) -> None:
    """Ask ECR for an image as Fargate does. Raises StartFailed where the execution role may not."""
    ecr = client_of(core, task, "ecr")
    name, _, digest = image.partition("@")
    repository, _, tag = name.partition(":")
    wanted = {"imageDigest": digest} if digest else {"imageTag": tag or "latest"}
    try:
        ecr.get_authorization_token()
        ecr.batch_get_image(repositoryName=repository, imageIds=[wanted])
    except ClientError as refused:
        error = refused.response["Error"]
        # What is not there at all is found out by the pull itself.
        if error["Code"] == "AccessDeniedException":
            raise StartFailed(
                _TASK_FAILED,
                "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
                f"unable to retrieve ecr registry auth: service call has been retried 1 time(s): {error['Code']}: {error['Message']}",
            ) from refused


def secret_values(core: Core, task: Task, container: Mapping[str, Any]) -> dict[str, str]:
    """The values of a container's secrets, from Secrets Manager (with JSON key) or Parameter Store."""
    return {secret["name"]: _secret(core, task, secret["valueFrom"]) for secret in container.get("secrets") or []}


def _secret(core: Core, task: Task, source: str) -> str:
    try:
        if ":secretsmanager:" in source:
            return _from_secrets_manager(client_of(core, task, "secretsmanager"), source)
        name = source.partition(":parameter")[2] if source.startswith("arn:") else source
        # Fargate asks for them all at once: what an execution role allows is GetParameters.
        answer = client_of(core, task, "ssm").get_parameters(Names=[name], WithDecryption=True)
        if answer["InvalidParameters"]:
            raise StartFailed(
                _TASK_FAILED,
                "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
                f"unable to retrieve secrets from ssm: invalid parameters: {source}",
            )
        return str(answer["Parameters"][0]["Value"])
    except ClientError as refused:
        raise StartFailed(
            _TASK_FAILED,
            "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from "
            f"{'asm' if ':secretsmanager:' in source else 'ssm'}: {refused.response['Error']['Code']}: "
            f"{refused.response['Error']['Message']} ({source})",
        ) from refused


def _from_secrets_manager(client: Any, source: str) -> str:
    """ARN, or ARN:json-key:version-stage:version-id."""
    parts = source.split(":")
    arn, (key, stage, version) = ":".join(parts[:7]), ([*parts[7:], "", "", ""])[:3]
    request = {"SecretId": arn}
    if stage:
        request["VersionStage"] = stage
    if version:
        request["VersionId"] = version
    text = str(client.get_secret_value(**request)["SecretString"])
    if not key:
        return text
    try:
        value = json.loads(text)[key]
    except (ValueError, KeyError, TypeError) as missing:
        raise StartFailed(
            _TASK_FAILED,
            "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm: "
            f"retrieved secret from Secrets Manager did not contain json key {key}",
        ) from missing
    return value if isinstance(value, str) else json.dumps(value)


def environment_files(core: Core, task: Task, container: Mapping[str, Any]) -> dict[str, str]:
    """The variables of a container's files in S3, read with the execution role's permissions. A later file goes first."""
    found: dict[str, str] = {}
    for file in container.get("environmentFiles") or []:
        bucket, _, key = file["value"].partition(":::")[2].partition("/")
        try:
            text = client_of(core, task, "s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        except ClientError as refused:
            raise StartFailed(
                _TASK_FAILED,
                "ResourceInitializationError: failed to download env files: file download command: non empty error stream: "
                f"{refused.response['Error']['Code']}: {refused.response['Error']['Message']} ({file['value']})",
            ) from refused
        lines = [line.strip() for line in text.splitlines()]
        found |= {
            name: value for name, sign, value in (line.partition("=") for line in lines) if sign and name[:1] != "#"
        }
    return found


def mounts(core: Core, task: Task, container: Mapping[str, Any]) -> list[tuple[Path, str, bool]]:
    """Host directory, path in the container, and whether it is read-only, for each mount point."""
    volumes = {volume["name"]: volume for volume in task.definition.get("volumes") or []}
    return [
        (_volume(core, task, volumes[point["sourceVolume"]]), point["containerPath"], bool(point.get("readOnly")))
        for point in container.get("mountPoints") or []
    ]


def _volume(core: Core, task: Task, volume: Mapping[str, Any]) -> Path:
    efs = volume.get("efsVolumeConfiguration")
    if efs is None:
        # An empty volume that the containers of one task share, and that ends with it.
        folder = core.settings.home / "tasks" / task.id / "volumes" / volume["name"]
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o1777)
        return folder
    point = (efs.get("authorizationConfig") or {}).get("accessPointId")
    groups = task.network.get("securityGroups") or ()
    if not is_reachable(core, efs["fileSystemId"], task.zone, groups, task.address):
        core.stopping.wait(_UNREACHABLE_SECONDS / core.settings.time_factor)
        raise StartFailed(
            _TASK_FAILED,
            "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: Mount attempt 3/3 failed "
            "due to timeout after 15 sec, mount.nfs4: Connection timed out",
        )
    try:
        return directory(core, efs["fileSystemId"], point, efs.get("rootDirectory") or "/", task.zone)
    except ApiError as refused:
        raise StartFailed(
            _TASK_FAILED,
            "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: "
            f"{refused.code}: {refused.message}",
        ) from refused


def prepare_log_stream(core: Core, task: Task, container: Mapping[str, Any]) -> tuple[str, str] | None:
    """Create the container's log stream; return group and stream. None where the container has no awslogs driver."""
    configuration = container.get("logConfiguration")
    if configuration is None or configuration["logDriver"] != "awslogs":
        return None
    options = configuration["options"]
    group = options["awslogs-group"]
    stream = f"{options.get('awslogs-stream-prefix', 'ecs')}/{container['name']}/{task.id}"
    logs = client_of(core, task, "logs")
    try:
        if options.get("awslogs-create-group") == "true":
            _tolerate(logs.create_log_group, "ResourceAlreadyExistsException", logGroupName=group)
        _tolerate(logs.create_log_stream, "ResourceAlreadyExistsException", logGroupName=group, logStreamName=stream)
    except ClientError as refused:
        error = refused.response["Error"]
        raise StartFailed(
            _TASK_FAILED,
            "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to "
            f"create Cloudwatch log stream: {error['Code']}: {error['Message']}",
        ) from refused
    return group, stream


def _tolerate(call: Any, code: str, **request: Any) -> None:
    try:
        call(**request)
    except ClientError as refused:
        if refused.response["Error"]["Code"] != code:
            raise
