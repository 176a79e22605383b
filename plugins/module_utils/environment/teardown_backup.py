# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find and remove an environment's resources in AWS Backup: the plan always, the vault and its backups on request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..aws import backup
from ..aws.naming import TAG_ENVIRONMENT, EnvironmentNames
from ..aws.session import Aws
from .teardown_order import Resource

# What is on its way already, or cannot be deleted yet.
_GOING = {"DELETING", "CREATING"}


def plans_and_vaults(aws: Aws, name: str) -> list[Resource]:
    ours = EnvironmentNames(name).backup
    resources = []
    plan = backup.plan(aws, ours)
    if plan and backup.tags(aws, plan["BackupPlanArn"]).get(TAG_ENVIRONMENT) == name:
        resources.append(plan_resource(ours, plan))
    vault = backup.vault(aws, ours)
    if vault and backup.tags(aws, vault["BackupVaultArn"]).get(TAG_ENVIRONMENT) == name:
        resources += vault_resources(aws, ours, vault)
    return resources


def plan_resource(name: str, plan: Mapping[str, Any]) -> Resource:
    return Resource("backup plan", plan["BackupPlanId"], name)


def vault_resources(aws: Aws, name: str, vault: Mapping[str, Any]) -> list[Resource]:
    """The vault and the backups in it."""
    locked = "its lock does not let backups go before their days are over" if vault.get("Locked") else ""
    points = [
        Resource("backup", point["RecoveryPointArn"], f"{point['CreationDate']:%Y-%m-%d %H:%M}", name)
        for point in backup.recovery_points(aws, name)
        if point.get("Status") not in _GOING
    ]
    return [Resource("backup vault", name, protected=locked), *points]


def delete_plan(aws: Aws, resource: Resource) -> None:
    """Delete the selections first: AWS Backup refuses to delete a plan that has some."""
    for key in backup.selections(aws, resource.id):
        backup.delete_selection(aws, resource.id, key)
    backup.delete_plan(aws, resource.id)


def delete_backup(aws: Aws, resource: Resource) -> None:
    backup.delete_recovery_point(aws, resource.detail, resource.id)


def delete_vault(aws: Aws, resource: Resource) -> None:
    backup.delete_vault(aws, resource.id)
