"""A call as it arrives, what it needs, and what has to be known of the account to say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import jmespath


@dataclass(frozen=True)
class Scope:
    """Where the resources of a call are."""

    partition: str
    region: str
    account: str

    def fill(self, template: str, values: Mapping[str, str]) -> str:
        """An ARN of the service authorization reference with its variables filled in; `*` for those that nobody named."""
        known = {"Partition": self.partition, "Region": self.region, "Account": self.account, **values}
        head, *rest = template.split("${")
        filled = (known.get(name, "*") + tail for name, _, tail in (part.partition("}") for part in rest))
        return head + "".join(filled)


@dataclass(frozen=True)
class ApiCall:
    """An operation of a service, by the prefix that its actions have, with its parameters as botocore names them."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    scope: Scope

    @property
    def name(self) -> str:
        return f"{self.service}:{self.operation}"

    def texts(self, expression: str) -> list[str]:
        """The texts that a JMESPath expression finds in the parameters."""
        return texts_of(jmespath.search(expression, self.parameters))


def texts_of(value: Any) -> list[str]:
    """All texts in a value, however deep."""
    if isinstance(value, str):
        return [value] if value else []
    if isinstance(value, Mapping):
        return [text for each in value.values() for text in texts_of(each)]
    if isinstance(value, list | tuple):
        return [text for each in value for text in texts_of(each)]
    return []


@dataclass(frozen=True)
class Need:
    """An action on a resource that the caller must be allowed, with the condition keys that the call brings along."""

    action: str
    resource: str
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Account(Protocol):
    """What the map of calls asks about the account's state."""

    def tags(self, arn: str) -> Mapping[str, str]: ...

    def role_arn(self, name: str) -> str | None: ...

    def task_definition(self, reference: str) -> Mapping[str, Any] | None: ...

    def file_system_of(self, mount_target: str) -> str | None: ...

    def secret_arn(self, reference: str) -> str | None: ...

    def key_arn(self, reference: str) -> str | None: ...

    def key_of_topic(self, topic: str) -> str | None: ...

    def boundary_of(self, role: str) -> str | None: ...

    def route_table_of(self, association: str) -> str | None: ...
