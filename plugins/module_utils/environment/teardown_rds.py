# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of an environment is on Amazon RDS, and how it goes: with a final snapshot, unless told otherwise."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from ..aws.errors import aws_call
from ..aws.naming import TAG_ENVIRONMENT, EnvironmentNames
from ..aws.session import Aws
from .teardown_order import Thing

_GOING = {"deleting", "deleted"}
_PROTECTED = "its deletion protection is on; set database_deletion_protection to false and run provision.yml"
_NO_SNAPSHOT = "NoFinalSnapshot"


@aws_call("read the databases of {name}")
def databases(aws: Aws, name: str) -> list[Thing]:
    """Instances, the clusters they belong to, and what both stand on."""
    client = aws.client("rds")
    things = []
    for kind, operation, key, id_key, status in (
        ("database", "describe_db_instances", "DBInstances", "DBInstanceIdentifier", "DBInstanceStatus"),
        ("database cluster", "describe_db_clusters", "DBClusters", "DBClusterIdentifier", "Status"),
    ):
        for page in client.get_paginator(operation).paginate():
            for one in page[key]:
                if _ours(one, name) and one[status] not in _GOING:
                    why = _PROTECTED if one.get("DeletionProtection") else ""
                    things.append(Thing(kind, one[id_key], detail=one, protected=why))
    ours = EnvironmentNames(name).database
    for page in client.get_paginator("describe_db_subnet_groups").paginate():
        names = [one["DBSubnetGroupName"] for one in page["DBSubnetGroups"]]
        things += [Thing("database subnet group", one) for one in names if one == ours]
    return things


def _ours(found: dict[str, Any], name: str) -> bool:
    return {"Key": TAG_ENVIRONMENT, "Value": name} in found.get("TagList", [])


@aws_call("read the parameter groups of {name}")
def parameter_groups(aws: Aws, name: str) -> list[Thing]:
    """One for each major version that the database has had."""
    client = aws.client("rds")
    # A family's name behind the database's: no other environment's group is called so.
    ours = re.compile(rf"{re.escape(EnvironmentNames(name).database)}-(aurora-postgresql|postgres)\d+")
    things = []
    for kind, operation, key, id_key in (
        ("database parameters", "describe_db_parameter_groups", "DBParameterGroups", "DBParameterGroupName"),
        (
            "database cluster parameters",
            "describe_db_cluster_parameter_groups",
            "DBClusterParameterGroups",
            "DBClusterParameterGroupName",
        ),
    ):
        for page in client.get_paginator(operation).paginate():
            things += [Thing(kind, one[id_key]) for one in page[key] if ours.fullmatch(one[id_key])]
    return things


@aws_call("read the database's log groups of {name}")
def log_groups(aws: Aws, name: str) -> list[Thing]:
    pager = aws.client("logs").get_paginator("describe_log_groups")
    return [
        Thing("database log group", group["logGroupName"])
        for kind in ("cluster", "instance")
        for page in pager.paginate(logGroupNamePrefix=f"/aws/rds/{kind}/{EnvironmentNames(name).database}/")
        for group in page["logGroups"]
    ]


def without_snapshot(thing: Thing) -> Thing:
    """The same thing, of whose data nothing is kept when it goes but the backups that RDS made."""
    if thing.kind not in {"database", "database cluster"}:
        return thing
    return replace(thing, detail={**thing.detail, _NO_SNAPSHOT: True})


def _snapshot(thing: Thing) -> dict[str, Any]:
    one = thing.detail
    if one.get(_NO_SNAPSHOT):
        return {"SkipFinalSnapshot": True}
    # The resource id is another one for each database of this name: a snapshot's name is never taken yet.
    resource = one.get("DbiResourceId", one.get("DbClusterResourceId", "none")).lower()[-12:]
    return {"SkipFinalSnapshot": False, "FinalDBSnapshotIdentifier": f"{thing.id}-final-{resource}"}


@aws_call("delete {thing}")
def delete_instance(aws: Aws, thing: Thing) -> None:
    # A member of a cluster has no snapshot and no backups of its own.
    member = thing.detail.get("DBClusterIdentifier")
    how = {"SkipFinalSnapshot": True} if member else {**_snapshot(thing), "DeleteAutomatedBackups": False}
    aws.client("rds").delete_db_instance(DBInstanceIdentifier=thing.id, **how)


@aws_call("delete {thing}")
def delete_cluster(aws: Aws, thing: Thing) -> None:
    aws.client("rds").delete_db_cluster(DBClusterIdentifier=thing.id, **_snapshot(thing), DeleteAutomatedBackups=False)
