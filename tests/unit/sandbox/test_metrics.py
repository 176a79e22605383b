"""CloudWatch's arithmetic: statistics, periods, metric math, alarm states and rules of composite alarms."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from moto.cloudwatch.exceptions import ValidationError

from sandbox.api.cloudwatch_alarms import check_range, check_rule, delete_unless_named
from sandbox.metrics.alarms import Condition, judge
from sandbox.metrics.balancers import from_report
from sandbox.metrics.bands import InvalidBand, bounds, deviations
from sandbox.metrics.queries import InvalidQuery, Query, evaluate
from sandbox.metrics.rules import InvalidRule, alarms_named, holds
from sandbox.metrics.samples import Samples, UnknownStatistic
from sandbox.metrics.store import Metric, Store

REQUESTS = Metric.of("Shop", "requests", {})


def samples(*values: float) -> Samples:
    found = Samples()
    for value in values:
        found.add(value)
    return found


def query(one_id: str, expression: str = "", returned: bool = True) -> Query:
    return Query(one_id, one_id, returned, expression=expression)


def metric(one_id: str, returned: bool = True) -> Query:
    return Query(one_id, one_id, returned, 60, Metric.of("Shop", one_id, {}), "Sum")


def store(factor: float = 1.0, **series: list[float | None]) -> Store:
    """A store with one value a minute from second 0 on; None is a missing minute."""
    made = Store(factor)
    for name, values in series.items():
        for minute, value in enumerate(values):
            if value is not None:
                made.add(Metric.of("Shop", name, {}), minute * 60 / factor, samples(value))
    return made


def math(expression: str, **series: list[float | None]) -> list[float | None]:
    """The values of an expression minute by minute."""
    minutes = max(map(len, series.values()))
    queries = [*(metric(name, False) for name in series), query("e", expression)]
    (found,) = evaluate(store(**series), queries, 0, minutes * 60)["e"]
    return [found.get(minute * 60) for minute in range(minutes)]


def test_statistics_of_samples() -> None:
    found = samples(*range(1, 101))
    names = ("SampleCount", "Sum", "Average", "Minimum", "Maximum", "p50", "p99", "p99.9", "p100", "p0")
    assert [found.statistic(name) for name in names] == [100, 5050, 50.5, 1, 100, 50, 99, 100, 100, 1]
    with pytest.raises(UnknownStatistic, match="'tm90' is not served here"):
        found.statistic("tm90")


@pytest.mark.parametrize(
    ("statistic", "count"), [("TC(50:)", 50), ("tc(:50)", 50), ("TC(10:20)", 10), ("TC(0.5:)", 100), ("TC(100:)", 0)]
)
def test_trimmed_counts_leave_the_lower_bound_out_and_take_the_upper_one_in(statistic: str, count: int) -> None:
    assert samples(*range(1, 101)).statistic(statistic) == count


@pytest.mark.parametrize(
    ("period", "periods", "taken"),
    [(60, 1440, True), (60, 1441, False), (3600, 168, True), (3600, 169, False), (259_200, 1, True), (300, 289, False)],
)
def test_an_alarm_evaluates_a_day_or_from_periods_of_an_hour_on_a_week(period: int, periods: int, taken: bool) -> None:
    stat = SimpleNamespace(metric_stat=SimpleNamespace(period=str(period)))
    math_only = SimpleNamespace(metric_stat=None)
    for given in ({"period": period}, {"metric_data_queries": [stat, math_only]}):
        with nullcontext() if taken else pytest.raises(ValidationError, match="cannot be checked across more than"):
            check_range({**given, "evaluation_periods": periods})


def test_a_statistic_set_has_no_percentiles_unless_all_its_values_are_the_same() -> None:
    found = Samples()
    found.add_set(3, 9, 1, 5)
    assert (found.statistic("Average"), found.statistic("p50")) == (3, None)
    same = Samples()
    same.add_set(3, 9, 3, 3)
    assert same.statistic("p50") == 3


def test_standard_resolution_is_dated_to_its_minute_and_high_resolution_to_its_second() -> None:
    made = Store()
    made.add(REQUESTS, 125, samples(1))
    made.add(REQUESTS, 131, samples(2))
    assert {at: one.total for at, one in made.query(REQUESTS, 0, 600, 10).items()} == {120: 3}
    fine = Metric.of("Shop", "fine", {})
    made.add(fine, 125, samples(1), resolution=1)
    made.add(fine, 131, samples(2), resolution=1)
    assert {at: one.total for at, one in made.query(fine, 0, 600, 10).items()} == {120: 1, 130: 2}


@pytest.mark.parametrize("factor", [1.0, 7.0, 10.0, 60.0])
def test_a_minute_lasts_as_long_as_the_time_factor_says(factor: float) -> None:
    made = store(factor, requests=[1, 2, 3, 4])
    found = made.query(Metric.of("Shop", "requests", {}), 0, 240 / factor, 60)
    assert [one.total for one in found.values()] == [1, 2, 3, 4]
    assert list(found) == pytest.approx([0, 60 / factor, 120 / factor, 180 / factor])


def test_what_aws_measures_is_shown_in_whole_minutes() -> None:
    made, name = Store(), Metric.of("AWS/ApplicationELB", "RequestCount", {})
    made.add(name, 6_000_000_000, samples(1))
    made.told_until("AWS/ApplicationELB", 6_000_000_059)
    assert made.query(name, 6_000_000_000, 6_000_000_300, 60) == {}
    made.told_until("AWS/ApplicationELB", 6_000_000_060)
    assert [one.total for one in made.query(name, 6_000_000_000, 6_000_000_300, 60).values()] == [1]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("m1 + m2", [50, 20, 20, 0], id="a missing value counts as zero"),
        pytest.param("m2 / m1", [20 / 30, 0, None, None], id="a division by zero is dropped"),
        pytest.param("100 * m2 / (m1 + m2)", [40, 0, 100, None], id="precedence and parentheses"),
        pytest.param("m1 < m2", [0, 0, 1, 0], id="comparison"),
        pytest.param("m1 > 15 AND m2 > 15", [1, 0, 0, 0], id="logic"),
        pytest.param("-m1 ^ 2", [-900, -400, 0, 0], id="unary minus binds less than powers"),
        pytest.param("FILL(m2, 7)", [20, 7, 20, 7], id="fill with a number"),
        pytest.param("FILL(m2, REPEAT)", [20, 20, 20, 20], id="fill by repeating"),
        pytest.param("IF(m1 > 15, m2, 5)", [20, 0, 5, 5], id="true without a value is zero"),
        pytest.param("IF(m1 > 15, m1)", [30, 20, None, None], id="false without a value drops"),
        pytest.param("SUM([m1, m2])", [50, 20, 20, 0], id="sum of an array"),
        pytest.param("SUM(METRICS())", [50, 20, 20, 0], id="sum of all metrics"),
        pytest.param('SUM(METRICS("2"))', [20, None, 20, None], id="sum of some metrics"),
        pytest.param("AVG([m1, m2])", [25, 10, 10, 0], id="a missing value counts in an average"),
        pytest.param("m1 / SUM(m1)", [0.6, 0.4, 0, 0], id="one number of a series"),
        pytest.param("DIFF(m1)", [None, -10, -20, 0], id="differences"),
        pytest.param("m1 / PERIOD(m1)", [0.5, 20 / 60, 0, 0], id="period"),
        pytest.param("MAX([m1, m2]) - MIN([m1, m2])", [10, 0, 20, 0], id="extremes"),
    ],
)
def test_metric_math(expression: str, expected: list[float | None]) -> None:
    assert math(expression, m1=[30, 20, 0, 0], m2=[20, None, 20, None]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("SEARCH('{AWS/ECS}', 'Sum')", "SEARCH is not served here: ABS, AVG"),
        ("SELECT AVG(x) FROM y", "Metrics Insights queries are not served"),
        ("m1 +", "a value is expected where 'the end' is"),
        ("(m1", r"'\)' is expected where 'the end' is"),
        ("m1 m1", "nothing is expected where 'm1' is"),
        ("m9 * 2", "no query with the id 'm9'"),
        ("5 * 2", "must be a time series"),
        ("IF(m1)", "IF takes 2 or 3 arguments, not 1"),
        ("e", "in a circle: e"),
    ],
)
def test_what_metric_math_does_not_serve_is_refused(expression: str, said: str) -> None:
    with pytest.raises(InvalidQuery, match=said):
        math(expression, m1=[1])


def test_expressions_may_use_expressions_in_any_order() -> None:
    queries = [query("share", "bad / all"), query("all", "m1 + bad", False), metric("m1", False), metric("bad", False)]
    (found,) = evaluate(store(m1=[3], bad=[1]), queries, 0, 60)["share"]
    assert found == {0: 0.25}


def points(text: str) -> list[float | None]:
    return [{"X": 1.0, "0": 0.0, "-": None}[one] for one in text.split()]


@pytest.mark.parametrize(
    ("to_alarm", "shown", "missing", "ignore", "breaching", "not_breaching"),
    [
        (3, "0 - X - X", "OK", "OK", "OK", "OK"),
        (3, "0 - - - -", "OK", "OK", "OK", "OK"),
        (3, "- - - - -", "INSUFFICIENT_DATA", "as before", "ALARM", "OK"),
        (3, "0 X X - X", "ALARM", "ALARM", "ALARM", "ALARM"),
        (3, "- - X - -", "ALARM", "as before", "ALARM", "OK"),
        (3, "- - - X -", "as before", "as before", "ALARM", "OK"),
        (3, "- - - - X", "as before", "as before", "ALARM", "OK"),
        (2, "0 - X - X", "ALARM", "ALARM", "ALARM", "ALARM"),
        (2, "0 0 X 0 X", "ALARM", "ALARM", "ALARM", "ALARM"),
        (2, "0 - X - -", "OK", "OK", "ALARM", "OK"),
        (2, "- - - - 0", "OK", "OK", "ALARM", "OK"),
        (2, "- - - X -", "ALARM", "as before", "ALARM", "OK"),
    ],
)
def test_alarm_states_are_those_of_awss_tables_of_missing_data(
    to_alarm: int, shown: str, missing: str, ignore: str, breaching: str, not_breaching: str
) -> None:
    def state(treatment: str) -> str:
        condition = Condition("GreaterThanThreshold", 0.5, 3, to_alarm, treatment)
        return judge(condition, points(shown), "as before").state

    found = tuple(map(state, ("missing", "ignore", "breaching", "notBreaching")))
    assert found == (missing, ignore, breaching, not_breaching)


def test_an_alarms_reason_names_the_points_and_the_threshold() -> None:
    found = judge(Condition("GreaterThanThreshold", 0.5, 2, 2), [None, None, 1.0, 3.0], "OK")
    assert found.reason == (
        "Threshold Crossed: 2 out of the last 2 datapoints [1, 3] were greater than the threshold (0.5)"
        " (minimum 2 datapoint(s) for OK -> ALARM transition)."
    )


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ('ALARM("a")', True),
        ("ALARM(a) AND OK(b)", True),
        ("NOT ALARM(a) OR (ALARM(b) AND TRUE)", False),
        ("OK('arn:aws:cloudwatch:eu-central-1:1:alarm:b')", True),
    ],
)
def test_rules_of_composite_alarms(rule: str, expected: bool) -> None:
    assert holds(rule, {"a": "ALARM", "b": "OK"}) is expected


@pytest.mark.parametrize(("rule", "said"), [("ALARM(c)", "'c', which does not exist"), ("ALARM(a", "'the end'")])
def test_a_rule_that_cannot_be_read_is_refused(rule: str, said: str) -> None:
    with pytest.raises(InvalidRule, match=said):
        holds(rule, {"a": "OK"})


def test_a_composite_alarm_of_an_alarm_that_does_not_exist_is_not_saved() -> None:
    check_rule('ALARM("a") OR OK(b)', {"a", "b"})
    with pytest.raises(ValidationError, match=r"alarms \[c, d\] in the alarm rule do not exist"):
        check_rule("ALARM(d) AND ALARM(c) AND ALARM(a)", {"a"})


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["metric"], "Cannot delete metric as there are composite"),
        (["inner"], "Cannot delete inner as there are composite"),
        (["outer", "inner"], "Only one composite alarm"),
        (["outer", "other"], ""),
    ],
)
def test_alarms_that_a_composite_one_names_are_not_deleted(names: list[str], said: str) -> None:
    rules = {"metric": "", "other": "", "inner": "ALARM(metric)", "outer": "ALARM(inner)"}
    backend = SimpleNamespace(alarms={name: SimpleNamespace(rule=rule) for name, rule in rules.items()})
    deleted: list[str] = []
    with pytest.raises(ValidationError, match=said) if said else nullcontext():
        delete_unless_named(lambda _backend, gone: deleted.extend(gone), backend, names)
    assert deleted == ([] if said else names)


def report(**given: object) -> dict[str, object]:
    empty: dict[str, object] = {
        "at": 60,
        "load_balancer": "app/a/1",
        "target_group": None,
        "requests": 0,
        "target_codes": {},
        "balancer_codes": {},
        "response_seconds": [],
        "connection_errors": 0,
        "fixed_responses": 0,
        "redirects": 0,
        "healthy": 0,
        "unhealthy": 0,
    }
    return {**empty, **given}


def test_a_load_balancer_reports_no_requests_while_it_has_targets_and_nothing_without() -> None:
    found = {metric.name: one.statistic("Sum") for metric, _, one, _ in from_report(report(healthy=2))}
    assert found["RequestCount"] == 0
    assert not [name for name in found if name.startswith("HTTPCode_")], "these have no data point where they are zero"
    assert "TargetResponseTime" not in found and "HealthyHostCount" not in found
    assert list(from_report(report())) == []


def test_each_metric_has_the_dimensions_that_aws_gives_it() -> None:
    second = report(target_group="targetgroup/t/2", requests=4, target_codes={"2XX": 3, "5XX": 1}, healthy=2)
    found = {(metric.name, metric.dimensions): one for metric, _, one, _ in from_report(second)}
    both = (("LoadBalancer", "app/a/1"), ("TargetGroup", "targetgroup/t/2"))
    assert found["HTTPCode_Target_5XX_Count", both].statistic("Sum") == 1
    assert found["HealthyHostCount", both].statistic("Average") == 2
    assert found["RequestCountPerTarget", (both[1],)].statistic("Sum") == 2
    own = report(balancer_codes={"502": 2, "503": 1})
    found = {(metric.name, metric.dimensions): one for metric, _, one, _ in from_report(own)}
    assert found["HTTPCode_ELB_5XX_Count", (both[0],)].statistic("Sum") == 3


def test_what_the_load_balancer_answered_itself_is_no_answer_of_a_target() -> None:
    hung = report(target_group="targetgroup/t/2", requests=5, target_codes={"2XX": 3}, healthy=2)
    found = {metric.name: one.statistic("Sum") for metric, _, one, _ in from_report(hung)}
    assert (found["RequestCount"], found["HTTPCode_Target_2XX_Count"]) == (5, 3)
    assert not [name for name in found if "ELB" in name or name == "TargetResponseTime"]


@pytest.mark.parametrize("factor", [1.0, 12.0])
def test_a_minute_of_a_load_balancer_is_partial_at_its_end_and_whole_two_minutes_later(factor: float) -> None:
    made, minute = Store(factor), 60 / factor
    requests = Metric.of("AWS/ApplicationELB", "RequestCount", {"LoadBalancer": "app/a/1"})
    for second in range(60):
        made.add_late(requests, second / factor, samples(1))
    made.told_until("AWS/ApplicationELB", 10 * minute)

    def seen(minutes: float) -> float:
        return sum(one.total for one in made.query(requests, 0, minute, 60, now=minutes * minute).values())

    assert seen(0.9) == 0
    assert 0 < seen(1.0) < seen(2.0) < 60
    assert seen(3.0) == 60


def test_a_band_is_what_the_past_lets_expect() -> None:
    assert bounds([1.0] * 14, 2) is None
    assert bounds([1.0, 3.0] * 10, 2) == (0.0, 4.0)
    assert bounds([2.0] * 15, 2) == pytest.approx((1.96, 2.04))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [("ANOMALY_DETECTION_BAND(judged, 3)", 3.0), ("ANOMALY_DETECTION_BAND(m1)", 2.0)],
)
def test_the_width_of_a_band_is_read_from_its_expression(expression: str, expected: float) -> None:
    assert deviations(expression) == expected
    with pytest.raises(InvalidBand):
        deviations(f"2 * {expression}")


def test_a_rule_names_its_alarms_by_name_or_arn() -> None:
    arn = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:staging/scores/cpu"
    rule = f"ALARM({arn}) AND (NOT OK('a b') OR INSUFFICIENT_DATA(\"c\")) OR TRUE"
    assert alarms_named(rule) == {"staging/scores/cpu", "a b", "c"}
