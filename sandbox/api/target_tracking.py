"""Application Auto Scaling acts: target tracking by the sandbox's metrics, with cooldowns and what is suspended."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..fargate.model import Service
from ..laws.target_tracking import LOW_MINUTES, Allowed, Policy, wanted
from ..metrics.queries import Query, evaluate
from ..metrics.store import Metric, Store
from ..periodic import Periodic
from .overlay import patch
from .state import Sandbox

_TICK_SECONDS = 0.5
_DESIRED_COUNT = "ecs:service:DesiredCount"
# https://docs.aws.amazon.com/autoscaling/application/APIReference/API_TargetTrackingScalingPolicyConfiguration.html
_COOLDOWN_SECONDS = 300
_UTILISATION = {
    "ECSServiceAverageCPUUtilization": "CPUUtilization",
    "ECSServiceAverageMemoryUtilization": "MemoryUtilization",
}
_NOTHING_SUSPENDED = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}


@dataclass
class _Acted:
    """When a target was last scaled out and in."""

    out: float = 0.0
    inwards: float = 0.0


class TargetTracking:
    """Looks at every scalable target of a service once a minute of CloudWatch's time."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._looked_at = 0.0
        self._acted: dict[str, _Acted] = {}
        self._loop = Periodic("target tracking", _TICK_SECONDS, lambda: self.tick(time.time()))
        sandbox.keep("target tracking", self, "_acted")

    def start(self) -> None:
        self._loop.start(self._sandbox.stopping)

    def tick(self, now: float) -> None:
        store = self._sandbox.metrics.of(self._sandbox.settings.region)
        if now - self._looked_at < store.seconds(60):
            return
        self._looked_at = now
        with self._sandbox.lock:
            backend = self._sandbox.backend("application-autoscaling")
            for resource, target in list(backend.targets.get(_DESIRED_COUNT, {}).items()):
                bodies = [
                    policy.target_tracking_scaling_policy_configuration
                    for policy in backend.policies.values()
                    if policy.resource_id == resource and policy.policy_type == "TargetTrackingScaling"
                ]
                service = service_of(self._sandbox, resource)
                if bodies and service is not None:
                    self._track(target, service, bodies, now)

    def _track(self, target: Any, service: Service, bodies: list[Mapping[str, Any]], now: float) -> None:
        store = self._sandbox.metrics.of(self._sandbox.settings.region)
        acted = self._acted.setdefault(target.resource_id, _Acted())
        suspended = target.suspended_state or {}
        out_after = min(float(body.get("ScaleOutCooldown", _COOLDOWN_SECONDS)) for body in bodies)
        in_after = max(float(body.get("ScaleInCooldown", _COOLDOWN_SECONDS)) for body in bodies)
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshoot-service-auto-scaling.html
        deploying = service.primary.rollout_state == "IN_PROGRESS"
        recent = max(acted.inwards, acted.out)
        allowed = Allowed(
            not suspended.get("DynamicScalingOutSuspended") and now - acted.out >= store.seconds(out_after),
            not suspended.get("DynamicScalingInSuspended")
            and not deploying
            and now - recent >= store.seconds(in_after),
        )
        policies = [_policy(store, target.resource_id, body, now) for body in bodies]
        bounds = (int(target.min_capacity), int(target.max_capacity))
        count = wanted(policies, service.desired, bounds, allowed)
        if count == service.desired:
            return
        if count > service.desired:
            acted.out = now
        else:
            acted.inwards = now
        service.desired = count


def service_of(sandbox: Sandbox, resource: str) -> Service | None:
    _, cluster, name = resource.split("/")
    return sandbox.fargate.store.services.get((cluster, name))


def bring_into_bounds(sandbox: Sandbox, target: Any) -> None:
    """A count outside of the bounds moves to the nearer one at once."""
    service = service_of(sandbox, target.resource_id)
    if service is not None:
        service.desired = min(max(service.desired, int(target.min_capacity)), int(target.max_capacity))


def _policy(store: Store, resource: str, body: Mapping[str, Any], now: float) -> Policy:
    queries = _queries(resource, body)
    metrics = [query.metric for query in queries if query.metric is not None]
    end = store.slot(min(store.settled(metric, now) for metric in metrics), 60)
    length = store.seconds(60)
    found = evaluate(store, queries, end - LOW_MINUTES * length, end)
    (series,) = (series for query in queries if query.returned for series in found[query.id])
    values = {round(at, 3): value for at, value in series.items()}
    minutes = [values.get(round(end - back * length, 3)) for back in range(LOW_MINUTES, 0, -1)]
    return Policy(float(body["TargetValue"]), minutes, not body.get("DisableScaleIn", False))


def _queries(resource: str, body: Mapping[str, Any]) -> list[Query]:
    """The policy's metric, or its metric math, whose periods are minutes."""
    given = (body.get("CustomizedMetricSpecification") or {}).get("Metrics")
    if given:
        return [
            Query.of({**query, "MetricStat": {**query["MetricStat"], "Period": 60}} if "MetricStat" in query else query)
            for query in given
        ]
    metric, statistic = metric_of(resource, body)
    return [Query("m1", metric.name, True, 60, metric, statistic)]


def metric_of(resource: str, body: Mapping[str, Any]) -> tuple[Metric, str]:
    """What a policy without metric math looks at, and by which statistic."""
    predefined = body.get("PredefinedMetricSpecification")
    if predefined is None:
        custom = body["CustomizedMetricSpecification"]
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in custom.get("Dimensions", [])}
        return Metric.of(custom["Namespace"], custom["MetricName"], dimensions), custom["Statistic"]
    kind = predefined["PredefinedMetricType"]
    if kind in _UTILISATION:
        _, cluster, name = resource.split("/")
        dimensions = {"ClusterName": cluster, "ServiceName": name}
        return Metric.of("AWS/ECS", _UTILISATION[kind], dimensions), "Average"
    group = "targetgroup/" + predefined["ResourceLabel"].partition("/targetgroup/")[2]
    return Metric.of("AWS/ApplicationELB", "RequestCountPerTarget", {"TargetGroup": group}), "Sum"


def install(sandbox: Sandbox) -> None:
    from moto.applicationautoscaling.models import ApplicationAutoscalingBackend

    sandbox.starts.append(TargetTracking(sandbox).start)

    @patch(
        ApplicationAutoscalingBackend,
        "register_scalable_target",
        ("self", "namespace", "r_id", "dimension", "min_capacity", "max_capacity", "role_arn", "suspended_state"),
    )
    def register(original: Any, self: Any, *arguments: Any, **named: Any) -> Any:
        known = self.targets.get(named.get("dimension") or arguments[2], {}).get(named.get("r_id") or arguments[1])
        before = (known.suspended_state if known else None) or _NOTHING_SUSPENDED
        target = original(self, *arguments, **named)
        target.suspended_state = {**before, **(target.suspended_state or {})}
        if target.scalable_dimension == _DESIRED_COUNT:
            bring_into_bounds(sandbox, target)
        return target
