"""Policies of deployers: every action exists, each role stays within its bounds, and no trust policy has a wildcard subject."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.arns import ArnScope
from ansible_collections.pear.fargate.plugins.module_utils.environment.deployer import allows, github_subjects, render
from botocore.session import get_session

FILES = Path(__file__).resolve().parents[3] / "roles/deployer/files"
PLACE = ArnScope("eu-central-1", "123456789012")
KINDS = ("read-only", "rollback", "release", "provision", "provision-data", "destroy")
# IAM's limits: of all inline policies of a role together, and of a managed policy.
_INLINE, _MANAGED = 10240, 6144
# IAM's name of a service, where botocore has another.
_SERVICES = {"elasticloadbalancing": "elbv2", "elasticfilesystem": "efs"}
# Permissions that are no call of their own.
_NO_CALLS = {
    "dynamodb:ConditionCheckItem",
    "iam:PassRole",
    "ecr:BatchCheckLayerAvailability",
    "backup-storage:MountCapsule",
    "elasticloadbalancing:SetWebACL",
    # IAM has its own names for what S3's calls do.
    "s3:GetAccelerateConfiguration",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetEncryptionConfiguration",
    "s3:GetInventoryConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:ListBucket",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
}


def policy(kind: str) -> dict[str, Any]:
    return render((FILES / f"{kind}.json").read_text(), PLACE, "staging")


def actions(kind: str) -> list[str]:
    return [action for statement in policy(kind)["Statement"] for action in statement["Action"]]


@pytest.mark.parametrize("kind", KINDS)
def test_every_action_exists_and_none_is_a_pattern(kind: str) -> None:
    session = get_session()
    for action in sorted(set(actions(kind)) - _NO_CALLS):
        service, _, name = action.partition(":")
        operations = set(session.get_service_model(_SERVICES.get(service, service)).operation_names)
        # EFS and Logs keep permissions of calls that botocore knows under the same name.
        assert name in operations, action


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_is_filled_in_and_the_policy_fits_into_a_role(kind: str) -> None:
    written = json.dumps(policy(kind), separators=(",", ":"))
    assert "${" not in written
    assert len(written) < (_MANAGED if kind == "provision-data" else _INLINE)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_anywhere_is_bounded(kind: str) -> None:
    """A statement on every resource reads, or is bounded by a condition, or is of a service that knows no names."""
    for statement in policy(kind)["Statement"]:
        writes = [
            action
            for action in statement["Action"]
            if not action.partition(":")[2].startswith(("Describe", "Get", "List", "BatchGet"))
        ]
        if statement["Resource"] == ["*"] and writes and "Condition" not in statement:
            assert {action.partition(":")[0] for action in writes} <= {"route53", "ecs"}, statement
            assert {action for action in writes if action.startswith("ecs:")} <= {"ecs:DeregisterTaskDefinition"}


def test_rollback_cannot_touch_the_network_nor_roles_nor_images() -> None:
    for action in actions("rollback"):
        service, _, name = action.partition(":")
        if service in {"ec2", "ecr", "acm", "elasticfilesystem", "route53", "logs", "cloudwatch"}:
            assert name.startswith(("Describe", "Get", "List")), action
        assert service != "iam" or name == "PassRole"
    assert "ecs:RegisterTaskDefinition" not in actions("rollback")


def test_read_only_writes_nothing_and_reads_no_secret() -> None:
    assert [
        action
        for action in actions("read-only")
        if not action.partition(":")[2].startswith(("Describe", "Get", "List", "Query", "BatchGet", "Filter"))
    ] == []
    assert not allows(policy("read-only"), "secretsmanager:GetSecretValue")
    assert not allows(policy("read-only"), "ssm:GetParameter")


def test_who_provisions_cannot_write_the_roles_of_deployers() -> None:
    for statement in policy("provision")["Statement"]:
        if any(action.startswith("iam:") and action != "iam:CreateServiceLinkedRole" for action in statement["Action"]):
            assert all(":role/staging-" in resource for resource in statement["Resource"])


def test_trust_names_branches_and_environments_exactly() -> None:
    subjects = github_subjects("example/scores", ["main"], ["production"])
    trust = render((FILES / "github-trust.json").read_text(), PLACE, "staging", subjects)
    equals = trust["Statement"][0]["Condition"]["StringEquals"]
    assert equals["token.actions.githubusercontent.com:sub"] == [
        "repo:example/scores:ref:refs/heads/main",
        "repo:example/scores:environment:production",
    ]
    assert equals["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"


@pytest.mark.parametrize(("branches", "environments", "why"), [([], [], "neither"), (["*"], [], "would match others")])
def test_a_trust_that_is_too_wide_is_refused(branches: list[str], environments: list[str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        github_subjects("example/scores", branches, environments)
