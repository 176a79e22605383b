"""What a container is given from elsewhere in AWS: secrets, volumes, a log stream. Refused in AWS's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from ..core import Core
from ..errors import ApiError
from .file_systems import directory
from .model import StartFailed, Task

_TASK_FAILED = "TaskFailedToStart"


def secret_values(core: Core, container: Mapping[str, Any]) -> dict[str, str]:
    """The values of a container's secrets, from Secrets Manager (with JSON key) or Parameter Store."""
    return {one["name"]: _secret(core, one["valueFrom"]) for one in container.get("secrets") or []}


def _secret(core: Core, source: str) -> str:
    try:
        if ":secretsmanager:" in source:
            return _from_secrets_manager(core, source)
        name = source.partition(":parameter")[2] if source.startswith("arn:") else source
        answer = core.client("ssm").get_parameter(Name=name, WithDecryption=True)
        return str(answer["Parameter"]["Value"])
    except ClientError as refused:
        raise StartFailed(
            _TASK_FAILED,
            "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from "
            f"{'asm' if ':secretsmanager:' in source else 'ssm'}: {refused.response['Error']['Code']}: "
            f"{refused.response['Error']['Message']} ({source})",
        ) from refused


def _from_secrets_manager(core: Core, source: str) -> str:
    """ARN, or ARN:json-key:version-stage:version-id."""
    parts = source.split(":")
    arn, (key, stage, version) = ":".join(parts[:7]), ([*parts[7:], "", "", ""])[:3]
    request = {"SecretId": arn}
    if stage:
        request["VersionStage"] = stage
    if version:
        request["VersionId"] = version
    text = str(core.client("secretsmanager").get_secret_value(**request)["SecretString"])
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


def mounts(core: Core, task: Task, container: Mapping[str, Any]) -> list[tuple[Path, str, bool]]:
    """Host directory, path in the container, and whether it is read-only, for each mount point."""
    volumes = {one["name"]: one for one in task.definition.get("volumes") or []}
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
    logs = core.client("logs")
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
