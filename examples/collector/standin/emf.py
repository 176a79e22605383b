"""Readings as log events in CloudWatch's embedded metric format, with deltas for what only grows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .config import Declaration
from .exposition import Labels, Reading

_GROWING = {"counter", "histogram", "summary"}


@dataclass(frozen=True)
class Total:
    """What a reading had come to."""

    value: float
    count: float


class Deltas:
    """What has been added since the reading before. The first is kept whole: the collector starts with its app."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, Labels], Total] = {}

    def of(self, readings: Iterable[Reading]) -> list[Reading]:
        return [
            self._delta(reading) if reading.kind in _GROWING else reading
            for reading in readings
            if not math.isnan(reading.value)
        ]

    def _delta(self, now: Reading) -> Reading:
        total = Total(now.value, now.count or 0.0)
        before = self._before.get((now.name, now.labels), Total(0.0, 0.0))
        self._before[now.name, now.labels] = total
        if total.value < before.value or total.count < before.count:
            before = Total(0.0, 0.0)  # the app began anew
        count = None if now.count is None else total.count - before.count
        return replace(now, value=total.value - before.value, count=count)


def events(
    readings: Iterable[Reading], added: Mapping[str, str], namespace: str, declared: Sequence[Declaration], at_ms: int
) -> list[dict[str, Any]]:
    """One event per set of labels and kind, as the exporter groups them. What is not declared is a field and no metric."""
    groups: dict[tuple[Labels, str], list[Reading]] = {}
    for reading in readings:
        groups.setdefault((reading.labels, reading.kind), []).append(reading)
    made = []
    for (labels, _kind), group in groups.items():
        fields: dict[str, Any] = {**dict(labels), **added}
        directives = _directives(group, fields, namespace, declared)
        fields |= {entry.name: _value(entry) for entry in group}
        if directives:
            fields["_aws"] = {"Timestamp": at_ms, "CloudWatchMetrics": directives}
        made.append(fields)
    return made


def _directives(
    group: Sequence[Reading], labels: Mapping[str, Any], namespace: str, declared: Sequence[Declaration]
) -> list[dict[str, Any]]:
    """Metrics with the same sets of dimensions share a directive."""
    names: dict[tuple[tuple[str, ...], ...], list[dict[str, str]]] = {}
    for entry in group:
        matching = [rule for rule in declared if any(pattern.search(entry.name) for pattern in rule.selectors)]
        sets = {
            dimensions: None for rule in matching for dimensions in rule.dimensions if set(dimensions) <= set(labels)
        }
        if sets:
            names.setdefault(tuple(sets), []).append({"Name": entry.name})
    return [
        {"Namespace": namespace, "Dimensions": [list(names) for names in sets], "Metrics": metrics}
        for sets, metrics in names.items()
    ]


def _value(reading: Reading) -> Any:
    if reading.count is None:
        return reading.value
    # The text format has no extremes; the exporter sends zeros for them.
    return {"Count": reading.count, "Sum": reading.value, "Min": 0.0, "Max": 0.0}
