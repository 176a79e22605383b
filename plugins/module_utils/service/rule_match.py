# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which rule of a listener answers a request, and which rule leaves another one nothing. Pure.

A load balancer asks its rules in the order of their priorities, and the first that matches answers.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from ..aws.elbv2_states import Conditions, Rule


@dataclass(frozen=True)
class Request:
    host: str
    path: str
    headers: Mapping[str, str]


def answering(rules: Sequence[Rule], request: Request) -> Rule | None:
    """The rule that answers, or None where the default action does. Rules with conditions of other kinds are passed over."""
    ordered = sorted(rules, key=lambda rule: rule.priority)
    return next((rule for rule in ordered if not rule.conditions.others and _matches(rule.conditions, request)), None)


def _matches(conditions: Conditions, request: Request) -> bool:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return (
        (not conditions.hosts or any(covers(host.lower(), request.host.lower()) for host in conditions.hosts))
        and (not conditions.paths or any(covers(path, request.path.partition("?")[0]) for path in conditions.paths))
        and all(
            any(covers(value.lower(), headers.get(name.lower(), "").lower()) for value in values)
            for name, values in conditions.headers
        )
    )


def covers(pattern: str, other: str) -> bool:
    """Whether a pattern with * and ? matches all that the other pattern, or plain text, matches."""
    # A ? stands for one character, and so for no * of the other pattern.
    parts = (".*" if sign == "*" else "[^*]" if sign == "?" else re.escape(sign) for sign in pattern)
    return re.fullmatch("".join(parts), other, re.DOTALL) is not None


def shadowed(rule: Rule, conditions: Conditions, priority: int) -> str:
    """What of these conditions a rule that is asked earlier takes whole; empty where it takes nothing whole."""
    theirs = rule.conditions
    # A rule that forwards nothing, such as a maintenance page, is meant to come first.
    if rule.priority >= priority or not rule.weights or theirs.others:
        return ""
    if not set(theirs.headers) <= set(conditions.headers):
        return ""
    taken = [
        _said(host, path)
        for host, path in product(conditions.hosts or ("",), conditions.paths or ("",))
        if _takes([pattern.lower() for pattern in theirs.hosts], host.lower()) and _takes(theirs.paths, path)
    ]
    return ", ".join(taken)


def _takes(patterns: Sequence[str], value: str) -> bool:
    """No pattern means every value; an empty value stands for every value, which only no pattern takes whole."""
    return not patterns or any(covers(pattern, value or "*") for pattern in patterns)


def _said(host: str, path: str) -> str:
    return f"{host}{path}" or "every request"
