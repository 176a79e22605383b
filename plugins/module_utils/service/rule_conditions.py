# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The conditions of a service's rules as the inventory gives them, and what ELB would refuse in them. Pure.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from ..aws.elbv2_states import TEST_HEADER, Conditions, Rule
from . import login
from .routing import PRODUCTION, TEST, DesiredRules, FurtherRule
from .rule_priorities import with_priorities

# Of values, and of the signs * and ? in them. Neither can be raised.
_VALUES = _WILDCARDS = 5
_LENGTH, _HEADER_LENGTH = 128, 40
_LAST = 50000
# A name is the value of a tag, and part of messages.
_RULE_NAME_LENGTH = 40
_RULE_NAME = re.compile(rf"^[a-z0-9][a-z0-9-]{{0,{_RULE_NAME_LENGTH - 1}}}$")
_HEADER = re.compile(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")


def of_options(params: Mapping[str, Any]) -> Conditions:
    """The conditions of the production rule, by the options of service_routing."""
    headers = {str(name).lower(): values for name, values in (params.get("headers") or {}).items()}
    query = [(pair.get("key") or "", str(pair["value"])) for pair in params.get("query_strings") or []]
    return Conditions(
        hosts=tuple(sorted(params["hosts"] or [])),
        paths=tuple(sorted(params["paths"] or [])),
        headers=tuple(sorted((name, tuple(sorted(_listed(values)))) for name, values in headers.items())),
        source_ips=tuple(sorted(params.get("source_ips") or [])),
        query=tuple(sorted(query)),
    )


def desired_rules(params: Mapping[str, Any], groups: tuple[str, str], rules: Sequence[Rule]) -> DesiredRules:
    """The rules that the options ask for; where a priority is omitted, with the one that the rule has, or with a free one."""
    blue, green = groups
    desired = DesiredRules(
        of_options(params),
        params.get("priority") or 0,
        blue,
        green,
        test_source_ips=tuple(sorted(params.get("test_source_ips") or [])),
        options=login.options(params),
        further=tuple(_further(rule) for rule in params.get("further_rules") or []),
    )
    return with_priorities(rules, desired)


def _further(options: Mapping[str, Any]) -> FurtherRule:
    conditions = of_options({"hosts": [], "paths": [], **options})
    return FurtherRule(str(options["name"]), conditions, options.get("priority") or 0)


def of_variables(values: Mapping[str, Any]) -> dict[str, Any]:
    """The options of service_routing by a service's variables."""
    names = (
        "hosts", "paths", "headers", "query_strings", "source_ips", "test_source_ips", "priority", "login", "stickiness",
        "further_rules",
    )  # fmt: skip
    return {name: values.get(f"service_{name}") for name in names}


def findings(values: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each condition that ELB would refuse."""
    if any(not isinstance(values.get(name) or [], list) for name in ("service_hosts", "service_paths")):
        return
    try:
        conditions = of_options(of_variables(values))
    except (AttributeError, KeyError, TypeError):
        # Of another type than the specification says, which is a finding of its own.
        return
    if not conditions.count:
        yield (
            "service_hosts and service_paths are both empty: no request would reach the service. Name its host or its paths, or set "
            "service_kind to worker for a service that takes no requests"
        )
    test = conditions.under_test(source_ips=values.get("service_test_source_ips") or [])
    if test.count > _VALUES:
        yield (
            f"{_named(values)} hold {test.count} values with the test rule's header; a rule holds {_VALUES}: leave "
            f"{test.count - _VALUES} out, take wider patterns such as *.example.com, or put some into service_further_rules"
        )
    yield from _of_one_rule(conditions, "service_", values, _named(values))
    yield from _source_findings("service_test_source_ips", values.get("service_test_source_ips") or [])
    yield from _further_findings(values, conditions)


def _of_one_rule(conditions: Conditions, prefix: str, given: Mapping[str, Any], named: str) -> Iterator[str]:
    """What ELB refuses in one production rule; the prefix is of the variables' names."""
    if conditions.wildcards > _WILDCARDS:
        yield f"{named} hold {conditions.wildcards} signs * and ?; a rule holds {_WILDCARDS}"
    yield from (
        f"{prefix}paths holds {path!r}; a path begins with / or *" for path in conditions.paths if path[:1] not in "/*"
    )
    yield from _header_findings(conditions, f"{prefix}headers")
    yield from _source_findings(
        f"{prefix}source_ips", given.get(f"{prefix}source_ips") or given.get("source_ips") or []
    )
    for kind, texts in (("hosts", conditions.hosts), ("paths", conditions.paths)):
        yield from (
            f"{prefix}{kind} holds {text[:20]!r}…; at most {_LENGTH} characters"
            for text in texts
            if len(text) > _LENGTH
        )


def _further_findings(values: Mapping[str, Any], first: Conditions) -> Iterator[str]:
    """What is wrong with further rules, each for itself and beside the others."""
    known, priorities = {first: "service_hosts and service_paths"}, {values.get("service_priority"): "service_priority"}
    given = values.get("service_further_rules") or []
    if not isinstance(given, list) or not all(isinstance(rule, Mapping) and rule.get("name") for rule in given):
        return
    names = [str(rule["name"]) for rule in given]
    yield from (
        f"service_further_rules holds two rules named {name}" for name in sorted({*names}) if names.count(name) > 1
    )
    for options in given:
        try:
            rule = _further(options)
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
        where = f"service_further_rules.{rule.name}"
        if rule.name in (PRODUCTION, TEST) or not _RULE_NAME.match(rule.name):
            yield f"{where}: a name has small letters, digits and hyphens, at most {_RULE_NAME_LENGTH}, and is neither production nor test"
        if rule.conditions in known:
            yield f"{where} holds the same conditions as {known[rule.conditions]}"
        if rule.priority and rule.priority in priorities:
            yield f"{where}.priority is {rule.priority}, and so is {priorities[rule.priority]}"
        if rule.priority and rule.priority + 1 == values.get("service_priority"):
            yield f"{where}.priority is {rule.priority}, the one before service_priority, which the test rule has"
        if rule.priority and not 1 <= rule.priority <= _LAST:
            yield f"{where}.priority is {rule.priority}; valid: 1 to {_LAST}"
        known[rule.conditions], priorities[rule.priority or None] = where, f"{where}.priority"
        yield from further_findings(rule.conditions, where, options)


def further_findings(conditions: Conditions, where: str, options: Mapping[str, Any]) -> Iterator[str]:
    """What ELB refuses in a rule that no test rule goes with."""
    if not conditions.count:
        yield f"{where} has no condition: name its hosts or its paths"
    if conditions.count > _VALUES:
        yield f"{where} holds {conditions.count} values; a rule holds {_VALUES}: make two rules of it"
    yield from _of_one_rule(conditions, f"{where}.", options, where)


def _named(values: Mapping[str, Any]) -> str:
    names = [
        f"service_{name}" for name in ("hosts", "paths", "headers", "query_strings", "source_ips", "test_source_ips")
    ]
    return " and ".join(name for name in names if values.get(name))


def _header_findings(conditions: Conditions, variable: str) -> Iterator[str]:
    for name, values in conditions.headers:
        if name == TEST_HEADER:
            yield f"{variable} holds {name}, the header of the test rule"
        if not _HEADER.match(name) or "*" in name or len(name) > _HEADER_LENGTH:
            yield f"{variable} holds {name!r}; a header's name has letters, digits and hyphens, at most {_HEADER_LENGTH}"
        if not values:
            yield f"{variable}.{name} is empty; a condition needs a value"


def _source_findings(variable: str, sources: Sequence[Any]) -> Iterator[str]:
    for source in sources:
        try:
            ip_network(str(source))
        except ValueError as wrong:
            yield f"{variable} holds {source!r}: {wrong}; valid: a network such as 203.0.113.0/24 or 2001:db8::/32"
        else:
            if "/" not in str(source):
                yield f"{variable} holds {source!r}; a single address is written with its length, {source}/32 or /128"


def _listed(values: Any) -> list[str]:
    return [str(value) for value in (values if isinstance(values, (list, tuple)) else [values])]
