"""The database against moto: created once, then unchanged; differences are reported and corrected, impossible changes refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.environment import teardown_rds
from moto import mock_aws

from ..databases import REGION, invoke

# moto keeps no word of these.
UNSEEN = {"performance_insights_days": 0}


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        ec2 = boto3.client("ec2", REGION)
        vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        yield {
            "name": "staging-database",
            # Exactly: moto is not asked for versions.
            "engine_version": "17.6",
            "subnet_ids": [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]],
            "security_group_ids": [
                ec2.create_security_group(GroupName="database", Description="database", VpcId=vpc)["GroupId"]
            ],
            "tags": {"pear:environment": "staging"},
            **UNSEEN,
        }


@pytest.fixture(params=["postgres", "aurora-postgresql"])
def either(request: pytest.FixtureRequest, options: dict[str, Any]) -> dict[str, Any]:
    return {**options, "engine": request.param}


def test_check_mode_makes_nothing(either: dict[str, Any]) -> None:
    predicted = invoke(either, check_mode=True)
    assert predicted["changed"] and predicted["host"] is None
    rds = boto3.client("rds", REGION)
    assert rds.describe_db_instances()["DBInstances"] == rds.describe_db_clusters()["DBClusters"] == []
    assert rds.describe_db_subnet_groups()["DBSubnetGroups"] == []


def test_it_is_made_once(either: dict[str, Any]) -> None:
    made = invoke(either)
    assert made["changed"] and made["host"] and made["port"] == 5432
    assert ":secret:rds!" in made["secret_arn"]
    again = invoke(either)
    assert again["diff"] == {"before": {}, "after": {}}
    assert {key: again[key] for key in ("host", "secret_arn")} == {key: made[key] for key in ("host", "secret_arn")}


def test_it_is_encrypted_protected_private_and_wants_tls(either: dict[str, Any]) -> None:
    invoke(either)
    rds = boto3.client("rds", REGION)
    aurora = either["engine"] != "postgres"
    (found,) = rds.describe_db_clusters()["DBClusters"] if aurora else rds.describe_db_instances()["DBInstances"]
    assert found["StorageEncrypted"] and found["DeletionProtection"] and found["CopyTagsToSnapshot"]
    assert not any(instance["PubliclyAccessible"] for instance in rds.describe_db_instances()["DBInstances"])
    if aurora:
        group = {"DBClusterParameterGroupName": found["DBClusterParameterGroup"]}
        answer = rds.describe_db_cluster_parameters(**group)
    else:
        answer = rds.describe_db_parameters(DBParameterGroupName=found["DBParameterGroups"][0]["DBParameterGroupName"])
    assert {parameter["ParameterName"]: parameter["ParameterValue"] for parameter in answer["Parameters"]} == {
        "rds.force_ssl": "1"
    }


def test_what_changed_is_told_and_put_right_in_one_request(either: dict[str, Any]) -> None:
    invoke(either)
    changed: dict[str, Any] = {
        "backup_retention_days": 14,
        "backup_window": "05:00-06:00",
        "maintenance_window": "Tue:03:30-Tue:04:30",
        "deletion_protection": False,
        "tags": {"pear:environment": "staging", "team": "games"},
        "parameters": {"log_min_duration_statement": 500},
    }
    message = " ".join(invoke({**either, **changed}, check_mode=True)["diff"]["after"])
    assert [option for option in changed if option not in message] == []
    assert invoke({**either, **changed})["changed"]
    assert invoke({**either, **changed})["diff"]["after"] == {}


@pytest.mark.long
def test_a_cluster_has_a_reader_for_each_further_zone_and_loses_it_again(options: dict[str, Any]) -> None:
    aurora = {**options, "engine": "aurora-postgresql"}
    invoke(aurora)
    rds = boto3.client("rds", REGION)
    names = ["staging-database-1", "staging-database-2"]
    assert [instance["DBInstanceIdentifier"] for instance in rds.describe_db_instances()["DBInstances"]] == names
    assert invoke({**aurora, "multi_az": False})["changed"]
    assert len(rds.describe_db_instances()["DBInstances"]) == 1
    assert not invoke({**aurora, "multi_az": False})["changed"]


def test_all_findings_come_at_once_and_nothing_is_made(options: dict[str, Any]) -> None:
    wrong = {
        "backup_window": "03:00-04:00",
        "backup_retention_days": 36,
        "max_allocated_gib": 10,
        "engine_version": "latest",
    }
    with pytest.raises(Failure) as refused:
        invoke({**options, **wrong, "subnet_ids": options["subnet_ids"][:1]})
    assert len(refused.value.result["findings"]) == 5
    assert boto3.client("rds", REGION).describe_db_subnet_groups()["DBSubnetGroups"] == []


def test_what_rds_cannot_change_is_refused(options: dict[str, Any]) -> None:
    invoke(options)
    for option, value, message in (
        ("engine", "aurora-postgresql", "not as aurora-postgresql"),
        ("engine_version", "99", "done by hand"),
        ("database_name", "other", "restore the option"),
        ("port", 5433, "restore the option"),
        ("kms_key_arn", "1234abcd-12ab-34cd-56ef-1234567890ab", "cannot be changed"),
    ):
        with pytest.raises(Failure, match=message):
            invoke({**options, option: value})


def remaining() -> dict[str, int]:
    rds = boto3.client("rds", REGION)
    return {
        "instances": len(rds.describe_db_instances()["DBInstances"]),
        "clusters": len(rds.describe_db_clusters()["DBClusters"]),
        "subnet groups": len(rds.describe_db_subnet_groups()["DBSubnetGroups"]),
    }


def snapshots(engine: str) -> list[str]:
    rds = boto3.client("rds", REGION)
    if engine == "postgres":
        return [found["DBSnapshotIdentifier"] for found in rds.describe_db_snapshots()["DBSnapshots"]]
    return [found["DBClusterSnapshotIdentifier"] for found in rds.describe_db_cluster_snapshots()["DBClusterSnapshots"]]


@pytest.mark.parametrize("final_snapshot", [True, False])
@pytest.mark.long
def test_its_removal_keeps_all_of_it_unless_that_is_said(either: dict[str, Any], final_snapshot: bool) -> None:
    made = {**either, "deletion_protection": False, "multi_az": False, "final_snapshot": final_snapshot}
    invoke(made)
    full = remaining()
    absent = {**made, "state": "absent"}
    kept = invoke(absent)
    assert not kept["changed"] and any("staging-database" in thing for thing in kept["kept"])
    deleting = {**absent, "delete_data": True}
    assert invoke(deleting, check_mode=True)["changed"]
    assert remaining() == full
    assert invoke(deleting)["changed"]
    assert set(remaining().values()) == {0}
    ours = [name for name in snapshots(either["engine"]) if name.startswith("staging-database-final-")]
    assert len(ours) == final_snapshot
    assert not invoke(deleting)["changed"]


def test_groups_of_a_database_that_is_going_already_go_too(
    either: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was interrupted leaves such a one."""
    invoke({**either, "deletion_protection": False, "multi_az": False})
    monkeypatch.setattr(teardown_rds, "_GOING", {*teardown_rds._GOING, "available"})
    names = {thing.kind for thing in teardown_rds.of_database(Aws({"region": REGION}), "staging-database")}
    assert {"database subnet group"} < names and not names & {"database", "database cluster"}


def test_deletion_protection_refuses_its_removal(options: dict[str, Any]) -> None:
    invoke(options)
    with pytest.raises(Failure, match=r"Nothing was removed.*deletion protection is on"):
        invoke({**options, "state": "absent", "delete_data": True})
    assert remaining()["instances"] == 1


def test_a_database_of_others_is_never_removed(options: dict[str, Any]) -> None:
    invoke({**options, "deletion_protection": False, "tags": {"pear:environment": "production"}})
    with pytest.raises(Failure, match="no tag says that it belongs to environment staging"):
        invoke({**options, "state": "absent", "delete_data": True})
    assert remaining()["instances"] == 1


def test_tags_that_are_not_listed_go_only_where_that_is_said(either: dict[str, Any]) -> None:
    invoke({**either, "tags": {**either["tags"], "by-hand": "yes"}})
    assert not invoke(either)["changed"]
    assert invoke({**either, "purge_tags": True})["diff"]["after"] == {
        f"{what} tags": {"by-hand": None}
        for what in (
            "staging-database",
            "subnet group staging-database",
            f"parameter group staging-database-{either['engine']}17",
        )
    }
    assert not invoke({**either, "purge_tags": True})["changed"]
