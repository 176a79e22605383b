# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values of a service for roles and playbooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.image import reference
from ..module_utils.service import values as service_values


def task_volumes(volumes: list[dict[str, Any]], *arguments: Any, **options: Any) -> list[dict[str, Any]]:
    """The volumes of a task with the ids of file system and access points."""
    try:
        return service_values.task_volumes(volumes, *arguments, **options)
    except ValueError as refused:
        raise AnsibleFilterError(str(refused)) from refused


def database_environment(database: dict[str, Any] | None, *arguments: Any, **options: Any) -> dict[str, str]:
    """Address of the database, as environment variables."""
    try:
        return service_values.database_environment(database, *arguments, **options)
    except ValueError as refused:
        raise AnsibleFilterError(str(refused)) from refused


def database_secrets(database: dict[str, Any] | None, *arguments: Any, **options: Any) -> dict[str, str]:
    """Credentials of the database owner, as secrets."""
    try:
        return service_values.database_secrets(database, *arguments, **options)
    except ValueError as refused:
        raise AnsibleFilterError(str(refused)) from refused


def one_host_of_each_environment(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> list[str]:
    """The first host of each environment, by name and region."""
    first: dict[tuple[str, str], str] = {}
    for host in hosts:
        first.setdefault((hostvars[host]["environment_name"], hostvars[host]["environment_region"]), host)
    return list(first.values())


def failed_services(
    names: Sequence[str], hostvars: Mapping[str, Mapping[str, Any]], environment: str, failed: Sequence[str]
) -> list[str]:
    """The given services of an environment whose hosts failed."""
    lost = [hostvars[host] for host in failed] if names else []
    known = {
        own.get("service_name", own["inventory_hostname"]) for own in lost if own.get("environment_name") == environment
    }
    return [name for name in names if name in known]


def picked(mappings: Sequence[Mapping[str, Any]], *names: str) -> list[dict[str, Any]]:
    """Of each mapping what has these names and is not null."""
    return [{name: mapping[name] for name in names if mapping.get(name) is not None} for mapping in mappings]


def further_target_groups(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> dict[str, list[str]]:
    """Names of the further target groups of these hosts, by service."""
    own = [hostvars[host] for host in hosts]
    return {
        str(variables.get("service_name", variables["inventory_hostname"])): [
            str(group["name"]) for group in variables.get("service_further_target_groups") or []
        ]
        for variables in own
    }


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "container_health_check": service_values.container_health_check,
            "database_environment": database_environment,
            "database_secrets": database_secrets,
            "failed_services": failed_services,
            "further_target_groups": further_target_groups,
            "is_elsewhere": reference.is_elsewhere,
            "one_host_of_each_environment": one_host_of_each_environment,
            "picked": picked,
            "service_urls": service_values.urls,
            "task_volumes": task_volumes,
            "volume_mounts": service_values.volume_mounts,
        }
