# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What CloudWatch says of both colours over one window: the load balancer's counts and times, and metrics of the user's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..aws import cloudwatch
from ..aws.cloudwatch import Metric, Series, Window
from ..aws.session import Aws
from ..rollout.model import Colour, Counts, Fleet, Readings, Release, Traffic
from ..rollout.statistics import weighted_median
from ..service.location import ServiceLocation

_NAMESPACE = "AWS/ApplicationELB"
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
# RequestCount counts a request for which a target was chosen. A 502 or 504 that the load balancer then answers itself is
# counted for the load balancer only: of a target group, it is a request that no HTTPCode_Target_* counts.
_COUNTS = {
    "requests": ("RequestCount", "Sum"),
    "2xx": ("HTTPCode_Target_2XX_Count", "Sum"),
    "3xx": ("HTTPCode_Target_3XX_Count", "Sum"),
    "4xx": ("HTTPCode_Target_4XX_Count", "Sum"),
    "5xx": ("HTTPCode_Target_5XX_Count", "Sum"),
    "refused": ("TargetConnectionErrorCount", "Sum"),
}
_ANSWERED = ("2xx", "3xx", "4xx", "5xx")
# Both have a data point in the same periods: those in which a target answered.
_TIMES = {"p99": ("TargetResponseTime", "p99"), "timed": ("TargetResponseTime", "SampleCount")}
# Every look costs money and tells little before the next period has passed.
_LOOKS_PER_PERIOD = 4
# With all traffic on the candidate live answers nothing: its last minutes before and during the release stand for it.
_BASELINE_PERIODS = 15


@dataclass(frozen=True)
class MetricOptions:
    """How CloudWatch is read: its period, and how late a period is complete. Both in seconds."""

    period_seconds: int = 60
    delay_seconds: int = 120
    bounds: Mapping[str, Metric] = field(default_factory=dict)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> MetricOptions:
        bounds = {
            metric["name"]: Metric(
                metric["namespace"], metric["metric"], metric["statistic"], dict(metric["dimensions"])
            )
            for metric in options["metrics"]
        }
        return cls(options["period_seconds"], options["delay_seconds"], bounds)


@dataclass
class Metrics:
    """Reads the window of a step again only when there may be something new in it."""

    aws: Aws
    location: ServiceLocation
    options: MetricOptions
    _read_at: float = -math.inf
    _read_for: tuple[str, int, float | None] = ("", 0, None)
    _last: Readings = field(default_factory=Readings)
    _baseline: Mapping[str, Series] | None = None
    _baseline_of: str = ""

    def readings(self, release: Release, fleet: Fleet, now: float) -> Readings:
        """Traffic of both colours since this step's weights were set. Nothing at all where no period is complete yet."""
        step = (release.id, release.step, release.since)
        fresh = now - self._read_at < self.options.period_seconds / _LOOKS_PER_PERIOD
        if fresh and step == self._read_for:
            return self._last
        self._read_at, self._read_for = now, step
        self._last = self._read(release, fleet, now)
        return self._last

    def _read(self, release: Release, fleet: Fleet, now: float) -> Readings:
        window = self._window(release, now)
        if window is None:
            return Readings()
        metrics: dict[str, Metric] = dict(self.options.bounds)
        # A network load balancer counts flows and resets for all of its target groups together, which says nothing of a colour.
        if not fleet.routed or fleet.of_connections:
            return Readings(metrics=cloudwatch.values(self.aws, metrics, window))
        beside = not release.in_place and fleet.share(release.live) > 0
        for colour in (release.candidate, release.live) if beside else (release.candidate,):
            metrics |= self._of_colour(colour)
        found = cloudwatch.series(self.aws, metrics, window)
        candidate = _traffic(found, release.candidate)
        return Readings(
            candidate=candidate,
            live=_traffic(found, release.live) if beside else self._before(release, window, len(candidate.samples)),
            looks=_looks(release, self.options.period_seconds),
            metrics={name: _values(found, name) for name in self.options.bounds},
        )

    def _before(self, release: Release, window: Window, periods: int) -> Traffic:
        """Live's traffic until it had none. It does not change any more, so it is read once.

        Times of as many periods as the candidate has are compared, the newest. Counts are kept of all: the newest alone, in
        which live had a small share already, may be too few to judge by.
        """
        if self._baseline is None or self._baseline_of != release.id:
            start = math.floor(release.started_at / window.period_seconds) - _BASELINE_PERIODS
            # In place the same target group answers for both: its minutes before the deployment are the baseline.
            began = math.floor(release.started_at / window.period_seconds) * window.period_seconds
            end = began if release.in_place else window.start
            earlier = Window(max(0, start * window.period_seconds), end, window.period_seconds)
            self._baseline = cloudwatch.series(self.aws, self._of_colour(release.live), earlier)
            self._baseline_of = release.id
        return _traffic(self._baseline, release.live, periods)

    def _of_colour(self, colour: Colour) -> dict[str, Metric]:
        return {f"{colour}_{key}": metric for key, metric in of_target_group(self.location, colour).items()}

    def _window(self, release: Release, now: float) -> Window | None:
        """Whole periods after the weights were set: an earlier one would hold traffic of the step before."""
        period = self.options.period_seconds
        since = release.since if release.since is not None else now
        start = math.ceil(since / period) * period
        end = math.floor((now - self.options.delay_seconds) / period) * period
        return Window(start, end, period) if end > start else None


def of_target_group(location: ServiceLocation, colour: Colour) -> dict[str, Metric]:
    """What the load balancer measures of a colour, by the names that `failed` and its callers know."""
    dimensions = {
        "LoadBalancer": location.load_balancer_dimension,
        "TargetGroup": location.target_group_dimension(colour),
    }
    return {
        key: Metric(_NAMESPACE, name, statistic, dimensions) for key, (name, statistic) in {**_COUNTS, **_TIMES}.items()
    }


def whole_balancer_errors(location: ServiceLocation) -> Metric:
    """5xx that the load balancer answered itself, to requests of all services behind it."""
    dimensions = {"LoadBalancer": location.load_balancer_dimension}
    return Metric(_NAMESPACE, "HTTPCode_ELB_5XX_Count", "Sum", dimensions)


def failed(counts: Mapping[str, int]) -> tuple[int, int]:
    """The requests that failed for certain, and those that no answer of a target accounts for."""
    counted = _counts(counts)
    return counted.errors - counted.unanswered, counted.unanswered


def _counts(found: Mapping[str, int]) -> Counts:
    return Counts(found["requests"], sum(found[name] for name in _ANSWERED), found["5xx"], found["refused"])


def _values(found: Mapping[str, Series], name: str) -> tuple[float, ...]:
    return tuple(value for _time, value in found.get(name, ()))


def _traffic(found: Mapping[str, Series], colour: Colour, periods: int | None = None) -> Traffic:
    # Where nothing happened CloudWatch has no data point: a target group without requests has none at all.
    samples, timed = _values(found, f"{colour}_p99"), _values(found, f"{colour}_timed")
    weights = timed if len(timed) == len(samples) else (1.0,) * len(samples)
    if periods is not None:
        samples, weights = samples[-periods:] if periods else (), weights[-periods:] if periods else ()
    points = {name: dict(found.get(f"{colour}_{name}", ())) for name in _COUNTS}
    times = sorted({at for values in points.values() for at in values})
    by_period = {at: _counts({name: int(values.get(at, 0)) for name, values in points.items()}) for at in times}
    counted = sum(by_period.values(), Counts(0, 0))
    return Traffic(
        requests=counted.requests,
        errors=counted.errors,
        unanswered=counted.unanswered,
        p99_seconds=weighted_median(samples, weights),
        samples=samples,
        answered=tuple(map(int, weights)),
        periods=by_period,
    )


def _looks(release: Release, period_seconds: int) -> int:
    """How many times this step's verdict can change: once per period; each look takes its share of the allowed error."""
    steps = release.plan.steps
    duration = steps[release.step].duration_seconds if release.step < len(steps) else release.plan.bake_seconds
    return max(1, duration // period_seconds)
