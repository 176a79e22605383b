"""Which calls of AWS the collection can make, by its source and that of the stock modules that its roles use."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import ansible_collections
from botocore import xform_name
from botocore.session import Session

from sandbox.laws.iam import dependencies, needs
from sandbox.laws.iam.calls import ApiCall, Scope

from .plays import ROOT

# The stock modules of the roles that deployers run, with their services. The role deployer is an administrator's, and drift.yml
# runs it in check mode.
_STOCK = {
    "amazon/aws/plugins/modules/iam_managed_policy.py": "iam",
    "amazon/aws/plugins/module_utils/iam.py": "iam",
    "amazon/aws/plugins/modules/route53_zone.py": "route53",
    "amazon/aws/plugins/modules/s3_bucket.py": "s3",
    "amazon/aws/plugins/module_utils/s3.py": "s3",
    "amazon/aws/plugins/modules/cloudwatchlogs_log_group_metric_filter.py": "logs",
    "community/aws/plugins/modules/s3_lifecycle.py": "s3",
}
# Calls whose names are put together in the code, permissions of the protocol in which images are pushed, the call of the
# command that exec.yml shows, and that of the event source sqs_alarms.
_BESIDE = {
    "rds:describedbclusterparameters",
    "rds:describedbparameters",
    "rds:describedbclusterparametergroups",
    "rds:describedbparametergroups",
    "ecr:batchchecklayeravailability",
    "ecs:executecommand",
    "sqs:receivemessage",
}
# Every way through what a service calls as the caller.
_ALL = {
    "ResourceId": "service/live/web", "ServiceNamespace": "ecs", "PolicyType": "TargetTrackingScaling", "ServiceCode": "iam",
    "ManageMasterUserPassword": True, "KmsKeyId": "key", "MasterUserSecretKmsKeyId": "key", "EncryptionKeyArn": "key",
    "VpcEndpointType": "Interface", "PrivateDnsEnabled": True, "encryptionConfiguration": {"kmsKey": "key"},
    "SSESpecification": {"KMSMasterKeyId": "key"},
}  # fmt: skip


@functools.cache
def collection_calls() -> Mapping[str, Any]:
    """Every operation that the collection's own code names, as `service:Operation` with botocore's model of it."""
    return _named(sorted((ROOT / "plugins/module_utils").rglob("*.py")))


def _named(paths: Iterable[Path], only: str = "") -> dict[str, Any]:
    session = Session()
    services = set(session.get_available_services()) - {"events"}
    found = {}
    for path in paths:
        tree = list(ast.walk(ast.parse(path.read_text())))
        texts = {node.value for node in tree if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        named = {text for text in texts if re.fullmatch(r"[a-z0-9_]+", text)}
        named |= {node.attr for node in tree if isinstance(node, ast.Attribute)}
        for service in {only} if only else texts & services:
            model = session.get_service_model(service)
            for operation in model.operation_names:
                if xform_name(operation) in named:
                    name = f"{model.signing_name}:{operation}".replace("monitoring:", "cloudwatch:")
                    found[name] = model.operation_model(operation)
    return found


@functools.cache
def granted_by_calls() -> frozenset[str]:
    """The actions, in lower case, that any of these calls needs."""
    site = next(Path(folder) for folder in ansible_collections.__path__ if (Path(folder) / "amazon").exists())
    calls = set(collection_calls())
    for module, service in _STOCK.items():
        path = site / module
        calls |= set(_named(sorted(path.glob("*.py")) if path.is_dir() else [path], service))
    actions = {"iam:PassRole", "iam:CreateServiceLinkedRole"}
    left = [ApiCall(*name.split(":"), _ALL, Scope("aws", "eu-central-1", "123456789012")) for name in calls]
    while left:
        call = left.pop()
        actions.update(needs.action_names(call.service, call.operation))
        tagging = needs.tagging_action(call)
        if tagging is not None:
            actions.add(f"{call.service}:{tagging}")
        left += dependencies.made_as_caller(call)
    return frozenset(action.lower() for action in actions) | _BESIDE
