"""The file system as EFS has it; somebody lets its files go to colder storage."""

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
    rules = efs.describe_lifecycle_configuration(FileSystemId=found["FileSystemId"])["LifecyclePolicies"]
    assert not any("TransitionToIA" in one for one in rules), rules
    policy = json.loads(efs.describe_file_system_policy(FileSystemId=found["FileSystemId"])["Policy"])
    refused = [one for one in policy["Statement"] if one["Effect"] == "Deny"]
    assert any("aws:SecureTransport" in json.dumps(one) for one in refused), policy


def side_effect() -> None:
    efs = boto3.client("efs")
    (found,) = efs.describe_file_systems()["FileSystems"]
    colder = [{"TransitionToIA": "AFTER_30_DAYS"}]
    efs.put_lifecycle_configuration(FileSystemId=found["FileSystemId"], LifecyclePolicies=colder)
