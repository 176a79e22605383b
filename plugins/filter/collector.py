# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The collector beside an app, for the role service: its container, the app's variables, and the task role's permissions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils.aws.arns import ArnScope
from ..module_utils.monitoring import collector


def collector_containers(
    settings: Mapping[str, Any], service: str, port: int, sidecars: Sequence[Mapping[str, Any]] = (), **place: str
) -> list[dict[str, Any]]:
    """The collector's container in a list, or none."""
    beside = [sidecar["name"] for sidecar in sidecars]
    try:
        return collector.containers(settings, collector.Watched(service=service, port=port, **place), beside)
    except ValueError as refused:
        raise AnsibleFilterError(str(refused)) from refused


def collector_environment(
    settings: Mapping[str, Any], service: str, own: Mapping[str, Any], secrets: Mapping[str, str]
) -> dict[str, Any]:
    """The app's own environment variables, with the collector's beside them. What the app sets itself stays."""
    variables = collector.app_environment(settings, service)
    # ECS refuses a name that is both a variable and a secret.
    return {**{name: value for name, value in variables.items() if name not in secrets}, **own}


def collector_statements(
    settings: Mapping[str, Any], environment: Mapping[str, Any], log_group: str
) -> list[dict[str, Any]]:
    """IAM statements for the task role."""
    place = ArnScope(environment["region"], environment["account"], environment["caller"].split(":")[1])
    return collector.statements(settings, place, log_group)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "collector_containers": collector_containers,
            "collector_dependencies": collector.dependencies,
            "collector_environment": collector_environment,
            "collector_statements": collector_statements,
        }
