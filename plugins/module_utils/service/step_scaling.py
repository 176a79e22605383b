# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Step scaling of a worker: a policy with its steps, and the alarm that calls it. Pure.

Target tracking multiplies the present count, so it starts nothing from zero; a step adds tasks, or sets their number.
https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from .scaling import BACKLOG, CUSTOM_METRIC, Scaled

TYPE = "StepScaling"
ADJUSTMENTS = {
    "change": "ChangeInCapacity",
    "percent": "PercentChangeInCapacity",
    "exact": "ExactCapacity",
}
_STEP = {"at": {"type": "float", "required": True}, "adjustment": {"type": "int", "required": True}}
# Documented by the module autoscaling_service.
ARGUMENTS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "metric": {"type": "str", "choices": ["messages", "backlog", "custom"], "required": True},
    "queue": {"type": "str"},
    "custom_metric": {"type": "dict", "options": CUSTOM_METRIC},
    "comparison": {"type": "str", "choices": [">=", ">", "<=", "<"], "default": ">="},
    "steps": {"type": "list", "elements": "dict", "required": True, "options": _STEP},
    "adjustment": {"type": "str", "choices": [*ADJUSTMENTS], "default": "change"},
    "minimum_adjustment": {"type": "int"},
    "periods": {"type": "int", "default": 1},
    "period_seconds": {"type": "int", "default": 60},
    "cooldown_seconds": {"type": "int", "default": 300},
}


def policy(option: Mapping[str, Any]) -> dict[str, Any]:
    """StepScalingPolicyConfiguration of one policy of the module's option, with its type.

    AWS counts the bounds of a step from the alarm's threshold; the option has values of the metric.
    """
    steps, start = option["steps"], threshold(option)
    values: list[float | None] = [step["at"] for step in steps]
    beyond = [None if value is None else value - start for value in [*values[1:], None]]
    outer, inner = "MetricIntervalUpperBound", "MetricIntervalLowerBound"
    if not _is_upwards(option):
        outer, inner = inner, outer
    found: dict[str, Any] = {
        "PolicyType": TYPE,
        "AdjustmentType": ADJUSTMENTS[option["adjustment"]],
        "StepAdjustments": [
            {
                inner: step["at"] - start,
                **({} if end is None else {outer: end}),
                "ScalingAdjustment": step["adjustment"],
            }
            for step, end in zip(steps, beyond, strict=True)
        ],
        "Cooldown": option["cooldown_seconds"],
        "MetricAggregationType": "Average",
    }
    if option["minimum_adjustment"] is not None:
        found["MinAdjustmentMagnitude"] = option["minimum_adjustment"]
    return found


def threshold(option: Mapping[str, Any]) -> float:
    """The alarm's threshold: where the first step begins."""
    return float(option["steps"][0]["at"])


def alarm(option: Mapping[str, Any], name: str, metrics: Sequence[Mapping[str, Any]], arn: str) -> dict[str, Any]:
    """The alarm that calls the policy, as cloudwatch_alarms takes it. Without data it changes no count."""
    return {
        "name": name,
        "description": f"Scales by the policy {option['name']}; tells nobody.",
        "comparison": option["comparison"],
        "threshold": threshold(option),
        "band_deviations": None,
        "rule": None,
        "periods": option["periods"],
        "datapoints": None,
        "missing_data": "missing",
        "actions_enabled": True,
        "starts_in_alarm": False,
        "alarm_actions": [arn],
        "ok_actions": [],
        "insufficient_data_actions": [],
        "metrics": list(metrics),
    }


def metrics(option: Mapping[str, Any], scaled: Scaled) -> list[dict[str, Any]]:
    """What the alarm watches: the waiting messages of a queue, these for each running task, or a metric of the user's."""
    period = option["period_seconds"]
    if option["metric"] == "custom":
        custom = option["custom_metric"]
        named = (custom["namespace"], custom["name"], custom["statistic"])
        return [_metric("custom", *named, custom["dimensions"] or {}, period)]
    waiting = "ApproximateNumberOfMessagesVisible"
    queue = _metric("waiting", "AWS/SQS", waiting, "Average", {"QueueName": option["queue"]}, period)
    if option["metric"] == "messages":
        return [queue]
    tasks = {"ClusterName": scaled.cluster, "ServiceName": scaled.service}
    return [
        queue,
        _metric("running", "ECS/ContainerInsights", "RunningTaskCount", "Average", tasks, period),
        {
            "id": "backlog",
            "expression": BACKLOG,
            "label": f"messages of {option['queue']} for each task",
        },
    ]


def findings(policies: Sequence[Mapping[str, Any]], where: str) -> Iterator[str]:
    """A sentence for each policy that AWS would refuse, or that could never act."""
    for option in policies:
        here, steps = f"{where}.{option['name']}", option["steps"]
        if not steps:
            yield f"{here} has no steps"
            continue
        if (option["metric"] == "custom") != bool(option["custom_metric"]):
            yield f"{here}: custom_metric belongs to metric custom, and to no other"
        if (option["metric"] == "custom") == bool(option["queue"]):
            yield f"{here}: queue belongs to the metrics messages and backlog, and to no other"
        away = "above" if _is_upwards(option) else "below"
        for step, following in pairwise(steps):
            if step["at"] == following["at"] or (following["at"] > step["at"]) != _is_upwards(option):
                yield (
                    f"{here}: with comparison {option['comparison']} each step begins {away} the one before it, and "
                    f"{following['at']:g} follows {step['at']:g}"
                )
        if option["adjustment"] == "exact" and any(step["adjustment"] < 0 for step in steps):
            yield f"{here}: an exact number of tasks is not below 0"
        if option["minimum_adjustment"] is not None and option["adjustment"] != "percent":
            yield f"{here}: minimum_adjustment belongs to adjustment percent"


def variable_findings(values: Mapping[str, Any], is_worker: bool) -> Iterator[str]:
    """The same of a service's variables, before a release. The specification of the role names what is missing and wrong types."""
    where = "autoscaling_step_policies"
    policies = values.get(where)
    if not isinstance(policies, list) or values.get("service_single_writer") is True:
        return
    if policies and not is_worker:
        yield (
            f"{where} is set, and service_kind is not worker: a step's alarm calls the policy of one ECS service, and a release of a "
            "service with requests may change it. Use autoscaling_policies"
        )
    defaults = {name: option.get("default") for name, option in ARGUMENTS.items()}
    whole = [{**defaults, **option} for option in policies if isinstance(option, Mapping) and _is_whole(option)]
    yield from findings(whole, where)


def _is_whole(option: Mapping[str, Any]) -> bool:
    steps = option.get("steps")
    return (
        {"name", "metric"} <= option.keys()
        and isinstance(steps, list)
        and all(isinstance(step, Mapping) and _numbers(step) for step in steps)
    )


def _numbers(step: Mapping[str, Any]) -> bool:
    return all(isinstance(step.get(key), (int, float)) for key in ("at", "adjustment"))


def _metric(
    id: str, namespace: str, metric: str, statistic: str, dimensions: Mapping[str, str], period: int
) -> dict[str, Any]:
    return {
        "id": id,
        "namespace": namespace,
        "metric": metric,
        "statistic": statistic,
        "dimensions": {name: str(value) for name, value in dimensions.items()},
        "period_seconds": period,
    }


def _is_upwards(option: Mapping[str, Any]) -> bool:
    return option["comparison"] in (">", ">=")
