"""The EBS volume of a task: made with the infrastructure role as the task starts, and deleted with it.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/infrastructure_IAM_role.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshoot-ebs-volumes.html
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from ..core import Core
from ..roles import RoleRefused, Roles
from .model import StartFailed, Task

_SESSION = "ECSTaskVolumesForEBS"
_FIELDS = {
    "sizeInGiB": "Size",
    "iops": "Iops",
    "throughput": "Throughput",
    "kmsKeyId": "KmsKeyId",
    "snapshotId": "SnapshotId",
}


def make(core: Core, task: Task) -> None:
    """Create the task's volumes. Raises StartFailed."""
    for configured in task.volumes:
        volume = configured["managedEBSVolume"]
        try:
            made = _client(core, volume["roleArn"]).create_volume(**_request(core, task, volume))
        except RoleRefused as refused:
            raise StartFailed(
                "TaskFailedToStart",
                f"ECS was unable to assume the configured ECS Infrastructure Role '{volume['roleArn']}'. Please verify that the role "
                "being passed has the proper trust relationship with Amazon ECS",
            ) from refused
        except ClientError as refused:
            raise StartFailed(
                "TaskFailedToStart",
                f"Unable to create an EBS volume with the configured ECS Infrastructure Role '{volume['roleArn']}': "
                f"{refused.response['Error']['Code']}: {refused.response['Error']['Message']}",
            ) from refused
        task.volume_ids[configured["name"]] = made["VolumeId"]


def delete(core: Core, task: Task) -> None:
    """Delete what ends with the task: every volume of a service's, and others unless they are to be kept."""
    for configured in task.volumes:
        volume, made = configured["managedEBSVolume"], task.volume_ids.pop(configured["name"], "")
        kept = (volume.get("terminationPolicy") or {}).get("deleteOnTermination") is False
        if made and not kept:
            try:
                _client(core, volume["roleArn"]).delete_volume(VolumeId=made)
            except (RoleRefused, ClientError) as refused:
                # Without the role's permission ECS leaves the volume in the account, where it costs money.
                print(f"EBS volume {made} of task {task.id} stays: {refused}", file=sys.stderr, flush=True)


def _client(core: Core, role: str) -> Any:
    return core.client("ec2", Roles(core).session(role, "ecs.amazonaws.com", _SESSION))


def _request(core: Core, task: Task, volume: Mapping[str, Any]) -> dict[str, Any]:
    settings = core.settings
    own = {
        "AmazonECSCreated": f"arn:aws:ecs:{settings.region}:{settings.account}:task/{task.cluster}/{task.id}",
        "AmazonECSManaged": "true",
    }
    for specification in volume.get("tagSpecifications") or []:
        own |= {tag["key"]: tag.get("value", "") for tag in specification.get("tags") or []}
        if specification.get("propagateTags") == "SERVICE":
            own |= {tag["key"]: tag.get("value", "") for tag in task.tags if not tag["key"].startswith("aws:")}
        elif specification.get("propagateTags") == "TASK_DEFINITION":
            own |= {tag["key"]: tag.get("value", "") for tag in task.definition.get("tags") or []}
    return {
        "AvailabilityZone": task.zone,
        "VolumeType": volume.get("volumeType") or "gp3",
        "Encrypted": volume.get("encrypted") is not False,
        "TagSpecifications": [
            {"ResourceType": "volume", "Tags": [{"Key": key, "Value": value} for key, value in own.items()]}
        ],
        **{name: volume[key] for key, name in _FIELDS.items() if volume.get(key) is not None},
    }
