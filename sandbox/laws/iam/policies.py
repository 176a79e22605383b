"""Evaluation of policies: explicit deny, identity-based policies, permissions boundary, session policies. Pure.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
It is our own because none fits into each call of this process. moto's looks neither at resources nor at conditions. IAM's simulator,
SimulateCustomPolicy, is AWS's and needs an account. iam-simulate is JavaScript, has no session policies yet, and says no sentence as AWS
does: `tests/verdicts` compares with it, request by request.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any

from .conditions import Context, arn_like, holds, like, listed, substituted

Document = Mapping[str, Any]


@lru_cache(maxsize=512)
def document(text: str) -> Document:
    """A policy as it is stored."""
    found: Document = json.loads(text)
    return found


@dataclass(frozen=True)
class Request:
    """One action on one resource, with the condition keys of the request in lower case."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Rights:
    """The policies that a caller is held to. A boundary or session policies that are None limit nothing."""

    identity: tuple[Document, ...] = ()
    boundary: tuple[Document, ...] | None = None
    session: tuple[Document, ...] | None = None
    # An administrator of the account: nothing is evaluated.
    unlimited: bool = False


class Effect(Enum):
    ALLOW = "allow"
    DENY = "deny"
    NEITHER = "neither"


@dataclass(frozen=True)
class Verdict:
    """Whether a request is allowed, and the end of AWS's sentence if it is not."""

    allowed: bool
    reason: str = ""


_ALLOWED = Verdict(True)


def evaluate(rights: Rights, request: Request) -> Verdict:
    """What AWS decides; a denial names the kind of policy that is the cause, in AWS's words."""
    if rights.unlimited:
        return _ALLOWED
    kinds = (
        ("an identity-based policy", "identity-based policy", rights.identity),
        ("a permissions boundary", "permissions boundary", rights.boundary),
        ("a session policy", "session policy", rights.session),
    )
    effects = [(kind, effect_of(documents, request)) for *kind, documents in kinds if documents is not None]
    for (kind, _), effect in effects:
        if effect is Effect.DENY:
            return Verdict(False, f"with an explicit deny in {kind}")
    for (_, kind_name), effect in effects:
        if effect is not Effect.ALLOW:
            return Verdict(False, f"because no {kind_name} allows the {request.action} action")
    return _ALLOWED


def effect_of(documents: Iterable[Document], request: Request) -> Effect:
    """What all statements of some documents say together: a deny overrides every allow."""
    found = Effect.NEITHER
    for document in documents:
        for statement in statements(document):
            if concerns(statement, request):
                if statement["Effect"] == "Deny":
                    return Effect.DENY
                found = Effect.ALLOW
    return found


def statements(document: Document) -> Sequence[Mapping[str, Any]]:
    found = document.get("Statement", [])
    return [found] if isinstance(found, Mapping) else found


def concerns(statement: Mapping[str, Any], request: Request) -> bool:
    """Whether a statement is about a request: its action, its resource, and all its conditions."""
    return (
        _action_matches(statement, request.action)
        and _resource_matches(statement, request)
        and holds(statement.get("Condition", {}), request.context)
    )


def _action_matches(statement: Mapping[str, Any], action: str) -> bool:
    def any_of(patterns: Any) -> bool:
        return any(like(action.lower(), pattern.lower()) for pattern in listed(patterns))

    return not any_of(statement["NotAction"]) if "NotAction" in statement else any_of(statement["Action"])


def _resource_matches(statement: Mapping[str, Any], request: Request) -> bool:
    def any_of(patterns: Any) -> bool:
        return any(arn_like(request.resource, substituted(pattern, request.context)) for pattern in listed(patterns))

    if "NotResource" in statement:
        return not any_of(statement["NotResource"])
    # Trust policies name no resource: they are about the role that they belong to.
    return "Resource" not in statement or any_of(statement["Resource"])


def trusts(document: Document, request: Request, principal: Mapping[str, Sequence[str]]) -> Effect:
    """What a role's trust policy says to a principal: its names by kind (AWS, Federated, Service)."""
    found = Effect.NEITHER
    for statement in statements(document):
        if _names(statement.get("Principal"), principal) and concerns(statement, request):
            if statement["Effect"] == "Deny":
                return Effect.DENY
            found = Effect.ALLOW
    return found


def _names(element: Any, principal: Mapping[str, Sequence[str]]) -> bool:
    if element == "*":
        return True
    return isinstance(element, Mapping) and any(
        named == "*" or named in principal.get(kind, ()) for kind, names in element.items() for named in listed(names)
    )
