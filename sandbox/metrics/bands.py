"""Anomaly detection, simplified: what a metric's past lets expect, without AWS's seasons and trends."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence

# AWS learns from two weeks, and begins with what there is.
PAST_PERIODS = 180
_LEAST_POINTS = 15
# A metric that never moved has no deviation: some is left to it, as AWS's bands are never a line.
_LEAST_SHARE = 0.01
_BAND = re.compile(r"\s*ANOMALY_DETECTION_BAND\(\s*\w+\s*(?:,\s*(\d+(?:\.\d+)?)\s*)?\)\s*")
_DEVIATIONS = 2.0


class InvalidBand(ValueError):
    """An expression that is no band."""


def deviations(expression: str) -> float:
    """Half of the band's width in standard deviations. Raises InvalidBand."""
    found = _BAND.fullmatch(expression)
    if found is None:
        raise InvalidBand(f"{expression!r} is not ANOMALY_DETECTION_BAND(metric, deviations).")
    return float(found[1] or _DEVIATIONS)


def bounds(past: Sequence[float], width: float) -> tuple[float, float] | None:
    """Lower and upper bound; None where the past is too short to say anything."""
    if len(past) < _LEAST_POINTS:
        return None
    middle = statistics.fmean(past)
    half = width * max(statistics.pstdev(past), _LEAST_SHARE * abs(middle))
    return middle - half, middle + half
