# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Autoscaling of an ECS service: the desired state and its differences from Application Auto Scaling's. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .schedule_expressions import schedule_findings

_KEYS = {
    "policies": ("name", "metric", "target", "queue", "custom_metric"),
    "step_policies": ("name",),
    "schedules": ("name", "minimum", "maximum"),
}
# Documented by the module autoscaling_service.
CUSTOM_METRIC: dict[str, Any] = {
    "namespace": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "dimensions": {"type": "dict", "default": {}},
    "statistic": {
        "type": "str",
        "choices": ["Average", "Minimum", "Maximum", "SampleCount", "Sum"],
        "default": "Average",
    },
}
# Messages for each running task. Where none runs, all of them wait for one.
BACKLOG = "waiting / IF(FILL(running, 0) > 1, running, 1)"
_PREDEFINED = {
    "cpu": "ECSServiceAverageCPUUtilization",
    "memory": "ECSServiceAverageMemoryUtilization",
    "requests": "ALBRequestCountPerTarget",
}


@dataclass(frozen=True)
class Scaling:
    """Current or desired state: bounds, and policies and scheduled actions by name."""

    minimum: int | None = None
    maximum: int | None = None
    policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    schedules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # Names of policies and scheduled actions that others made.
    foreign: Sequence[str] = ()

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        return (self.minimum, self.maximum)


@dataclass(frozen=True)
class Plan:
    """Changes, applied in the order of the fields."""

    bounds: tuple[int, int] | None = None
    put_policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    put_schedules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    delete_policies: Sequence[str] = ()
    delete_schedules: Sequence[str] = ()


def plan(current: Scaling, desired: Scaling) -> Plan:
    """Compare. Bounds that schedules of the service have set are no difference: one may set the minimum, and another the maximum."""
    actions = [schedule["ScalableTargetAction"] for schedule in desired.schedules.values()]
    minima = {desired.minimum, *(action["MinCapacity"] for action in actions if "MinCapacity" in action)}
    maxima = {desired.maximum, *(action["MaxCapacity"] for action in actions if "MaxCapacity" in action)}
    is_set = current.minimum in minima and current.maximum in maxima
    move = not is_set and desired.minimum is not None and desired.maximum is not None
    return Plan(
        (desired.minimum, desired.maximum) if move else None,  # type: ignore[arg-type]
        {name: policy for name, policy in desired.policies.items() if current.policies.get(name) != policy},
        {name: action for name, action in desired.schedules.items() if current.schedules.get(name) != action},
        tuple(name for name, policy in current.policies.items() if not _same_type(policy, desired.policies.get(name))),
        tuple(name for name in current.schedules if name not in desired.schedules),
    )


def _same_type(policy: Mapping[str, Any], desired: Mapping[str, Any] | None) -> bool:
    """A policy that is not wanted goes, and so does one of another type, before its name is used again."""
    return desired is not None and policy.get("PolicyType") == desired.get("PolicyType")


@dataclass(frozen=True)
class Scaled:
    """What is scaled, as the dimensions of metrics name it."""

    cluster: str
    service: str
    # Load balancer and target group; empty for a worker.
    resource_label: str = ""


def policy(option: Mapping[str, Any], scaled: Scaled) -> dict[str, Any]:
    """TargetTrackingScalingPolicyConfiguration of one policy of the module's option."""
    configuration: dict[str, Any] = {
        "TargetValue": float(option["target"]),
        "ScaleInCooldown": option["scale_in_cooldown_seconds"],
        "ScaleOutCooldown": option["scale_out_cooldown_seconds"],
        "DisableScaleIn": option["disable_scale_in"],
    }
    kind = option["metric"]
    if kind == "backlog":
        return configuration | {"CustomizedMetricSpecification": {"Metrics": _backlog(option["queue"], scaled)}}
    if kind == "custom":
        custom = option["custom_metric"]
        dimensions = [
            {"Name": name, "Value": str(value)} for name, value in sorted((custom["dimensions"] or {}).items())
        ]
        return configuration | {
            "CustomizedMetricSpecification": {
                "Namespace": custom["namespace"],
                "MetricName": custom["name"],
                "Dimensions": dimensions,
                "Statistic": custom["statistic"],
            }
        }
    specification = {"PredefinedMetricType": _PREDEFINED[kind]}
    if kind == "requests":
        specification["ResourceLabel"] = scaled.resource_label
    return configuration | {"PredefinedMetricSpecification": specification}


def _backlog(queue: str, scaled: Scaled) -> list[dict[str, Any]]:
    """Messages that wait, for each task that runs.

    https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking-metric-math.html
    """
    return [
        _stat("waiting", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Sum", {"QueueName": queue}),
        _stat(
            "running",
            "ECS/ContainerInsights",
            "RunningTaskCount",
            "Average",
            {"ClusterName": scaled.cluster, "ServiceName": scaled.service},
        ),
        {
            "Id": "backlog",
            "Expression": BACKLOG,
            "Label": f"messages of {queue} for each task",
            "ReturnData": True,
        },
    ]


def _stat(id: str, namespace: str, metric: str, statistic: str, dimensions: Mapping[str, str]) -> dict[str, Any]:
    named = [{"Name": name, "Value": value} for name, value in sorted(dimensions.items())]
    return {
        "Id": id,
        "MetricStat": {
            "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": named},
            "Stat": statistic,
        },
        "ReturnData": False,
    }


def schedule(option: Mapping[str, Any]) -> dict[str, Any]:
    """What PutScheduledAction takes for one schedule of the module's option."""
    bounds = {"MinCapacity": option["minimum"], "MaxCapacity": option["maximum"]}
    return {
        "Schedule": option["when"],
        "Timezone": option["timezone"],
        "ScalableTargetAction": {key: value for key, value in bounds.items() if value is not None},
    }


def foreign(names: Iterable[str], own: str) -> list[str]:
    """What others made: a policy and a scheduled action carry no tags, so the beginning of the name is the mark."""
    return sorted(name for name in names if not name.startswith(own))


def known_policies(found: Iterable[Mapping[str, Any]], own: str) -> dict[str, dict[str, Any]]:
    """Our policies by the name of the option, as policy() and step_scaling write them; one of another type is kept apart by its type."""
    return {
        policy["PolicyName"].removeprefix(own): _known(policy)
        for policy in found
        if policy["PolicyName"].startswith(own)
    }


def _known(found: Mapping[str, Any]) -> dict[str, Any]:
    if found["PolicyType"] == "StepScaling":
        return {"PolicyType": "StepScaling", **found["StepScalingPolicyConfiguration"]}
    if found["PolicyType"] != "TargetTrackingScaling":
        return {"PolicyType": found["PolicyType"]}
    configuration = {"DisableScaleIn": False, **found["TargetTrackingScalingPolicyConfiguration"]}
    custom = configuration.get("CustomizedMetricSpecification")
    if custom and "Metrics" not in custom:
        dimensions = sorted(custom.get("Dimensions", []), key=lambda dimension: dimension["Name"])
        configuration["CustomizedMetricSpecification"] = {**custom, "Dimensions": dimensions}
    return configuration


def known_schedules(
    found: Iterable[Mapping[str, Any]], own: str, leave: Callable[[str], bool]
) -> dict[str, dict[str, Any]]:
    """Our scheduled actions by the name of the option, without those that belong to releases."""
    return {
        action["ScheduledActionName"].removeprefix(own): {
            "Schedule": action["Schedule"],
            "Timezone": action.get("Timezone", "UTC"),
            "ScalableTargetAction": dict(action.get("ScalableTargetAction", {})),
        }
        for action in found
        if action["ScheduledActionName"].startswith(own) and not leave(action["ScheduledActionName"])
    }


def problems(params: Mapping[str, Any]) -> list[str]:
    """A sentence for each invalid setting, with its option."""
    without = {
        "worker": "no load balancer sends a worker requests",
        "network": "a network load balancer sees no requests",
    }
    workers = [
        f"policies.{policy['name']}: metric is requests, and {without[params['kind']]}"
        for policy in params["policies"]
        if policy["metric"] == "requests" and params.get("kind") in without
    ]
    steps = [
        f"step_policies.{policy['name']}: only a worker has one ECS service for good; of one that gets requests each release may change it"
        for policy in params["step_policies"]
        if params.get("kind") != "worker"
    ]
    return [*_problems(params, ""), *workers, *steps, *schedule_findings(params["schedules"], "schedules", "when")]


def variable_findings(values: Mapping[str, Any]) -> Iterator[str]:
    """The same of a service's variables, before a release: autoscaling is written after it. Wrong types are found elsewhere."""
    if values.get("service_single_writer") is True:
        # Any of them is refused.
        return
    bounds = {key: values.get(f"autoscaling_{key}") for key in ("minimum", "maximum")}
    listed: dict[str, Any] = {key: values.get(f"autoscaling_{key}") or [] for key in _KEYS}
    if all(isinstance(found, list) and all(isinstance(item, Mapping) for item in found) for found in listed.values()):
        filled = {key: [{**dict.fromkeys(_KEYS[key]), **item} for item in found] for key, found in listed.items()}
        # The specification of the role names what is missing.
        filled["policies"] = [
            policy for policy in filled["policies"] if policy["metric"] and _is_number(policy["target"])
        ]
        if all(number is None or isinstance(number, int) for number in bounds.values()):
            yield from _problems({**bounds, **filled}, "autoscaling_")


def variable_warnings(values: Mapping[str, Any]) -> Iterator[str]:
    """Target tracking multiplies the present count. A step adds to it, or sets it."""
    if any(_starts_from_zero(policy) for policy in values.get("autoscaling_step_policies") or []):
        return
    schedules = [item for item in values.get("autoscaling_schedules") or [] if isinstance(item, Mapping)]
    if values.get("autoscaling_minimum") == 0 and not any(schedule.get("minimum") for schedule in schedules):
        yield (
            "autoscaling_minimum is 0, and no autoscaling_schedules sets a minimum above it: policies multiply the number of tasks, so "
            "once none runs none is started. Keep one task, set the minimum by schedules, or add a task by autoscaling_step_policies"
        )


def _starts_from_zero(policy: Any) -> bool:
    """A percentage of no tasks is none."""
    return (
        isinstance(policy, Mapping)
        and policy.get("adjustment") != "percent"
        and any(isinstance(step, Mapping) and _positive(step.get("adjustment")) for step in policy.get("steps") or [])
    )


def _positive(value: Any) -> bool:
    return _is_number(value) and value > 0


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _problems(params: Mapping[str, Any], prefix: str) -> Iterator[str]:
    minimum, maximum = params["minimum"], params["maximum"]
    low, high, policies = f"{prefix}minimum", f"{prefix}maximum", f"{prefix}policies"
    listed = [kind for kind in _KEYS if params[kind]]
    if minimum is not None and maximum is not None and minimum > maximum:
        yield f"{low} is {minimum} and {high} {maximum}: the minimum must not be above the maximum"
    if (minimum is None) != (maximum is None):
        yield f"{low} and {high} belong together: set both, or neither for no autoscaling"
    if minimum is None and listed:
        words = " and ".join(f"{prefix}{kind}" for kind in listed)
        yield f"{words} need a minimum and a maximum to move between"
    # Policies of both types share their names.
    for kinds in (("policies", "step_policies"), ("schedules",)):
        names = [item["name"] for kind in kinds for item in params[kind]]
        where = " and ".join(f"{prefix}{kind}" for kind in kinds if params[kind])
        yield from (f"{where}: {name} is there twice" for name in sorted({*names}, key=str) if names.count(name) > 1)
    for policy in params["policies"]:
        where = f"{policies}.{policy['name']}"
        if policy["target"] <= 0:
            yield f"{where}.target is {policy['target']}; it must be above 0"
        if policy["metric"] in {"cpu", "memory"} and policy["target"] > 100:
            yield f"{where}.target is {policy['target']}; percents end at 100"
        if (policy["metric"] == "custom") != bool(policy["custom_metric"]):
            yield f"{where}: custom_metric belongs to metric custom, and to no other"
        if (policy["metric"] == "backlog") != bool(policy["queue"]):
            yield f"{where}: queue belongs to metric backlog, and to no other"
    for schedule in params["schedules"]:
        if schedule["minimum"] is None and schedule["maximum"] is None:
            yield f"{prefix}schedules.{schedule['name']} sets neither minimum nor maximum"
