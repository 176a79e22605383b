# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ports of a service that the security group of tasks does not open. AWS only says that nothing answers there. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .location import NETWORK, WORKER


def findings(values: Mapping[str, Any], environment: Mapping[str, Any]) -> Iterator[str]:
    """By the variables of the service, and of its environment. Security groups of others may open more: nothing is said beside them."""
    if values.get("service_security_group_ids"):
        return
    yield from _from_the_load_balancer(values, environment.get("network_task_ports"))
    yield from _from_other_tasks(values, environment.get("network_ports_between_tasks"))


def _from_the_load_balancer(values: Mapping[str, Any], opened: Any) -> Iterator[str]:
    # How a network load balancer gets in is looked at with the load balancer itself.
    if values.get("service_kind") in (NETWORK, WORKER) or not isinstance(opened, list):
        return
    check = values.get("service_health_check")
    ports = {
        "service_port": values.get("service_port"),
        "service_health_check.port": check.get("port") if isinstance(check, Mapping) else None,
    }
    for variable, port in ports.items():
        if isinstance(port, int) and not is_open(port, opened):
            yield (
                f"{variable} is {port}, which the load balancer could not reach: network_task_ports opens {_listed(opened)}. Add "
                f"{str(port)!r} to it, or let the program listen on another port"
            )


def _from_other_tasks(values: Mapping[str, Any], opened: Any) -> Iterator[str]:
    if not isinstance(opened, list):
        return
    connect = values.get("service_connect")
    served = (connect.get("services") if isinstance(connect, Mapping) else None) or []
    named = [("service_connect.services", service.get("port")) for service in served if isinstance(service, Mapping)]
    registries = [registry for registry in values.get("service_registries") or [] if isinstance(registry, Mapping)]
    named += [("service_registries", registry.get("port")) for registry in registries]
    ports = {(variable, port or values.get("service_port")) for variable, port in named}
    for variable, port in sorted(ports, key=str):
        if isinstance(port, int) and not is_open(port, opened):
            yield (
                f"{variable}: other tasks could not reach port {port}: network_ports_between_tasks opens {_listed(opened)}. Add "
                f"{str(port)!r} to it, and run playbooks/provision.yml"
            )


def is_open(port: int, opened: Sequence[Any]) -> bool:
    """Whether a list such as ["8080", "9000-9100"] holds the port."""
    return any(first <= port <= last for first, last in map(span, opened))


def span(ports: Any) -> tuple[int, int]:
    """First and last port of one entry; an empty span for what is none, which the module of the network refuses."""
    first, _dash, last = str(ports).partition("-")
    return (int(first), int(last or first)) if first.isdigit() and (last or first).isdigit() else (1, 0)


def _listed(opened: Sequence[Any]) -> str:
    return ", ".join(map(str, opened)) or "none"
