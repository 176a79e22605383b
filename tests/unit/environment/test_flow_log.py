"""The role that writes the flow log is taken for this account's flow logs, and for no other account's that names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.laws.iam.policies import Effect, Request, trusts

ROLE = "arn:aws:iam::123456789012:role/production-eu-central-1-flow-log"
TASKS = Path(__file__).resolve().parents[3] / "roles/network/tasks/flow_log.yml"


def trust() -> dict[str, Any]:
    """As the task says it, for account 123456789012 in eu-central-1."""
    text = TASKS.read_text()
    text = text.replace("{{ network__place.environment.account }}", "123456789012")
    text = text.replace("{{ environment_region }}", "eu-central-1")
    (role,) = [
        task["pear.fargate.ecs_task_role"] for task in yaml.safe_load(text) if "pear.fargate.ecs_task_role" in task
    ]
    policy: dict[str, Any] = role["trust_policy"]
    return policy


@pytest.mark.parametrize(
    ("account", "arn", "effect"),
    [
        ("123456789012", "arn:aws:ec2:eu-central-1:123456789012:vpc-flow-log/fl-1", Effect.ALLOW),
        ("210987654321", "arn:aws:ec2:eu-central-1:210987654321:vpc-flow-log/fl-1", None),
        ("123456789012", "arn:aws:ec2:us-east-1:123456789012:vpc-flow-log/fl-1", None),
    ],
)
def test_only_flow_logs_of_the_account_and_region_take_the_role(account: str, arn: str, effect: Effect | None) -> None:
    request = Request("sts:AssumeRole", ROLE, {"aws:sourceaccount": [account], "aws:sourcearn": [arn]})
    found = trusts(trust(), request, {"Service": ["vpc-flow-logs.amazonaws.com"]})
    assert (found is Effect.ALLOW) is (effect is Effect.ALLOW)
