# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find and remove an environment's resources in AWS Backup: the plan always, the vault and its backups on request."""

from __future__ import annotations

from ..aws import backup
from ..aws.naming import TAG_ENVIRONMENT, EnvironmentNames
from ..aws.session import Aws
from .teardown_order import Thing

# What is on its way already, or cannot be deleted yet.
_GOING = {"DELETING", "CREATING"}


def plans_and_vaults(aws: Aws, name: str) -> list[Thing]:
    ours = EnvironmentNames(name).backup
    things = []
    plan = backup.plan(aws, ours)
    if plan and backup.tags(aws, plan["BackupPlanArn"]).get(TAG_ENVIRONMENT) == name:
        things.append(Thing("backup plan", plan["BackupPlanId"], ours))
    vault = backup.vault(aws, ours)
    if vault and backup.tags(aws, vault["BackupVaultArn"]).get(TAG_ENVIRONMENT) == name:
        locked = "its lock does not let backups go before their days are over" if vault.get("Locked") else ""
        things.append(Thing("backup vault", ours, protected=locked))
        things += [
            Thing("backup", point["RecoveryPointArn"], f"{point['CreationDate']:%Y-%m-%d %H:%M}", ours)
            for point in backup.recovery_points(aws, ours)
            if point.get("Status") not in _GOING
        ]
    return things


def delete_plan(aws: Aws, thing: Thing) -> None:
    """Delete the selections first: AWS Backup refuses to delete a plan that has some."""
    for key in backup.selections(aws, thing.id):
        backup.delete_selection(aws, thing.id, key)
    backup.delete_plan(aws, thing.id)


def delete_backup(aws: Aws, thing: Thing) -> None:
    backup.delete_recovery_point(aws, thing.detail, thing.id)


def delete_vault(aws: Aws, thing: Thing) -> None:
    backup.delete_vault(aws, thing.id)
