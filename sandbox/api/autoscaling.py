"""Application Auto Scaling: moto keeps targets, policies and schedules; the schedules of services are carried out here."""

from __future__ import annotations

import time
from typing import Any

from ..laws.cron import DueTimes, Schedule
from ..periodic import Periodic
from .overlay import patch
from .state import Sandbox
from .target_tracking import bring_into_bounds

_TICK_SECONDS = 0.5
_DESIRED_COUNT = "ecs:service:DesiredCount"


class Schedules:
    """Carries out scheduled actions: new bounds for the target, and a desired count that is within them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._times = DueTimes()
        self._loop = Periodic("schedules", _TICK_SECONDS, lambda: self.tick(time.time()))
        sandbox.keep("schedules", self._times, "done", "last")

    def start(self) -> None:
        self._loop.start(self._sandbox.stopping)

    def tick(self, now: float) -> None:
        with self._sandbox.lock:
            backend = self._sandbox.backend("application-autoscaling")
            for action in backend.scheduled_actions:
                if action.scalable_dimension == _DESIRED_COUNT and self._is_due(action, now):
                    self._carry_out(backend, action)

    def _is_due(self, action: Any, now: float) -> bool:
        # Put again with another schedule it is another action.
        schedule = Schedule(action.schedule, action.timezone or "UTC", float(action.creation_time))
        return self._times.is_due((action.arn, action.schedule), schedule, now)

    def _carry_out(self, backend: Any, action: Any) -> None:
        target = backend.targets.get(action.scalable_dimension, {}).get(action.resource_id)
        if target is None or (target.suspended_state or {}).get("ScheduledScalingSuspended"):
            return
        bounds = action.scalable_target_action or {}
        target.update(bounds.get("MinCapacity"), bounds.get("MaxCapacity"), None)
        bring_into_bounds(self._sandbox, target)


def install(sandbox: Sandbox) -> None:
    from moto.applicationautoscaling.exceptions import AWSValidationException
    from moto.applicationautoscaling.models import ApplicationAutoscalingBackend
    from moto.core.exceptions import JsonRESTError as NotFound

    sandbox.starts.append(Schedules(sandbox).start)

    @patch(ApplicationAutoscalingBackend, "_ecs_service_exists_for_target", ("self", "r_id"))
    def exists(original: Any, self: Any, r_id: str) -> bool:
        _, cluster, service = r_id.split("/")
        if (cluster, service) not in sandbox.fargate.store.services:
            raise AWSValidationException(f"ECS service doesn't exist: {r_id}")
        return True

    def require(backend: Any, dimension: str, resource: str) -> None:
        if resource not in backend.targets.get(dimension, {}):
            raise NotFound("ObjectNotFoundException", f"No scalable target found: {resource}, {dimension}")

    @patch(ApplicationAutoscalingBackend, "deregister_scalable_target", ("self", "namespace", "r_id", "dimension"))
    def deregister(original: Any, self: Any, namespace: str, r_id: str, dimension: str) -> None:
        """Policies and scheduled actions go with the target.

        https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DeregisterScalableTarget.html
        """
        require(self, dimension, r_id)
        original(self, namespace, r_id, dimension)
        of_it = (r_id, dimension)
        self.scheduled_actions = [
            each for each in self.scheduled_actions if (each.resource_id, each.scalable_dimension) != of_it
        ]
        gone = {key for key, each in self.policies.items() if (each.resource_id, each.scalable_dimension) == of_it}
        for key in gone:
            self.policies.pop(key).delete_alarms(self.account_id, self.region_name)

    target = ("service_namespace", "resource_id", "scalable_dimension")
    policy = ("self", "policy_name", *target, "policy_body", "policy_type")
    schedule = ("schedule", "timezone", "scheduled_action_name", "resource_id", "scalable_dimension")
    action = ("self", "service_namespace", *schedule, "start_time", "end_time", "scalable_target_action")
    for name, parameters in {"put_scaling_policy": policy, "put_scheduled_action": action}.items():

        @patch(ApplicationAutoscalingBackend, name, parameters)
        def needs_a_target(original: Any, self: Any, **named: Any) -> Any:
            require(self, named["scalable_dimension"], named["resource_id"])
            return original(self, **named)
