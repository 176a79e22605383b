# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Converts between RDS's descriptions and requests and the module's options. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The engine of clusters; the other one is postgres, of instances.
AURORA = "aurora-postgresql"
# Option name and RDS's key, which is the same in descriptions, pending values and requests.
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
    """Current values of the options that an instance, a cluster or a member has."""
    current = {word: found.get(key) for word, key in WORDS[kind].items()}
    # RDS returns days in lower case.
    current |= {word: str(current[word]).lower() for word in _WINDOWS & set(current)}
    if kind != "member":
        current["security_group_ids"] = sorted(
            group["VpcSecurityGroupId"] for group in found.get("VpcSecurityGroups", [])
        )
        current["log_exports"] = sorted(found.get("EnabledCloudwatchLogsExports", []))
        current["managed_password"] = "MasterUserSecret" in found
        current["parameter_group"] = _parameter_group(kind, found)
    if kind != "cluster":
        on = bool(found.get("PerformanceInsightsEnabled"))
        current["performance_insights_days"] = found.get("PerformanceInsightsRetentionPeriod", 7) if on else 0
    if kind == "instance":
        limit = found.get("MaxAllocatedStorage", 0)
        current["max_allocated_gib"] = limit if limit > found.get("AllocatedStorage", 0) else 0
    if kind == "cluster":
        capacity = found.get("ServerlessV2ScalingConfiguration") or {}
        current["capacity"] = [float(capacity.get("MinCapacity", 0)), float(capacity.get("MaxCapacity", 0))]
    return current


def _parameter_group(kind: str, found: Mapping[str, Any]) -> str | None:
    if kind == "cluster":
        return found.get("DBClusterParameterGroup")
    return next((group["DBParameterGroupName"] for group in found.get("DBParameterGroups", [])), None)


def deferred(kind: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Values that were requested before and wait for the maintenance window."""
    waiting = found.get("PendingModifiedValues") or {}
    return {word: waiting[key] for word, key in WORDS[kind].items() if key in waiting}


def request(kind: str, desired: Mapping[str, Any], current: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Parameters of a creation or, given the current values, of a modification."""
    fields = {key: desired[word] for word, key in WORDS[kind].items() if word in desired}
    if "security_group_ids" in desired:
        fields["VpcSecurityGroupIds"] = desired["security_group_ids"]
    if "parameter_group" in desired:
        fields["DBClusterParameterGroupName" if kind == "cluster" else "DBParameterGroupName"] = desired[
            "parameter_group"
        ]
    if "managed_password" in desired:
        fields["ManageMasterUserPassword"] = desired["managed_password"]
    if "performance_insights_days" in desired:
        fields |= _performance_insights(desired["performance_insights_days"])
    if "capacity" in desired:
        least, most = desired["capacity"]
        fields["ServerlessV2ScalingConfiguration"] = {"MinCapacity": least, "MaxCapacity": most}
    if "max_allocated_gib" in desired:
        fields |= _storage_limit(desired, current)
    if "log_exports" in desired:
        fields |= _log_exports(desired["log_exports"], current)
    return fields


def _performance_insights(days: int) -> dict[str, Any]:
    if not days:
        return {"EnablePerformanceInsights": False}
    return {"EnablePerformanceInsights": True, "PerformanceInsightsRetentionPeriod": days}


def _storage_limit(desired: Mapping[str, Any], current: Mapping[str, Any] | None) -> dict[str, Any]:
    """Storage autoscaling is off without a limit at creation, and by a limit equal to the storage later."""
    if desired["max_allocated_gib"]:
        return {"MaxAllocatedStorage": desired["max_allocated_gib"]}
    return {"MaxAllocatedStorage": desired.get("allocated_gib", current["allocated_gib"])} if current else {}


def _log_exports(desired: list[str], current: Mapping[str, Any] | None) -> dict[str, Any]:
    if current is None:
        return {"EnableCloudwatchLogsExports": desired} if desired else {}
    there = current["log_exports"]
    change = {
        "EnableLogTypes": [log_type for log_type in desired if log_type not in there],
        "DisableLogTypes": [log_type for log_type in there if log_type not in desired],
    }
    return {"CloudwatchLogsExportConfiguration": {key: value for key, value in change.items() if value}}


def status(found: Mapping[str, Any]) -> str:
    return str(found.get("DBInstanceStatus", found.get("Status", "unknown")))


def parameter_states(found: Mapping[str, Any]) -> set[str]:
    """Status of the parameter group: in-sync, applying, or pending-reboot."""
    return {group["ParameterApplyStatus"] for group in found.get("DBParameterGroups", [])}


def waiting_members(cluster: Mapping[str, Any]) -> set[str]:
    """Instances that need a restart before the cluster's parameters apply."""
    return {
        member["DBInstanceIdentifier"]
        for member in cluster.get("DBClusterMembers", [])
        if member.get("DBClusterParameterGroupStatus") == "pending-reboot"
    }


def readers(cluster: Mapping[str, Any]) -> set[str]:
    return {
        member["DBInstanceIdentifier"]
        for member in cluster.get("DBClusterMembers", [])
        if not member.get("IsClusterWriter")
    }


def connection(found: Mapping[str, Any]) -> dict[str, Any]:
    """Address and credentials of the database. An instance that is being created has no address yet."""
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
