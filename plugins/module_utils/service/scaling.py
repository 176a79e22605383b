# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Autoscaling of an ECS service: what is wanted, and what of it differs from what Application Auto Scaling has. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_PREDEFINED = {
    "cpu": "ECSServiceAverageCPUUtilization",
    "memory": "ECSServiceAverageMemoryUtilization",
    "requests": "ALBRequestCountPerTarget",
}


@dataclass(frozen=True)
class Scaling:
    """What is, or what should be: bounds, and policies and scheduled actions by name."""

    minimum: int | None = None
    maximum: int | None = None
    policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    schedules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        return (self.minimum, self.maximum)


@dataclass(frozen=True)
class Plan:
    """What must be written, in the order of the fields."""

    bounds: tuple[int, int] | None = None
    put_policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    put_schedules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    delete_policies: Sequence[str] = ()
    delete_schedules: Sequence[str] = ()


def plan(is_now: Scaling, wanted: Scaling) -> Plan:
    """Compare; a schedule of ours may have moved the bounds, and that is no difference."""
    allowed = {wanted.bounds} | {
        (one.get("MinCapacity", wanted.minimum), one.get("MaxCapacity", wanted.maximum))
        for one in (schedule["ScalableTargetAction"] for schedule in wanted.schedules.values())
    }
    move = is_now.bounds not in allowed and wanted.minimum is not None and wanted.maximum is not None
    return Plan(
        (wanted.minimum, wanted.maximum) if move else None,  # type: ignore[arg-type]
        {name: one for name, one in wanted.policies.items() if is_now.policies.get(name) != one},
        {name: one for name, one in wanted.schedules.items() if is_now.schedules.get(name) != one},
        tuple(name for name in is_now.policies if name not in wanted.policies),
        tuple(name for name in is_now.schedules if name not in wanted.schedules),
    )


def policy(option: Mapping[str, Any], resource_label: str) -> dict[str, Any]:
    """TargetTrackingScalingPolicyConfiguration of one policy of the module's option."""
    configuration: dict[str, Any] = {
        "TargetValue": float(option["target"]),
        "ScaleInCooldown": option["scale_in_cooldown_seconds"],
        "ScaleOutCooldown": option["scale_out_cooldown_seconds"],
        "DisableScaleIn": option["disable_scale_in"],
    }
    kind = option["metric"]
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
        specification["ResourceLabel"] = resource_label
    return configuration | {"PredefinedMetricSpecification": specification}


def schedule(option: Mapping[str, Any]) -> dict[str, Any]:
    """What PutScheduledAction takes for one schedule of the module's option."""
    bounds = {"MinCapacity": option["minimum"], "MaxCapacity": option["maximum"]}
    return {
        "Schedule": option["when"],
        "Timezone": option["timezone"],
        "ScalableTargetAction": {key: value for key, value in bounds.items() if value is not None},
    }


def known_policies(found: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Policies by name, as policy() writes them; one of another type is kept apart by its type."""
    return {one["PolicyName"]: _known(one) for one in found}


def _known(found: Mapping[str, Any]) -> dict[str, Any]:
    if found["PolicyType"] != "TargetTrackingScaling":
        return {"PolicyType": found["PolicyType"]}
    configuration = {"DisableScaleIn": False, **found["TargetTrackingScalingPolicyConfiguration"]}
    custom = configuration.get("CustomizedMetricSpecification")
    if custom:
        dimensions = sorted(custom.get("Dimensions", []), key=lambda one: one["Name"])
        configuration["CustomizedMetricSpecification"] = {**custom, "Dimensions": dimensions}
    return configuration


def known_schedules(found: Iterable[Mapping[str, Any]], leave: str) -> dict[str, dict[str, Any]]:
    """Scheduled actions by name, without the one that belongs to releases."""
    return {
        one["ScheduledActionName"]: {
            "Schedule": one["Schedule"],
            "Timezone": one.get("Timezone", "UTC"),
            "ScalableTargetAction": dict(one.get("ScalableTargetAction", {})),
        }
        for one in found
        if one["ScheduledActionName"] != leave
    }


def problems(params: Mapping[str, Any]) -> list[str]:
    """A sentence for each setting that makes no sense, the option named."""
    minimum, maximum = params["minimum"], params["maximum"]
    found = []
    if minimum is not None and maximum is not None and minimum > maximum:
        found.append(f"minimum is {minimum} and maximum {maximum}: the minimum must not be above the maximum")
    if (minimum is None) != (maximum is None):
        found.append("minimum and maximum belong together: set both, or neither for no autoscaling")
    if minimum is None and (params["policies"] or params["schedules"]):
        found.append("policies and schedules need a minimum and a maximum to move between")
    for kind in ("policies", "schedules"):
        names = [one["name"] for one in params[kind]]
        found += [f"{kind}: {name} is there twice" for name in sorted(set(names)) if names.count(name) > 1]
    for one in params["policies"]:
        if one["target"] <= 0:
            found.append(f"policies.{one['name']}.target is {one['target']}; it must be above 0")
        if one["metric"] in {"cpu", "memory"} and one["target"] > 100:
            found.append(f"policies.{one['name']}.target is {one['target']}; percents end at 100")
        if (one["metric"] == "custom") != bool(one["custom_metric"]):
            found.append(f"policies.{one['name']}: custom_metric belongs to metric custom, and to no other")
    for one in params["schedules"]:
        if one["minimum"] is None and one["maximum"] is None:
            found.append(f"schedules.{one['name']} sets neither minimum nor maximum")
        if not one["when"].startswith(("at(", "cron(", "rate(")):
            found.append(f"schedules.{one['name']}.when is {one['when']!r}; it must be at(…), cron(…) or rate(…)")
    return found
