"""What CloudWatch keeps of the samples of one metric in one minute, and the statistics it answers from that."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

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
        if percentile is not None:
            return self._percentile(percentile) if self.complete else None
        return {
            "SampleCount": self.count,
            "Average": self.total / self.count,
            "Sum": self.total,
            "Minimum": self.least,
            "Maximum": self.most,
        }[name]

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
    if name in _SIMPLE:
        return None
    matched = _PERCENTILE(name)
    if matched is None:
        raise UnknownStatistic(
            f"The statistic {name!r} is not served here: {', '.join(_SIMPLE)} and percentiles from p0 to p100 are."
        )
    return float(matched[1])


def merged(parts: Iterable[Samples]) -> Samples:
    whole = Samples()
    for part in parts:
        whole.merge(part)
    return whole
