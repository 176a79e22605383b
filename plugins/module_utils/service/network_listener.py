# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The listener of a service of the kind network: what the inventory says of it, and what such a service cannot have. Pure.

https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-listeners.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from . import further_targets
from .further_targets import ARGUMENTS as OF_FURTHER
from .further_targets import OF_CONNECTIONS
from .location import NETWORK
from .worker import HEALTH_DEFAULTS

OPTION = "service_listener"
# The tag of a listener says which of the two it is. A further target group's name has no dot.
PRODUCTION, TEST = "production.listener", "test.listener"
_SAME = (
    *("listener_protocol", "certificate_arn", "tls_policy", "names", "health_check"),
    *("preserve_client_ip", "proxy_protocol", "cross_zone"),
)
# Documented by the module service_listener.
ARGUMENTS: dict[str, Any] = {
    "load_balancer": {"type": "str", "required": True},
    "listener_port": {"type": "int", "required": True},
    "test_listener_port": {"type": "int"},
    "protocol": {"type": "str", "choices": [*OF_CONNECTIONS], "default": "TCP"},
    **{name: OF_FURTHER[name] for name in _SAME},
}
_NO_REQUESTS = "a network load balancer passes connections on, and sees no requests"
# Variables of a service that speak of requests, with the values that say nothing.
_VARIABLES: dict[str, tuple[Any, ...]] = {
    "service_hosts": ([], None),
    "service_paths": ([], ["/*"], None),
    "service_headers": ({}, None),
    "service_query_strings": ([], None),
    "service_source_ips": ([], None),
    "service_test_source_ips": ([], None),
    "service_further_rules": ([], None),
    "service_login": (None, {}),
    "service_stickiness": (None, {}),
    "service_test_secret": (False, None),
    "service_priority": (None, 0),
    "service_slow_start_seconds": (0, None),
    "service_algorithm": ("round_robin", None),
    "service_protocol_version": ("HTTP1", None),
    "service_slos": ([], None),
    "dns_names": ([], None),
}


def filled(listener: Mapping[str, Any], port: int) -> dict[str, Any]:
    """As the options of a further target group: what leads to one at a network load balancer leads to these."""
    defaults = {name: option.get("default") for name, option in {**OF_FURTHER, **ARGUMENTS}.items()}
    return {**defaults, **listener, "port": port}


def ports(options: Mapping[str, Any]) -> dict[str, int]:
    """The port of each listener, by its kind."""
    found = {PRODUCTION: options["listener_port"], TEST: options["test_listener_port"]}
    return {kind: port for kind, port in found.items() if port}


def variable_findings(values: Mapping[str, Any]) -> Iterator[str]:
    """Of the variables of a service, of any kind."""
    listener = values.get(OPTION) or {}
    if values.get("service_kind") != NETWORK:
        if listener:
            yield f"{OPTION} is set, and service_kind is {values.get('service_kind') or 'web'}: only the kind network has it"
        return
    yield from _requests(values, listener)
    if not isinstance(listener, Mapping) or not isinstance(listener.get("listener_port"), int):
        yield f"{OPTION} needs load_balancer and listener_port: where the connections of the service come from"
        return
    options = filled(listener, values.get("service_port") or 0)
    yield from further_targets.place_findings({**options, "listener_arn": ""}, OPTION)
    yield from further_targets.network_findings(options, OPTION)
    yield from further_targets.health_findings(options, OPTION)
    yield from further_targets.names_findings(options, OPTION, values)
    test = options["test_listener_port"]
    if isinstance(test, int) and not 1 <= test <= 65535:
        yield f"{OPTION}.test_listener_port is {test}; valid: 1 to 65535"
    if test is not None and test == options["listener_port"]:
        yield f"{OPTION}.test_listener_port is {test}, and so is listener_port: a port has one listener"


def _requests(values: Mapping[str, Any], listener: Any) -> Iterator[str]:
    for option, silent in _VARIABLES.items():
        same_as_hosts = option == "dns_names" and values.get(option) == values.get("service_hosts")
        if values.get(option) not in silent and not same_as_hosts:
            yield f"{option} is set, but service_kind is network: {_NO_REQUESTS}. Leave it out"
    health = values.get("service_health_check") or {}
    if isinstance(health, Mapping) and any(health[key] not in (None, HEALTH_DEFAULTS.get(key)) for key in health):
        yield f"service_health_check is set, but service_kind is network: use {OPTION}.health_check, which may ask by TCP or HTTP"
    gates = values.get("service_gates")
    for gate in ("errors", "latency"):
        if isinstance(gates, Mapping) and gates.get(gate):
            yield f"service_gates.{gate} judges answers to requests, and {_NO_REQUESTS}: use the gates alarms and metrics"
    for policy in values.get("autoscaling_policies") or ():
        if isinstance(policy, Mapping) and policy.get("metric") == "requests":
            yield f"autoscaling_policies: {policy.get('name')} follows requests, and {_NO_REQUESTS}: use cpu, memory or custom"
    named = isinstance(listener, Mapping) and listener.get("test_listener_port")
    strategy = values.get("service_strategy") or "rolling"
    for check in values.get("service_checks") or ():
        if isinstance(check, Mapping) and not check.get("command") and not named and strategy != "rolling":
            yield (
                f"service_checks: {check.get('name')} is a request to the candidate, which needs a listener for it: name a free port in "
                f"{OPTION}.test_listener_port, or give the check a command"
            )
