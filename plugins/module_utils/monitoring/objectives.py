# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Service level objectives: which share of the requests has to be good, and how much of the error budget is left. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")
# CloudWatch keeps the data points of an hour for 455 days; an objective of a longer time moves too slowly to act on.
_DAYS = (1, 90)


@dataclass(frozen=True)
class Objective:
    """`target_percent` of the requests of the last `window_days` are answered, or answered within `threshold_seconds`."""

    name: str
    target_percent: float
    window_days: int = 28
    threshold_seconds: float | None = None
    minimum_requests: int = 100

    @property
    def allowed_percent(self) -> float:
        """The share of the requests that may be bad: the error budget."""
        return round(100 - self.target_percent, 9)

    @property
    def is_latency(self) -> bool:
        return self.threshold_seconds is not None

    @property
    def promise(self) -> str:
        good = f"are answered within {self.threshold_seconds:g} s" if self.is_latency else "do not fail"
        return f"{self.target_percent:g} % of the requests of {self.window_days} days {good}"

    @property
    def slow_statistic(self) -> str:
        """How many response times were longer than the threshold, as a statistic of CloudWatch.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
        """
        return f"TC({self.threshold_seconds:g}:)"


@dataclass(frozen=True)
class Budget:
    """How far an objective is met: the requests of its time, and the bad ones among them."""

    objective: Objective
    requests: int
    bad: int

    @property
    def is_known(self) -> bool:
        """A handful of requests says nothing."""
        return self.requests >= self.objective.minimum_requests

    @property
    def left_percent(self) -> float:
        """Of the budget. Negative where more than all of it is spent."""
        if not self.requests:
            return 100.0
        return 100 - 100 * self.bad / (self.requests * self.objective.allowed_percent / 100)

    @property
    def is_spent(self) -> bool:
        return self.is_known and self.left_percent <= 0

    def __str__(self) -> str:
        objective = self.objective
        if not self.is_known:
            return (
                f"error budget of {objective.name}: {self.requests} requests in {objective.window_days} days, too few to "
                f"tell (needs {objective.minimum_requests})"
            )
        what = f"took longer than {objective.threshold_seconds:g} s" if objective.is_latency else "failed"
        return (
            f"error budget of {objective.name}: {self.left_percent:.1f} % left ({self.bad:,} of {self.requests:,} requests of "
            f"{objective.window_days} days {what}, {objective.allowed_percent:g} % may)"
        )


def objectives(options: Sequence[Mapping[str, Any]]) -> list[Objective]:
    """The objectives of an inventory. Options that were not given are missing, or none."""
    given = ({key: value for key, value in option.items() if value is not None} for option in options)
    return [
        Objective(
            str(option["name"]),
            float(option["target_percent"]),
            int(option.get("window_days", Objective.window_days)),
            float(option["threshold_seconds"]) if "threshold_seconds" in option else None,
            int(option.get("minimum_requests", Objective.minimum_requests)),
        )
        for option in given
    ]


def problems(found: Sequence[Objective]) -> Iterator[str]:
    """What is wrong with objectives, each as a sentence that names the value."""
    names = [objective.name for objective in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"objective {name} is named {names.count(name)} times"
    for objective in found:
        where = f"objective {objective.name}"
        if not _NAME.fullmatch(objective.name):
            yield f"{where}: a name has at most 30 lower case letters, digits and hyphens, and begins with a letter"
        if not 0 < objective.target_percent < 100:
            yield f"{where}: target_percent {objective.target_percent:g} is not between 0 and 100; 100 leaves no budget"
        if not _DAYS[0] <= objective.window_days <= _DAYS[1]:
            yield f"{where}: window_days {objective.window_days} is not from {_DAYS[0]} to {_DAYS[1]}"
        if objective.threshold_seconds is not None and objective.threshold_seconds <= 0:
            yield f"{where}: threshold_seconds {objective.threshold_seconds:g} is not above 0"
        if objective.minimum_requests < 1:
            yield f"{where}: minimum_requests {objective.minimum_requests} is not above 0"
