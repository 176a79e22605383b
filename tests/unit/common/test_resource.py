"""state=absent removes what the module makes, once and not in check mode; purge_tags removes other tags but AWS's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError, Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.changes import Changes
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import TagCalls, put_tags_right
from ansible_collections.pear.fargate.plugins.modules import (
    cloudwatch_dashboard,
    cloudwatch_log_group,
    ecr_repository,
    ecs_fargate_cluster,
    ecs_task_role,
    release_ledger,
    sns_alarm_topic,
)
from moto import mock_aws

from ..dashboards import with_tags

REGION = "eu-central-1"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:production-alarms"
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
ROLE: dict[str, Any] = {
    "name": "production-app-task",
    "policy_name": "task",
    "policy": POLICY,
    "managed_policy_arns": ["arn:aws:iam::123456789012:policy/of-the-account"],
    "trust_policy": {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    },
}
CASES: list[tuple[Any, dict[str, Any]]] = [
    (cloudwatch_dashboard, {"name": "production-app", "body": {"widgets": []}}),
    (cloudwatch_log_group, {"name": "/pear/production/app"}),
    (ecr_repository, {"name": "app"}),
    (ecs_fargate_cluster, {"name": "production"}),
    (ecs_task_role, ROLE),
    (release_ledger, {"name": "production-releases"}),
    (sns_alarm_topic, {"arn": TOPIC}),
]
TAGGED = [case for case in CASES if "tags" in case[0].ARGUMENT_SPEC]
NAMES = {"ids": lambda value: value.__name__.rpartition(".")[2] if hasattr(value, "__name__") else "options"}


@pytest.fixture(autouse=True)
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with_tags(monkeypatch)
    with mock_aws():
        boto3.client("iam").create_policy(PolicyName="of-the-account", PolicyDocument=json.dumps(POLICY))
        yield


def invoke(module: Any, options: dict[str, Any], check_mode: bool = False) -> dict[str, Any]:
    validator = ArgumentSpecValidator(module.ARGUMENT_SPEC, **getattr(module, "CONSTRAINTS", {}))
    validated = validator.validate(options)
    assert not validated.error_messages, validated.error_messages
    answer: dict[str, Any] = module.run(Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode))
    return answer


@pytest.mark.parametrize(("module", "options"), CASES, **NAMES)
def test_absent_removes_it_once_and_not_in_check_mode(module: Any, options: dict[str, Any]) -> None:
    gone = {**options, "state": "absent"}
    assert not invoke(module, gone)["changed"]
    assert invoke(module, options)["changed"]
    predicted = invoke(module, gone, check_mode=True)
    assert predicted["changed"]
    assert not invoke(module, options)["changed"], "check mode has removed it"
    removed = invoke(module, gone)
    assert removed["diff"] == predicted["diff"]
    assert list(removed["diff"]["after"].values()) == ["absent"]
    assert not invoke(module, gone)["changed"]


@pytest.mark.parametrize(("module", "options"), TAGGED, **NAMES)
def test_other_tags_stay_unless_they_are_purged(module: Any, options: dict[str, Any]) -> None:
    invoke(module, {**options, "tags": {"team": "games", "cost": "7"}})
    fewer = {**options, "tags": {"team": "games"}}
    assert not invoke(module, fewer)["changed"]
    purging = {**fewer, "purge_tags": True}
    assert invoke(module, purging, check_mode=True)["diff"]["after"] == {"tags": {"cost": None}}
    assert invoke(module, purging)["changed"]
    assert not invoke(module, purging)["changed"]
    assert invoke(module, {**options, "tags": {"cost": "7"}})["changed"], "the tag was not removed"


def test_tags_of_aws_itself_are_never_purged() -> None:
    removed: list[list[str]] = []
    known = {"aws:cloudformation:stack-name": "network", "old": "1"}
    put_tags_right(
        Changes(False), {"tags": {}, "purge_tags": True}, TagCalls(lambda: known, lambda tags: None, removed.append)
    )
    assert removed == [["old"]]


def test_without_tags_and_purge_no_tag_is_read() -> None:
    def read() -> dict[str, str]:
        raise AssertionError("it was read")

    put_tags_right(Changes(False), {"tags": {}, "purge_tags": False}, TagCalls(read, print, print))


def test_tags_that_a_repository_got_first_are_not_purged() -> None:
    shared = {"name": "app", "first_tags": {"pear:service": "first"}}
    invoke(ecr_repository, shared)
    second = {"name": "app", "first_tags": {"pear:service": "second"}, "purge_tags": True}
    assert not invoke(ecr_repository, second)["changed"]


def test_a_role_with_a_policy_of_others_is_not_removed() -> None:
    invoke(ecs_task_role, ROLE)
    iam = boto3.client("iam")
    document = json.dumps(ROLE["policy"])
    iam.put_role_policy(RoleName=ROLE["name"], PolicyName="of-others", PolicyDocument=document)
    with pytest.raises(AwsError, match="delete role production-app-task"):
        invoke(ecs_task_role, {**ROLE, "state": "absent"})
    assert iam.list_role_policies(RoleName=ROLE["name"])["PolicyNames"] == ["of-others"]


def test_a_table_that_is_no_ledger_is_not_removed() -> None:
    dynamodb = boto3.client("dynamodb", REGION)
    dynamodb.create_table(
        TableName="scores",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "player", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "player", "KeyType": "HASH"}],
    )
    with pytest.raises(Failure, match="It is not a ledger"):
        invoke(release_ledger, {"name": "scores", "state": "absent"})
    assert dynamodb.list_tables()["TableNames"] == ["scores"]


@pytest.mark.parametrize(
    ("module", "options"),
    [(cloudwatch_dashboard, {"name": "a"}), (ecs_task_role, {"name": "a", "policy_name": "b"})],
    **NAMES,
)
def test_what_makes_it_is_not_needed_to_remove_it(module: Any, options: dict[str, Any]) -> None:
    assert ArgumentSpecValidator(module.ARGUMENT_SPEC, **module.CONSTRAINTS).validate(options).error_messages
    assert not invoke(module, {**options, "state": "absent"})["changed"]
