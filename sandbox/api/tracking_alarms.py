"""The alarms of target tracking policies: one above the target, one below, which show when the service is scaled.

moto makes two as well, of the CPU for every policy, and forgets them when a policy is put again. Who scales is target_tracking.py,
which looks at the same metric.
https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
"""

from __future__ import annotations

import uuid
from typing import Any

from ..laws.target_tracking import HIGH_MINUTES, LOW_MINUTES, LOW_SHARE
from .overlay import patch
from .state import Sandbox
from .target_tracking import metric_of

_PUT_SCALING_POLICY = (
    "self", "policy_name", "service_namespace", "resource_id", "scalable_dimension", "policy_body", "policy_type",
)  # fmt: skip


def install(sandbox: Sandbox) -> None:
    from moto.applicationautoscaling.models import ApplicationAutoscalingBackend, FakeApplicationAutoscalingPolicy

    @patch(FakeApplicationAutoscalingPolicy, "_generate_ecs_alarms", ("self",))
    def none_of_motos(original: Any, self: Any) -> list[Any]:
        return []

    @patch(ApplicationAutoscalingBackend, "put_scaling_policy", _PUT_SCALING_POLICY)
    def put_scaling_policy(original: Any, self: Any, **named: Any) -> Any:
        place = (named[key] for key in ("service_namespace", "resource_id", "scalable_dimension", "policy_name"))
        known = self.policies.get(FakeApplicationAutoscalingPolicy.formulate_key(*place))
        policy = original(self, **named)
        if known is not None:
            # It is the same policy with another content: alarms call it by its ARN.
            policy.policy_arn, policy.creation_time = known.policy_arn, known.creation_time
        if policy.service_namespace == "ecs":
            _bring_alarms(policy, [] if known is None else [alarm.name for alarm in known.alarms])
        return policy


def _bring_alarms(policy: Any, names: list[str]) -> None:
    """Put the alarms that the policy needs, under the names that it has them by, and delete what it has besides."""
    from moto.backends import get_backend

    cloudwatch = get_backend("cloudwatch")[policy.account_id][policy.region_name]
    policy.alarms = [cloudwatch.put_metric_alarm(**alarm) for alarm in _alarms(policy, names)]
    kept = {alarm.name for alarm in policy.alarms}
    cloudwatch.delete_alarms([name for name in names if name not in kept])


def _alarms(policy: Any, names: list[str]) -> list[dict[str, Any]]:
    body = policy.target_tracking_scaling_policy_configuration
    if body is None:
        return []
    target = float(body["TargetValue"])
    kinds = [("High", "GreaterThanThreshold", target, HIGH_MINUTES)]
    if not body.get("DisableScaleIn", False):
        kinds.append(("Low", "LessThanThreshold", target * LOW_SHARE, LOW_MINUTES))
    return [
        {
            "name": _name(policy, kind, names),
            "description": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy.policy_arn}.",
            "comparison_operator": comparison,
            "threshold": threshold,
            "evaluation_periods": minutes,
            "alarm_actions": [policy.policy_arn],
            **_watched(policy.resource_id, body),
        }
        for kind, comparison, threshold, minutes in kinds
    ]


def _name(policy: Any, kind: str, names: list[str]) -> str:
    begin = f"TargetTracking-{policy.resource_id}-Alarm{kind}-"
    return next((name for name in names if name.startswith(begin)), f"{begin}{uuid.uuid4()}")


def _watched(resource: str, body: dict[str, Any]) -> dict[str, Any]:
    """The metric of the policy, or its metric math."""
    given = (body.get("CustomizedMetricSpecification") or {}).get("Metrics")
    nothing: dict[str, Any] = {"namespace": None, "metric_name": None, "period": None, "statistic": None}
    if given:
        return {**nothing, "dimensions": [], "metric_data_queries": [_query(query) for query in given]}
    metric, statistic = metric_of(resource, body)
    return {
        "namespace": metric.namespace,
        "metric_name": metric.name,
        "dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
        "statistic": statistic,
        "period": 60,
    }


def _query(given: dict[str, Any]) -> Any:
    from moto.cloudwatch import models

    # Their types are those of a form's texts.
    made: Any = models
    stat = None
    if found := given.get("MetricStat"):
        named = found["Metric"]
        dimensions = [made.Dimension(each["Name"], each["Value"]) for each in named.get("Dimensions", [])]
        metric = made.Metric(named["MetricName"], named["Namespace"], dimensions)
        stat = made.MetricStat(metric, 60, found["Stat"], found.get("Unit"))
    return made.MetricDataQuery(
        given["Id"], given.get("Label"), None, given.get("ReturnData", True), given.get("Expression"), stat
    )
