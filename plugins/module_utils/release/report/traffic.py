# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests, errors and response times of both colours during a release, from CloudWatch, with 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from ...aws import cloudwatch
from ...aws.cloudwatch import Metric, Series, Window
from ...aws.session import Aws
from ...rollout.model import Colour
from ...rollout.statistics import quantile_interval
from ...service.location import ServiceLocation
from ..metrics import failed, of_target_group
from .facts import ColourTraffic, Latency, Period

_DAY = 24 * 3600
# How long CloudWatch keeps data points of a period, with an hour to spare.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
_KEPT = ((60, 15 * _DAY - 3600), (300, 63 * _DAY - 3600), (3600, math.inf))
# Traffic before the first weight moved and after the last, to compare with.
_BEFORE_PERIODS, _AFTER_PERIODS = 5, 3
# A chart needs no more points than it has pixels.
_MOST_PERIODS = 360
_QUANTILE = 0.99
_COUNTS = ("requests", "2xx", "3xx", "4xx", "5xx", "refused")
# The middle response time and the number of them: beside what the gates are given.
_MORE = {"p50": "p50", "maximum": "Maximum"}


def window(started_at: float, ended_at: float, now: float) -> Window:
    """The time to show, in the finest periods that CloudWatch still has and that a chart can show."""
    kept = next(period for period, seconds in _KEPT if now - started_at < seconds)
    coarse = math.ceil((ended_at - started_at) / _MOST_PERIODS / 60) * 60
    period = max(kept, coarse)
    start = (math.floor(started_at / period) - _BEFORE_PERIODS) * period
    end = (math.ceil(ended_at / period) + _AFTER_PERIODS) * period
    return Window(start, min(end, now), period)


def read(aws: Aws, location: ServiceLocation, shown: Window) -> dict[Colour, ColourTraffic]:
    """The periods in which a colour had requests, oldest first. A colour without any is missing."""
    metrics: dict[str, Metric] = {}
    for colour in Colour:
        own = of_target_group(location, colour)
        own |= {key: replace(own["p99"], statistic=statistic) for key, statistic in _MORE.items()}
        metrics |= {f"{colour}_{key}": metric for key, metric in own.items()}
    found = {name: dict(points) for name, points in cloudwatch.series(aws, metrics, shown).items()}
    bounds = _bounds(aws, location, shown, found)
    periods = {colour: _periods(colour, found, bounds) for colour in Colour}
    return {colour: ColourTraffic(some, _unanswered(found, colour)) for colour, some in periods.items() if some}


def _unanswered(found: Mapping[str, Mapping[float, float]], colour: Colour) -> int:
    return failed({key: int(sum(found[f"{colour}_{key}"].values())) for key in _COUNTS})[1]


def _size(requests: float) -> int:
    """A round number of values that is not larger: its interval is the wider one, and one query serves many periods."""
    return int(2 ** math.floor(math.log2(requests))) if requests >= 1 else 0


def _levels(size: int) -> tuple[float, float | None]:
    low, high = quantile_interval(_QUANTILE, size)
    return round(low * 100, 4), None if high is None else round(high * 100, 4)


def _bounds(
    aws: Aws, location: ServiceLocation, shown: Window, found: Mapping[str, Mapping[float, float]]
) -> dict[str, dict[float, float]]:
    """The percentiles that bound the p99, by colour and percentile: which they are depends on how many requests there were."""
    percentiles: dict[str, Metric] = {}
    for colour in Colour:
        p99 = of_target_group(location, colour)["p99"]
        for size in {_size(count) for count in found[f"{colour}_timed"].values()}:
            for level in _levels(size):
                if level is not None and 0 < level < 100:
                    percentiles[_name(colour, level)] = replace(p99, statistic=f"p{level:.7g}")
    series: Mapping[str, Series] = cloudwatch.series(aws, percentiles, shown)
    return {name: dict(points) for name, points in series.items()}


def _name(colour: Colour, level: float) -> str:
    return f"{colour}_p{level:.7g}"


def _periods(
    colour: Colour, found: Mapping[str, Mapping[float, float]], bounds: Mapping[str, Mapping[float, float]]
) -> tuple[Period, ...]:
    periods = []
    for at, requests in sorted(found[f"{colour}_requests"].items()):
        if requests < 1:
            continue
        certain, _late = failed({key: int(found[f"{colour}_{key}"].get(at, 0)) for key in _COUNTS})
        middle = found[f"{colour}_p50"].get(at)
        periods.append(Period(at, int(requests), certain, middle, _latency(colour, at, found, bounds)))
    return tuple(periods)


def _latency(
    colour: Colour,
    at: float,
    found: Mapping[str, Mapping[float, float]],
    bounds: Mapping[str, Mapping[float, float]],
) -> Latency | None:
    value, most = found[f"{colour}_p99"].get(at), found[f"{colour}_maximum"].get(at)
    if value is None or most is None:
        return None
    low, high = _levels(_size(found[f"{colour}_timed"].get(at, 0)))
    lowest = _bound(colour, low, at, bounds) or min(value, most)
    highest = most if high is None else _bound(colour, high, at, bounds) or most
    return Latency(value, lowest, highest, bounded=high is not None)


def _bound(colour: Colour, level: float, at: float, bounds: Mapping[str, Mapping[float, float]]) -> float | None:
    """None for the smallest and the largest value, which are no percentiles."""
    return bounds.get(_name(colour, level), {}).get(at)
