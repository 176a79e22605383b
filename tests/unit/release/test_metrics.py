"""Metrics of a step: only whole periods after its weights were set, and not before CloudWatch has them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import cloudwatch
from ansible_collections.pear.fargate.plugins.module_utils.aws.cloudwatch import Metric, Series, Window
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.release.metrics import MetricOptions, Metrics
from ansible_collections.pear.fargate.plugins.module_utils.rollout.gates import judge
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    ColourState,
    ErrorGate,
    Fleet,
    Gates,
    Kind,
    LatencyGate,
    Plan,
    Release,
    Result,
    Step,
    Weights,
)
from ansible_collections.pear.fargate.plugins.module_utils.service.location import ServiceLocation

FLEET = Fleet(
    Weights(20, 80), ColourState(Colour.BLUE, healthy=2, running=2), ColourState(Colour.GREEN, healthy=2, running=2)
)
PLACE = cast(
    ServiceLocation,
    SimpleNamespace(load_balancer_dimension="app/x/1", target_group_dimension=lambda c: f"targetgroup/{c}/1"),
)


class Cloud:
    """Answers with what it has, and remembers what it was asked."""

    def __init__(self) -> None:
        self.windows: list[Window] = []
        self.found: dict[str, tuple[float, ...]] = {}

    def series(self, aws: Aws, metrics: dict[str, Metric], window: Window) -> dict[str, Series]:
        self.windows.append(window)
        return {
            name: tuple((window.start + window.period_seconds * place, value) for place, value in enumerate(values))
            for name, values in self.found.items()
        }


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    made = Cloud()
    monkeypatch.setattr(cloudwatch, "series", made.series)
    return made


def metrics(**options: Any) -> Metrics:
    """As configured by default, but for what a test is about."""
    return Metrics(cast(Aws, None), PLACE, MetricOptions(**options))


def release(since: float | None, step: int = 0) -> Release:
    plan = Plan("canary", (Step(20, 300), Step(100)), 120)
    return Release("r", "s", Kind.DEPLOY, "d", Colour.GREEN, Colour.BLUE, plan, 0.0, "me", since=since, step=step)


@pytest.mark.parametrize("now", [100.0, 179.0, 299.9])
def test_nothing_is_read_before_a_whole_period_is_complete(cloud: Cloud, now: float) -> None:
    # Weights set at 100: the first whole minute is 120 to 180, and it is whole two minutes later.
    readings = metrics().readings(release(100.0), FLEET, now)
    assert (readings.candidate, cloud.windows) == (None, [])


def test_the_window_holds_whole_periods_only(cloud: Cloud) -> None:
    metrics().readings(release(100.0), FLEET, 370.0)
    assert cloud.windows == [Window(120, 240, 60)]


def test_counts_are_added_and_the_middle_minute_by_requests_counts(cloud: Cloud) -> None:
    cloud.found = {
        "blue_requests": (100.0, 50.0),
        "blue_2xx": (97.0, 50.0),
        "blue_5xx": (3.0,),
        "blue_p99": (0.2, 0.5),
        "blue_timed": (100.0, 50.0),
        "green_requests": (600.0,),
        "green_2xx": (400.0,),
        "green_3xx": (150.0,),
        "green_4xx": (50.0,),
    }
    readings = metrics().readings(release(100.0), FLEET, 310.0)
    assert readings.candidate is not None
    assert readings.live is not None
    assert (readings.candidate.requests, readings.candidate.errors, readings.candidate.p99_seconds) == (150, 3, 0.2)
    assert (readings.live.requests, readings.live.errors, readings.live.p99_seconds) == (600, 0, None)
    assert readings.looks == 5


def test_a_look_is_spared_until_there_may_be_news(cloud: Cloud) -> None:
    reader, one = metrics(), release(100.0)
    for now in (310.0, 312.0, 320.0, 326.0):
        reader.readings(one, FLEET, now)
    assert len(cloud.windows) == 2


def test_the_next_step_begins_with_nothing_of_the_one_before(cloud: Cloud) -> None:
    reader = metrics()
    reader.readings(release(100.0), FLEET, 310.0)
    readings = reader.readings(release(311.0, step=1), FLEET, 312.0)
    assert readings.candidate is None


ALONE = Fleet(Weights(100, 0), FLEET.blue, FLEET.green)


def test_once_live_has_no_traffic_its_minutes_before_stand_for_it(cloud: Cloud) -> None:
    cloud.found = {
        "blue_requests": (900.0,),
        "green_requests": (800.0, 700.0),
        "green_2xx": (797.0, 700.0),
        "green_5xx": (3.0,),
    }
    reader, baking = metrics(), replace(release(5_000.0, step=2), started_at=4_210.0)
    readings = reader.readings(baking, ALONE, 5_350.0)
    # From fifteen minutes before the release on, to where the candidate's window begins.
    assert cloud.windows == [Window(5_040, 5_220, 60), Window(3_300, 5_040, 60)]
    assert readings.live is not None
    assert (readings.live.requests, readings.live.errors) == (1_500, 3)


def test_in_place_no_minute_of_the_deployment_is_in_the_baseline(cloud: Cloud) -> None:
    """Old and new tasks answer in one target group: a slow version would be compared with itself."""
    in_place = replace(
        release(5_000.0), candidate=Colour.GREEN, plan=Plan("rolling", (Step(100),), 600), started_at=4_030.0
    )
    metrics().readings(in_place, ALONE, 5_300.0)
    assert [(window.start, window.end) for window in cloud.windows] == [(5_040, 5_160), (4_020 - 15 * 60, 4_020)]


def test_what_was_before_is_read_once(cloud: Cloud) -> None:
    reader, baking = metrics(), replace(release(5_000.0, step=2), started_at=4_210.0)
    for now in (5_300.0, 5_400.0, 5_500.0):
        reader.readings(baking, ALONE, now)
    assert [window.start for window in cloud.windows].count(3_300) == 1
    assert len(cloud.windows) == 4


def test_a_good_candidate_passes_its_bake(cloud: Cloud) -> None:
    cloud.found = {
        "blue_requests": (900.0, 900.0),
        "blue_2xx": (900.0, 900.0),
        "blue_p99": (0.020, 0.021),
        "green_requests": (900.0, 900.0),
        "green_2xx": (900.0, 900.0),
        "green_p99": (0.020, 0.022),
    }
    readings = metrics().readings(replace(release(5_000.0, step=2), started_at=4_000.0), ALONE, 5_300.0)
    verdict = judge(Gates(errors=ErrorGate(), latency=LatencyGate()), readings, FLEET.blue, 1)
    assert verdict.result is Result.PASS, verdict.reason


def test_requests_that_met_no_target_are_errors_and_never_more_than_the_requests(cloud: Cloud) -> None:
    cloud.found = {"blue_requests": (100.0,), "blue_2xx": (60.0,), "blue_5xx": (10.0,), "blue_refused": (30.0,)}
    some = metrics().readings(release(100.0), FLEET, 310.0).candidate
    cloud.found = {"blue_requests": (100.0,), "blue_2xx": (60.0,), "blue_5xx": (10.0,), "blue_refused": (300.0,)}
    all_of_them = metrics().readings(release(100.0), FLEET, 310.0).candidate
    assert some is not None
    assert all_of_them is not None
    assert (some.errors, some.unanswered, all_of_them.errors) == (40, 0, 100)


def answers(requests: float, *, ok: float, wrong: float = 0.0) -> dict[str, tuple[float, ...]]:
    """Counts of a minute of one colour, each only where it is not zero."""
    counts = {"requests": requests, "2xx": ok, "5xx": wrong}
    return {name: (count,) for name, count in counts.items() if count}


@pytest.mark.parametrize(
    ("candidate", "live", "result"),
    [
        pytest.param(answers(1000, ok=700), answers(4000, ok=4000), Result.FAIL, id="a version that hangs on 30 %"),
        pytest.param(answers(1000, ok=0), answers(4000, ok=4000), Result.FAIL, id="a version that answers nothing"),
        pytest.param(answers(1000, ok=950), answers(4000, ok=3800), Result.PASS, id="clients leave both alike"),
        pytest.param(answers(1000, ok=990, wrong=10), answers(4000, ok=3960), Result.PASS, id="live hangs as often"),
    ],
)
def test_what_the_load_balancer_answered_itself_is_judged_against_live(
    cloud: Cloud, candidate: dict[str, tuple[float, ...]], live: dict[str, tuple[float, ...]], result: Result
) -> None:
    cloud.found = {f"blue_{name}": count for name, count in candidate.items()}
    cloud.found |= {f"green_{name}": count for name, count in live.items()}
    readings = metrics().readings(release(100.0), FLEET, 310.0)
    verdict = judge(Gates(errors=ErrorGate()), readings, FLEET.blue, 1)
    assert verdict.result is result, verdict.reason
    assert "no target answered" in verdict.reason


MINUTES = 15
GOOD = (0.100,) * (MINUTES - 1)


@pytest.mark.parametrize("bad", range(MINUTES))
def test_one_bad_minute_of_the_baseline_hides_no_slow_version(cloud: Cloud, bad: int) -> None:
    before = [*GOOD[:bad], 0.716, *GOOD[bad:]]
    cloud.found = {
        "blue_requests": (900.0,) * 3,
        "blue_p99": (0.507, 0.498, 0.503),
        "blue_timed": (900.0,) * 3,
        "green_requests": (900.0,) * MINUTES,
        "green_p99": tuple(before),
        "green_timed": (900.0,) * MINUTES,
    }
    readings = metrics().readings(replace(release(5_000.0, step=2), started_at=4_000.0), ALONE, 5_300.0)
    assert readings.live is not None
    assert (len(readings.live.samples), readings.live.answered) == (3, (900, 900, 900))
    verdict = judge(Gates(latency=LatencyGate()), readings, FLEET.blue, 1)
    assert verdict.result is Result.FAIL, verdict.reason
    assert "p99 503 ms (498 to 507 ms in 3 periods) of 2700 requests against live's 100 ms" in verdict.reason


@pytest.mark.parametrize("slow", [(0.9, 0.1, 0.1, 0.1), (0.1, 0.1, 0.1, 0.9)])
def test_one_slow_minute_with_few_requests_fails_no_version(cloud: Cloud, slow: tuple[float, ...]) -> None:
    cloud.found = {
        "blue_requests": (900.0,) * 4,
        "blue_p99": slow,
        "blue_timed": tuple(20.0 if seconds > 0.5 else 900.0 for seconds in slow),
        "green_requests": (900.0,) * MINUTES,
        "green_p99": (0.1,) * MINUTES,
        "green_timed": (900.0,) * MINUTES,
    }
    readings = metrics().readings(replace(release(5_000.0, step=2), started_at=4_000.0), ALONE, 5_300.0)
    assert judge(Gates(latency=LatencyGate()), readings, FLEET.blue, 1).result is Result.PASS


def test_most_of_the_requests_being_slow_fails_a_version_however_many_minutes_were_fast(cloud: Cloud) -> None:
    cloud.found = {
        "blue_requests": (3_000.0,),
        "blue_p99": (0.1, 0.1, 0.1, 0.9),
        "blue_timed": (10.0, 10.0, 10.0, 3_000.0),
        "green_requests": (900.0,) * MINUTES,
        "green_p99": (0.1,) * MINUTES,
        "green_timed": (900.0,) * MINUTES,
    }
    readings = metrics().readings(replace(release(5_000.0, step=2), started_at=4_000.0), ALONE, 5_300.0)
    assert readings.candidate is not None
    assert readings.candidate.p99_seconds == 0.9
    assert judge(Gates(latency=LatencyGate()), readings, FLEET.blue, 1).result is not Result.PASS
