"""Lines of a log that carry metrics, as CloudWatch reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.metrics.emf import points
from sandbox.metrics.store import Metric


def line(dimensions: list[list[str]], **fields: Any) -> str:
    names = [{"Name": "took", "Unit": "Seconds"}]
    about = {"Namespace": "Shop", "Dimensions": dimensions, "Metrics": names}
    return json.dumps({"_aws": {"Timestamp": 60_000, "CloudWatchMetrics": [about]}, **fields})


def test_each_set_of_dimensions_is_a_metric() -> None:
    found = points(line([["service"], ["service", "route"]], took=0.5, service="shop", route="/buy"))
    assert [one.metric for one in found] == [
        Metric.of("Shop", "took", {"service": "shop"}),
        Metric.of("Shop", "took", {"service": "shop", "route": "/buy"}),
    ]
    assert {(one.at, one.unit, one.samples.statistic("Sum")) for one in found} == {(60.0, "Seconds", 0.5)}


@pytest.mark.parametrize(
    ("value", "count", "total"),
    [
        pytest.param(3, 1, 3, id="a number"),
        pytest.param([1, 2], 2, 3, id="numbers"),
        pytest.param({"Values": [1, 5], "Counts": [2, 1]}, 3, 7, id="values with counts"),
        pytest.param({"Count": 4, "Sum": 8, "Min": 1, "Max": 3}, 4, 8, id="a statistic set"),
    ],
)
def test_a_value_is_a_number_numbers_or_a_set(value: Any, count: float, total: float) -> None:
    (found,) = points(line([[]], took=value))
    assert (found.samples.statistic("SampleCount"), found.samples.statistic("Sum")) == (count, total)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param("_aws", id="no JSON"),
        pytest.param('{"_aws": ', id="broken JSON"),
        pytest.param('{"_aws": {"CloudWatchMetrics": []}}', id="no time"),
        pytest.param(line([["service"]], took=1), id="a dimension that leads nowhere"),
        pytest.param(line([["service"]], took=1, service=7), id="a dimension that is no text"),
        pytest.param(line([[]]), id="no value"),
        pytest.param(line([[]], took="fast"), id="a value that is no number"),
        pytest.param(line([[]], took=True), id="a value that is a truth"),
    ],
)
def test_what_is_not_in_the_format_is_only_a_line(message: str) -> None:
    assert points(message) == []
