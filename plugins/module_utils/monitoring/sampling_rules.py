# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sampling rules of an environment and its services: what the inventory says, with names and defaults; and what X-Ray takes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..aws.naming import EnvironmentNames, ServiceNames
from ..aws.xray import DEFAULT_NAME

HEALTH_CHECKS = "health-checks"
# Before those of the inventory, which come at 1000: the first rule that matches decides.
_HEALTH_PRIORITY = 100
# https://docs.aws.amazon.com/xray/latest/api/API_SamplingRule.html
_LONGEST = {
    "name": 32,
    "service": 64,
    "service_type": 64,
    "host": 64,
    "http_method": 10,
    "url_path": 128,
    "resource_arn": 500,
}
_MOST_ATTRIBUTES, _LONGEST_ATTRIBUTE = 5, 32
_PRIORITIES = (1, 9999)
# What a rule is where the inventory does not say: X-Ray's own reservoir and share.
DEFAULTS: Mapping[str, Any] = {
    "priority": 1000,
    "reservoir_per_second": 1,
    "percent": 5.0,
    "service": "*",
    "service_type": "*",
    "host": "*",
    "http_method": "*",
    "url_path": "*",
    "resource_arn": "*",
    "attributes": {},
}


def environment_rules(environment: str, more: Sequence[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
    """The inventory's, for requests of all services."""
    names = EnvironmentNames(environment)
    return [{**DEFAULTS, **_said(rule), "name": names.sampling_rule(rule["name"])} for rule in more]


def service_rules(
    names: ServiceNames, more: Sequence[Mapping[str, Any]] = (), untraced_path: str = ""
) -> list[dict[str, Any]]:
    """The inventory's, for requests of this service; and the one that leaves its health check out."""
    own = {HEALTH_CHECKS: _health_checks(untraced_path)} if untraced_path else {}
    # Of one that is named twice both are kept, and refused later.
    named = {rule["name"] for rule in more}
    rules = [rule for name, rule in own.items() if name not in named] + [*more]
    defaults = {**DEFAULTS, "service": names.service}
    return [{**defaults, **_said(rule), "name": names.sampling_rule(rule["name"])} for rule in rules]


def of_inventory(names: ServiceNames, values: Mapping[str, Any], worker: bool) -> list[dict[str, Any]]:
    """The rules of a service by its variables."""
    path = "" if values.get("monitoring_trace_health_checks") else untraced_path(values, worker)
    return service_rules(names, values.get("monitoring_sampling_rules") or (), path)


def has_group(values: Mapping[str, Any]) -> bool:
    """Whether a service has a group by its variables. Without a collector nothing says that it is traced at all."""
    collector = values.get("service_collector")
    traced = isinstance(collector, Mapping) and bool(collector.get("enabled"))
    return traced and bool(values.get("monitoring_trace_group", True))


def findings(values: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the rules of a service's variables, said before anything is changed."""
    rules = values.get("monitoring_sampling_rules") or ()
    yield from problems(
        [rule for rule in rules if isinstance(rule, Mapping) and rule.get("name")], "monitoring_sampling_rules"
    )


def untraced_path(values: Mapping[str, Any], worker: bool) -> str:
    """The path of health checks where the program asks X-Ray what to trace; none where users may ask for the same path."""
    settings, check = values.get("service_collector"), values.get("service_health_check")
    if worker or not isinstance(settings, Mapping) or not (settings.get("enabled") and settings.get("remote_sampling")):
        return ""
    path = str((check.get("path") if isinstance(check, Mapping) else None) or "/").partition("?")[0]
    # A wildcard in a path would match more than the health check.
    return "" if path == "/" or "*" in path else path


def problems(rules: Sequence[Mapping[str, Any]], label: str = "rules") -> Iterator[str]:
    """A sentence for each thing that X-Ray would refuse."""
    names = [str(rule.get("name")) for rule in rules]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{label} has {name} more than once"
    for rule in rules:
        yield from (f"{label}: {problem}" for problem in _of_one(rule))


def _of_one(rule: Mapping[str, Any]) -> Iterator[str]:
    name = rule["name"]
    if not name or name == DEFAULT_NAME:
        yield f"the name {name!r} is X-Ray's own or empty; choose another"
    for option, longest in _LONGEST.items():
        if len(str(rule.get(option) or "")) > longest:
            yield f"{option} of {name} has {len(str(rule[option]))} characters; X-Ray takes {longest} at most"
    lowest, highest = _PRIORITIES
    # None is what an inventory leaves to the default.
    if rule.get("priority") is not None and not lowest <= rule["priority"] <= highest:
        yield f"priority of {name} is {rule['priority']}; valid: {lowest} to {highest}"
    if rule.get("percent") is not None and not 0 <= rule["percent"] <= 100:
        yield f"percent of {name} is {rule['percent']}; valid: 0 to 100"
    if rule.get("reservoir_per_second") is not None and rule["reservoir_per_second"] < 0:
        yield f"reservoir_per_second of {name} is {rule['reservoir_per_second']}; it cannot be negative"
    attributes = rule.get("attributes") or {}
    if len(attributes) > _MOST_ATTRIBUTES:
        yield f"{name} has {len(attributes)} attributes; X-Ray takes {_MOST_ATTRIBUTES} at most"
    for key, value in attributes.items():
        if not (1 <= len(str(key)) <= _LONGEST_ATTRIBUTE and 1 <= len(str(value)) <= _LONGEST_ATTRIBUTE):
            yield f"attribute {key!r} of {name}: key and value have 1 to {_LONGEST_ATTRIBUTE} characters"


def _health_checks(path: str) -> dict[str, Any]:
    """Without it the reservoir of one request a second goes to the load balancer's health checks, day and night."""
    return {
        "name": HEALTH_CHECKS,
        "priority": _HEALTH_PRIORITY,
        "reservoir_per_second": 0,
        "percent": 0.0,
        "url_path": path,
    }


def _said(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in rule.items() if value is not None}
