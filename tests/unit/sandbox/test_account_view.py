"""What the account says of a resource, so that conditions on its tags can be judged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from moto import mock_aws

from sandbox.api.account_view import _READERS, AccountView
from sandbox.api.state import Sandbox
from sandbox.config import Settings

REGION = "eu-central-1"
TAGS = {"pear:environment": "live"}
PAIRS = [{"Key": key, "Value": value} for key, value in TAGS.items()]
ROLE = "arn:aws:iam::123456789012:role/experiment"


def secret() -> str:
    made = boto3.client("secretsmanager", REGION).create_secret(Name="login", SecretString="x", Tags=PAIRS)
    return str(made["ARN"])


def topic() -> str:
    return str(boto3.client("sns", REGION).create_topic(Name="alarms", Tags=PAIRS)["TopicArn"])


def key() -> str:
    tags = [{"TagKey": pair["Key"], "TagValue": pair["Value"]} for pair in PAIRS]
    return str(boto3.client("kms", REGION).create_key(Tags=tags)["KeyMetadata"]["Arn"])


def queue() -> str:
    sqs = boto3.client("sqs", REGION)
    url = sqs.create_queue(QueueName="rollbacks", tags=TAGS)["QueueUrl"]
    return str(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])


def experiment() -> str:
    made = boto3.client("fis", REGION).create_experiment_template(
        description="x", stopConditions=[{"source": "none"}], actions={}, roleArn=ROLE, tags=TAGS
    )
    return str(made["experimentTemplate"]["arn"])


def repository() -> str:
    made = boto3.client("ecr", REGION).create_repository(repositoryName="scores", tags=PAIRS)
    return str(made["repository"]["repositoryArn"])


def plan() -> str:
    rule = {"RuleName": "daily", "TargetBackupVaultName": "Default"}
    made = boto3.client("backup", REGION).create_backup_plan(
        BackupPlan={"BackupPlanName": "live", "Rules": [rule]}, BackupPlanTags=TAGS
    )
    return str(made["BackupPlanArn"])


def role() -> str:
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    made = boto3.client("iam").create_role(RoleName="task", AssumeRolePolicyDocument=trust, Tags=PAIRS)
    return str(made["Role"]["Arn"])


@pytest.mark.parametrize("made", [secret, topic, key, queue, experiment, repository, plan, role])
def test_tags_of_every_service_on_whose_tags_a_policy_may_decide(
    made: Callable[[], str], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        arn = made()
        view = AccountView(Sandbox(Settings(tmp_path, "127.77", "podman", "none"), Mock()), REGION)
        assert view.tags(arn) == TAGS
        assert view.tags(arn[:-1] + "?") == {}, "of one that is not there"


def test_the_tags_that_the_deployers_policies_ask_for_are_known_of_each_service() -> None:
    files = (Path(__file__).resolve().parents[3] / "roles/deployer/files").glob("*.json")
    statements = [statement for file in files for statement in json.loads(file.read_text())["Statement"]]
    asked = {
        action.partition(":")[0]
        for statement in statements
        if "aws:ResourceTag/" in json.dumps(statement.get("Condition", {}))
        for action in statement["Action"]
    }
    assert asked and asked <= set(_READERS)
