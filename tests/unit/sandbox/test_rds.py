"""What waits for RDS's maintenance window waits, and the module that changes databases knows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from moto import mock_aws
from moto.rds.responses import RDSResponse

from sandbox.api import rds as overlay
from sandbox.api.overlay import registered
from tests.unit.databases import REGION, invoke


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    before = len(registered.patches)
    overlay.install(None)  # type: ignore[arg-type]
    with mock_aws():
        ec2 = boto3.client("ec2", REGION)
        yield {
            "name": "staging-database",
            "subnet_ids": [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]],
            "security_group_ids": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
        }
    del RDSResponse.describe_db_engine_versions
    while len(registered.patches) > before:
        owner, name, original = registered.patches.pop()
        setattr(owner, name, original)


def instance() -> dict[str, Any]:
    (found,) = boto3.client("rds", REGION).describe_db_instances()["DBInstances"]
    return dict(found)


def test_a_larger_class_waits_is_told_and_is_no_difference_any_more(options: dict[str, Any]) -> None:
    invoke(options)
    larger = {**options, "instance_class": "db.m8g.large", "backup_retention_days": 14}
    asked = invoke(larger)
    assert len(asked["diff"]["after"]) == 2
    assert instance()["DBInstanceClass"] == "db.t4g.small"
    assert instance()["BackupRetentionPeriod"] == 14
    again = invoke(larger)
    assert not again["changed"]
    (told,) = again["pending"]
    assert "db.t4g.small becomes db.m8g.large in the maintenance window" in told


def test_a_subnet_group_is_there_after_its_subnets_have_changed(options: dict[str, Any]) -> None:
    invoke(options)
    fewer = {**options, "subnet_ids": options["subnet_ids"][:2]}
    assert "subnet group staging-database" in invoke(fewer)["diff"]["after"]
    assert not invoke(fewer)["changed"]


def test_what_waits_comes_at_once_where_that_is_asked_for(options: dict[str, Any]) -> None:
    larger = {**options, "instance_class": "db.m8g.large"}
    invoke(options)
    invoke(larger)
    assert invoke({**larger, "apply_immediately": True})["pending"] == []
    assert instance()["DBInstanceClass"] == "db.m8g.large"
    assert not invoke(larger)["changed"]


def test_what_waits_can_be_taken_back(options: dict[str, Any]) -> None:
    invoke(options)
    invoke({**options, "instance_class": "db.m8g.large"})
    back = invoke(options)
    assert back["changed"] and back["pending"] == []
    assert instance()["PendingModifiedValues"] == {}


def test_insights_and_the_log_exports_of_a_cluster_are_kept(options: dict[str, Any]) -> None:
    aurora = {**options, "engine": "aurora-postgresql", "multi_az": False}
    invoke(aurora)
    assert instance()["PerformanceInsightsRetentionPeriod"] == 7
    without = {**aurora, "log_exports": [], "performance_insights_days": 0}
    assert invoke(without)["changed"]
    assert not invoke(without)["changed"]
    (cluster,) = boto3.client("rds", REGION).describe_db_clusters()["DBClusters"]
    assert not cluster.get("EnabledCloudwatchLogsExports") and not instance()["PerformanceInsightsEnabled"]


def test_a_new_database_gets_the_minor_version_that_rds_has(options: dict[str, Any]) -> None:
    with pytest.raises(Failure, match="no version 99 of postgres"):
        invoke({**options, "engine_version": "99"})
    invoke({**options, "engine_version": "16"})
    assert instance()["EngineVersion"] == "16.10"
    assert not invoke({**options, "engine_version": "16"})["changed"]


def test_the_secret_is_its_owners(options: dict[str, Any]) -> None:
    made = invoke({**options, "master_username": "scores"})
    value = boto3.client("secretsmanager", REGION).get_secret_value(SecretId=made["secret_arn"])["SecretString"]
    assert '"username": "scores"' in value
