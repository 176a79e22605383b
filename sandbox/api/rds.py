"""RDS: what waits for the maintenance window, insights, and an owner's secret that is one. No PostgreSQL answers."""

from __future__ import annotations

import json
import secrets
from typing import Any

from .overlay import OverlayMismatch, patch
from .state import Sandbox

# What RDS does at once only where that is asked for.
_WAITS = ("engine_version", "db_instance_class", "allocated_storage", "storage_type", "multi_az")
_VERSIONS = ("14.19", "15.14", "16.10", "17.6")
_INSIGHTS = {
    "enable_performance_insights": "performance_insights_enabled",
    "performance_insights_retention_period": "performance_insights_retention_period",
}


def install(sandbox: Sandbox) -> None:
    from moto.rds.models import MasterUserSecret, RDSBackend
    from moto.rds.responses import RDSResponse

    if hasattr(RDSResponse, "describe_db_engine_versions"):
        raise OverlayMismatch("moto has RDSResponse.describe_db_engine_versions now: the overlay's can go")
    setattr(RDSResponse, "describe_db_engine_versions", _engine_versions)  # noqa: B010 - mypy knows no such method

    @patch(RDSBackend, "modify_db_subnet_group", ("self", "subnet_name", "description", "subnets"))
    def and_stays(original: Any, self: Any, subnet_name: str, description: str, subnets: Any) -> Any:
        """moto takes the group away with its change."""
        self.subnet_groups[subnet_name] = original(self, subnet_name, description, subnets)
        return self.subnet_groups[subnet_name]

    @patch(RDSBackend, "create_db_instance", ("self", "db_kwargs"))
    def with_insights(original: Any, self: Any, db_kwargs: dict[str, Any]) -> Any:
        database = original(self, db_kwargs)
        _keep_insights(database, db_kwargs)
        return database

    @patch(RDSBackend, "modify_db_instance", ("self", "db_instance_identifier", "db_kwargs"))
    def in_its_window(original: Any, self: Any, db_instance_identifier: str, db_kwargs: dict[str, Any]) -> Any:
        """A request that is not to be applied immediately leaves some values waiting; the next that is takes them along."""
        database = self.describe_db_instances(db_instance_identifier)[0]
        waiting = dict(getattr(database, "pending_modified_values", {}))
        if db_kwargs.get("apply_immediately"):
            asked = {**waiting, **db_kwargs}
            waiting = {}
        else:
            waiting |= {key: value for key, value in db_kwargs.items() if key in _WAITS}
            # Asked for what it is already, RDS forgets what it was asked for before.
            waiting = {key: value for key, value in waiting.items() if getattr(database, key) != value}
            asked = {key: value for key, value in db_kwargs.items() if key not in _WAITS}
        changed = original(self, db_instance_identifier, asked)
        changed.pending_modified_values = waiting
        _keep_insights(changed, asked)
        return changed

    @patch(RDSBackend, "modify_db_cluster", ("self", "kwargs"))
    def with_log_exports(original: Any, self: Any, kwargs: dict[str, Any]) -> Any:
        identifier = kwargs["db_cluster_identifier"]
        change = kwargs.get("cloudwatch_logs_export_configuration") or {}
        original(self, kwargs)
        cluster = self.clusters[kwargs.get("new_db_cluster_identifier") or identifier]
        kept = set(cluster.enabled_cloudwatch_logs_exports) | set(change.get("EnableLogTypes", []))
        kept |= set(change.get("enable_log_types", []))
        gone = {*change.get("DisableLogTypes", []), *change.get("disable_log_types", [])}
        cluster.enabled_cloudwatch_logs_exports = sorted(kept - gone)
        return cluster

    @patch(MasterUserSecret, "_generate_secret_string", ("self",))
    def of_its_owner(original: Any, self: Any) -> str:
        return json.dumps({"username": self.resource.master_username, "password": secrets.token_urlsafe(24)})


def _engine_versions(response: Any) -> Any:
    """Of each major version one minor: enough to begin with."""
    from moto.core.responses import ActionResult

    engine, asked = response.params.get("Engine"), str(response.params.get("EngineVersion", ""))
    found = [
        {"Engine": engine, "EngineVersion": version, "DBParameterGroupFamily": f"{engine}{version.split('.')[0]}"}
        for version in _VERSIONS
        if f"{version}.".startswith(f"{asked}.") or not asked
    ]
    return ActionResult({"DBEngineVersions": found})


def _keep_insights(database: Any, asked: dict[str, Any]) -> None:
    for key, attribute in _INSIGHTS.items():
        if asked.get(key) is not None:
            setattr(database, attribute, asked[key])
