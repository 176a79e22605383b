"""Every call of the collection has its action in AWS's service authorization reference, and its resources in the sandbox's map."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sandbox.laws.iam import dependencies, needs, resources
from sandbox.laws.iam.actions import action
from sandbox.laws.iam.calls import ApiCall, Scope
from tests.support.iam_calls import collection_calls

SCOPE = Scope("aws", "eu-central-1", "123456789012")
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_every_call_of_the_collection_has_its_action_and_its_resources() -> None:
    calls = collection_calls()
    assert len(calls) > 200
    assert {"ecs:UpdateService", "elasticloadbalancing:ModifyRule", "dynamodb:TransactWriteItems"} <= set(calls)
    assert [problem for name, model in sorted(calls.items()) for problem in _problems(name, model)] == []


def _problems(name: str, model: Any) -> Iterator[str]:
    service, _, operation = name.partition(":")
    members = model.input_shape.members if model.input_shape else {}
    for action_name in needs.action_names(service, operation):
        known = action(action_name)
        if known is None:
            yield f"{name}: AWS has no action {action_name}"
            continue
        kinds = [f"{service}:{kind.name}" for kind in known.types if kind.required]
        found = [
            kind
            for kind in kinds
            if kind in resources._NAMED or kind in resources._SPECIAL or service == "ec2" or kind in _NAMELESS
        ]
        if kinds and not found and not _has_arns(members):
            yield f"{name}: {action_name} takes {kinds}"


def _has_arns(members: dict[str, Any]) -> bool:
    """Whether a parameter, or one within its elements, is an ARN by its name."""
    inner = [name for shape in members.values() for name in getattr(getattr(shape, "member", None), "members", ())]
    return any(re.search(r"Arns?$", name, re.IGNORECASE) for name in [*members, *inner])


# What is made under a name that AWS gives, and targets of scaling, whose ids no call tells.
_NAMELESS = {"acm:certificate", "application-autoscaling:ScalableTarget"}


def test_every_action_of_the_tables_exists() -> None:
    named = {name for names in needs._ACTIONS.values() for name in names}
    named |= {f"{key.partition(':')[0]}:{name}" for key, parts in needs._PARTS.items() for name in parts.values()}
    named |= {f"{key.partition(':')[0]}:{name}" for key, name in needs._TAGGING.items()}
    named |= set(dependencies.PASSED) | set(dependencies._FOLLOWING)
    named |= {call for role in dependencies.SERVICE_ROLES for call in role.calls + role.tries}
    assert [name for name in sorted(named) if action(name) is None] == []


def test_calls_that_follow_exist() -> None:
    parameters = {
        "ResourceId": "service/live/web", "ServiceNamespace": "ecs", "PolicyType": "TargetTrackingScaling", "ServiceCode": "iam",
        "ManageMasterUserPassword": True, "KmsKeyId": KEY, "MasterUserSecretKmsKeyId": KEY, "EncryptionKeyArn": KEY,
        "VpcEndpointType": "Interface", "PrivateDnsEnabled": True, "encryptionConfiguration": {"kmsKey": KEY},
    }  # fmt: skip
    following = {
        f"{call.service}:{call.operation}"
        for name in dependencies._FOLLOWING
        for call in dependencies.made_as_caller(ApiCall(*name.split(":"), parameters, SCOPE))
    }
    assert len(following) > 25
    assert [name for name in sorted(following) if action(name) is None] == []
