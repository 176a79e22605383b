# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes that are configured when a task is started: EBS volumes, one for each task. Pure.

ECS keeps their configuration at the service, and takes it with RunTask: a task definition names them only. What a version was released
with is therefore in a label of its app's container too, so that a rollback and a task that runs by itself have it.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/configure-ebs-volume.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

LABEL = "pear.fargate.volumes"
_FIELDS = {
    "size_gib": "sizeInGiB",
    "type": "volumeType",
    "iops": "iops",
    "throughput_mib": "throughput",
    "snapshot_id": "snapshotId",
    "kms_key_arn": "kmsKeyId",
    "file_system": "filesystemType",
    "role_arn": "roleArn",
}


def wanted(volumes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The configurations of the volumes that have one. Every volume is encrypted."""
    return sorted(
        (_setting(volume["name"], volume["ebs"]) for volume in volumes if volume.get("ebs")),
        key=lambda setting: str(setting["name"]),
    )


def _setting(name: str, ebs: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "encrypted": True, **{key: ebs[key] for key in _FIELDS if ebs.get(key) is not None}}


def described(configurations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same of what ECS describes."""
    found = []
    for configuration in configurations:
        volume = configuration.get("managedEBSVolume") or {}
        known = {key: volume[field] for key, field in _FIELDS.items() if volume.get(field) is not None}
        found.append({"name": configuration["name"], "encrypted": bool(volume.get("encrypted")), **known})
    return sorted(found, key=lambda setting: str(setting["name"]))


def request(settings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """As CreateService and UpdateService take them. A service's volumes always end with their tasks, and have its tags."""
    return [{"name": setting["name"], "managedEBSVolume": _managed(setting, "SERVICE")} for setting in settings]


def task_request(settings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """As RunTask takes them: a volume of a task that runs by itself would be kept, and paid for, unless it is said."""
    ends = {"terminationPolicy": {"deleteOnTermination": True}}
    managed = [(setting["name"], _managed(setting, "TASK_DEFINITION")) for setting in settings]
    return [{"name": name, "managedEBSVolume": {**volume, **ends}} for name, volume in managed]


def _managed(setting: Mapping[str, Any], tags_of: str) -> dict[str, Any]:
    return {
        "encrypted": setting["encrypted"],
        "tagSpecifications": [{"resourceType": "volume", "propagateTags": tags_of}],
        **{field: setting[key] for key, field in _FIELDS.items() if key in setting},
    }


def label(settings: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The label that a task definition carries; none where it has no such volume."""
    return {LABEL: json.dumps(settings, sort_keys=True, separators=(",", ":"))} if settings else {}


def of_definition(definition: Mapping[str, Any] | None) -> list[dict[str, Any]] | None:
    """What a version was released with; None where it has such a volume and does not say, as others registered it."""
    if definition is None or not any(volume.get("configuredAtLaunch") for volume in definition.get("volumes", [])):
        return []
    labels = (container.get("dockerLabels", {}).get(LABEL) for container in definition.get("containerDefinitions", []))
    text = next(filter(None, labels), None)
    return list(json.loads(text)) if text else None
