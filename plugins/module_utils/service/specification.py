# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The specification of a service: the options of every releasing module, and their conversion for the AWS layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..aws import service_definition, task_definition
from ..aws.naming import ServiceNames
from .containers import CONTAINER
from .discovery import DISCOVERY_ARGUMENTS
from .further_targets import REGISTERED
from .location import KIND

_VOLUME = {
    "name": {"type": "str", "required": True},
    "file_system_id": {"type": "str"},
    "access_point_id": {"type": "str"},
    "root_directory": {"type": "str"},
    "ebs": {
        "type": "dict",
        "options": {
            "size_gib": {"type": "int"},
            "type": {"type": "str", "choices": ["gp2", "gp3", "io1", "io2", "sc1", "st1"], "default": "gp3"},
            "iops": {"type": "int"},
            "throughput_mib": {"type": "int"},
            "snapshot_id": {"type": "str"},
            # The key's name on AWS, and no key.
            "kms_key_arn": {"type": "str", "no_log": False},
            "file_system": {"type": "str", "choices": ["ext3", "ext4", "xfs"], "default": "xfs"},
            "role_arn": {"type": "str", "required": True},
        },
    },
}
# ECS stops a task before it starts another one in its place, and starts none only to spread tasks over zones.
_ONE_AT_A_TIME = {"minimum_healthy_percent": 0, "maximum_percent": 100, "availability_zone_rebalancing": False}
_CAPACITY_PROVIDER = {
    "capacity_provider": {"type": "str", "required": True},
    "weight": {"type": "int", "default": 0},
    "base": {"type": "int", "default": 0},
}
# Documented by the fragment pear.fargate.service.
SERVICE_ARGUMENTS: dict[str, Any] = {
    "environment": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
    "kind": KIND,
    "cluster": {"type": "str"},
    "listener_arn": {"type": "str"},
    "subnet_ids": {"type": "list", "elements": "str", "required": True},
    "security_group_ids": {"type": "list", "elements": "str", "required": True},
    "assign_public_ip": {"type": "bool", "default": False},
    "container": {"type": "str", "default": "app"},
    "target_container": {"type": "str"},
    "port": {"type": "int"},
    "further_target_groups": {"type": "list", "elements": "dict", "default": [], "options": REGISTERED},
    "cpu": {"type": "int", "required": True},
    "memory": {"type": "int", "required": True},
    "architecture": {"type": "str", "choices": ["X86_64", "ARM64"], "default": "X86_64"},
    "ephemeral_storage_gib": {"type": "int", "default": 20},
    "execution_role_arn": {"type": "str"},
    "task_role_arn": {"type": "str"},
    "containers": {"type": "list", "elements": "dict", "required": True, "options": CONTAINER},
    "volumes": {"type": "list", "elements": "dict", "default": [], "options": _VOLUME},
    "desired_count": {"type": "int", "required": True},
    "autoscaling": {"type": "bool"},
    "health_check_grace_seconds": {"type": "int", "default": 30},
    "minimum_healthy_percent": {"type": "int", "default": 100},
    "maximum_percent": {"type": "int", "default": 200},
    "availability_zone_rebalancing": {"type": "bool", "default": True},
    "single_writer": {"type": "bool", "default": False},
    "platform_version": {"type": "str", "default": "LATEST"},
    "enable_execute_command": {"type": "bool", "default": False},
    "capacity_providers": {"type": "list", "elements": "dict", "default": [], "options": _CAPACITY_PROVIDER},
    "deployment_alarms": {"type": "list", "elements": "str", "default": []},
    **DISCOVERY_ARGUMENTS,
    "log_group": {"type": "str"},
    "tags": {"type": "dict", "default": {}},
}


@dataclass(frozen=True)
class Specification:
    """The options of a releasing module, in the shapes that the AWS layer takes."""

    params: Mapping[str, Any]
    region: str

    @property
    def service(self) -> str:
        return str(self.params["service"])

    @property
    def names(self) -> ServiceNames:
        return ServiceNames(self.params["environment"], self.service)

    @property
    def desired_count(self) -> int:
        return int(self.params["desired_count"])

    @property
    def registered(self) -> str:
        """ARN of a task definition that others registered; empty where the release registers its own."""
        return ""

    @property
    def tags(self) -> dict[str, str]:
        return dict(self.params["tags"])

    def network(self) -> dict[str, Any]:
        """The networkConfiguration of a task that runs by itself, as those of the service do."""
        return {
            "awsvpcConfiguration": {
                "subnets": list(self.params["subnet_ids"]),
                "securityGroups": list(self.params["security_group_ids"]),
                "assignPublicIp": "ENABLED" if self.params["assign_public_ip"] else "DISABLED",
            }
        }

    def task_definition(self) -> dict[str, Any]:
        """Return the RegisterTaskDefinition request."""
        names = self.names
        return task_definition.register_request(
            {
                **self.params,
                "family": names.family,
                "log_group": self.params["log_group"] or names.log_group,
                "region": self.region,
            }
        )

    def settings(self, target_group_arn: str, further: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the settings of the ECS service whose targets go to this target group, and to further ones: ARNs by name."""
        one_at_a_time = _ONE_AT_A_TIME if self.params["single_writer"] else {}
        return service_definition.wanted({**self.params, **one_at_a_time}, target_group_arn, further or {})
