# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""IAM policies of a service, and ARNs of its roles, for roles and playbooks. The input is environment_info's environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..module_utils.aws.arns import ArnScope
from ..module_utils.aws.naming import EnvironmentNames, RoleNames, ServiceNames
from ..module_utils.service import policies


def _place(environment: Mapping[str, Any]) -> ArnScope:
    return ArnScope(environment["region"], environment["account"], environment["caller"].split(":")[1])


def trust_policy(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Trust policy: ECS tasks of this account and region."""
    return policies.trust_policy(_place(environment))


def execution_policy(environment: Mapping[str, Any], log_group: str, **options: Any) -> dict[str, Any]:
    """Permissions of the execution role."""
    return policies.execution_policy(_place(environment), log_group, **options)


def task_policy(environment: Mapping[str, Any], **options: Any) -> dict[str, Any] | None:
    """Permissions of the task role, or null if the service needs none."""
    return policies.task_policy(_place(environment), **options)


def infrastructure_trust_policy(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Trust policy of the role by which ECS makes EBS volumes."""
    return policies.infrastructure_trust_policy(_place(environment))


def infrastructure_policy(environment: Mapping[str, Any], kms_keys: Sequence[str] = ()) -> dict[str, Any]:
    """Permissions of the role by which ECS makes EBS volumes."""
    return policies.infrastructure_policy(_place(environment), kms_keys)


def experiment_trust_policy(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Trust policy of the role of experiments: Fault Injection Service, for this account."""
    return policies.experiment_trust_policy(_place(environment))


def experiment_policy(environment: Mapping[str, Any], cluster: str) -> dict[str, Any]:
    """Permissions of experiments on tasks of the environment in a cluster."""
    return policies.experiment_policy(_place(environment), environment["name"], cluster)


def schedule_trust_policy(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Trust policy of the scheduled tasks' role: EventBridge Scheduler, for this account."""
    return policies.schedule_trust_policy(_place(environment))


def schedule_policy(
    environment: Mapping[str, Any], service: str, cluster: str = "", roles: Sequence[str] = ()
) -> dict[str, Any]:
    """Permissions of a service's schedules: start its tasks. The environment's cluster and the service's own roles by default."""
    place, names = _place(environment), ServiceNames(environment["name"], service)
    own = RoleNames(environment["name"], place.region)
    passed = list(roles) or [place.role(role) for role in (own.execution(service), own.task(service))]
    name = cluster.rpartition("/")[2] or EnvironmentNames(environment["name"]).cluster
    return policies.schedule_policy(place, names, name, passed)


def role_arn(environment: Mapping[str, Any], name: str) -> str:
    """ARN of an IAM role of this account."""
    return _place(environment).role(name)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "experiment_policy": experiment_policy,
            "experiment_trust_policy": experiment_trust_policy,
            "execution_policy": execution_policy,
            "infrastructure_policy": infrastructure_policy,
            "infrastructure_trust_policy": infrastructure_trust_policy,
            "role_arn": role_arn,
            "schedule_policy": schedule_policy,
            "schedule_trust_policy": schedule_trust_policy,
            "task_policy": task_policy,
            "trust_policy": trust_policy,
        }
