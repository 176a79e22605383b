# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find and remove an environment's resources on Amazon RDS, with a final snapshot unless it is switched off."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from ..aws import logs, rds
from ..aws.naming import TAG_ENVIRONMENT, EnvironmentNames, database_logs
from ..aws.session import Aws
from ..aws.tags import tags_of
from .teardown_order import Resource

_GOING = {"deleting", "deleted"}
_PROTECTED = "its deletion protection is on; set database_deletion_protection to false and run provision.yml"
_NO_SNAPSHOT = "NoFinalSnapshot"


def databases(aws: Aws, name: str) -> list[Resource]:
    """Instances, the clusters they belong to, and the subnet group of both."""
    resources = [
        _database("database", instance["DBInstanceIdentifier"], instance)
        for instance in rds.instances(aws)
        if _ours(instance, name) and instance["DBInstanceStatus"] not in _GOING
    ]
    resources += [
        _database("database cluster", cluster["DBClusterIdentifier"], cluster)
        for cluster in rds.clusters(aws)
        if _ours(cluster, name) and cluster["Status"] not in _GOING
    ]
    return resources + _subnet_group(aws, EnvironmentNames(name).database, name)


def of_database(aws: Aws, identifier: str) -> list[Resource]:
    """One database, an instance or a cluster with its members, and what was made for it."""
    instances = [
        instance
        for instance in rds.instances(aws)
        if identifier in (instance["DBInstanceIdentifier"], instance.get("DBClusterIdentifier"))
    ]
    cluster = rds.cluster(aws, identifier)
    resources = [
        _database("database", instance["DBInstanceIdentifier"], instance)
        for instance in instances
        if instance["DBInstanceStatus"] not in _GOING
    ]
    if cluster and cluster["Status"] not in _GOING:
        resources.append(_database("database cluster", identifier, cluster))
    # Without the mark the module is used by itself, and its groups have none either. One that is going says it too.
    described = [*instances, *([cluster] if cluster else [])]
    owner = next((tags_of(found).get(TAG_ENVIRONMENT, "") for found in described), "")
    return [
        *resources,
        *_subnet_group(aws, identifier, owner),
        *_parameters(aws, identifier, owner),
        *_logs(aws, identifier, owner, there=bool(described)),
    ]


def _subnet_group(aws: Aws, identifier: str, environment: str) -> list[Resource]:
    found = rds.subnet_group(aws, identifier)
    return [Resource("database subnet group", identifier)] if found and _marked(aws, found.arn, environment) else []


def _marked(aws: Aws, arn: str, environment: str) -> bool:
    return rds.tags(aws, arn).get(TAG_ENVIRONMENT, "") == environment


def _database(kind: str, identifier: str, found: dict[str, Any]) -> Resource:
    why = _PROTECTED if found.get("DeletionProtection") else ""
    return Resource(kind, identifier, detail=found, protected=why)


def _ours(found: dict[str, Any], name: str) -> bool:
    return tags_of(found).get(TAG_ENVIRONMENT) == name


def parameter_groups(aws: Aws, name: str) -> list[Resource]:
    """One for each major version that the database has had."""
    return _parameters(aws, EnvironmentNames(name).database, name)


def _parameters(aws: Aws, identifier: str, environment: str) -> list[Resource]:
    # A family's name behind the database's: no other environment's group is called so.
    ours = re.compile(rf"{re.escape(identifier)}-(aurora-postgresql|postgres)\d+")
    return [
        Resource("database cluster parameters" if of_cluster else "database parameters", group)
        for of_cluster in (False, True)
        for group, arn in rds.parameter_groups(aws, of_cluster).items()
        if ours.fullmatch(group) and _marked(aws, arn, environment)
    ]


def log_groups(aws: Aws, name: str) -> list[Resource]:
    identifier = EnvironmentNames(name).database
    found = rds.cluster(aws, identifier) or rds.instance(aws, identifier)
    return _logs(aws, identifier, name, there=bool(found) and _ours(found or {}, name))


def _logs(aws: Aws, identifier: str, environment: str, there: bool) -> list[Resource]:
    """Those with the mark, and those that RDS made for a database of ours: a database of others may have the name."""
    return [
        Resource("database log group", group)
        for of_cluster in (True, False)
        for group, arn in logs.log_groups(aws, database_logs(identifier, of_cluster)).items()
        if _is_marked(logs.tags(aws, arn).get(TAG_ENVIRONMENT, ""), environment, there)
    ]


def _is_marked(mark: str, environment: str, there: bool) -> bool:
    return mark == environment if mark else there


def without_snapshot(resource: Resource) -> Resource:
    """The same resource, of whose data nothing is kept when it goes but the backups that RDS made."""
    if resource.kind not in {"database", "database cluster"}:
        return resource
    return replace(resource, detail={**resource.detail, _NO_SNAPSHOT: True})


def _final_snapshot(resource: Resource) -> str | None:
    found = resource.detail
    if found.get(_NO_SNAPSHOT):
        return None
    # The resource id is another one for each database of this name: a snapshot's name is never taken yet.
    resource_id = found.get("DbiResourceId", found.get("DbClusterResourceId", "none")).lower()[-12:]
    return f"{resource.id}-final-{resource_id}"


def delete_instance(aws: Aws, resource: Resource) -> None:
    # A member of a cluster has no snapshot and no backups of its own.
    if resource.detail.get("DBClusterIdentifier"):
        rds.delete_member(aws, resource.id)
    else:
        rds.delete_instance(aws, resource.id, _final_snapshot(resource))


def delete_cluster(aws: Aws, resource: Resource) -> None:
    rds.delete_cluster(aws, resource.id, _final_snapshot(resource))
