"""Templates of Fault Injection Service against moto: made once, found again by their marks, changed where they differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.operations.fis_experiment_template import run
from ansible_collections.pear.fargate.plugins.modules.fis_experiment_template import ARGUMENT_SPEC
from moto import mock_aws

from tests.unit.clocks import QuickClock

REGION = "eu-central-1"
MARK = {"pear:environment": "staging"}


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield {
            "name": "web-blue-task-kill",
            "role_arn": "arn:aws:iam::123456789012:role/staging-eu-central-1-web-experiment",
            "action": "aws:ecs:stop-task",
            "target": {"key": "Tasks", "resource_type": "aws:ecs:task", "selection": "COUNT(1)"},
            "tags": {**MARK, "team": "games"},
        }


def ensure(options: dict[str, Any], check_mode: bool = False) -> dict[str, Any]:
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate(options)
    assert not validated.error_messages
    return run(Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode, QuickClock()))


def templates() -> list[dict[str, Any]]:
    return boto3.client("fis", REGION).list_experiment_templates()["experimentTemplates"]


@pytest.mark.long
def test_it_is_made_once(options: dict[str, Any]) -> None:
    assert ensure(options, check_mode=True)["changed"] and not templates()
    made = ensure(options)
    again = ensure(options)
    assert made["changed"] and not again["changed"]
    assert again["template_id"] == made["template_id"]


def test_other_tags_are_changed_in_the_template_that_is_there(options: dict[str, Any]) -> None:
    made = ensure(options)
    changed = ensure({**options, "tags": {**MARK, "team": "scores"}})
    assert changed["diff"] == {"before": {"tags": {"team": "games"}}, "after": {"tags": {"team": "scores"}}}
    assert changed["template_id"] == made["template_id"]
    (only,) = templates()
    assert only["tags"] == {**MARK, "team": "scores", "pear:experiment": "web-blue-task-kill"}
    assert ensure({**options, "tags": MARK, "purge_tags": True})["diff"]["after"] == {"tags": {"team": None}}
    (only,) = templates()
    assert only["tags"] == {**MARK, "pear:experiment": "web-blue-task-kill"}


def test_one_of_another_environment_is_another(options: dict[str, Any]) -> None:
    ensure(options)
    ensure({**options, "tags": {"pear:environment": "production"}})
    assert len(templates()) == 2
    assert ensure({**options, "state": "absent"})["changed"]
    assert [template["tags"]["pear:environment"] for template in templates()] == ["production"]
