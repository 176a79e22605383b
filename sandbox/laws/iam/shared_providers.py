"""Identity providers that many customers of AWS share: IAM takes no trust policy that does not ask for a certain claim.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

# Those that the project's users have. AWS's list has more.
_CONTROLS = {
    "token.actions.githubusercontent.com": "token.actions.githubusercontent.com:sub",
    "gitlab.com": "gitlab.com:sub",
    "app.terraform.io": "app.terraform.io:sub",
}


def missing_control(document: str) -> str:
    """The condition key that a trust policy lacks; empty where it lacks none."""
    for statement in _listed(json.loads(document).get("Statement")):
        if statement.get("Effect") != "Allow":
            continue
        for principal in _federated(statement):
            key = _CONTROLS.get(principal.partition(":oidc-provider/")[2], "")
            if key and key not in set(_evaluated(statement)):
                return key
    return ""


def _federated(statement: Mapping[str, Any]) -> list[str]:
    principal = statement.get("Principal")
    return _listed(principal.get("Federated")) if isinstance(principal, Mapping) else []


def _evaluated(statement: Mapping[str, Any]) -> Iterator[str]:
    """Keys whose condition says more than that anything will do."""
    for keys in (statement.get("Condition") or {}).values():
        yield from (key.lower() for key, values in keys.items() if any(value != "*" for value in _listed(values)))


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
