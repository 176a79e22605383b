"""Traffic of a report: in the periods that CloudWatch still has, with intervals that follow from the number of requests."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import cloudwatch
from ansible_collections.pear.fargate.plugins.module_utils.aws.cloudwatch import Metric, Series, Window
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.release.report.traffic import read, window
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour
from ansible_collections.pear.fargate.plugins.module_utils.service.location import ServiceLocation

DAY = 86_400.0
BEGAN = 1_764_400_020.0
PLACE = cast(
    ServiceLocation,
    SimpleNamespace(load_balancer_dimension="app/x/1", target_group_dimension=lambda c: f"targetgroup/{c}/1"),
)


@pytest.mark.parametrize(
    ("age", "lasted", "period"),
    [
        pytest.param(0.0, 300.0, 60, id="today"),
        pytest.param(14 * DAY, 300.0, 60, id="two weeks ago"),
        pytest.param(16 * DAY, 300.0, 300, id="minutes are kept for 15 days"),
        pytest.param(64 * DAY, 300.0, 3600, id="five minutes for 63"),
        pytest.param(0.0, 43_200.0, 120, id="a long one in fewer points"),
    ],
)
def test_the_finest_period_that_is_still_there(age: float, lasted: float, period: int) -> None:
    shown = window(BEGAN, BEGAN + lasted, BEGAN + lasted + age)
    assert shown.period_seconds == period
    assert shown.start <= BEGAN - 5 * period + period and shown.start % period == 0
    assert shown.end <= BEGAN + lasted + age


class Cloud:
    """Percentiles answer with themselves in milliseconds; counts with what a test sets."""

    def __init__(self, counts: dict[str, tuple[float, ...]]) -> None:
        self.counts = counts
        self.asked: list[str] = []

    def series(self, aws: Aws, metrics: dict[str, Metric], shown: Window) -> dict[str, Series]:
        return {name: self._points(metric) for name, metric in metrics.items()}

    def _points(self, metric: Metric) -> Series:
        if "green" not in metric.dimensions["TargetGroup"]:
            return ()
        self.asked.append(metric.statistic)
        if metric.statistic.startswith("p"):
            values: tuple[float, ...] = (float(metric.statistic[1:]) / 1000,) * 2
        elif metric.statistic == "Maximum":
            values = (0.5, 0.5)
        else:
            values = self.counts.get(f"{metric.name} {metric.statistic}", ())
        return tuple((BEGAN + 60 * n, value) for n, value in enumerate(values))


def test_the_interval_of_the_p99_is_read_as_percentiles(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = Cloud(
        {
            "RequestCount Sum": (5000.0, 120.0),
            "HTTPCode_Target_2XX_Count Sum": (4900.0, 118.0),
            "HTTPCode_Target_5XX_Count Sum": (60.0, 0.0),
            "TargetConnectionErrorCount Sum": (10.0,),
            "TargetResponseTime SampleCount": (4960.0, 118.0),
        }
    )
    monkeypatch.setattr(cloudwatch, "series", cloud.series)
    found = read(cast(Aws, None), PLACE, Window(BEGAN, BEGAN + 120, 60))
    assert list(found) == [Colour.GREEN], "blue had no requests"
    traffic = found[Colour.GREEN]
    many, few = traffic.periods
    assert (many.requests, many.errors, few.errors) == (5000, 70, 0)
    # 42 requests are accounted for by no answer; ten of these by refused connections.
    assert (traffic.requests, traffic.unanswered, traffic.errors) == (5120, 32, 102)
    assert many.p99 is not None and few.p99 is not None
    assert many.p99.bounded and many.p99.low < many.p99.value < many.p99.high < 0.1
    # Of 118 values the largest may lie below the 99th percentile.
    assert not few.p99.bounded and few.p99.high == 0.5 and few.p99.low < few.p99.value
    assert few.p99.value - few.p99.low > many.p99.value - many.p99.low
    assert len(cloud.asked) <= 14


def test_a_colour_without_a_response_has_no_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = Cloud({"RequestCount Sum": (3.0,)})
    monkeypatch.setattr(cloudwatch, "series", cloud.series)
    monkeypatch.setattr(cloud, "_points", lambda metric: ((BEGAN, 3.0),) if metric.name == "RequestCount" else ())
    (period,) = read(cast(Aws, None), PLACE, Window(BEGAN, BEGAN + 60, 60))[Colour.GREEN].periods
    assert (period.requests, period.p50, period.p99) == (3, None, None)
