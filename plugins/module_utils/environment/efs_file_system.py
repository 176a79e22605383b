# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure an EFS file system: itself, mount targets, access points, policy, lifecycle, backups."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..aws import efs
from ..aws.errors import Failure
from ..aws.tags import tags_of
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim
from ..common.resource import TagCalls, put_tags_right
from ..common.waiting import Wait, wait_until
from . import teardown_find
from .absent import remove_all

_SETTLE_SECONDS = 300


def run(call: Invocation) -> dict[str, Any]:
    """Create, change or remove the file system; return its id, access points and mount targets by subnet."""
    desired, aws = call.params, call.aws
    changes = Changes(call.check_mode)
    found = efs.find_file_system(aws, desired["name"])
    if desired["state"] == "absent":
        return _absent(call, found)
    if found is None:
        found = _create(call, changes)
        if found is None:
            return _answer(changes, None, {}, {})
    file_system_id = found["FileSystemId"]
    tags = tags_of(found)
    _claim(call, found)
    _refuse_what_cannot_change(desired, found)
    put_tags_right(
        changes,
        {**desired, "tags": {**desired["tags"], "Name": desired["name"]}},
        TagCalls(lambda: tags, partial(efs.tag, aws, file_system_id), partial(efs.untag, aws, file_system_id)),
    )
    throughput = _throughput(desired)
    changes.want(
        "throughput",
        {key: found.get(key) for key in throughput},
        throughput,
        lambda: efs.update_throughput(aws, file_system_id, throughput),
    )
    lifecycle = _lifecycle(desired)
    changes.want(
        "lifecycle",
        _sorted(efs.lifecycle(aws, file_system_id)),
        _sorted(lifecycle),
        lambda: efs.set_lifecycle(aws, file_system_id, lifecycle),
    )
    changes.want(
        "backup",
        efs.backup_enabled(aws, file_system_id),
        desired["backup"],
        lambda: efs.set_backup(aws, file_system_id, desired["backup"]),
    )
    document = policy_document(found["FileSystemArn"])
    changes.want(
        "policy",
        efs.policy(aws, file_system_id),
        document,
        lambda: efs.set_policy(aws, file_system_id, document),
    )
    targets = _mount_targets(call, changes, file_system_id)
    points = _access_points(call, changes, file_system_id)
    return _answer(changes, found, targets, points)


def _claim(call: Invocation, found: Mapping[str, Any]) -> None:
    label = f"{call.params['name']} ({found['FileSystemId']})"
    claim(call, run, call.params["tags"], [Existing("file_system", label, tags_of(found))])


def _absent(call: Invocation, found: Mapping[str, Any] | None) -> dict[str, Any]:
    """The mount targets go; the files and their access points only where that is said."""
    resources = []
    if found:
        _claim(call, found)
        resources = teardown_find.file_system(call.aws, call.params["name"], found)
    changes, kept = remove_all(call, resources, ["file_system"] if call.params["delete_data"] else [])
    return {**_answer(changes, found, {}, {}), "kept": kept}


def _create(call: Invocation, changes: Changes) -> dict[str, Any] | None:
    desired = call.params
    settings: dict[str, Any] = {"Encrypted": True, "PerformanceMode": "generalPurpose", "Backup": desired["backup"]}
    settings |= _throughput(desired)
    if desired["kms_key_arn"]:
        settings["KmsKeyId"] = desired["kms_key_arn"]
    changes.before["file_system"], changes.after["file_system"] = None, desired["name"]
    if call.check_mode:
        return None
    efs.create_file_system(call.aws, desired["name"], settings, {**desired["tags"], "Name": desired["name"]})
    found = wait_until(
        call.clock,
        call.progress,
        Wait(
            what=f"file system {desired['name']}",
            observe=partial(efs.find_file_system, call.aws, desired["name"]),
            done=lambda found: found is not None and found["LifeCycleState"] == "available",
            seconds=_SETTLE_SECONDS,
            state=lambda found: found["LifeCycleState"] if found else "not there yet",
        ),
    )
    return found or {}


def _mount_targets(call: Invocation, changes: Changes, file_system_id: str) -> dict[str, str]:
    """One mount target per zone, with the given security groups. Mount targets of other subnets are left unchanged."""
    subnets, groups, aws = call.params["subnet_ids"], sorted(call.params["security_group_ids"]), call.aws
    existing = {target["SubnetId"]: target for target in efs.mount_targets(aws, file_system_id)}
    created = [subnet for subnet in subnets if subnet not in existing]
    for subnet in created:
        changes.want(
            f"mount_target {subnet}",
            None,
            groups,
            partial(efs.create_mount_target, aws, file_system_id, subnet, groups),
        )
    for subnet in subnets:
        if subnet in existing:
            target = existing[subnet]["MountTargetId"]
            changes.want(
                f"mount_target {subnet}",
                sorted(efs.mount_target_security_groups(aws, target)),
                groups,
                partial(efs.set_mount_target_security_groups, aws, target, groups),
            )
    if created and not call.check_mode:
        now = wait_until(
            call.clock,
            call.progress,
            Wait(
                what=f"mount targets in {', '.join(created)}",
                observe=partial(efs.mount_targets, aws, file_system_id),
                done=lambda targets: all(target["LifeCycleState"] == "available" for target in targets),
                seconds=_SETTLE_SECONDS,
                state=lambda targets: ", ".join(target["LifeCycleState"] for target in targets),
            ),
        )
        existing = {target["SubnetId"]: target for target in now}
    return {subnet: target["MountTargetId"] for subnet, target in existing.items()}


def _access_points(call: Invocation, changes: Changes, file_system_id: str) -> dict[str, str]:
    aws = call.aws
    existing = {tags_of(point).get("Name", ""): point for point in efs.access_points(aws, file_system_id)}
    ids = {name: point["AccessPointId"] for name, point in existing.items() if name}

    def create(name: str, user: dict[str, Any], root: dict[str, Any]) -> None:
        made = efs.create_access_point(aws, file_system_id, name, root, user, dict(call.params["tags"]))
        ids[name] = made["AccessPointId"]

    for desired in call.params["access_points"]:
        name, user, root = desired["name"], _user(desired), _root(desired)
        if name in existing:
            current = (existing[name]["PosixUser"], existing[name]["RootDirectory"])
            if current != (user, root):
                raise Failure(
                    f"Access point {name} of {file_system_id} has {current}; the inventory says {(user, root)}. "
                    "EFS cannot change an access point. Give the new one another name and move the service to it."
                )
            continue
        changes.want(f"access_point {name}", None, {**user, **root}, partial(create, name, user, root))
    return ids


def _user(desired: Mapping[str, Any]) -> dict[str, Any]:
    return {"Uid": desired["uid"], "Gid": desired["gid"]}


def _root(desired: Mapping[str, Any]) -> dict[str, Any]:
    owner = {"OwnerUid": desired["uid"], "OwnerGid": desired["gid"], "Permissions": desired["permissions"]}
    return {"Path": desired["path"], "CreationInfo": owner}


def policy_document(arn: str) -> dict[str, Any]:
    """Only through TLS, and only mounted by identities that IAM allows: no anonymous root."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyThroughTls",
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "*",
                "Resource": arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }


def _throughput(desired: Mapping[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {"ThroughputMode": desired["throughput_mode"]}
    if desired["throughput_mode"] == "provisioned":
        settings["ProvisionedThroughputInMibps"] = float(desired["provisioned_throughput_mibps"])
    return settings


def _lifecycle(desired: Mapping[str, Any]) -> list[dict[str, str]]:
    if not desired["infrequent_access_after_days"]:
        return []
    return [
        {"TransitionToIA": f"AFTER_{desired['infrequent_access_after_days']}_DAYS"},
        {"TransitionToPrimaryStorageClass": "AFTER_1_ACCESS"},
    ]


def _sorted(policies: list[dict[str, str]]) -> list[dict[str, str]]:
    return sorted(policies, key=sorted)


def _refuse_what_cannot_change(desired: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    if not found.get("Encrypted"):
        raise Failure(
            f"File system {found['FileSystemId']} ({desired['name']}) is not encrypted, and EFS cannot encrypt one that "
            "exists. Restore a backup of it into a new, encrypted one, and give that another name."
        )


def _answer(
    changes: Changes, found: Mapping[str, Any] | None, targets: dict[str, str], points: dict[str, str]
) -> dict[str, Any]:
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "kept": [],
        "file_system_id": found["FileSystemId"] if found else None,
        "file_system_arn": found["FileSystemArn"] if found else None,
        "mount_targets": targets,
        "access_points": points,
    }
