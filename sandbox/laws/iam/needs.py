"""Everything that a call needs: its action on its resources, tags that it sets, roles that it passes, and what follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .actions import action, general_key
from .calls import Account, ApiCall, Need
from .dependencies import made_as_caller, of_encrypted_topic, passed_roles
from .keys import of_request, of_resource, request_tags
from .resources import targets

# Operations whose action has another name. Those of S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
_ACTIONS = {
    "s3:DeleteBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "s3:DeleteBucketLifecycle": ("s3:PutLifecycleConfiguration",),
    "s3:DeleteBucketOwnershipControls": ("s3:PutBucketOwnershipControls",),
    "s3:DeleteBucketTagging": ("s3:PutBucketTagging",),
    "s3:DeleteObjects": ("s3:DeleteObject",),
    "s3:DeletePublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "s3:GetBucketAccelerateConfiguration": ("s3:GetAccelerateConfiguration",),
    "s3:GetBucketCors": ("s3:GetBucketCORS",),
    "s3:GetBucketEncryption": ("s3:GetEncryptionConfiguration",),
    "s3:GetBucketLifecycle": ("s3:GetLifecycleConfiguration",),
    "s3:GetBucketLifecycleConfiguration": ("s3:GetLifecycleConfiguration",),
    "s3:GetBucketNotificationConfiguration": ("s3:GetBucketNotification",),
    "s3:GetBucketReplication": ("s3:GetReplicationConfiguration",),
    "s3:GetObjectLockConfiguration": ("s3:GetBucketObjectLockConfiguration",),
    "s3:GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
    "s3:HeadBucket": ("s3:ListBucket",),
    "s3:HeadObject": ("s3:GetObject",),
    "s3:ListBucketInventoryConfigurations": ("s3:GetInventoryConfiguration",),
    "s3:ListBuckets": ("s3:ListAllMyBuckets",),
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:ListObjects": ("s3:ListBucket",),
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:PutBucketAccelerateConfiguration": ("s3:PutAccelerateConfiguration",),
    "s3:PutBucketCors": ("s3:PutBucketCORS",),
    "s3:PutBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "s3:PutBucketLifecycle": ("s3:PutLifecycleConfiguration",),
    "s3:PutBucketLifecycleConfiguration": ("s3:PutLifecycleConfiguration",),
    "s3:PutBucketNotificationConfiguration": ("s3:PutBucketNotification",),
    "s3:PutBucketReplication": ("s3:PutReplicationConfiguration",),
    "s3:PutObjectLockConfiguration": ("s3:PutBucketObjectLockConfiguration",),
    "s3:PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
}
# A transaction needs what its parts need: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
_PARTS = {
    "dynamodb:TransactWriteItems": {
        "ConditionCheck": "ConditionCheckItem",
        "Delete": "DeleteItem",
        "Put": "PutItem",
        "Update": "UpdateItem",
    },
    "dynamodb:TransactGetItems": {"Get": "GetItem"},
}
# Per service the action that sets tags. Where a call that creates something sets tags, it needs that action too.
_TAGGING = {
    "acm": "AddTagsToCertificate",
    "application-autoscaling": "TagResource",
    "backup": "TagResource",
    "cloudwatch": "TagResource",
    "dynamodb": "TagResource",
    "ec2": "CreateTags",
    "ecr": "TagResource",
    "ecs": "TagResource",
    "iam:CreateOpenIDConnectProvider": "TagOpenIDConnectProvider",
    "iam:CreatePolicy": "TagPolicy",
    "iam:CreateRole": "TagRole",
    "iam:CreateUser": "TagUser",
    "elasticfilesystem": "TagResource",
    "elasticloadbalancing": "AddTags",
    "fis": "TagResource",
    "kms": "TagResource",
    "logs": "TagResource",
    "rds": "AddTagsToResource",
    "scheduler": "TagResource",
    "secretsmanager": "TagResource",
    "sns": "TagResource",
    "ssm": "AddTagsToResource",
    "wafv2": "TagResource",
    "xray": "TagResource",
}
_CREATING = ("Create", "Put", "Register", "Request", "Run", "Allocate", "Import", "Start")
_ALWAYS_ALLOWED = {"sts:GetCallerIdentity"}


def needs(call: ApiCall, account: Account) -> Iterator[Need]:
    """All that the caller must be allowed for a call to be carried out, service-linked roles aside."""
    if call.name in _ALWAYS_ALLOWED:
        # https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
        return
    for part in _parts(call):
        for name in action_names(part.service, part.operation):
            yield from _on_its_resources(name, part, account)
    yield from _tags(call, account)
    for role, service in passed_roles(call, account):
        keys = {"iam:passedtoservice": [service], **of_resource("iam", role, account)}
        yield Need("iam:PassRole", role, keys)
    for following in (*made_as_caller(call), *of_encrypted_topic(call, account)):
        yield from needs(following, account)


def action_names(service: str, operation: str) -> Sequence[str]:
    """The actions of an operation: one of the same name, in most cases."""
    name = f"{service}:{operation}"
    if name in _PARTS:
        return [f"{service}:{each}" for each in _PARTS[name].values()]
    return _ACTIONS.get(name, [name])


def _parts(call: ApiCall) -> Iterator[ApiCall]:
    """The calls that a transaction consists of; any other call as it is."""
    names = _PARTS.get(call.name)
    if names is None:
        yield call
        return
    for item in call.parameters.get("TransactItems", []):
        for kind, parameters in item.items():
            yield ApiCall(call.service, names[kind], parameters, call.scope)


def _on_its_resources(name: str, call: ApiCall, account: Account) -> Iterator[Need]:
    known = action(name)
    if known is None:
        # Nothing is known of its resources: a policy that names some does not allow it.
        yield Need(name, "*", of_request(call, account))
        return
    general = of_request(call, account) | _via(call)
    for target in targets(known, call, account):
        keys = general | (of_resource(call.service, target.arn, account) if target.arn != "*" else {})
        supported = {key: value for key, value in keys.items() if general_key(key) in target.keys}
        yield Need(name, target.arn, supported)


def _via(call: ApiCall) -> dict[str, list[str]]:
    """Which service uses a key for the caller."""
    via = call.parameters.get("ViaService")
    if call.service != "kms" or via is None:
        return {}
    end = "amazonaws.com.cn" if call.scope.partition == "aws-cn" else "amazonaws.com"
    return {"kms:viaservice": [f"{via}.{call.scope.region}.{end}"], "kms:grantisforawsresource": ["true"]}


def tagging_action(call: ApiCall) -> str | None:
    """The action that a call needs too if it sets tags of what it creates."""
    tagging = _TAGGING.get(call.name) or _TAGGING.get(call.service)
    return tagging if call.operation != tagging and call.operation.startswith(_CREATING) else None


def _tags(call: ApiCall, account: Account) -> Iterator[Need]:
    tagging = tagging_action(call)
    if tagging is None or not request_tags(call):
        return
    keys = of_request(call, account) | {f"{call.service}:createaction": [call.operation]}
    for arn in _created(call, account):
        yield Need(f"{call.service}:{tagging}", arn, keys)


def _created(call: ApiCall, account: Account) -> list[str]:
    """What a call would create, as the tagging action is authorised on it."""
    scope = call.scope
    if call.service == "ec2":
        specified = call.texts("TagSpecifications[].ResourceType")
        return [scope.fill("arn:${Partition}:ec2:${Region}:${Account}:${Kind}/*", {"Kind": each}) for each in specified]
    if below := _BELOW.get(call.name):
        parameter, child = below
        # arn:…:listener/app/NAME/ID/* of arn:…:loadbalancer/app/NAME/ID
        return [f"{arn.rpartition(':')[0]}:{child}/{arn.partition('/')[2]}/*" for arn in call.texts(parameter)]
    kind = _NEW.get(call.name)
    if kind is not None:
        cluster = "".join(call.texts("cluster")).rpartition("/")[2] or "default"
        values = {"Cluster": cluster, "AlarmName": "".join(call.texts("AlarmName"))}
        return [scope.fill(f"arn:${{Partition}}:{call.service}:${{Region}}:${{Account}}:{kind}", values)]
    known = action(action_names(call.service, call.operation)[0])
    return [target.arn for target in targets(known, call, account)] if known else ["*"]


_BELOW = {
    "elasticloadbalancing:CreateListener": ("LoadBalancerArn", "listener"),
    "elasticloadbalancing:CreateRule": ("ListenerArn", "listener-rule"),
}
_NEW = {
    "acm:RequestCertificate": "certificate/*",
    # The alarm itself, unlike PutCompositeAlarm, which is authorised on all of them.
    "cloudwatch:PutCompositeAlarm": "alarm:${AlarmName}",
    "ecs:RunTask": "task/${Cluster}/*",
    "elasticfilesystem:CreateAccessPoint": "access-point/*",
    "elasticfilesystem:CreateFileSystem": "file-system/*",
}
