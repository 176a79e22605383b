"""The file system as EFS has it; somebody takes its policy away."""

from __future__ import annotations

import json

import boto3


def verify() -> None:
    efs = boto3.client("efs")
    (found,) = efs.describe_file_systems()["FileSystems"]
    assert found["Encrypted"]
    assert len(efs.describe_mount_targets(FileSystemId=found["FileSystemId"])["MountTargets"]) == 3
    (point,) = efs.describe_access_points(FileSystemId=found["FileSystemId"])["AccessPoints"]
    assert point["PosixUser"] == {"Uid": 10001, "Gid": 10001}
    policy = json.loads(efs.describe_file_system_policy(FileSystemId=found["FileSystemId"])["Policy"])
    refused = [one for one in policy["Statement"] if one["Effect"] == "Deny"]
    assert any("aws:SecureTransport" in json.dumps(one) for one in refused), policy


def side_effect() -> None:
    efs = boto3.client("efs")
    (found,) = efs.describe_file_systems()["FileSystems"]
    efs.delete_file_system_policy(FileSystemId=found["FileSystemId"])
