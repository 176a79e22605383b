"""A log group against moto: created once; check mode reports a retention that differs and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.cloudwatch_log_group import run
from ansible_collections.pear.fargate.plugins.modules.cloudwatch_log_group import ARGUMENT_SPEC
from moto import mock_aws

REGION = "eu-central-1"
NAME = "/pear/staging/scores"


@pytest.fixture(autouse=True)
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.client("logs", REGION)


def invoke(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate({"name": NAME, **options})
    assert not validated.error_messages
    return run(Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode))


@pytest.mark.parametrize("days", [0, 30])
def test_it_is_made_once(logs: Any, days: int) -> None:
    given = {"retention_days": days, "tags": {"pear:environment": "staging"}}
    assert invoke(True, **given)["changed"]
    assert logs.describe_log_groups()["logGroups"] == []
    assert invoke(**given)["changed"]
    again = invoke(**given)
    assert not again["changed"], again["diff"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"retention_days": 7}, "retention_days"),
        ({"retention_days": 0}, "retention_days"),
        ({"tags": {"a": "b"}}, "tags"),
    ],
)
def test_what_differs_is_told_and_put_right(logs: Any, change: dict[str, Any], message: str) -> None:
    given = {"retention_days": 30, "tags": {"pear:environment": "staging"}}
    invoke(**given)
    assert list(invoke(True, **{**given, **change})["diff"]["after"]) == [message]
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 30
    assert invoke(**{**given, **change})["changed"]
    assert not invoke(**{**given, **change})["changed"]


def test_a_key_that_somebody_gave_it_stays_unless_another_is_asked_for(logs: Any) -> None:
    key, other = (f"arn:aws:kms:{REGION}:123456789012:key/{name}" for name in ("corp", "ours"))
    logs.create_log_group(logGroupName=NAME, kmsKeyId=key, tags={"pear:environment": "staging"})
    given = {"tags": {"pear:environment": "staging"}}
    assert not invoke(**given)["changed"]
    assert invoke(True, kms_key_arn=other, **given)["diff"]["after"] == {"kms_key_arn": other}
    assert invoke(True, kms_key_arn="", **given)["diff"]["before"] == {"kms_key_arn": key}
    assert not invoke(True, kms_key_arn=key, **given)["changed"]
