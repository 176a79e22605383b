"""AWS Backup: plans that are changed, and what they select. No backup is ever made."""

from __future__ import annotations

import json
import uuid
from typing import Any

from ..errors import ApiError
from .overlay import OverlayMismatch
from .state import Sandbox

# What a new account has switched on.
_RESOURCE_TYPES = ("Aurora", "DynamoDB", "EBS", "EC2", "EFS", "RDS", "S3")
_PATHS = ("/account-settings", "/backup-vaults/(?P<name>[^/]+)/recovery-points/$")


def install(sandbox: Sandbox) -> None:
    from moto.backup import urls
    from moto.backup.responses import BackupResponse

    for path in _PATHS:
        urls.url_paths[f"{{0}}{path}"] = BackupResponse.dispatch
    for call in (
        _describe_region_settings,
        _update_backup_plan,
        _list_backup_selections,
        _create_backup_selection,
        _get_backup_selection,
        _delete_backup_selection,
        _list_recovery_points_by_backup_vault,
    ):
        name = call.__name__[1:]
        if hasattr(BackupResponse, name):
            raise OverlayMismatch(f"moto has BackupResponse.{name} now: the overlay's can go")
        setattr(BackupResponse, name, call)


def _plan(response: Any) -> Any:
    plan_id = response.path.split("/plans/")[1].split("/")[0]
    return response.backup_backend.get_backup_plan(backup_plan_id=plan_id, version_id=None)


def _selections(plan: Any) -> dict[str, Any]:
    """Kept beside moto's own attributes, of the plan they belong to."""
    found: dict[str, Any] = plan.__dict__.setdefault("pear_selections", {})
    return found


def _selection(response: Any) -> tuple[dict[str, Any], str]:
    there, key = _selections(_plan(response)), response.path.rstrip("/").rpartition("/")[2]
    if key not in there:
        raise ApiError("ResourceNotFoundException", f"Cannot find selection {key}", 400)
    return there, key


def _describe_region_settings(response: Any) -> str:
    return json.dumps({"ResourceTypeOptInPreference": dict.fromkeys(_RESOURCE_TYPES, True)})


def _update_backup_plan(response: Any) -> str:
    plan = _plan(response)
    # moto's own constructor fills in what AWS fills in.
    document = type(plan)(json.loads(response.body)["BackupPlan"], plan.creator_request_id, response.backup_backend)
    plan.backup_plan, plan.version_id = document.backup_plan, document.version_id
    return json.dumps(plan.to_dict())


def _list_backup_selections(response: Any) -> str:
    plan = _plan(response)
    return json.dumps(
        {
            "BackupSelectionsList": [
                {"SelectionId": key, "SelectionName": selection["SelectionName"], "BackupPlanId": plan.backup_plan_id}
                for key, selection in _selections(plan).items()
            ]
        }
    )


def _create_backup_selection(response: Any) -> str:
    plan, wanted = _plan(response), json.loads(response.body)["BackupSelection"]
    if any(selection["SelectionName"] == wanted["SelectionName"] for selection in _selections(plan).values()):
        raise ApiError("AlreadyExistsException", "Backup selection with the same name already exists", 400)
    key = str(uuid.uuid4())
    _selections(plan)[key] = wanted
    return json.dumps({"SelectionId": key, "BackupPlanId": plan.backup_plan_id})


def _get_backup_selection(response: Any) -> str:
    there, key = _selection(response)
    return json.dumps({"BackupSelection": there[key], "SelectionId": key})


def _delete_backup_selection(response: Any) -> str:
    there, key = _selection(response)
    del there[key]
    return "{}"


def _list_recovery_points_by_backup_vault(response: Any) -> str:
    return json.dumps({"RecoveryPoints": []})
