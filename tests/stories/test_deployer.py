"""Each playbook calls nothing that its shipped policy does not allow: what the API was asked is compared with the policy."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.arns import ArnScope
from ansible_collections.pear.fargate.plugins.module_utils.environment.deployer import allows, render

from tests.support.plays import Player

from .conftest import Stage

FILES = Path(__file__).resolve().parents[2] / "roles/deployer/files"
# Calls whose permission has another name, or is that of what a transaction holds.
_PERMISSIONS = {
    "dynamodb:TransactWriteItems": "dynamodb:PutItem",
    "cloudwatch:ListMetrics": "cloudwatch:GetMetricData",
}
# Running containers write their logs all the time, whatever a playbook does.
_NOT_THE_PLAYBOOKS = {"logs:PutLogEvents", "logs:CreateLogStream"}


def asked(stage: Stage) -> list[str]:
    with urllib.request.urlopen(stage.environment["AWS_ENDPOINT_URL"] + "/_sandbox/calls", timeout=60) as answer:
        return [f"{call['service']}:{call['operation']}" for call in json.load(answer)["calls"]]


def beyond(kind: str, made: list[str]) -> list[str]:
    """Calls that the shipped policy of a kind does not allow."""
    policy = render((FILES / f"{kind}.json").read_text(), ArnScope("eu-central-1", "123456789012"), "local")
    calls = {_PERMISSIONS.get(call, call) for call in made} - _NOT_THE_PLAYBOOKS
    assert calls, "nothing was recorded"
    return [call for call in sorted(calls) if not allows(policy, call)]


@pytest.mark.parametrize(
    ("playbook", "kind", "check"),
    [
        ("provision.yml", "provision", False),
        ("provision.yml", "read-only", True),
        ("drift.yml", "read-only", False),
        ("release.yml", "release", False),
        ("status.yml", "read-only", False),
        ("history.yml", "read-only", False),
        ("triage.yml", "read-only", False),
        ("run_task.yml", "release", False),
    ],
)
def test_a_playbook_needs_nothing_beyond_its_policy(
    deployed: Player, stage: Stage, playbook: str, kind: str, check: bool
) -> None:
    if playbook == "drift.yml":
        # Stories before this one left another version running, which is drift too.
        deployed.run("playbooks/deploy.yml").succeeded()
    before = len(asked(stage))
    variables = {"task_command": ["python3", "-c", "pass"]} if playbook == "run_task.yml" else None
    deployed.run(f"playbooks/{playbook}", variables=variables, check=check).succeeded()
    assert beyond(kind, asked(stage)[before:]) == []
