"""What the map of calls asks about the account: tags, roles, task definitions, and what belongs to what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..laws.iam.calls import Account
from .state import Sandbox

Tags = Mapping[str, str]


class AccountView(Account):
    """moto's state and the sandbox's own, of one region; the caller holds the lock."""

    def __init__(self, sandbox: Sandbox, region: str) -> None:
        self._sandbox = sandbox
        self._region = region

    def _backend(self, service: str) -> Any:
        return self._sandbox.backend(service, self._region)

    def tags(self, arn: str) -> Tags:
        """The tags of a resource; none for one that does not exist yet, and for services that are not here."""
        if "*" in arn:
            return {}
        service, name = arn.split(":")[2], arn.split(":", 5)[5]
        read = _READERS.get(service)
        return read(self, arn, name) if read else {}

    def ec2_tags(self, arn: str, name: str) -> Tags:
        found: Tags = self._backend("ec2").tags.get(name.rpartition("/")[2], {})
        return found

    def ecs_tags(self, arn: str, name: str) -> Tags:
        kind, _, rest = name.partition("/")
        store = self._sandbox.fargate.store
        cluster, _, last = rest.rpartition("/")
        found: Any = []
        if kind == "service" and (service := store.services.get((cluster, last))):
            found = service.tags
        elif kind == "task" and (task := store.tasks.get(last)):
            found = task.tags
        elif kind == "task-definition" and (definition := store.definition(rest)):
            found = definition.get("tags", [])
        elif kind == "cluster" and (made := self._backend("ecs").clusters.get(rest)):
            found = made.tags or []
        return {tag["key"]: tag.get("value", "") for tag in found}

    def elb_tags(self, arn: str, name: str) -> Tags:
        found: Tags = self._backend("elbv2").describe_tags([arn])[arn]
        return found

    def efs_tags(self, arn: str, name: str) -> Tags:
        return _pairs(self._backend("efs").list_tags_for_resource(name.rpartition("/")[2]))

    def rds_tags(self, arn: str, name: str) -> Tags:
        from moto.rds.exceptions import RDSClientError

        try:
            return _pairs(self._backend("rds").list_tags_for_resource(arn))
        except RDSClientError:
            return {}

    def acm_tags(self, arn: str, name: str) -> Tags:
        bundle = self._backend("acm")._certificates.get(arn)
        return dict(bundle.tags) if bundle is not None else {}

    def dynamodb_tags(self, arn: str, name: str) -> Tags:
        table = self._backend("dynamodb").tables.get(name.partition("/")[2])
        return _pairs(table.tags) if table is not None else {}

    def iam_tags(self, arn: str, name: str) -> Tags:
        roles = self._backend("iam").roles.values()
        return next((_pairs(role.tags) for role in roles if role.arn == arn), {})

    def route53_tags(self, arn: str, name: str) -> Tags:
        return dict(self._backend("route53").list_tags_for_resource(name.rpartition("/")[2]))

    def secret_tags(self, arn: str, name: str) -> Tags:
        secrets = self._backend("secretsmanager").secrets.values()
        return next((_pairs(secret.tags) for secret in secrets if secret.arn == arn), {})

    def sns_tags(self, arn: str, name: str) -> Tags:
        topic = self._backend("sns").topics.get(arn)
        return dict(topic._tags) if topic is not None else {}

    def kms_tags(self, arn: str, name: str) -> Tags:
        found: Tags = self._backend("kms").tagger.get_tag_dict_for_resource(name.rpartition("/")[2])
        return found

    def sqs_tags(self, arn: str, name: str) -> Tags:
        queue = self._backend("sqs").queues.get(name)
        return dict(queue.tags) if queue is not None else {}

    def xray_tags(self, arn: str, name: str) -> Tags:
        return self._sandbox.trace_tags(arn)

    def tagger_tags(self, arn: str, name: str) -> Tags:
        backend = self._backend(_BACKENDS.get(arn.split(":")[2], arn.split(":")[2]))
        found: Tags = backend.tagger.get_tag_dict_for_resource(arn.removesuffix(":log-stream:"))
        return found

    def _role(self, name: str) -> Any:
        return next((role for role in self._backend("iam").roles.values() if role.name == name), None)

    def role_arn(self, name: str) -> str | None:
        role = self._role(name)
        return str(role.arn) if role is not None else None

    def boundary_of(self, role: str) -> str | None:
        found = self._role(role)
        return found.permissions_boundary_arn if found is not None else None

    def task_definition(self, reference: str) -> Mapping[str, Any] | None:
        return self._sandbox.fargate.store.definition(reference)

    def file_system_of(self, mount_target: str) -> str | None:
        found = self._backend("efs").mount_targets_by_id.get(mount_target)
        return str(found.file_system_id) if found is not None else None

    def secret_arn(self, reference: str) -> str | None:
        secrets = self._backend("secretsmanager").secrets.values()
        return next((str(secret.arn) for secret in secrets if reference in (secret.name, secret.arn)), None)

    def key_arn(self, reference: str) -> str | None:
        backend = self._backend("kms")
        name = reference.rpartition(":")[2]
        key = backend.get_key_id_from_alias(name) if "alias/" in reference else name.rpartition("/")[2]
        found = backend.keys.get(key)
        return str(found.arn) if found is not None else None

    def key_of_topic(self, topic: str) -> str | None:
        found = self._backend("sns").topics.get(topic)
        key = found.kms_master_key_id if found is not None else ""
        # The policy of the key that AWS manages allows it whoever may use SNS in the account.
        return None if not key or key.endswith("alias/aws/sns") else self.key_arn(key) or key

    def route_table_of(self, association: str) -> str | None:
        tables = self._backend("ec2").route_tables.values()
        return next((str(table.id) for table in tables if association in table.all_associations_ids), None)


def _pairs(tags: Any) -> Tags:
    return {tag["Key"]: tag.get("Value") or "" for tag in tags or []}


_BACKENDS = {"elasticloadbalancing": "elbv2"}
_READERS: dict[str, Callable[[AccountView, str, str], Tags]] = {
    "acm": AccountView.acm_tags,
    "backup": AccountView.tagger_tags,
    "cloudwatch": AccountView.tagger_tags,
    "dynamodb": AccountView.dynamodb_tags,
    "ec2": AccountView.ec2_tags,
    "ecr": AccountView.tagger_tags,
    "ecs": AccountView.ecs_tags,
    "elasticfilesystem": AccountView.efs_tags,
    "elasticloadbalancing": AccountView.elb_tags,
    "fis": AccountView.tagger_tags,
    "iam": AccountView.iam_tags,
    "kms": AccountView.kms_tags,
    "logs": AccountView.tagger_tags,
    "rds": AccountView.rds_tags,
    "route53": AccountView.route53_tags,
    "scheduler": AccountView.tagger_tags,
    "secretsmanager": AccountView.secret_tags,
    "sns": AccountView.sns_tags,
    "sqs": AccountView.sqs_tags,
    "xray": AccountView.xray_tags,
}
