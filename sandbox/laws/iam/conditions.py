"""Condition elements of IAM policies: operators, set operators, IfExists and Null. Pure.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import fnmatch
import ipaddress
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

# The keys of a request in lower case: they are not case-sensitive.
Context = Mapping[str, Sequence[str]]


class UnknownOperator(ValueError):
    """A condition operator that IAM does not have: IAM refuses such a policy when it is put."""


@cache
def _wildcard(pattern: str) -> re.Pattern[str]:
    # `[` has no meaning in IAM.
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


def like(value: str, pattern: str) -> bool:
    """Whether a value matches a pattern with * and ?."""
    return _wildcard(pattern).match(value) is not None


def arn_like(value: str, pattern: str) -> bool:
    """As `like`, each of the six parts of an ARN by itself."""
    if pattern == "*":
        return True
    parts, wanted = value.split(":", 5), pattern.split(":", 5)
    return len(parts) == len(wanted) and all(like(part, want) for part, want in zip(parts, wanted, strict=True))


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda value, wanted: compare(float(value), float(wanted))


def _moment(text: str) -> datetime:
    if text.isdigit():
        return datetime.fromtimestamp(int(text), UTC)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _date(compare: Callable[[datetime, datetime], bool]) -> Callable[[str, str], bool]:
    return lambda value, wanted: compare(_moment(value), _moment(wanted))


def _in_network(value: str, wanted: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)


def _same_ignoring_case(value: str, wanted: str) -> bool:
    return value.lower() == wanted.lower()


_POSITIVE: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": operator.eq,
    "StringEqualsIgnoreCase": _same_ignoring_case,
    "StringLike": like,
    "NumericEquals": _number(operator.eq),
    "NumericLessThan": _number(operator.lt),
    "NumericLessThanEquals": _number(operator.le),
    "NumericGreaterThan": _number(operator.gt),
    "NumericGreaterThanEquals": _number(operator.ge),
    "DateEquals": _date(operator.eq),
    "DateLessThan": _date(operator.lt),
    "DateLessThanEquals": _date(operator.le),
    "DateGreaterThan": _date(operator.gt),
    "DateGreaterThanEquals": _date(operator.ge),
    "Bool": _same_ignoring_case,
    "BinaryEquals": operator.eq,
    "IpAddress": _in_network,
    # The two are the same: both take wildcards.
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def listed(value: Any) -> list[str]:
    """One value or several, as the policy has them; booleans and numbers as IAM compares them."""
    values = value if isinstance(value, list) else [value]
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]


def holds(conditions: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    """Whether all operators hold for all of their keys. Raises UnknownOperator."""
    return all(
        _holds(name, context.get(key.lower()), [substituted(text, context) for text in listed(wanted)])
        for name, keys in conditions.items()
        for key, wanted in keys.items()
    )


def substituted(text: str, context: Context) -> str:
    """A text with its policy variables filled in; a variable without a value matches nothing."""

    def value(found: re.Match[str]) -> str:
        name, _, default = found[1].partition(",")
        if name in {"*", "?", "$"}:
            return name
        values = context.get(name.strip().lower())
        return values[0] if values else default.strip().strip("'") or found[0]

    return re.sub(r"\$\{([^}]+)\}", value, text)


def _holds(name: str, values: Sequence[str] | None, wanted: list[str]) -> bool:
    if name == "Null":
        return all((values is None) == (want == "true") for want in wanted)
    scope, _, rest = name.rpartition(":")
    if rest.endswith("IfExists"):
        rest = rest.removesuffix("IfExists")
        if values is None:
            return True
    positive = _POSITIVE.get(_NEGATED.get(rest, rest))
    if positive is None or scope not in {"", "ForAllValues", "ForAnyValue"}:
        raise UnknownOperator(f"IAM has no condition operator {name!r}")
    negated = rest in _NEGATED
    if values is None:
        return scope == "ForAllValues" or (negated and not scope)

    def matches(value: str) -> bool:
        return any(positive(value, want) for want in wanted) != negated

    if scope == "ForAllValues" or (negated and not scope):
        return all(matches(value) for value in values)
    return any(matches(value) for value in values)
