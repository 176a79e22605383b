"""Backup plans: made once, changed where they differ, gone where no rule is left; the vault stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws import backup
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.environment.backup_plan import run
from ansible_collections.pear.fargate.plugins.module_utils.environment.environment_teardown import run as remove
from ansible_collections.pear.fargate.plugins.modules import environment_teardown
from ansible_collections.pear.fargate.plugins.modules.backup_plan import ARGUMENT_SPEC
from moto import mock_aws
from moto.backup.responses import BackupResponse

from sandbox.api import backup as overlay

from ..saved_queries import QueryStore
from ..xray_settings import TraceStore

REGION = "eu-central-1"
NAME = "staging-backup"


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    before = set(vars(BackupResponse))
    overlay.install(None)  # type: ignore[arg-type]
    QueryStore().install(monkeypatch)
    TraceStore().installed_for(monkeypatch)
    with mock_aws():
        yield {
            "name": NAME,
            "role_arn": "arn:aws:iam::123456789012:role/staging-backup",
            "select_by_tags": {"pear:environment": "staging", "pear:component": "file_system"},
            "rules": [{"name": "daily"}, {"name": "monthly", "schedule": "cron(0 4 1 * ? *)", "keep_days": 365}],
            "tags": {"pear:environment": "staging"},
        }
    for name in set(vars(BackupResponse)) - before:
        delattr(BackupResponse, name)


def invoke(options: dict[str, Any], check_mode: bool = False) -> dict[str, Any]:
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate(options)
    assert not validated.error_messages
    return run(Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode))


def selections() -> list[dict[str, Any]]:
    client = boto3.client("backup", REGION)
    (plan,) = client.list_backup_plans()["BackupPlansList"]
    listed = client.list_backup_selections(BackupPlanId=plan["BackupPlanId"])["BackupSelectionsList"]
    asked = [{"BackupPlanId": plan["BackupPlanId"], "SelectionId": one["SelectionId"]} for one in listed]
    return [client.get_backup_selection(**one)["BackupSelection"] for one in asked]


def test_check_mode_makes_nothing(options: dict[str, Any]) -> None:
    assert invoke(options, check_mode=True)["changed"]
    client = boto3.client("backup", REGION)
    assert client.list_backup_plans()["BackupPlansList"] == client.list_backup_vaults()["BackupVaultList"] == []


def test_it_is_made_once_and_selects_what_has_all_tags(options: dict[str, Any]) -> None:
    made = invoke(options)
    assert made["plan_id"] and made["vault_arn"].endswith(NAME)
    assert invoke(options)["diff"]["after"] == {}
    (one,) = selections()
    keys = {pair["ConditionKey"] for pair in one["Conditions"]["StringEquals"]}
    assert keys == {"aws:ResourceTag/pear:environment", "aws:ResourceTag/pear:component"}


def test_what_differs_is_told_and_put_right(options: dict[str, Any]) -> None:
    invoke(options)
    changed = {
        **options,
        "rules": [{"name": "daily", "keep_days": 400, "cold_after_days": 30}],
        "select_by_tags": {"pear:environment": "staging"},
        "tags": {"pear:environment": "staging", "team": "scores"},
    }
    told = list(invoke(changed, check_mode=True)["diff"]["after"])
    assert [
        word for word in ("rules", "selection", "vault staging-backup tags") if not any(word in o for o in told)
    ] == []
    assert invoke(changed)["changed"]
    assert invoke(changed)["diff"]["after"] == {}
    (one,) = selections()
    assert len(one["Conditions"]["StringEquals"]) == 1


def test_without_rules_the_plan_goes_and_the_vault_stays(options: dict[str, Any]) -> None:
    invoke(options)
    assert invoke({**options, "rules": []})["changed"]
    client = boto3.client("backup", REGION)
    assert client.list_backup_plans()["BackupPlansList"] == []
    assert [one["BackupVaultName"] for one in client.list_backup_vaults()["BackupVaultList"]] == [NAME]
    assert not invoke({**options, "rules": []})["changed"]


def test_what_cannot_be_is_refused_at_once_and_nothing_is_made(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlay, "_RESOURCE_TYPES", ())
    rules = [
        {"name": "daily", "cold_after_days": 30, "keep_days": 100},
        {"name": "daily", "start_within_minutes": 30},
    ]
    with pytest.raises(Failure) as refused:
        invoke({**options, "rules": rules})
    assert len(refused.value.result["findings"]) == 4
    assert "EFS=true" in str(refused.value)
    assert boto3.client("backup", REGION).list_backup_vaults()["BackupVaultList"] == []


def test_a_vaults_key_cannot_be_changed(options: dict[str, Any]) -> None:
    invoke(options)
    with pytest.raises(Failure, match="key cannot"):
        invoke({**options, "kms_key_arn": "arn:aws:kms:eu-central-1:123456789012:key/other"})


def teardown(**options: Any) -> dict[str, Any]:
    given = {"environment": "staging", "confirm": "staging", **options}
    validated = ArgumentSpecValidator(environment_teardown.ARGUMENT_SPEC).validate(given)
    assert not validated.error_messages
    return remove(Invocation(validated.validated_parameters, Aws({"region": REGION})))


@pytest.mark.long
def test_the_plan_goes_with_its_environment_and_the_vault_where_that_is_said(options: dict[str, Any]) -> None:
    invoke(options)
    gone = teardown()
    assert gone["removed"] == ["backup plan staging-backup"]
    assert gone["kept"] == ["backup vault staging-backup"]
    assert teardown(data=["backups"])["removed"] == ["backup vault staging-backup"]
    assert not teardown(data=["backups"])["changed"]


def test_backups_go_before_their_vault_but_not_those_that_are_going(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    invoke(options)
    made = datetime(2026, 11, 1, 3, tzinfo=UTC)
    points = [
        {"RecoveryPointArn": f"arn:{status}", "Status": status, "CreationDate": made}
        for status in ("AVAILABLE", "DELETING")
    ]
    monkeypatch.setattr(backup, "recovery_points", lambda aws, name: list(points))
    monkeypatch.setattr(backup, "delete_recovery_point", lambda aws, name, arn: points.clear())
    assert teardown(data=["backups"])["removed"] == [
        "backup plan staging-backup",
        "backup 2026-11-01 03:00",
        "backup vault staging-backup",
    ]


def test_its_removal_keeps_the_vault_unless_that_is_said(options: dict[str, Any]) -> None:
    invoke(options)
    client = boto3.client("backup", REGION)
    absent = {"name": NAME, "tags": options["tags"], "state": "absent"}
    assert invoke(absent, check_mode=True)["changed"]
    assert len(client.list_backup_plans()["BackupPlansList"]) == 1
    message = invoke(absent)
    assert message["changed"] and message["kept"] == [f"backup vault {NAME}"]
    assert client.list_backup_plans()["BackupPlansList"] == []
    assert not invoke(absent)["changed"]
    assert invoke({**absent, "delete_data": True})["changed"]
    assert client.list_backup_vaults()["BackupVaultList"] == []
    assert not invoke({**absent, "delete_data": True})["changed"]


def test_a_vault_of_others_is_never_removed(options: dict[str, Any]) -> None:
    client = boto3.client("backup", REGION)
    client.create_backup_vault(BackupVaultName=NAME, BackupVaultTags={"team": "data"})
    with pytest.raises(Failure, match="no tag says that it belongs to environment staging"):
        invoke({**options, "state": "absent", "delete_data": True})
    assert len(client.list_backup_vaults()["BackupVaultList"]) == 1


def test_tags_that_are_not_listed_go_only_where_that_is_said(options: dict[str, Any]) -> None:
    invoke({**options, "tags": {**options["tags"], "by-hand": "yes"}})
    assert not invoke(options)["changed"]
    told = invoke({**options, "purge_tags": True})["diff"]["after"]
    assert told == {f"backup {kind} {NAME} tags": {"by-hand": None} for kind in ("vault", "plan")}
    assert not invoke({**options, "purge_tags": True})["changed"]
