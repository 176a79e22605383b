# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS Backup: one function per call, vaults and plans found by name."""

from __future__ import annotations

from typing import Any

from .errors import aws_call
from .session import Aws


@aws_call("read the resource types that AWS Backup may back up")
def resource_types(aws: Aws) -> dict[str, bool]:
    return aws.client("backup").describe_region_settings()["ResourceTypeOptInPreference"]


@aws_call("read backup vault {name}")
def vault(aws: Aws, name: str) -> dict[str, Any] | None:
    """Read from the list: DescribeBackupVault answers AccessDenied for a vault that does not exist."""
    pages = aws.client("backup").get_paginator("list_backup_vaults").paginate()
    return next(
        (vault for page in pages for vault in page["BackupVaultList"] if vault["BackupVaultName"] == name), None
    )


@aws_call("create backup vault {name}")
def create_vault(aws: Aws, name: str, key_arn: str | None, tags: dict[str, str]) -> None:
    key = {"EncryptionKeyArn": key_arn} if key_arn else {}
    aws.client("backup").create_backup_vault(BackupVaultName=name, BackupVaultTags=tags, **key)


@aws_call("delete backup vault {name}")
def delete_vault(aws: Aws, name: str) -> None:
    aws.client("backup").delete_backup_vault(BackupVaultName=name)


@aws_call("read backup plan {name}")
def plan(aws: Aws, name: str) -> dict[str, Any] | None:
    client = aws.client("backup")
    pages = client.get_paginator("list_backup_plans").paginate()
    listed = next((plan for page in pages for plan in page["BackupPlansList"] if plan["BackupPlanName"] == name), None)
    return client.get_backup_plan(BackupPlanId=listed["BackupPlanId"]) if listed else None


@aws_call("create backup plan {name}")
def create_plan(aws: Aws, name: str, rules: list[dict[str, Any]], tags: dict[str, str]) -> dict[str, Any]:
    document = {"BackupPlanName": name, "Rules": rules}
    return aws.client("backup").create_backup_plan(BackupPlan=document, BackupPlanTags=tags)


@aws_call("change backup plan {name}")
def set_rules(aws: Aws, name: str, plan_id: str, rules: list[dict[str, Any]]) -> None:
    aws.client("backup").update_backup_plan(BackupPlanId=plan_id, BackupPlan={"BackupPlanName": name, "Rules": rules})


@aws_call("delete backup plan {plan_id}")
def delete_plan(aws: Aws, plan_id: str) -> None:
    aws.client("backup").delete_backup_plan(BackupPlanId=plan_id)


@aws_call("read the selections of backup plan {plan_id}")
def selections(aws: Aws, plan_id: str) -> dict[str, dict[str, Any]]:
    """Selections by id. The list does not say what they select."""
    client = aws.client("backup")
    pages = client.get_paginator("list_backup_selections").paginate(BackupPlanId=plan_id)
    ids = [selection["SelectionId"] for page in pages for selection in page["BackupSelectionsList"]]
    return {key: client.get_backup_selection(BackupPlanId=plan_id, SelectionId=key)["BackupSelection"] for key in ids}


@aws_call("create a selection of backup plan {plan_id}")
def create_selection(aws: Aws, plan_id: str, selection: dict[str, Any]) -> None:
    aws.client("backup").create_backup_selection(BackupPlanId=plan_id, BackupSelection=selection)


@aws_call("delete selection {selection_id} of backup plan {plan_id}")
def delete_selection(aws: Aws, plan_id: str, selection_id: str) -> None:
    aws.client("backup").delete_backup_selection(BackupPlanId=plan_id, SelectionId=selection_id)


@aws_call("read the tags of {arn}")
def tags(aws: Aws, arn: str) -> dict[str, str]:
    """botocore has no paginator for this call."""
    client = aws.client("backup")
    found: dict[str, str] = {}
    more: dict[str, str] = {}
    while True:
        page = client.list_tags(ResourceArn=arn, **more)
        found |= page.get("Tags", {})
        if not page.get("NextToken"):
            return found
        more = {"NextToken": page["NextToken"]}


@aws_call("tag {arn}")
def tag(aws: Aws, arn: str, desired: dict[str, str]) -> None:
    aws.client("backup").tag_resource(ResourceArn=arn, Tags=desired)


@aws_call("untag {arn}")
def untag(aws: Aws, arn: str, keys: list[str]) -> None:
    aws.client("backup").untag_resource(ResourceArn=arn, TagKeyList=keys)


@aws_call("read the recovery points of backup vault {name}")
def recovery_points(aws: Aws, name: str) -> list[dict[str, Any]]:
    pager = aws.client("backup").get_paginator("list_recovery_points_by_backup_vault")
    return [point for page in pager.paginate(BackupVaultName=name) for point in page["RecoveryPoints"]]


@aws_call("delete backup {arn}")
def delete_recovery_point(aws: Aws, name: str, arn: str) -> None:
    aws.client("backup").delete_recovery_point(BackupVaultName=name, RecoveryPointArn=arn)
