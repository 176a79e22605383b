"""How many tasks a step scaling policy wants once its alarm fires. Pure.

https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def wanted(policy: Mapping[str, Any], count: int, excess: float) -> int:
    """The count after the step that holds `excess`, which is the metric's value less the alarm's threshold."""
    step = next((step for step in policy.get("StepAdjustments", []) if _holds(step, excess)), None)
    if step is None:
        return count
    adjustment = float(step["ScalingAdjustment"])
    if policy["AdjustmentType"] == "ExactCapacity":
        return int(adjustment)
    if policy["AdjustmentType"] == "ChangeInCapacity":
        return count + int(adjustment)
    change = _whole(count * adjustment / 100)
    least = int(policy.get("MinAdjustmentMagnitude") or 0)
    if adjustment and abs(change) < least:
        change = least if adjustment > 0 else -least
    return count + change


def _holds(step: Mapping[str, Any], excess: float) -> bool:
    """Above the threshold a step's lower bound belongs to it, below the threshold its upper bound does."""
    low = float(step.get("MetricIntervalLowerBound", -math.inf))
    high = float(step.get("MetricIntervalUpperBound", math.inf))
    return low <= excess < high if excess >= 0 else low < excess <= high


def _whole(change: float) -> int:
    """Less than one task is one; everything else loses its fraction."""
    if 0 < abs(change) < 1:
        return 1 if change > 0 else -1
    return int(change)
