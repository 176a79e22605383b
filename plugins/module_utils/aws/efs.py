# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon EFS: one function per call."""

from __future__ import annotations

import json
from typing import Any

from .errors import aws_call, is_code
from .session import Aws
from .tags import tag_list

_ABSENT_POLICY = "PolicyNotFound"


@aws_call("read the file systems")
def find_file_system(aws: Aws, name: str) -> dict[str, Any] | None:
    """The file system whose creation token is name; EFS keeps tokens unique per account and region."""
    found = aws.client("efs").describe_file_systems(CreationToken=name)["FileSystems"]
    return found[0] if found else None


@aws_call("read file system {file_system_id}")
def file_system(aws: Aws, file_system_id: str) -> dict[str, Any] | None:
    client = aws.client("efs")
    try:
        return client.describe_file_systems(FileSystemId=file_system_id)["FileSystems"][0]
    except client.exceptions.FileSystemNotFound:
        return None


@aws_call("create file system {name}")
def create_file_system(aws: Aws, name: str, settings: dict[str, Any], tags: dict[str, str]) -> dict[str, Any]:
    return aws.client("efs").create_file_system(CreationToken=name, Tags=tag_list(tags), **settings)


@aws_call("change the throughput of file system {file_system_id}")
def update_throughput(aws: Aws, file_system_id: str, settings: dict[str, Any]) -> None:
    aws.client("efs").update_file_system(FileSystemId=file_system_id, **settings)


@aws_call("read the mount targets of {file_system_id}")
def mount_targets(aws: Aws, file_system_id: str) -> list[dict[str, Any]]:
    pages = aws.client("efs").get_paginator("describe_mount_targets").paginate(FileSystemId=file_system_id)
    return [target for page in pages for target in page["MountTargets"]]


@aws_call("read the security groups of mount target {mount_target_id}")
def mount_target_security_groups(aws: Aws, mount_target_id: str) -> list[str]:
    return aws.client("efs").describe_mount_target_security_groups(MountTargetId=mount_target_id)["SecurityGroups"]


@aws_call("create a mount target of {file_system_id} in {subnet_id}")
def create_mount_target(aws: Aws, file_system_id: str, subnet_id: str, security_groups: list[str]) -> None:
    aws.client("efs").create_mount_target(
        FileSystemId=file_system_id, SubnetId=subnet_id, SecurityGroups=security_groups
    )


@aws_call("delete mount target {mount_target_id}")
def delete_mount_target(aws: Aws, mount_target_id: str) -> None:
    aws.client("efs").delete_mount_target(MountTargetId=mount_target_id)


@aws_call("change the security groups of mount target {mount_target_id}")
def set_mount_target_security_groups(aws: Aws, mount_target_id: str, security_groups: list[str]) -> None:
    aws.client("efs").modify_mount_target_security_groups(MountTargetId=mount_target_id, SecurityGroups=security_groups)


@aws_call("read the access points of {file_system_id}")
def access_points(aws: Aws, file_system_id: str) -> list[dict[str, Any]]:
    pages = aws.client("efs").get_paginator("describe_access_points").paginate(FileSystemId=file_system_id)
    return [point for page in pages for point in page["AccessPoints"]]


@aws_call("create access point {name} of {file_system_id}")
def create_access_point(
    aws: Aws, file_system_id: str, name: str, root: dict[str, Any], user: dict[str, Any], tags: dict[str, str]
) -> dict[str, Any]:
    return aws.client("efs").create_access_point(
        ClientToken=f"{file_system_id}-{name}"[:64],
        FileSystemId=file_system_id,
        PosixUser=user,
        RootDirectory=root,
        Tags=tag_list({**tags, "Name": name}),
    )


@aws_call("delete access point {access_point_id}")
def delete_access_point(aws: Aws, access_point_id: str) -> None:
    aws.client("efs").delete_access_point(AccessPointId=access_point_id)


@aws_call("delete file system {file_system_id}")
def delete_file_system(aws: Aws, file_system_id: str) -> None:
    aws.client("efs").delete_file_system(FileSystemId=file_system_id)


@aws_call("read the lifecycle of {file_system_id}")
def lifecycle(aws: Aws, file_system_id: str) -> list[dict[str, str]]:
    return aws.client("efs").describe_lifecycle_configuration(FileSystemId=file_system_id)["LifecyclePolicies"]


@aws_call("set the lifecycle of {file_system_id}")
def set_lifecycle(aws: Aws, file_system_id: str, policies: list[dict[str, str]]) -> None:
    aws.client("efs").put_lifecycle_configuration(FileSystemId=file_system_id, LifecyclePolicies=policies)


@aws_call("read the backup policy of {file_system_id}")
def backup_enabled(aws: Aws, file_system_id: str) -> bool:
    client = aws.client("efs")
    try:
        status = client.describe_backup_policy(FileSystemId=file_system_id)["BackupPolicy"]["Status"]
    except client.exceptions.ClientError as cause:
        if is_code(cause, _ABSENT_POLICY):
            return False
        raise
    return status in {"ENABLED", "ENABLING"}


@aws_call("set the backup policy of {file_system_id}")
def set_backup(aws: Aws, file_system_id: str, enabled: bool) -> None:
    status = "ENABLED" if enabled else "DISABLED"
    aws.client("efs").put_backup_policy(FileSystemId=file_system_id, BackupPolicy={"Status": status})


@aws_call("read the policy of {file_system_id}")
def policy(aws: Aws, file_system_id: str) -> dict[str, Any] | None:
    client = aws.client("efs")
    try:
        return json.loads(client.describe_file_system_policy(FileSystemId=file_system_id)["Policy"])
    except client.exceptions.ClientError as cause:
        if is_code(cause, _ABSENT_POLICY):
            return None
        raise


@aws_call("set the policy of {file_system_id}")
def set_policy(aws: Aws, file_system_id: str, document: dict[str, Any]) -> None:
    aws.client("efs").put_file_system_policy(FileSystemId=file_system_id, Policy=json.dumps(document))


@aws_call("tag {resource_id}")
def tag(aws: Aws, resource_id: str, tags: dict[str, str]) -> None:
    aws.client("efs").tag_resource(ResourceId=resource_id, Tags=tag_list(tags))


@aws_call("untag {resource_id}")
def untag(aws: Aws, resource_id: str, keys: list[str]) -> None:
    aws.client("efs").untag_resource(ResourceId=resource_id, TagKeys=keys)
