"""Application Auto Scaling: moto keeps targets, policies and schedules; one-time schedules of services are carried out."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ..periodic import Periodic
from .overlay import patch
from .state import Sandbox

_TICK_SECONDS = 0.5
_ONCE = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)").fullmatch
_DESIRED_COUNT = "ecs:service:DesiredCount"


class Schedules:
    """Carries out `at(...)` actions: new bounds for the target, and a desired count that is within them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._done: set[tuple[str, str]] = set()
        self._loop = Periodic("schedules", _TICK_SECONDS, lambda: self.tick(time.time()))
        sandbox.keep("schedules", self, "_done")

    def start(self) -> None:
        self._loop.start(self._sandbox.stopping)

    def tick(self, now: float) -> None:
        with self._sandbox.lock:
            backend = self._sandbox.backend("application-autoscaling")
            for action in backend.scheduled_actions:
                at = due(action.schedule, action.timezone)
                # Put again with another schedule it is another action.
                key = (action.arn, action.schedule)
                if action.scalable_dimension != _DESIRED_COUNT or at is None or at > now or key in self._done:
                    continue
                self._done.add(key)
                if at >= action.creation_time:
                    self._carry_out(backend, action)

    def _carry_out(self, backend: Any, action: Any) -> None:
        target = backend.targets.get(action.scalable_dimension, {}).get(action.resource_id)
        _, cluster, name = action.resource_id.split("/")
        service = self._sandbox.fargate.store.services.get((cluster, name))
        if target is None or service is None:
            return
        bounds = action.scalable_target_action or {}
        target.update(bounds.get("MinCapacity"), bounds.get("MaxCapacity"), None)
        service.desired = min(max(service.desired, int(target.min_capacity)), int(target.max_capacity))


def due(schedule: str, timezone: str | None) -> float | None:
    """When a one-time schedule strikes; None for cron and rate expressions, which are not carried out here."""
    once = _ONCE(schedule)
    if once is None:
        return None
    return datetime.fromisoformat(once[1]).replace(tzinfo=ZoneInfo(timezone or "UTC")).timestamp()


def install(sandbox: Sandbox) -> None:
    from moto.applicationautoscaling.exceptions import AWSValidationException
    from moto.applicationautoscaling.models import ApplicationAutoscalingBackend

    sandbox.starts.append(Schedules(sandbox).start)

    @patch(ApplicationAutoscalingBackend, "_ecs_service_exists_for_target", ("self", "r_id"))
    def exists(original: Any, self: Any, r_id: str) -> bool:
        _, cluster, service = r_id.split("/")
        if (cluster, service) not in sandbox.fargate.store.services:
            raise AWSValidationException(f"ECS service doesn't exist: {r_id}")
        return True
