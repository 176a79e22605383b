"""What CloudWatch keeps of the samples of one metric in one minute, and the statistics it answers from that."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

# TC(0.5:) counts the values above 0.5, TC(:0.5) the others; the lower bound is left out, the upper one is in.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
_COUNT = re.compile(r"(?i:TC)\((\d+(?:\.\d{1,10})?)?:(\d+(?:\.\d{1,10})?)?\)").fullmatch
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)").fullmatch
_SIMPLE = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")


class UnknownStatistic(ValueError):
    """A statistic outside of the subset that is served here."""


@dataclass
class Samples:
    """A statistic set with its distribution. Values are kept to three digits: percentiles are true to half a percent.

    Reported without a single sample it means zero: a load balancer's minute in which nothing was counted. `complete` is
    false once a statistic set came in whose single values nobody knows; then there are no percentiles.
    """

    count: float = 0.0
    total: float = 0.0
    least: float = math.inf
    most: float = -math.inf
    values: Counter[float] = field(default_factory=Counter)
    complete: bool = True

    def add(self, value: float, count: float = 1.0) -> None:
        self.count += count
        self.total += value * count
        self.least, self.most = min(self.least, value), max(self.most, value)
        self.values[float(f"{value:.3g}")] += count  # type: ignore[assignment]

    def add_set(self, count: float, total: float, least: float, most: float) -> None:
        """A statistic set from PutMetricData. Its distribution is known only where all values are the same."""
        if count == 1 or least == most:
            self.add(least, count)
            return
        self.count += count
        self.total += total
        self.least, self.most = min(self.least, least), max(self.most, most)
        self.complete = False

    def merge(self, other: Samples) -> None:
        self.count += other.count
        self.total += other.total
        self.least, self.most = min(self.least, other.least), max(self.most, other.most)
        self.values.update(other.values)
        self.complete = self.complete and other.complete

    def statistic(self, name: str) -> float | None:
        """The value of a statistic; None where these samples have none. Raises UnknownStatistic."""
        percentile = check_statistic(name)
        if self.count == 0:
            return 0.0
        if bounds := _COUNT(name):
            return self._count(float(bounds[1] or "-inf"), float(bounds[2] or "inf")) if self.complete else None
        if percentile is not None:
            return self._percentile(percentile) if self.complete else None
        return {
            "SampleCount": self.count,
            "Average": self.total / self.count,
            "Sum": self.total,
            "Minimum": self.least,
            "Maximum": self.most,
        }[name]

    def _count(self, above: float, most: float) -> float:
        return float(sum(count for value, count in self.values.items() if above < value <= most))

    def _percentile(self, percent: float) -> float:
        """The smallest value that at least so many percent of the samples do not exceed."""
        rank = max(percent / 100 * self.count, 1e-9)
        seen = 0.0
        for value in sorted(self.values):
            seen += self.values[value]
            if seen >= rank - 1e-9:
                return min(max(value, self.least), self.most)
        return self.most


def check_statistic(name: str) -> float | None:
    """The percent of a percentile, None for the other statistics. Raises UnknownStatistic."""
    if name in _SIMPLE or _COUNT(name):
        return None
    matched = _PERCENTILE(name)
    if matched is None:
        raise UnknownStatistic(
            f"The statistic {name!r} is not served here: {', '.join(_SIMPLE)}, percentiles from p0 to p100, and "
            "trimmed counts of absolute values such as TC(0.5:) are."
        )
    return float(matched[1])


def merged(parts: Iterable[Samples]) -> Samples:
    whole = Samples()
    for part in parts:
        whole.merge(part)
    return whole
