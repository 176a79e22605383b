"""The ledger's table against moto: created once, differences reported, and a table of another kind left unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws import dynamodb as calls
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.environment import release_ledger as ours
from ansible_collections.pear.fargate.plugins.modules.release_ledger import ARGUMENT_SPEC
from botocore.exceptions import ClientError
from moto import mock_aws

from sandbox.api import dynamodb as overlay
from sandbox.api.overlay import registered

from ..clocks import QuickClock

REGION = "eu-central-1"
NAME = "staging-releases"
TAGS = {"pear:environment": "staging", "team": "games"}


@pytest.fixture(autouse=True)
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.client("dynamodb", REGION)


def invoke(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"name": NAME, "tags": TAGS, **options})
    assert not validated.error_messages
    return ours.run(Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode, QuickClock()))


def test_it_is_made_once_and_check_mode_makes_nothing(dynamodb: Any) -> None:
    assert invoke(True)["changed"]
    assert dynamodb.list_tables()["TableNames"] == []
    assert invoke()["changed"]
    again = invoke()
    assert not again["changed"], again["diff"]
    assert calls.recoverable(Aws({"region": REGION}), NAME)


KEY = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"


@pytest.fixture
def keys(dynamodb: Any) -> Iterator[Any]:
    before = len(registered.patches)
    overlay.install(cast(Any, None))
    yield dynamodb
    while len(registered.patches) > before:
        owner, name, original = registered.patches.pop()
        setattr(owner, name, original)


def test_a_new_ledger_has_the_key_of_choice(keys: Any) -> None:
    assert invoke(kms_key_arn=KEY)["changed"]
    assert keys.describe_table(TableName=NAME)["Table"]["SSEDescription"]["KMSMasterKeyArn"] == KEY
    assert not invoke(kms_key_arn=KEY)["changed"]
    assert not invoke()["changed"]


def test_the_key_of_a_ledger_is_changed_and_given_up(keys: Any) -> None:
    invoke()
    assert invoke(True, kms_key_arn=KEY)["diff"] == {"before": {"kms_key_arn": ""}, "after": {"kms_key_arn": KEY}}
    assert invoke(kms_key_arn=KEY)["changed"]
    assert not invoke(kms_key_arn=KEY)["changed"]
    assert invoke(kms_key_arn="")["changed"]
    assert not invoke(kms_key_arn="")["changed"]


def test_a_key_is_named_by_its_arn() -> None:
    with pytest.raises(Failure, match="'alias/ledger'; it must be the ARN of a key"):
        invoke(kms_key_arn="alias/ledger")


def test_what_differs_is_told_and_put_right(dynamodb: Any) -> None:
    arn = invoke()["table_arn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "other"}])
    throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    dynamodb.update_table(TableName=NAME, BillingMode="PROVISIONED", ProvisionedThroughput=throughput)
    dynamodb.update_continuous_backups(
        TableName=NAME, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    assert set(invoke(True)["diff"]["after"]) == {"tags", "billing_mode", "point_in_time_recovery"}
    assert invoke()["changed"]
    assert not invoke()["changed"]


def test_deletion_protection_is_set_kept_and_taken_back(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def protected() -> bool:
        return bool(dynamodb.describe_table(TableName=NAME)["Table"]["DeletionProtectionEnabled"])

    invoke(deletion_protection=True)
    assert protected() and not invoke(deletion_protection=True)["changed"]
    assert not invoke()["changed"] and protected(), "left unchanged if omitted"
    with pytest.raises(Failure, match="Set deletion_protection to false first"):
        invoke(state="absent")
    refused = ClientError({"Error": {"Code": "ResourceInUseException"}}, "UpdateTable")
    real, answers = calls.set_protected.__wrapped__, [refused]  # type: ignore[attr-defined]

    @calls.aws_call("set the deletion protection of table {name}")
    def reluctant(aws: Aws, name: str, desired: bool) -> None:
        if answers:
            raise answers.pop()
        real(aws, name, desired)

    monkeypatch.setattr(calls, "set_protected", reluctant)
    changed = invoke(deletion_protection=False)
    assert changed["diff"]["after"] == {"deletion_protection": False} and not answers and not protected()
    assert invoke(state="absent")["changed"]


def test_a_new_table_that_is_not_ready_for_it_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = ClientError({"Error": {"Code": "ContinuousBackupsUnavailableException"}}, "UpdateContinuousBackups")
    real, answers = calls.set_recoverable.__wrapped__, [refused, refused]  # type: ignore[attr-defined]

    @calls.aws_call("set whether table {name} can be restored")
    def reluctant(aws: Aws, name: str, desired: bool) -> None:
        if answers:
            raise answers.pop()
        real(aws, name, desired)

    monkeypatch.setattr(calls, "set_recoverable", reluctant)
    invoke()
    assert not answers
    assert not invoke()["changed"]


def test_a_table_with_other_keys_is_refused(dynamodb: Any) -> None:
    dynamodb.create_table(
        TableName=NAME,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with pytest.raises(Failure, match="not a ledger"):
        invoke()
