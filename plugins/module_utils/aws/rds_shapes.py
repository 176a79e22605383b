# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""RDS's descriptions and requests in the words of our options, and back. Pure; no call is made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Our word, and RDS's: the same in descriptions, pending values and requests.
_COMMON = {
    "engine_version": "EngineVersion",
    "backup_retention_days": "BackupRetentionPeriod",
    "backup_window": "PreferredBackupWindow",
    "maintenance_window": "PreferredMaintenanceWindow",
    "deletion_protection": "DeletionProtection",
    "copy_tags_to_snapshot": "CopyTagsToSnapshot",
}
_COMPUTE = {
    "instance_class": "DBInstanceClass",
    "auto_minor_version_upgrade": "AutoMinorVersionUpgrade",
    "publicly_accessible": "PubliclyAccessible",
}
_STORAGE = {"allocated_gib": "AllocatedStorage", "storage_type": "StorageType", "multi_az": "MultiAZ"}
_WINDOWS = {"backup_window", "maintenance_window"}
WORDS = {
    "instance": {**_COMMON, **_COMPUTE, **_STORAGE},
    "cluster": _COMMON,
    "member": {**_COMPUTE, "maintenance_window": "PreferredMaintenanceWindow"},
}


def now(kind: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """What an instance, a cluster or a cluster's member is, as far as options say what it should be."""
    is_now = {word: found.get(key) for word, key in WORDS[kind].items()}
    # RDS names days in small letters, whatever was asked for.
    is_now |= {word: str(is_now[word]).lower() for word in _WINDOWS & set(is_now)}
    if kind != "member":
        is_now["security_group_ids"] = sorted(one["VpcSecurityGroupId"] for one in found.get("VpcSecurityGroups", []))
        is_now["log_exports"] = sorted(found.get("EnabledCloudwatchLogsExports", []))
        is_now["managed_password"] = "MasterUserSecret" in found
        is_now["parameter_group"] = _parameter_group(kind, found)
    if kind != "cluster":
        on = bool(found.get("PerformanceInsightsEnabled"))
        is_now["performance_insights_days"] = found.get("PerformanceInsightsRetentionPeriod", 7) if on else 0
    if kind == "instance":
        limit = found.get("MaxAllocatedStorage", 0)
        is_now["max_allocated_gib"] = limit if limit > found.get("AllocatedStorage", 0) else 0
    if kind == "cluster":
        capacity = found.get("ServerlessV2ScalingConfiguration") or {}
        is_now["capacity"] = [float(capacity.get("MinCapacity", 0)), float(capacity.get("MaxCapacity", 0))]
    return is_now


def _parameter_group(kind: str, found: Mapping[str, Any]) -> str | None:
    if kind == "cluster":
        return found.get("DBClusterParameterGroup")
    return next((one["DBParameterGroupName"] for one in found.get("DBParameterGroups", [])), None)


def deferred(kind: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked for before and waits for the maintenance window."""
    waiting = found.get("PendingModifiedValues") or {}
    return {word: waiting[key] for word, key in WORDS[kind].items() if key in waiting}


def request(kind: str, wanted: Mapping[str, Any], is_now: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The parameters of a creation, or with what is now those of a modification."""
    asked = {key: wanted[word] for word, key in WORDS[kind].items() if word in wanted}
    if "security_group_ids" in wanted:
        asked["VpcSecurityGroupIds"] = wanted["security_group_ids"]
    if "parameter_group" in wanted:
        asked["DBClusterParameterGroupName" if kind == "cluster" else "DBParameterGroupName"] = wanted[
            "parameter_group"
        ]
    if "managed_password" in wanted:
        asked["ManageMasterUserPassword"] = wanted["managed_password"]
    if "performance_insights_days" in wanted:
        asked |= _performance_insights(wanted["performance_insights_days"])
    if "capacity" in wanted:
        least, most = wanted["capacity"]
        asked["ServerlessV2ScalingConfiguration"] = {"MinCapacity": least, "MaxCapacity": most}
    if "max_allocated_gib" in wanted:
        asked |= _storage_limit(wanted, is_now)
    if "log_exports" in wanted:
        asked |= _log_exports(wanted["log_exports"], is_now)
    return asked


def _performance_insights(days: int) -> dict[str, Any]:
    if not days:
        return {"EnablePerformanceInsights": False}
    return {"EnablePerformanceInsights": True, "PerformanceInsightsRetentionPeriod": days}


def _storage_limit(wanted: Mapping[str, Any], is_now: Mapping[str, Any] | None) -> dict[str, Any]:
    """RDS switches storage autoscaling off by a limit that is the storage itself, and at creation by none."""
    if wanted["max_allocated_gib"]:
        return {"MaxAllocatedStorage": wanted["max_allocated_gib"]}
    return {"MaxAllocatedStorage": wanted.get("allocated_gib", is_now["allocated_gib"])} if is_now else {}


def _log_exports(wanted: list[str], is_now: Mapping[str, Any] | None) -> dict[str, Any]:
    if is_now is None:
        return {"EnableCloudwatchLogsExports": wanted} if wanted else {}
    there = is_now["log_exports"]
    change = {
        "EnableLogTypes": [one for one in wanted if one not in there],
        "DisableLogTypes": [one for one in there if one not in wanted],
    }
    return {"CloudwatchLogsExportConfiguration": {key: value for key, value in change.items() if value}}


def status(found: Mapping[str, Any]) -> str:
    return str(found.get("DBInstanceStatus", found.get("Status", "unknown")))


def parameter_states(found: Mapping[str, Any]) -> set[str]:
    """Whether the parameters of its group are in force: in-sync, applying, or pending-reboot."""
    return {one["ParameterApplyStatus"] for one in found.get("DBParameterGroups", [])}


def waiting_members(cluster: Mapping[str, Any]) -> set[str]:
    """Instances that have to be restarted before the parameters of their cluster are in force."""
    return {
        one["DBInstanceIdentifier"]
        for one in cluster.get("DBClusterMembers", [])
        if one.get("DBClusterParameterGroupStatus") == "pending-reboot"
    }


def readers(cluster: Mapping[str, Any]) -> set[str]:
    return {
        one["DBInstanceIdentifier"] for one in cluster.get("DBClusterMembers", []) if not one.get("IsClusterWriter")
    }


def connection(found: Mapping[str, Any]) -> dict[str, Any]:
    """Where and as whom to connect. An instance that is being made has no address yet."""
    endpoint = found.get("Endpoint") or {}
    host, port = (
        (endpoint, found.get("Port")) if isinstance(endpoint, str) else (endpoint.get("Address"), endpoint.get("Port"))
    )
    return {
        "host": host,
        "reader_host": found.get("ReaderEndpoint", host),
        "port": port,
        "database_name": found.get("DBName", found.get("DatabaseName")),
        "master_username": found.get("MasterUsername"),
        "secret_arn": found.get("MasterUserSecret", {}).get("SecretArn"),
    }
