"""Calls that fail while something that AWS makes by itself is not usable yet."""

from __future__ import annotations

import time
from typing import Any

from ..laws.iam.dependencies import SERVICE_ROLES
from ..laws.propagation import ROLE_SECONDS, lasts
from .overlay import patch
from .service_roles import ServiceRoles
from .state import Sandbox

_ECS_ROLE = next(role for role in SERVICE_ROLES if role.service == "ecs.amazonaws.com")


class FirstCluster:
    """The first cluster with capacity providers: ECS makes its service-linked role, and cannot assume it at once.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html; the message is ECS's.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.usable_at: float | None = None
        self._roles = ServiceRoles(sandbox)
        self._seconds = lasts(ROLE_SECONDS, sandbox.settings.time_factor)
        sandbox.keep("first cluster", self, "usable_at")

    def is_refused(self, now: float) -> bool:
        if not self._roles.exists(_ECS_ROLE):
            # The caller may not make it: it never becomes usable.
            return True
        if self.usable_at is None:
            self.usable_at = now + self._seconds
        return now < self.usable_at


def install(sandbox: Sandbox) -> None:
    from moto.ecs.exceptions import InvalidParameterException
    from moto.ecs.models import EC2ContainerServiceBackend

    first = FirstCluster(sandbox)

    @patch(EC2ContainerServiceBackend, "create_cluster", _CREATE_CLUSTER)
    def create_cluster(original: Any, self: Any, *arguments: Any, **named: Any) -> Any:
        providers = named.get("capacity_providers") or (arguments[4] if len(arguments) > 4 else None)
        if providers and first.is_refused(time.time()):
            raise InvalidParameterException(
                "Unable to assume the service linked role. Please verify that the ECS service linked role exists."
            )
        return original(self, *arguments, **named)


_CREATE_CLUSTER = (
    "self", "cluster_name", "tags", "cluster_settings", "configuration", "capacity_providers",
    "default_capacity_provider_strategy", "service_connect_defaults",
)  # fmt: skip
