"""All metrics: samples by namespace, name and dimensions, minute by minute, and what a period of them comes to."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .arrival import Arriving, arrives_at
from .samples import Samples, merged

# The scenes of a sandbox last minutes, but the alarm burn-slow looks back for three days of CloudWatch's time; AWS keeps single minutes
# for 15 days.
_KEEP_SECONDS, _KEEP_DAYS = 6 * 3600.0, 3
# Who reports a namespace's metrics does so each second; after this silence there is nothing more to wait for.
_SILENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Metric:
    """What names a metric. Other dimensions, or fewer, are another metric."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> Metric:
        return cls(namespace, name, tuple(sorted(dimensions.items())))


class Regions:
    """A store for each region: a metric is seen in its own region only."""

    def __init__(self, time_factor: float = 1.0) -> None:
        self._factor = time_factor
        self._lock = threading.Lock()
        self._stores: dict[str, Store] = {}

    def of(self, region: str) -> Store:
        with self._lock:
            return self._stores.setdefault(region, Store(self._factor))


class Store:
    """Metrics as CloudWatch has them. One minute of CloudWatch's time lasts 60 / time_factor seconds here."""

    def __init__(self, time_factor: float = 1.0) -> None:
        self._factor = time_factor
        self._lock = threading.Lock()
        self._series: dict[Metric, dict[float, Samples]] = {}
        self._units: dict[Metric, str] = {}
        self._told_until: dict[str, float] = {}
        self._arriving: Arriving[tuple[Metric, float, Samples]] = Arriving()

    def seconds(self, period: float) -> float:
        """How long a period of CloudWatch's time lasts here."""
        return period / self._factor

    def slot(self, at: float, period: float, origin: float = 0.0) -> float:
        """The beginning of the period that a moment is in. Periods begin at whole multiples since the origin, the epoch by default."""
        length = self.seconds(period)
        # A moment that is itself a beginning must not fall into the period before by a rounding error.
        return origin + math.floor((at - origin) / length + 1e-6) * length

    def add(self, metric: Metric, at: float, samples: Samples, unit: str = "None", resolution: int = 60) -> None:
        """Samples of a moment. Standard resolution dates them to the beginning of their minute, as AWS does."""
        with self._lock:
            self._units[metric] = unit
            self._merge(metric, round(self.slot(at, resolution), 6), samples)

    def add_late(self, metric: Metric, at: float, samples: Samples, unit: str = "None") -> None:
        """Samples of a load balancer's node, which CloudWatch has later."""
        slot, minute = round(self.slot(at, 60), 6), self.seconds(60)
        with self._lock:
            self._units[metric] = unit
            self._arriving.send(arrives_at(at, slot + minute, minute), (metric, slot, samples))

    def _merge(self, metric: Metric, slot: float, samples: Samples) -> None:
        series = self._series.setdefault(metric, {})
        if slot not in series:
            series[slot] = Samples()
            kept = max(_KEEP_SECONDS, self.seconds(_KEEP_DAYS * 86_400))
            for old in [entry for entry in series if entry < slot - kept]:
                del series[old]
        series[slot].merge(samples)

    def told_until(self, namespace: str, at: float) -> None:
        """All of a namespace that AWS itself measures is told up to a moment."""
        self._told_until[namespace] = at

    def settled(self, metric: Metric, now: float | None = None) -> float:
        """Up to when the samples of a metric are all here. What AWS measures is shown in whole minutes only."""
        now = time.time() if now is None else now
        if not metric.namespace.startswith("AWS/"):
            return now
        told = self._told_until.get(metric.namespace, 0.0)
        return self.slot(max(told, now - _SILENCE_SECONDS), 60)

    def query(
        self, metric: Metric, start: float, end: float, period: int, now: float | None = None, origin: float = 0.0
    ) -> dict[float, Samples]:
        """The samples of each period that begins within start (rounded down to its minute) and end, and has any.

        Periods begin at whole multiples of themselves since the origin.
        """
        now = time.time() if now is None else now
        first, end = self.slot(start, min(period, 60), origin), min(end, self.settled(metric, now))
        found: dict[float, list[Samples]] = {}
        with self._lock:
            for arrived in self._arriving.take(now):
                self._merge(*arrived)
            for at, samples in self._series.get(metric, {}).items():
                if first - 1e-6 <= at < end:
                    begins = max(self.slot(at, period, origin), first)
                    found.setdefault(round(begins, 6), []).append(samples)
            return {at: merged(parts) for at, parts in sorted(found.items())}

    def unit(self, metric: Metric) -> str:
        return self._units.get(metric, "None")

    def metrics(self) -> Iterator[Metric]:
        with self._lock:
            for arrived in self._arriving.take(time.time()):
                self._merge(*arrived)
            return iter(list(self._series))
