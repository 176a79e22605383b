# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon RDS: what of an environment is there, and how it goes. A final snapshot is always kept."""

from __future__ import annotations

from typing import Any

from ..naming import TAG_ENVIRONMENT
from ..teardown import Thing
from .errors import aws_call
from .session import Aws

_GOING = {"deleting", "deleted"}
_PROTECTED = "its deletion protection is on; set database_deletion_protection to false and run provision.yml"


def _ours(found: dict[str, Any], name: str) -> bool:
    return {"Key": TAG_ENVIRONMENT, "Value": name} in found.get("TagList", [])


@aws_call("read the databases of {name}")
def databases(aws: Aws, name: str) -> list[Thing]:
    """Instances before the clusters they belong to, then subnet groups."""
    client = aws.client("rds")
    things = []
    for kind, operation, key, id_key, status in (
        ("instance", "describe_db_instances", "DBInstances", "DBInstanceIdentifier", "DBInstanceStatus"),
        ("cluster", "describe_db_clusters", "DBClusters", "DBClusterIdentifier", "Status"),
    ):
        for page in client.get_paginator(operation).paginate():
            for one in page[key]:
                if _ours(one, name) and one[status] not in _GOING:
                    why = _PROTECTED if one.get("DeletionProtection") else ""
                    label = f"{one[id_key]} ({kind})"
                    things.append(Thing("database", f"{kind}:{one[id_key]}", label, one, protected=why))
    for page in client.get_paginator("describe_db_subnet_groups").paginate():
        for one in page["DBSubnetGroups"]:
            if one["DBSubnetGroupName"] == f"{name}-database":
                things.append(Thing("database subnet group", one["DBSubnetGroupName"]))
    return things


@aws_call("delete {thing}")
def delete_database(aws: Aws, thing: Thing) -> None:
    client, one = aws.client("rds"), thing.detail
    kind, _, identifier = thing.id.partition(":")
    # The resource id is another one for each database of this name: a snapshot's name is never taken yet.
    snapshot = f"{identifier}-final-{one.get('DbiResourceId', one.get('DbClusterResourceId', 'none')).lower()[-12:]}"
    if kind == "cluster":
        client.delete_db_cluster(
            DBClusterIdentifier=identifier, SkipFinalSnapshot=False, FinalDBSnapshotIdentifier=snapshot
        )
    elif one.get("DBClusterIdentifier"):
        # A member of a cluster has no snapshot of its own.
        client.delete_db_instance(DBInstanceIdentifier=identifier, SkipFinalSnapshot=True)
    else:
        client.delete_db_instance(
            DBInstanceIdentifier=identifier,
            SkipFinalSnapshot=False,
            FinalDBSnapshotIdentifier=snapshot,
            DeleteAutomatedBackups=False,
        )
