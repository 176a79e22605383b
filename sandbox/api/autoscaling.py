"""Application Auto Scaling: moto keeps targets and policies; whether a service exists, our scheduler knows."""

from __future__ import annotations

from typing import Any

from .overlay import patch
from .server import Sandbox


def install(sandbox: Sandbox) -> None:
    from moto.applicationautoscaling.exceptions import AWSValidationException
    from moto.applicationautoscaling.models import ApplicationAutoscalingBackend

    @patch(ApplicationAutoscalingBackend, "_ecs_service_exists_for_target", ("self", "r_id"))
    def exists(original: Any, self: Any, r_id: str) -> bool:
        _, cluster, service = r_id.split("/")
        if (cluster, service) not in sandbox.fargate.store.services:
            raise AWSValidationException(f"ECS service doesn't exist: {r_id}")
        return True
