"""The state of a metric alarm from its latest data points, by AWS's rules for missing ones."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"
# So many more periods than are evaluated are looked at, to have real data points in place of missing ones.
MORE_PERIODS = 2
_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_SAID = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


@dataclass(frozen=True)
class Condition:
    """When an alarm is in ALARM: so many of the last periods beyond a threshold."""

    comparison: str
    threshold: float
    periods: int
    to_alarm: int
    missing: str = "missing"

    @property
    def served(self) -> bool:
        """Comparisons with an anomaly band are not."""
        return self.comparison in _COMPARISONS


@dataclass(frozen=True)
class Verdict:
    """A state, and the reason that DescribeAlarms gives for it."""

    state: str
    reason: str


def judge(condition: Condition, points: Sequence[float | None], present: str) -> Verdict:
    """The state by the evaluation range's points, oldest first, None for a missing one; `present` is the state so far.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    real = [point for point in points if point is not None]
    breaching = [point for point in real if _breaches(condition, point)]
    lacking = condition.periods - len(real)
    if lacking <= 0:
        latest = real[-condition.periods :]
        number = sum(_breaches(condition, point) for point in latest)
        return _verdict(condition, ALARM if number >= condition.to_alarm else OK, latest)
    if condition.missing == "breaching":
        return _verdict(condition, ALARM if len(breaching) + lacking >= condition.to_alarm else OK, real)
    if condition.missing == "notBreaching":
        return _verdict(condition, ALARM if len(breaching) >= condition.to_alarm else OK, real)
    if not real:
        state = present if condition.missing == "ignore" else INSUFFICIENT_DATA
        return Verdict(state, f"Insufficient Data: {condition.periods} datapoints were unknown.")
    if len(breaching) >= condition.to_alarm:
        return _verdict(condition, ALARM, real)
    if len(breaching) < len(real):
        return _verdict(condition, OK, real)
    # All there are breach, yet they are too few. ALARM, once the oldest of them is old enough that no later data point
    # can make it a false one; until then nothing changes.
    age = len(points) - next(at for at, point in enumerate(points) if point is not None)
    if condition.missing == "missing" and age >= condition.to_alarm:
        return _verdict(condition, ALARM, real)
    return _verdict(condition, present, real)


def _breaches(condition: Condition, value: float) -> bool:
    return bool(_COMPARISONS[condition.comparison](value, condition.threshold))


def _verdict(condition: Condition, state: str, points: Sequence[float]) -> Verdict:
    number = sum(_breaches(condition, point) for point in points)
    said = (
        f"{number} out of the last {condition.periods} datapoints [{', '.join(f'{point:g}' for point in points)}] were"
    )
    lacking = max(0, condition.periods - len(points))
    missing = f"; {lacking} were missing and treated as [{condition.missing}]" if lacking else ""
    comparison = f"{_SAID[condition.comparison]} the threshold ({condition.threshold:g})"
    return Verdict(
        state,
        f"Threshold Crossed: {said} {comparison}{missing}"
        f" (minimum {condition.to_alarm} datapoint(s) for OK -> ALARM transition).",
    )
