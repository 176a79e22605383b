# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An ECS service as dataclasses: deployments, events."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .tasks import without_arns


@dataclass(frozen=True)
class Deployment:
    """One entry of an ECS service's deployments."""

    id: str
    status: str
    task_definition: str
    desired: int
    running: int
    pending: int
    failed_tasks: int
    rollout_state: str
    reason: str = ""
    created_at: float | None = None

    @property
    def primary(self) -> bool:
        return self.status == "PRIMARY"

    @property
    def returns_to_an_earlier_one(self) -> bool:
        """ECS started it by itself, because the deployment before it failed or was stopped."""
        return "rolling back" in self.reason.lower() or "rollback" in self.reason.lower()


@dataclass(frozen=True)
class Event:
    id: str
    created_at: float
    message: str

    @property
    def short(self) -> str:
        """The message without the service's name and with names in place of ARNs."""
        return re.sub(r"^\(service [^,)]+(, taskSet [^)]+)?\),? ", "", without_arns(self.message))


@dataclass(frozen=True)
class ServiceState:
    """An ECS service as it was observed."""

    name: str
    arn: str
    status: str
    task_definition: str
    desired: int
    running: int
    pending: int
    deployments: tuple[Deployment, ...] = ()
    events: tuple[Event, ...] = ()
    # ECS, CODE_DEPLOY or EXTERNAL; and what ECS does with a deployment: ROLLING, BLUE_GREEN, LINEAR or CANARY.
    deployment_controller: str = "ECS"
    deployment_strategy: str = "ROLLING"
    settings: dict[str, Any] = field(default_factory=dict)
    # Alarms by which ECS watches its deployments, whether or not it returns the one before.
    watched_by: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def primary(self) -> Deployment | None:
        return next((deployment for deployment in self.deployments if deployment.primary), None)


def short(arn: str) -> str:
    """Return family:revision, or the id, of an ARN."""
    return arn.rpartition("/")[2]
