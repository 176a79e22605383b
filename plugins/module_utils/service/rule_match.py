# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which rule of a listener answers a request, and which rule leaves another one nothing. Pure.

A load balancer asks its rules in the order of their priorities, and the first that matches answers.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from itertools import product
from urllib.parse import parse_qsl

from ..aws.elbv2_states import Conditions, Rule


@dataclass(frozen=True)
class Request:
    """A request. `path` may carry a query; `source_rules` are rules whose source addresses are taken to include the client's."""

    host: str
    path: str
    headers: Mapping[str, str]
    source_rules: Collection[str] = ()


def answering(rules: Sequence[Rule], request: Request) -> Rule | None:
    """The rule that answers, or None where the default action does. Rules with conditions of other kinds are passed over."""
    ordered = sorted(rules, key=lambda rule: rule.priority)
    return next((rule for rule in ordered if not rule.conditions.others and _matches(rule, request)), None)


def _matches(rule: Rule, request: Request) -> bool:
    conditions = rule.conditions
    headers = {name.lower(): value for name, value in request.headers.items()}
    path = request.path.partition("?")[0]
    return (
        (not conditions.hosts or any(covers(host.lower(), request.host.lower()) for host in conditions.hosts))
        and (not conditions.paths or any(covers(pattern, path) for pattern in conditions.paths))
        and all(
            any(covers(value.lower(), headers.get(name.lower(), "").lower()) for value in values)
            for name, values in conditions.headers
        )
        and (not conditions.source_ips or rule.arn in request.source_rules)
        and (not conditions.query or query_fits(conditions.query, request.path))
    )


def query_fits(conditions: Sequence[tuple[str, str]], path: str) -> bool:
    """Whether one of these is in the query of a path. An empty key stands for every key. Neither keys nor values have a case."""
    pairs = parse_qsl(path.partition("?")[2], keep_blank_values=True)
    return any(
        covers(key.lower() or "*", found.lower()) and covers(value.lower(), given.lower())
        for key, value in conditions
        for found, given in pairs
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
    if not (_takes_headers(theirs, conditions) and _takes_sources(theirs, conditions)):
        return ""
    if theirs.query and not (conditions.query and set(conditions.query) <= set(theirs.query)):
        return ""
    taken = [
        _said(host, path)
        for host, path in product(conditions.hosts or ("",), conditions.paths or ("",))
        if _takes([pattern.lower() for pattern in theirs.hosts], host.lower()) and _takes(theirs.paths, path or "/*")
    ]
    return ", ".join(taken)


def _takes(patterns: Sequence[str], value: str) -> bool:
    """No pattern means every value; an empty value stands for every value, which only no pattern takes whole."""
    return not patterns or any(covers(pattern, value or "*") for pattern in patterns)


def _takes_headers(theirs: Conditions, conditions: Conditions) -> bool:
    """Whether each header that they ask for is asked for here too, with no value besides theirs."""
    own = dict(conditions.headers)
    return all(name in own and set(own[name]) <= set(values) for name, values in theirs.headers)


def _takes_sources(theirs: Conditions, conditions: Conditions) -> bool:
    """Whether all source addresses are among theirs."""
    if not theirs.source_ips:
        return True
    known = [ip_network(value, strict=False) for value in theirs.source_ips]
    own = [ip_network(value, strict=False) for value in conditions.source_ips]
    return bool(own) and all(
        any(
            network.version == wider.version and network.subnet_of(wider)  # type: ignore[arg-type]
            for wider in known
        )
        for network in own
    )


def _said(host: str, path: str) -> str:
    return f"{host}{path}" or "every request"
