"""CloudWatch's embedded metric format: which samples a line of a log carries. Pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .samples import Samples
from .store import Metric

_VALUES_OF_ONE = 100
_METRICS_OF_ONE = 100
_DIMENSIONS_OF_ONE = 30


@dataclass(frozen=True)
class Point:
    """What one line says about one metric."""

    metric: Metric
    at: float
    samples: Samples
    unit: str
    resolution: int


def points(message: str) -> list[Point]:
    """Return what a log event says; nothing where it is not in the format, which is how CloudWatch treats it too."""
    if not message.startswith("{") or '"_aws"' not in message:
        return []
    try:
        said = json.loads(message)
    except ValueError:
        return []
    about = said.get("_aws")
    if not isinstance(about, dict) or not _is_number(about.get("Timestamp")):
        return []
    directives = about.get("CloudWatchMetrics")
    if not isinstance(directives, list):
        return []
    return [
        point
        for directive in directives
        if isinstance(directive, dict)
        for point in _directive(directive, said, about["Timestamp"])
    ]


def _directive(directive: Mapping[str, Any], said: Mapping[str, Any], milliseconds: float) -> Iterator[Point]:
    metrics, sets = directive.get("Metrics") or [], directive.get("Dimensions") or []
    if not directive.get("Namespace") or len(metrics) > _METRICS_OF_ONE:
        return
    for declared in metrics:
        samples = _samples(said.get(declared["Name"]))
        if samples is None:
            continue
        for names in sets:
            dimensions = _dimensions(names, said)
            if dimensions is not None:
                metric = Metric.of(str(directive["Namespace"]), declared["Name"], dimensions)
                resolution = int(declared.get("StorageResolution") or 60)
                yield Point(metric, milliseconds / 1000, samples, declared.get("Unit") or "None", resolution)


def _dimensions(names: Sequence[str], said: Mapping[str, Any]) -> dict[str, str] | None:
    """None where a name leads nowhere: its set is left out."""
    if len(names) > _DIMENSIONS_OF_ONE or not all(isinstance(said.get(name), str) and said[name] for name in names):
        return None
    return {name: said[name] for name in names}


def _samples(value: Any) -> Samples | None:
    """A number, numbers, values with counts, or a statistic set; None for what CloudWatch would not take."""
    samples = Samples()
    if _is_number(value):
        samples.add(float(value))
    elif isinstance(value, list) and 0 < len(value) <= _VALUES_OF_ONE and all(map(_is_number, value)):
        for number in value:
            samples.add(float(number))
    elif isinstance(value, dict) and value.get("Values") and len(value["Values"]) == len(value.get("Counts") or []):
        for number, count in zip(value["Values"], value["Counts"], strict=True):
            samples.add(float(number), float(count))
    elif isinstance(value, dict) and all(_is_number(value.get(name)) for name in ("Count", "Sum", "Min", "Max")):
        samples.add_set(*(float(value[name]) for name in ("Count", "Sum", "Min", "Max")))
    else:
        return None
    return samples


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
