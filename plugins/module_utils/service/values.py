# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values that the role service needs from an environment: volumes with their ids, mounts, and the URLs of a service. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..aws.elbv2_states import USUAL_PORTS

_UNKNOWN = "(to be created)"
_PLAIN = ("host", "port", "database_name", "reader_host", "secret_arn")
# What names a variable, and the key of the secret that RDS makes.
_KEYS = {"user": "username", "password": "password"}


def task_volumes(
    volumes: Sequence[Mapping[str, Any]],
    file_system: Mapping[str, Any] | None,
    lenient: bool = False,
    infrastructure_role: str = "",
) -> list[dict[str, Any]]:
    """Return the volumes with file system and access point ids; ValueError names an access point that does not exist.

    Lenient is for check mode, where the file system may not be there yet.
    """
    return [
        {"name": volume["name"], "ebs": {**volume["ebs"], "role_arn": infrastructure_role}}
        if volume.get("ebs")
        else _volume(volume, file_system, lenient)
        for volume in volumes
    ]


def _volume(volume: Mapping[str, Any], file_system: Mapping[str, Any] | None, lenient: bool) -> dict[str, Any]:
    point = volume.get("access_point")
    if not point:
        return {"name": volume["name"]}
    points = (file_system or {}).get("access_points") or {}
    if point not in points and not lenient:
        there = f"it has {', '.join(sorted(points)) or 'none'}" if file_system else "the environment has no file system"
        raise ValueError(
            f"service_volumes names the access point {point!r}, but {there}. Add it to file_system_access_points (and set "
            "file_system_enabled), then run playbooks/provision.yml."
        )
    return {
        "name": volume["name"],
        "file_system_id": file_system["id"] if file_system else _UNKNOWN,
        "access_point_id": points.get(point, _UNKNOWN),
    }


def volume_mounts(volumes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return where the volumes appear in the app's container."""
    return [
        {"volume": volume["name"], "path": volume["path"], "read_only": bool(volume.get("read_only"))}
        for volume in volumes
    ]


def container_health_check(given: Any) -> dict[str, Any] | None:
    """Return the health check of a container from its command alone, or from a dictionary that has it."""
    if not given:
        return None
    return dict(given) if isinstance(given, Mapping) else {"command": given}


def database_environment(
    database: Mapping[str, Any] | None, names: Mapping[str, str], lenient: bool = False
) -> dict[str, str]:
    """Return where the database is, under the names of variables that the service asks for; ValueError where there is none."""
    there = _database(database, lenient)
    return {names[key]: str(there.get(key) or _UNKNOWN) for key in _PLAIN if names.get(key)} | (
        {names["sslmode"]: "require"} if names.get("sslmode") else {}
    )


def database_secrets(
    database: Mapping[str, Any] | None, names: Mapping[str, str], lenient: bool = False
) -> dict[str, str]:
    """Return the secrets that name and password of the database's owner are injected from, a key of RDS's secret each."""
    arn = _database(database, lenient).get("secret_arn")
    # What has no ARN yet cannot be compared with anything.
    return {names[key]: f"{arn}:{_KEYS[key]}::" for key in _KEYS if arn and names.get(key)}


def _database(database: Mapping[str, Any] | None, lenient: bool) -> Mapping[str, Any]:
    if database is None and not lenient:
        raise ValueError(
            "service_database is on, but the environment has no database. Set database_enabled, and run playbooks/provision.yml."
        )
    return database or {}


def urls(load_balancer: Mapping[str, Any] | None, hosts: Sequence[str], paths: Sequence[str]) -> list[str]:
    """Return the URLs that a service answers at: its host names, or else the load balancer's own. Only a listener of others has no TLS."""
    if not load_balancer:
        return []
    names = [host for host in hosts if "*" not in host] or [load_balancer["dns_name"]]
    path = next((path.partition("*")[0] for path in paths), "/")
    ports: Mapping[str, int] = load_balancer.get("ports") or {}
    scheme = "http" if ports and "https" not in ports else "https"
    usual = USUAL_PORTS[scheme.upper()]
    port = "" if ports.get(scheme, usual) == usual else f":{ports[scheme]}"
    return [f"{scheme}://{name}{port}{path}" for name in names]
