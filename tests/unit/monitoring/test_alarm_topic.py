"""The topic of alarms against moto: created once, every property corrected, subscriptions of others preserved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.sns_alarm_topic import run
from ansible_collections.pear.fargate.plugins.modules.sns_alarm_topic import ARGUMENT_SPEC
from moto import mock_aws

REGION = "eu-central-1"
ARN = f"arn:aws:sns:{REGION}:123456789012:staging-alarms"
GIVEN = {
    "arn": ARN,
    "display_name": "staging alarms",
    "subscriptions": [
        {"protocol": "email", "endpoint": "oncall@example.com"},
        {"protocol": "sms", "endpoint": "+49 (151) 000-0000"},
    ],
    "tags": {"pear:environment": "staging"},
}


@pytest.fixture(autouse=True)
def sns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.client("sns", REGION)


def invoke(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate({**GIVEN, **options})
    assert not validated.error_messages
    return run(Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode))


def test_it_is_made_once_and_check_mode_makes_nothing(sns: Any) -> None:
    assert len(invoke(True)["diff"]["after"]) == 3
    assert sns.list_topics()["Topics"] == []
    assert invoke()["changed"]
    again = invoke()
    assert not again["changed"], again["diff"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"display_name": "other"}, "DisplayName"),
        ({"kms_key_arn": "alias/alarms"}, "KmsMasterKeyId"),
        ({"tags": {"a": "b"}}, "tags"),
        ({"subscriptions": [{"protocol": "email", "endpoint": "b@example.com"}]}, "subscription email b@example.com"),
    ],
)
def test_what_differs_is_told_and_put_right(change: dict[str, Any], message: str) -> None:
    invoke()
    assert list(invoke(True, **change)["diff"]["after"]) == [message]
    assert invoke(**change)["changed"]
    assert not invoke(**change)["changed"]


def test_who_subscribed_by_hand_stays(sns: Any) -> None:
    invoke()
    sns.subscribe(TopicArn=ARN, Protocol="email", Endpoint="curious@example.com")
    assert not invoke()["changed"]
    found = {
        subscription["Endpoint"] for subscription in sns.list_subscriptions_by_topic(TopicArn=ARN)["Subscriptions"]
    }
    assert found == {"oncall@example.com", "+491510000000", "curious@example.com"}
