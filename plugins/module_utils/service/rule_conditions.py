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
from .routing import DesiredRules, with_priority

# Of values, and of the signs * and ? in them. Neither can be raised.
_VALUES = _WILDCARDS = 5
_LENGTH, _HEADER_LENGTH = 128, 40
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
    """The rules that the options ask for; without a priority, with the one that they have, or with a free one."""
    blue, green = groups
    desired = DesiredRules(
        of_options(params),
        params.get("priority") or 0,
        blue,
        green,
        test_source_ips=tuple(sorted(params.get("test_source_ips") or [])),
        options=login.options(params),
    )
    return desired if params.get("priority") else with_priority(rules, desired)


def of_variables(values: Mapping[str, Any]) -> dict[str, Any]:
    """The options of service_routing by a service's variables."""
    names = (
        "hosts", "paths", "headers", "query_strings", "source_ips", "test_source_ips", "priority", "login", "stickiness",
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
            f"{test.count - _VALUES} out, or take wider patterns such as *.example.com"
        )
    if conditions.wildcards > _WILDCARDS:
        yield f"{_named(values)} hold {conditions.wildcards} signs * and ?; a rule holds {_WILDCARDS}"
    yield from (
        f"service_paths holds {path!r}; a path begins with / or *" for path in conditions.paths if path[:1] not in "/*"
    )
    yield from _header_findings(conditions)
    for variable in ("service_source_ips", "service_test_source_ips"):
        yield from _source_findings(variable, values.get(variable) or [])
    for variable, texts in (("service_hosts", conditions.hosts), ("service_paths", conditions.paths)):
        yield from (
            f"{variable} holds {text[:20]!r}…; at most {_LENGTH} characters" for text in texts if len(text) > _LENGTH
        )


def _named(values: Mapping[str, Any]) -> str:
    names = [
        f"service_{name}" for name in ("hosts", "paths", "headers", "query_strings", "source_ips", "test_source_ips")
    ]
    return " and ".join(name for name in names if values.get(name))


def _header_findings(conditions: Conditions) -> Iterator[str]:
    for name, values in conditions.headers:
        if name == TEST_HEADER:
            yield f"service_headers holds {name}, the header of the test rule"
        if not _HEADER.match(name) or "*" in name or len(name) > _HEADER_LENGTH:
            yield f"service_headers holds {name!r}; a header's name has letters, digits and hyphens, at most {_HEADER_LENGTH}"
        if not values:
            yield f"service_headers.{name} is empty; a condition needs a value"


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
