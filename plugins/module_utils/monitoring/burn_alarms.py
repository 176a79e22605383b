# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Alarms on how fast an error budget is spent: over a long and a short time at once, at several rates. Pure.

The long time makes sure that the budget is at stake, the short one that it still is. https://sre.google/workbook/alerting-on-slos/
An alarm's metrics have one period, so each time is an alarm of its own, that tells nobody, and a composite alarm joins them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..aws.naming import COLOURS
from .alarm_parts import Rule
from .objectives import Objective
from .observed import Observed, failed, of_balancer, of_failures, sum_of

_HOUR = 3600


@dataclass(frozen=True)
class Burn:
    """`budget_percent` of the budget is spent within `long_seconds`, and at that rate in the last `short_seconds` too.

    Of 30 days these are the rates 14.4, 6 and 1 of the workbook. One period of seven days is the longest that CloudWatch
    evaluates. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """

    kind: str
    budget_percent: float
    long_seconds: int
    short_seconds: int

    def rate(self, objective: Objective) -> float:
        """How many times faster than in the objective's own time the budget is spent.

        At least once: below that a service meets its objective, and of a few days that would be no small part of the budget.
        """
        return max(1.0, self.budget_percent / 100 * _seconds(objective) / self.long_seconds)

    def spent_percent(self, objective: Objective) -> float:
        """How much of the budget is gone after the long time at that rate."""
        return 100 * self.rate(objective) * self.long_seconds / _seconds(objective)

    def threshold_percent(self, objective: Objective) -> float:
        """The share of bad requests at that rate."""
        return round(self.rate(objective) * objective.allowed_percent, 6)


BURNS = (
    Burn("burn-fast", 2, _HOUR, 300),
    Burn("burn-fast", 5, 6 * _HOUR, 1800),
    Burn("burn-slow", 10, 72 * _HOUR, 6 * _HOUR),
)
_MEANING = {"burn-fast": "so fast that it will not last", "burn-slow": "faster than it should be"}


def burn_alarms(observed: Observed, objectives: Sequence[Objective]) -> list[dict[str, Any]]:
    """For each objective the alarms of its times, and one for each kind of burn. A worker is sent no requests."""
    if not observed.target_groups:
        return []
    return [alarm for objective in objectives for alarm in _of_objective(observed, objective)]


def _of_objective(observed: Observed, objective: Objective) -> list[dict[str, Any]]:
    # No share of bad requests is above 100 %: an objective that allows much cannot be missed that fast.
    burns = [burn for burn in BURNS if burn.threshold_percent(objective) < 100]
    windows: dict[str, dict[str, Any]] = {}
    for burn in burns:
        for seconds in (burn.long_seconds, burn.short_seconds):
            alarm = _window(observed, objective, burn, seconds)
            windows[alarm["name"]] = alarm
    return [
        *windows.values(),
        *(_joined(observed, objective, kind, burns) for kind in dict.fromkeys(b.kind for b in burns)),
    ]


def _joined(observed: Observed, objective: Objective, kind: str, burns: Sequence[Burn]) -> dict[str, Any]:
    pairs = [
        " AND ".join(
            f'ALARM("{_name(observed, objective, burn, seconds)}")'
            for seconds in (burn.long_seconds, burn.short_seconds)
        )
        for burn in burns
        if burn.kind == kind
    ]
    spent = ", or ".join(
        f"{burn.spent_percent(objective):.3g} % of it within {_length(burn.long_seconds)}"
        for burn in burns
        if burn.kind == kind
    )
    return {
        "name": f"{observed.names.alarm_prefix}{kind}-{objective.name}",
        "description": f"The error budget of {objective.name} is spent {_MEANING[kind]}: {spent}. The objective: {objective.promise}.",
        "rule": " OR ".join(f"({pair})" for pair in pairs),
    }


def _name(observed: Observed, objective: Objective, burn: Burn, seconds: int) -> str:
    return (
        f"{observed.names.alarm_prefix}burn-window-{objective.name}-{_length(seconds)}-of-{_length(burn.long_seconds)}"
    )


def _seconds(objective: Objective) -> int:
    return objective.window_days * 24 * _HOUR


def _length(seconds: int) -> str:
    return f"{seconds // _HOUR}h" if seconds >= _HOUR else f"{seconds // 60}m"


def _window(observed: Observed, objective: Objective, burn: Burn, seconds: int) -> dict[str, Any]:
    threshold = burn.threshold_percent(objective)
    bad, total = bad_and_total(objective)
    judged = {
        "id": "judged",
        "expression": f"IF({total} >= {objective.minimum_requests}, 100 * ({bad}) / ({total} + ({total} < 1)), 0)",
        "label": "bad requests in percent",
    }
    metrics = [{**metric, "period_seconds": seconds} for metric in budget_metrics(observed, objective)]
    return {
        "name": _name(observed, objective, burn, seconds),
        "description": f"More than {threshold:g} % of the requests of {_length(seconds)} were bad: {burn.rate(objective):.3g} times what "
        f"{objective.name} allows. Only the alarm {burn.kind}-{objective.name} looks at it.",
        "metrics": [*metrics, judged],
        # Nobody asked, nothing was bad.
        **Rule(">", threshold, 1, 1, "notBreaching").options(),
    }


def budget_metrics(observed: Observed, objective: Objective) -> list[dict[str, Any]]:
    """What an objective is computed from, of both colours; by the ids that `bad_and_total` names."""
    if not objective.is_latency:
        return of_failures(observed)
    return [
        *of_balancer(observed, "slow", "TargetResponseTime", objective.slow_statistic),
        *of_balancer(observed, "answered", "TargetResponseTime", "SampleCount"),
    ]


def bad_and_total(objective: Objective) -> tuple[str, str]:
    """Bad requests and all of them, as metric math."""
    if objective.is_latency:
        return sum_of(["slow"], COLOURS), sum_of(["answered"], COLOURS)
    return failed(COLOURS), sum_of(["requests"], COLOURS)
