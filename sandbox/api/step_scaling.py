"""Step scaling: an alarm that fires calls its policies each time it is evaluated, and they act with their cooldowns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..fargate.model import Service
from ..laws.step_scaling import wanted
from .state import Sandbox
from .target_tracking import service_of

# https://docs.aws.amazon.com/autoscaling/application/APIReference/API_StepScalingPolicyConfiguration.html
_COOLDOWN_SECONDS = 300


@dataclass
class _Acted:
    """What a policy did last: when, and the count before that."""

    at: float
    before: int
    outwards: bool


class StepScaling:
    """Carries out the policies that alarms call."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._acted: dict[str, _Acted] = {}
        sandbox.keep("step scaling", self, "_acted")

    def alarm(self, policy_arn: str, excess: float, now: float) -> None:
        """An alarm in ALARM calls a policy; the caller holds the lock. `excess`: how far its metric is above its threshold."""
        backend = self._sandbox.backend("application-autoscaling")
        policy = next((policy for policy in backend.policies.values() if policy.policy_arn == policy_arn), None)
        if policy is None or policy.policy_type != "StepScaling":
            return
        target = backend.targets.get(policy.scalable_dimension, {}).get(policy.resource_id)
        service = service_of(self._sandbox, policy.resource_id)
        if target is not None and service is not None:
            self._act(policy, target, service, excess, now)

    def _act(self, policy: Any, target: Any, service: Service, excess: float, now: float) -> None:
        configuration: Mapping[str, Any] = policy.step_scaling_policy_configuration
        suspended = target.suspended_state or {}
        store = self._sandbox.metrics.of(self._sandbox.settings.region)
        cooldown = store.seconds(float(configuration.get("Cooldown", _COOLDOWN_SECONDS)))
        acted = self._acted.get(policy.policy_arn)
        cooling = acted is not None and now - acted.at < cooldown
        # In its cooldown a scale-out counts towards the next one, and a scale-in is followed by none.
        base = acted.before if acted is not None and cooling and acted.outwards else service.desired
        least, most = int(target.min_capacity), int(target.max_capacity)
        count = min(max(wanted(configuration, base, excess), least), most)
        if count > service.desired and not suspended.get("DynamicScalingOutSuspended"):
            self._acted[policy.policy_arn] = _Acted(now, base, outwards=True)
            service.desired = count
        elif count < service.desired and not (cooling or self._keeps(service, suspended)):
            self._acted[policy.policy_arn] = _Acted(now, service.desired, outwards=False)
            service.desired = count

    def _keeps(self, service: Service, suspended: Mapping[str, Any]) -> bool:
        return bool(suspended.get("DynamicScalingInSuspended")) or service.primary.rollout_state == "IN_PROGRESS"


def install(sandbox: Sandbox) -> None:
    sandbox.scaling_alarm = StepScaling(sandbox).alarm
