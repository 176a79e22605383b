# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon RDS: one function per call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .errors import aws_call, is_code
from .session import Aws
from .tags import tag_list, tags_of


@dataclass(frozen=True)
class SubnetGroup:
    """A subnet group, with the IDs of its subnets in order."""

    arn: str
    subnets: list[str]


@aws_call("read database {identifier}")
def instance(aws: Aws, identifier: str) -> dict[str, Any] | None:
    client = aws.client("rds")
    try:
        return client.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
    except client.exceptions.ClientError as cause:
        if is_code(cause, "DBInstanceNotFound"):
            return None
        raise


@aws_call("read database cluster {identifier}")
def cluster(aws: Aws, identifier: str) -> dict[str, Any] | None:
    client = aws.client("rds")
    try:
        return client.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"][0]
    except client.exceptions.ClientError as cause:
        if is_code(cause, "DBClusterNotFoundFault"):
            return None
        raise


@aws_call("read the instances of database cluster {identifier}")
def members(aws: Aws, identifier: str) -> list[dict[str, Any]]:
    pages = (
        aws.client("rds")
        .get_paginator("describe_db_instances")
        .paginate(Filters=[{"Name": "db-cluster-id", "Values": [identifier]}])
    )
    found = [instance for page in pages for instance in page["DBInstances"]]
    # Checked again: nothing may be changed because a filter was ignored.
    return [instance for instance in found if instance.get("DBClusterIdentifier") == identifier]


@aws_call("read the versions of {engine}")
def default_version(aws: Aws, engine: str, major: str) -> str | None:
    """The default minor version of a major version; None if RDS does not offer that major version."""
    answer = aws.client("rds").describe_db_engine_versions(Engine=engine, EngineVersion=major, DefaultOnly=True)
    return next((version["EngineVersion"] for version in answer["DBEngineVersions"]), None)


@aws_call("read the subnets of database subnet group {name}")
def subnet_group(aws: Aws, name: str) -> SubnetGroup | None:
    client = aws.client("rds")
    try:
        found = client.describe_db_subnet_groups(DBSubnetGroupName=name)["DBSubnetGroups"][0]
    except client.exceptions.ClientError as cause:
        if is_code(cause, "DBSubnetGroupNotFoundFault"):
            return None
        raise
    return SubnetGroup(found["DBSubnetGroupArn"], sorted(subnet["SubnetIdentifier"] for subnet in found["Subnets"]))


@aws_call("read parameter group {name}")
def parameter_group_arn(aws: Aws, name: str, of_cluster: bool) -> str:
    """Empty if the group does not exist."""
    client = aws.client("rds")
    try:
        if of_cluster:
            groups = client.describe_db_cluster_parameter_groups(DBClusterParameterGroupName=name)[
                "DBClusterParameterGroups"
            ]
            return next((group["DBClusterParameterGroupArn"] for group in groups), "")
        groups = client.describe_db_parameter_groups(DBParameterGroupName=name)["DBParameterGroups"]
        return next((group["DBParameterGroupArn"] for group in groups), "")
    except client.exceptions.ClientError as cause:
        if is_code(cause, "DBParameterGroupNotFound", "DBClusterParameterGroupNotFound"):
            return ""
        raise


@aws_call("read the tags of {arn}")
def tags(aws: Aws, arn: str) -> dict[str, str]:
    return tags_of(aws.client("rds").list_tags_for_resource(ResourceName=arn))


@aws_call("create database subnet group {name}")
def create_subnet_group(aws: Aws, name: str, subnet_ids: list[str], tags: dict[str, str]) -> None:
    aws.client("rds").create_db_subnet_group(
        DBSubnetGroupName=name, DBSubnetGroupDescription=f"Where {name} is", SubnetIds=subnet_ids, Tags=tag_list(tags)
    )


@aws_call("change database subnet group {name}")
def set_subnet_group(aws: Aws, name: str, subnet_ids: list[str]) -> None:
    aws.client("rds").modify_db_subnet_group(DBSubnetGroupName=name, SubnetIds=subnet_ids)


@aws_call("read parameter group {name}")
def parameters(aws: Aws, name: str, of_cluster: bool) -> dict[str, dict[str, Any]] | None:
    """All parameters of a group by name, defaults included; None if the group does not exist."""
    client = aws.client("rds")
    part = "cluster_" if of_cluster else ""
    key = "DBClusterParameterGroupName" if of_cluster else "DBParameterGroupName"
    try:
        pages = client.get_paginator(f"describe_db_{part}parameters").paginate(**{key: name})
        return {parameter["ParameterName"]: parameter for page in pages for parameter in page["Parameters"]}
    except client.exceptions.ClientError as cause:
        if is_code(cause, "DBParameterGroupNotFound", "DBClusterParameterGroupNotFound"):
            return None
        raise


@aws_call("create parameter group {name}")
def create_parameter_group(aws: Aws, name: str, of_cluster: bool, family: str, tags: dict[str, str]) -> None:
    more = {"DBParameterGroupFamily": family, "Description": f"Settings of {name}", "Tags": tag_list(tags)}
    if of_cluster:
        aws.client("rds").create_db_cluster_parameter_group(DBClusterParameterGroupName=name, **more)
    else:
        aws.client("rds").create_db_parameter_group(DBParameterGroupName=name, **more)


@aws_call("set parameters of {name}")
def set_parameters(aws: Aws, name: str, of_cluster: bool, desired: list[dict[str, str]]) -> None:
    """RDS takes at most twenty parameters per call."""
    for first in range(0, len(desired), 20):
        some = desired[first : first + 20]
        if of_cluster:
            aws.client("rds").modify_db_cluster_parameter_group(DBClusterParameterGroupName=name, Parameters=some)
        else:
            aws.client("rds").modify_db_parameter_group(DBParameterGroupName=name, Parameters=some)


@aws_call("create database {identifier}")
def create_instance(aws: Aws, identifier: str, request: dict[str, Any], tags: dict[str, str]) -> None:
    aws.client("rds").create_db_instance(DBInstanceIdentifier=identifier, Tags=tag_list(tags), **request)


@aws_call("create database cluster {identifier}")
def create_cluster(aws: Aws, identifier: str, request: dict[str, Any], tags: dict[str, str]) -> None:
    aws.client("rds").create_db_cluster(DBClusterIdentifier=identifier, Tags=tag_list(tags), **request)


@aws_call("change database {identifier}")
def modify_instance(aws: Aws, identifier: str, request: dict[str, Any], at_once: bool) -> None:
    aws.client("rds").modify_db_instance(DBInstanceIdentifier=identifier, ApplyImmediately=at_once, **request)


@aws_call("change database cluster {identifier}")
def modify_cluster(aws: Aws, identifier: str, request: dict[str, Any], at_once: bool) -> None:
    aws.client("rds").modify_db_cluster(DBClusterIdentifier=identifier, ApplyImmediately=at_once, **request)


@aws_call("restart database {identifier}")
def restart_instance(aws: Aws, identifier: str) -> None:
    aws.client("rds").reboot_db_instance(DBInstanceIdentifier=identifier)


@aws_call("delete instance {identifier} of a database cluster")
def delete_member(aws: Aws, identifier: str) -> None:
    """Without a snapshot: the data belongs to the cluster."""
    aws.client("rds").delete_db_instance(DBInstanceIdentifier=identifier, SkipFinalSnapshot=True)


@aws_call("tag {arn}")
def tag(aws: Aws, arn: str, tags: dict[str, str]) -> None:
    aws.client("rds").add_tags_to_resource(ResourceName=arn, Tags=tag_list(tags))


@aws_call("untag {arn}")
def untag(aws: Aws, arn: str, keys: list[str]) -> None:
    aws.client("rds").remove_tags_from_resource(ResourceName=arn, TagKeys=keys)


@aws_call("read the databases")
def instances(aws: Aws) -> list[dict[str, Any]]:
    """Every instance of the account and region, those that belong to a cluster included."""
    pages = aws.client("rds").get_paginator("describe_db_instances").paginate()
    return [instance for page in pages for instance in page["DBInstances"]]


@aws_call("read the database clusters")
def clusters(aws: Aws) -> list[dict[str, Any]]:
    pages = aws.client("rds").get_paginator("describe_db_clusters").paginate()
    return [cluster for page in pages for cluster in page["DBClusters"]]


@aws_call("read the parameter groups")
def parameter_groups(aws: Aws, of_cluster: bool) -> dict[str, str]:
    """ARNs by name."""
    kind = "Cluster" if of_cluster else ""
    pager = aws.client("rds").get_paginator(f"describe_db_{kind.lower()}{'_' if kind else ''}parameter_groups")
    groups = [group for page in pager.paginate() for group in page[f"DB{kind}ParameterGroups"]]
    return {group[f"DB{kind}ParameterGroupName"]: group[f"DB{kind}ParameterGroupArn"] for group in groups}


@aws_call("delete database {identifier}")
def delete_instance(aws: Aws, identifier: str, final_snapshot: str | None) -> None:
    """With a final snapshot of this name, or none. The backups that RDS made are kept."""
    aws.client("rds").delete_db_instance(
        DBInstanceIdentifier=identifier, **_last_copy(final_snapshot), DeleteAutomatedBackups=False
    )


@aws_call("delete database cluster {identifier}")
def delete_cluster(aws: Aws, identifier: str, final_snapshot: str | None) -> None:
    """With a final snapshot of this name, or none. The backups that RDS made are kept."""
    aws.client("rds").delete_db_cluster(
        DBClusterIdentifier=identifier, **_last_copy(final_snapshot), DeleteAutomatedBackups=False
    )


@aws_call("delete database subnet group {name}")
def delete_subnet_group(aws: Aws, name: str) -> None:
    aws.client("rds").delete_db_subnet_group(DBSubnetGroupName=name)


@aws_call("delete parameter group {name}")
def delete_parameter_group(aws: Aws, name: str, of_cluster: bool) -> None:
    if of_cluster:
        aws.client("rds").delete_db_cluster_parameter_group(DBClusterParameterGroupName=name)
    else:
        aws.client("rds").delete_db_parameter_group(DBParameterGroupName=name)


def _last_copy(final_snapshot: str | None) -> dict[str, Any]:
    if final_snapshot is None:
        return {"SkipFinalSnapshot": True}
    return {"SkipFinalSnapshot": False, "FinalDBSnapshotIdentifier": final_snapshot}
