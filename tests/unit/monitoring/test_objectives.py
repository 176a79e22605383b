"""Service level objectives: error budgets, alarms on how fast they are spent, within what CloudWatch evaluates."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.pear.fargate.plugins.filter.monitoring import service_alarms, service_dashboard
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.alarm_parts import kind_of
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.alarms import problems, request
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.burn_alarms import BURNS, burn_alarms
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.objectives import (
    Budget,
    Objective,
    objectives,
)
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.objectives import problems as wrong_in
from hypothesis import given
from hypothesis import strategies as st

from sandbox.metrics.rules import holds

from .given import ENVIRONMENT, validated

MONTH = Objective("availability", 99.9, 30)
SLOS: list[dict[str, Any]] = [
    {"name": "availability", "target_percent": 99.9, "window_days": 30, "threshold_seconds": None},
    {"name": "latency", "target_percent": 99, "threshold_seconds": 0.5},
]


def made(slos: list[dict[str, Any]] = SLOS, **more: Any) -> dict[str, dict[str, Any]]:
    own = service_alarms(ENVIRONMENT, "scores", slos=slos, tell=["page"], tell_warnings=["mail"], **more)
    return {alarm["name"].removeprefix("staging/scores/"): alarm for alarm in own if "burn-" in alarm["name"]}


def test_the_rates_of_thirty_days_are_those_of_the_workbook() -> None:
    assert [pytest.approx(burn.rate(MONTH)) for burn in BURNS] == [14.4, 6, 1]
    assert [(burn.long_seconds, burn.short_seconds) for burn in BURNS] == [(3600, 300), (21600, 1800), (259200, 21600)]
    assert [burn.threshold_percent(MONTH) for burn in BURNS] == [pytest.approx(found) for found in (1.44, 0.6, 0.1)]


@given(st.floats(50, 99.999), st.integers(1, 90))
def test_a_service_that_meets_its_objective_fires_none(target: float, days: int) -> None:
    objective = Objective("a", target, days)
    assert all(burn.threshold_percent(objective) >= objective.allowed_percent - 1e-6 for burn in BURNS)


def test_of_a_few_days_the_alarms_tell_how_much_is_spent() -> None:
    alarms = made([{"name": "week", "target_percent": 99, "window_days": 7}])
    assert "faster than it should be: 42.9 % of it within 72h." in alarms["burn-slow-week"]["description"]
    assert alarms["burn-window-week-72h-of-72h"]["threshold"] == 1
    assert "2 % of it within 1h, or 5 % of it within 6h." in alarms["burn-fast-week"]["description"]


def test_each_objective_has_its_times_and_two_alarms_that_tell() -> None:
    alarms = made()
    for name in ("availability", "latency"):
        assert alarms[f"burn-fast-{name}"]["alarm_actions"] == ["page"]
        assert alarms[f"burn-slow-{name}"]["alarm_actions"] == ["mail"]
    windows = [alarm for name, alarm in alarms.items() if kind_of(name) == "burn-window"]
    assert len(windows) == 12 and not any(alarm["alarm_actions"] for alarm in windows)


def test_cloudwatch_takes_every_one_of_them() -> None:
    alarms = validated(list(made().values()))
    assert problems(alarms) == []
    for alarm in alarms:
        asked = request(alarm)
        if "AlarmRule" in asked:
            continue
        periods = {query["MetricStat"]["Period"] for query in asked["Metrics"] if "MetricStat" in query}
        assert len(periods) == 1, "the metrics of an alarm have one period"
        assert periods.pop() * asked["EvaluationPeriods"] <= 604_800


@pytest.mark.parametrize(
    ("firing", "fast", "slow"),
    [
        ((), False, False),
        (("1h-of-1h",), False, False),
        (("5m-of-1h",), False, False),
        (("1h-of-1h", "5m-of-1h"), True, False),
        (("6h-of-6h", "5m-of-1h"), False, False),
        (("6h-of-6h", "30m-of-6h"), True, False),
        (("72h-of-72h", "6h-of-72h"), False, True),
    ],
)
def test_it_fires_where_a_long_and_its_short_time_do(firing: tuple[str, ...], fast: bool, slow: bool) -> None:
    alarms = made()
    prefix = "staging/scores/"
    states = {
        f"{prefix}{name}": "ALARM" if name.removeprefix("burn-window-availability-") in firing else "OK"
        for name in alarms
    }
    assert holds(alarms["burn-fast-availability"]["rule"], states) is fast
    assert holds(alarms["burn-slow-availability"]["rule"], states) is slow


def test_an_objective_that_allows_much_has_no_alarm_that_could_never_fire() -> None:
    alarms = made([{"name": "latency", "target_percent": 90, "threshold_seconds": 0.1, "window_days": 30}])
    assert "1h-of-1h" not in alarms["burn-fast-latency"]["rule"] and "6h-of-6h" in alarms["burn-fast-latency"]["rule"]
    assert all(alarm["threshold"] < 100 for alarm in alarms.values() if "threshold" in alarm)


def test_slow_requests_are_counted_by_their_response_times() -> None:
    (alarm,) = [alarm for name, alarm in made().items() if name == "burn-window-latency-5m-of-1h"]
    assert {(metric["metric"], metric["statistic"]) for metric in alarm["metrics"][:-1]} == {
        ("TargetResponseTime", "TC(0.5:)"),
        ("TargetResponseTime", "SampleCount"),
    }


def test_a_worker_has_none() -> None:
    assert made(kind="worker") == {}


@pytest.mark.parametrize(
    ("slos", "told"),
    [
        ([{"name": "a b", "target_percent": 99}], "a name has at most"),
        ([{"name": "a", "target_percent": 100}], "100 leaves no budget"),
        ([{"name": "a", "target_percent": 99, "window_days": 91}], "not from 1 to 90"),
        ([{"name": "a", "target_percent": 99, "threshold_seconds": 0}], "not above 0"),
        ([{"name": "a", "target_percent": 99, "minimum_requests": 0}], "not above 0"),
        ([{"name": "a", "target_percent": 99}] * 2, "named 2 times"),
    ],
)
def test_what_is_wrong_is_told(slos: list[dict[str, Any]], told: str) -> None:
    assert told in "; ".join(wrong_in(objectives(slos)))
    with pytest.raises(AnsibleFilterError, match=told):
        service_alarms(ENVIRONMENT, "scores", slos=slos)


@pytest.mark.parametrize(
    ("requests", "bad", "left", "spent"),
    [
        (0, 0, 100, False),
        (99, 99, -99_900, False),
        (100_000, 50, 50, False),
        (100_000, 100, 0, True),
        (100_000, 300, -200, True),
    ],
)
def test_a_budget_is_spent_where_as_many_requests_were_bad_as_may_be(
    requests: int, bad: int, left: float, spent: bool
) -> None:
    budget = Budget(MONTH, requests, bad)
    assert (budget.left_percent, budget.is_spent) == (pytest.approx(left), spent)


def test_a_budget_is_told_in_numbers() -> None:
    told = "error budget of availability: 50.0 % left (50 of 100,000 requests of 30 days failed, 0.1 % may)"
    assert str(Budget(MONTH, 100_000, 50)) == told
    assert "too few to tell (needs 100)" in str(Budget(MONTH, 9, 9))


@given(st.floats(50, 99.999), st.integers(1, 90), st.integers(1, 10**9), st.data())
def test_one_more_bad_request_never_leaves_more(target: float, days: int, requests: int, data: st.DataObject) -> None:
    bad = data.draw(st.integers(0, requests - 1))
    objective = Objective("a", target, days)
    assert Budget(objective, requests, bad + 1).left_percent < Budget(objective, requests, bad).left_percent


def test_the_dashboard_shows_what_is_left_over_the_objectives_own_time() -> None:
    body = service_dashboard(ENVIRONMENT, "scores", slos=SLOS)
    gauges = [widget for widget in body["widgets"] if widget.get("properties", {}).get("view") == "gauge"]
    assert [gauge["properties"]["start"] for gauge in gauges] == ["-P30D", "-P28D"]
    places = [(widget["x"], widget["y"]) for widget in body["widgets"]]
    assert len(set(places)) == len(places)
    for gauge in gauges:
        ids = {part["id"] for metric in gauge["properties"]["metrics"] for part in metric if isinstance(part, dict)}
        (expression,) = [
            metric[0]["expression"] for metric in gauge["properties"]["metrics"] if isinstance(metric[0], dict)
        ]
        assert all(metric_id in expression for metric_id in ids - {"left"})


def test_no_requests_of_a_service_no_alarms_of_its_objectives() -> None:
    assert burn_alarms.__doc__ and made([]) == {}
