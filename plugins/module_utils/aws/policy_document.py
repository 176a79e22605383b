# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policy documents of IAM, whose elements may be one value or a list. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def listed(value: Any) -> list[Any]:
    """The values of an element; none where it is missing."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def statements(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from listed(document.get("Statement"))


def federated(statement: Mapping[str, Any]) -> list[str]:
    """The identity providers that a statement of a trust policy names."""
    principal = statement.get("Principal")
    return listed(principal.get("Federated")) if isinstance(principal, Mapping) else []


def federated_principals(document: Mapping[str, Any]) -> set[str]:
    """The identity providers that a trust policy names."""
    return {name for statement in statements(document) for name in federated(statement)}
