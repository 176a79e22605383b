# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a service without a load balancer cannot have: options that speak of requests, by name. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_NO_REQUESTS = "no load balancer sends a worker requests"
# Variables of a service that speak of requests, with the values that say nothing.
_VARIABLES: dict[str, tuple[Any, ...]] = {
    "service_hosts": ([], None),
    "service_paths": ([], ["/*"], None),
    "service_further_rules": ([], None),
    "service_target_container": ("", None),
    "service_version_probe": ({}, None),
    "service_slow_start_seconds": (0, None),
    "service_protocol_version": ("HTTP1", None),
    "dns_names": ([], None),
}
# What the role's specification fills in.
HEALTH_DEFAULTS = {
    "path": "/",
    "interval_seconds": 10,
    "timeout_seconds": 5,
    "healthy_threshold": 2,
    "unhealthy_threshold": 3,
}


def worker_findings(options: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """Of a release's options, or with the prefix service_ of a service's variables: what a worker cannot have."""
    strategy = options.get(f"{prefix}strategy") or "rolling"
    if strategy != "rolling":
        yield (
            f"{prefix}strategy is {strategy}, which shifts the requests of a load balancer from one version to the other, and "
            f"{_NO_REQUESTS}: its only strategy is rolling"
        )
    gates = options.get(f"{prefix}gates")
    for gate in ("errors", "latency"):
        if isinstance(gates, Mapping) and gates.get(gate):
            yield f"{prefix}gates.{gate} judges answers to requests, and {_NO_REQUESTS}: use the gates alarms and metrics"
    for check in options.get(f"{prefix}checks") or ():
        if isinstance(check, Mapping) and not check.get("command"):
            yield (
                f"{prefix}checks: {check.get('name')} is a request, and {_NO_REQUESTS}: give it a command, which runs in a task of "
                "its own before the deployment"
            )
    if not prefix and options.get("version_probe"):
        yield f"version_probe is a request, and {_NO_REQUESTS}"


def variable_findings(values: Mapping[str, Any]) -> Iterator[str]:
    """Of a service's variables: what a worker cannot have."""
    yield from worker_findings(values, "service_")
    for option, silent in _VARIABLES.items():
        same_as_hosts = option == "dns_names" and values.get(option) == values.get("service_hosts")
        if values.get(option) not in silent and not same_as_hosts:
            yield f"{option} is set, but service_kind is worker: {_NO_REQUESTS}. Leave it out"
    health = values.get("service_health_check") or {}
    if isinstance(health, Mapping) and any(health[key] not in (None, HEALTH_DEFAULTS.get(key)) for key in health):
        yield (
            f"service_health_check is set, but service_kind is worker: {_NO_REQUESTS}. Use service_health_command, which ECS runs in the "
            "container"
        )
    for policy in values.get("autoscaling_policies") or ():
        if isinstance(policy, Mapping) and policy.get("metric") == "requests":
            yield (
                f"autoscaling_policies: {policy.get('name')} follows requests, and {_NO_REQUESTS}: use backlog, cpu, memory or custom"
            )
