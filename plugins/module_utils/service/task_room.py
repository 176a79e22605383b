# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the containers of a task have together: memory, CPU, ports, volumes; and what names one of them. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_MOST_CONTAINERS = 10


def findings(values: Mapping[str, Any], containers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """By a service's variables and its containers: ECS would refuse them, or a task would never do what is meant."""
    if len(containers) > _MOST_CONTAINERS:
        yield f"the task has {len(containers)} containers, and ECS takes {_MOST_CONTAINERS}: leave some of service_sidecars out"
    yield from _shares(containers, "memory", values.get("service_memory"), "MiB")
    yield from _shares(containers, "cpu", values.get("service_cpu"), "CPU units")
    yield from _ports(containers)
    yield from _volumes(values, containers)
    if not values.get("service_execution_role_arn"):
        yield from _log_groups(values.get("service_log_group"), containers)
    names = [str(container.get("name")) for container in containers]
    for variable in ("service_checks", "service_schedules"):
        yield from (
            f"{variable}: container of {command.get('name')} is {command['container']!r}; there is {', '.join(names)}"
            for command in values.get(variable) or []
            if isinstance(command, Mapping) and command.get("container") and command["container"] not in names
        )


def target_findings(values: Mapping[str, Any]) -> Iterator[str]:
    """A container that requests are sent to is there, has the port, and does not end by itself."""
    name, port = values.get("service_target_container"), values.get("service_port")
    sidecars = [sidecar for sidecar in values.get("service_sidecars") or [] if isinstance(sidecar, Mapping)]
    if not name:
        return
    found = next((sidecar for sidecar in sidecars if sidecar.get("name") == name), None)
    if found is None:
        there = ", ".join(str(sidecar.get("name")) for sidecar in sidecars) or "none"
        yield f"service_target_container is {name!r}, and service_sidecars has no such container; there is {there}"
        return
    if isinstance(port, int) and str(port) not in map(str, found.get("ports") or []):
        yield f"service_target_container is {name}, whose ports do not hold service_port {port}: ECS could not register it"
    if found.get("essential", True) is False:
        yield (
            f"service_target_container is {name}, and its option essential is false: once it has ended, the task would go on without "
            "requests. Leave essential out"
        )


def _shares(containers: Sequence[Mapping[str, Any]], option: str, most: Any, unit: str) -> Iterator[str]:
    """What containers reserve has to fit into the task."""
    reserved = {str(container.get("name")): _reserved(container, option) for container in containers}
    total = sum(reserved.values())
    if isinstance(most, int) and total > most:
        by_container = ", ".join(f"{name} {amount}" for name, amount in reserved.items() if amount)
        yield f"service_{option} is {most}, and the containers reserve {total} {unit} ({by_container}): ECS refuses more than the task has"


def _reserved(container: Mapping[str, Any], option: str) -> int:
    given = (container.get(f"{option}_reservation"), container.get(option))
    return next((amount for amount in given if isinstance(amount, int)), 0)


def _ports(containers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The containers of a task share one network interface."""
    users: dict[str, list[str]] = {}
    for container in containers:
        for port in container.get("ports") or []:
            users.setdefault(str(port), []).append(str(container.get("name")))
    for port, names in users.items():
        if len(names) > 1:
            yield f"port {port} is that of the containers {' and '.join(names)}, which share the task's address: only one can listen on it"


def _volumes(values: Mapping[str, Any], containers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    volumes = [volume for volume in values.get("service_volumes") or [] if isinstance(volume, Mapping)]
    names = [str(volume.get("name")) for volume in volumes]
    yield from (f"service_volumes: {name} is there twice" for name in sorted({*names}) if names.count(name) > 1)
    for container in containers:
        for mount in container.get("mounts") or []:
            if mount.get("volume") not in names:
                yield (
                    f"container {container.get('name')}: mounts {mount.get('volume')!r}, and service_volumes has no such volume; "
                    f"there is {', '.join(names) or 'none'}"
                )


def _log_groups(group: Any, containers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A task whose role may not write its log does not start."""
    for container in containers:
        log = container.get("log") or {}
        given = (log.get("options") or {}).get("awslogs-group")
        if given and given != group and log.get("driver") in (None, "awslogs"):
            yield (
                f"container {container.get('name')}: log.options.awslogs-group is {given!r}, and the service's execution role may write to "
                "the log group of the service alone: set service_log_group, or service_execution_role_arn to a role that may"
            )
