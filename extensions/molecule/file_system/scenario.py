"""The file system as EFS reports it; the manual change: a lifecycle policy, and an empty backup selection."""

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
    assert not any("TransitionToIA" in rule for rule in rules), rules
    policy = json.loads(efs.describe_file_system_policy(FileSystemId=found["FileSystemId"])["Policy"])
    refused = [statement for statement in policy["Statement"] if statement["Effect"] == "Deny"]
    assert any("aws:SecureTransport" in json.dumps(statement) for statement in refused), policy
    _verify_backups()


def _verify_backups() -> None:
    backup = boto3.client("backup")
    (listed,) = backup.list_backup_plans()["BackupPlansList"]
    plan = backup.get_backup_plan(BackupPlanId=listed["BackupPlanId"])["BackupPlan"]
    kept = {rule["RuleName"]: rule["Lifecycle"] for rule in plan["Rules"]}
    assert kept == {
        "daily": {"DeleteAfterDays": 35},
        "monthly": {"DeleteAfterDays": 365, "MoveToColdStorageAfterDays": 30},
    }
    assert {rule["TargetBackupVaultName"] for rule in plan["Rules"]} == {"local-backup"}
    attached = boto3.client("iam").list_attached_role_policies(RoleName="local-eu-central-1-backup")["AttachedPolicies"]
    assert len(attached) == 2, attached
    assert len(backup.list_backup_selections(BackupPlanId=listed["BackupPlanId"])["BackupSelectionsList"]) == 1


def side_effect() -> None:
    efs = boto3.client("efs")
    (found,) = efs.describe_file_systems()["FileSystems"]
    colder = [{"TransitionToIA": "AFTER_30_DAYS"}]
    efs.put_lifecycle_configuration(FileSystemId=found["FileSystemId"], LifecyclePolicies=colder)
    backup = boto3.client("backup")
    (plan,) = backup.list_backup_plans()["BackupPlansList"]
    (one,) = backup.list_backup_selections(BackupPlanId=plan["BackupPlanId"])["BackupSelectionsList"]
    backup.delete_backup_selection(BackupPlanId=plan["BackupPlanId"], SelectionId=one["SelectionId"])
