"""The file system as EFS reports it; the manual change: a lifecycle policy, and an empty backup selection."""

from __future__ import annotations

import json
from typing import Any

import boto3


def verify() -> None:
    efs = boto3.client("efs")
    (found,) = efs.describe_file_systems()["FileSystems"]
    assert found["Encrypted"]
    _verify_mount_targets(efs.describe_mount_targets(FileSystemId=found["FileSystemId"])["MountTargets"])
    (point,) = efs.describe_access_points(FileSystemId=found["FileSystemId"])["AccessPoints"]
    assert point["PosixUser"] == {"Uid": 10001, "Gid": 10001}
    assert point["RootDirectory"]["Path"] == "/scoreboard", point
    rules = efs.describe_lifecycle_configuration(FileSystemId=found["FileSystemId"])["LifecyclePolicies"]
    assert not any("TransitionToIA" in rule for rule in rules), rules
    policy = json.loads(efs.describe_file_system_policy(FileSystemId=found["FileSystemId"])["Policy"])
    refused = [statement for statement in policy["Statement"] if statement["Effect"] == "Deny"]
    assert any("aws:SecureTransport" in json.dumps(statement) for statement in refused), policy
    _verify_backups()


def _verify_mount_targets(targets: list[dict[str, Any]]) -> None:
    """One in the private subnet of each zone, which tasks alone reach."""
    ec2, efs = boto3.client("ec2"), boto3.client("efs")
    subnets = ec2.describe_subnets(SubnetIds=[target["SubnetId"] for target in targets])["Subnets"]
    named = {tag["Value"] for subnet in subnets for tag in subnet["Tags"] if tag["Key"] == "Name"}
    assert named == {f"local-private-{zone}" for zone in "abc"} and len(targets) == 3, named
    for target in targets:
        ids = efs.describe_mount_target_security_groups(MountTargetId=target["MountTargetId"])["SecurityGroups"]
        groups = ec2.describe_security_groups(GroupIds=ids)["SecurityGroups"]
        assert [group["GroupName"] for group in groups] == ["local-file-system"], groups


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
    assert {policy["PolicyArn"].removeprefix("arn:aws:iam::aws:policy/service-role/") for policy in attached} == {
        "AWSBackupServiceRolePolicyForBackup",
        "AWSBackupServiceRolePolicyForRestores",
    }
    (selection,) = backup.list_backup_selections(BackupPlanId=listed["BackupPlanId"])["BackupSelectionsList"]
    chosen = {"BackupPlanId": listed["BackupPlanId"], "SelectionId": selection["SelectionId"]}
    found = backup.get_backup_selection(**chosen)["BackupSelection"]
    assert found["Resources"] == ["*"] and not found.get("ListOfTags"), found
    compared = {operator: pairs for operator, pairs in found["Conditions"].items() if pairs}
    assert set(compared) == {"StringEquals"}, found
    assert {pair["ConditionKey"]: pair["ConditionValue"] for pair in compared["StringEquals"]} == {
        "aws:ResourceTag/pear:environment": "local",
        "aws:ResourceTag/pear:component": "file_system",
    }


def side_effect() -> None:
    efs = boto3.client("efs")
    (found,) = efs.describe_file_systems()["FileSystems"]
    colder = [{"TransitionToIA": "AFTER_30_DAYS"}]
    efs.put_lifecycle_configuration(FileSystemId=found["FileSystemId"], LifecyclePolicies=colder)
    backup = boto3.client("backup")
    (plan,) = backup.list_backup_plans()["BackupPlansList"]
    (one,) = backup.list_backup_selections(BackupPlanId=plan["BackupPlanId"])["BackupSelectionsList"]
    backup.delete_backup_selection(BackupPlanId=plan["BackupPlanId"], SelectionId=one["SelectionId"])
