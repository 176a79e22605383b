"""The condition keys that a call brings along: tags of the request and of the resource, and the keys of each service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jmespath

from .calls import Account, ApiCall

Keys = dict[str, list[str]]

# Where the tags of a request are, as lists of {Key, Value}, {key, value} or {TagKey, TagValue}, or as a mapping.
_TAGS = "Tags || tags || TagSpecifications[].Tags[] || BackupPlanTags || BackupVaultTags || AddTags"
_TAG_KEYS = "TagKeys || tagKeys || TagKeyList || RemoveTagKeys"


def request_tags(call: ApiCall) -> dict[str, str]:
    """The tags that a request would set."""
    found = jmespath.search(_TAGS, call.parameters) or []
    if isinstance(found, Mapping):
        return {str(key): str(value) for key, value in found.items()}
    pairs = ({name.lower().removeprefix("tag"): value for name, value in each.items()} for each in found)
    return {str(pair["key"]): str(pair.get("value") or "") for pair in pairs if "key" in pair}


def of_request(call: ApiCall, account: Account) -> Keys:
    """All keys that do not depend on the resource. Which of them an action has is for the reference to say."""
    tags = request_tags(call)
    keys: Keys = {f"aws:requesttag/{key.lower()}": [value] for key, value in tags.items()}
    if names := [*tags, *call.texts(_TAG_KEYS)]:
        keys["aws:tagkeys"] = names
    for name, expression in _EXPRESSIONS.get(call.service, {}).items():
        if values := call.texts(expression):
            keys[name] = values
    for read in _READERS.get(call.service, ()):
        keys |= read(call, account)
    return keys


def of_resource(service: str, arn: str, account: Account) -> Keys:
    """The resource's tags, under AWS's name and under the service's own."""
    return {
        f"{prefix}:resourcetag/{key.lower()}": [value]
        for key, value in account.tags(arn).items()
        for prefix in ("aws", service)
    }


# Keys whose values stand in the parameters as they are.
_EXPRESSIONS: dict[str, dict[str, str]] = {
    "application-autoscaling": {
        "application-autoscaling:service-namespace": "ServiceNamespace",
        "application-autoscaling:scalable-dimension": "ScalableDimension",
    },
    "iam": {"iam:policyarn": "PolicyArn", "iam:awsservicename": "AWSServiceName"},
    "ecs": {"ecs:capacity-provider": "capacityProviderStrategy[].capacityProvider || capacityProviders"},
    "sns": {"sns:protocol": "Protocol", "sns:endpoint": "Endpoint"},
    "servicequotas": {"servicequotas:service": "ServiceCode"},
    "sts": {"sts:externalid": "ExternalId", "sts:rolesessionname": "RoleSessionName"},
    "secretsmanager": {"secretsmanager:name": "Name", "secretsmanager:secretid": "SecretId"},
    "rds": {"rds:databaseengine": "Engine", "rds:databaseclass": "DBInstanceClass"},
}


def cluster_arn(call: ApiCall) -> str:
    name = "".join(call.texts("cluster || clusterName")) or "default"
    return name if name.startswith("arn:") else call.scope.fill(_CLUSTER, {"ClusterName": name})


_CLUSTER = "arn:${Partition}:ecs:${Region}:${Account}:cluster/${ClusterName}"


def _ecs(call: ApiCall, account: Account) -> Keys:
    keys = {"ecs:cluster": [cluster_arn(call)]}
    for reference in call.texts("taskDefinition"):
        found = account.task_definition(reference)
        keys["ecs:task-definition"] = [str(found["taskDefinitionArn"])] if found else [reference]
    return keys


def _ec2(call: ApiCall, account: Account) -> Keys:
    return {"ec2:region": [call.scope.region]}


def _boundary(call: ApiCall, account: Account) -> Keys:
    """The boundary that a role gets, or the one that it has."""
    given = call.texts("PermissionsBoundary")
    known = [arn for name in call.texts("RoleName") if (arn := account.boundary_of(name))]
    found = given or known
    return {"iam:permissionsboundary": found} if found else {}


def _records(call: ApiCall, account: Account) -> Keys:
    """https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/specifying-conditions-route53.html"""
    changes: Sequence[Mapping[str, Any]] = jmespath.search("ChangeBatch.Changes", call.parameters) or []
    if not changes:
        return {}
    records = [change["ResourceRecordSet"] for change in changes]
    prefix = "route53:changeresourcerecordsets"
    return {
        f"{prefix}normalizedrecordnames": [record["Name"].lower().rstrip(".") for record in records],
        f"{prefix}recordtypes": [record["Type"] for record in records],
        f"{prefix}actions": [change["Action"] for change in changes],
    }


_READERS: dict[str, tuple[Callable[[ApiCall, Account], Keys], ...]] = {
    "ecs": (_ecs,),
    "ec2": (_ec2,),
    "iam": (_boundary,),
    "route53": (_records,),
}
