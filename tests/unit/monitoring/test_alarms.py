"""Alarms and dashboards: what a service has, what counts as a difference, and that a second run writes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.filter.monitoring import (
    environment_alarms,
    service_alarms,
    service_dashboard,
)
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.monitoring import cloudwatch_alarms as alarm_set
from ansible_collections.pear.fargate.plugins.module_utils.monitoring import cloudwatch_dashboard as dashboard
from ansible_collections.pear.fargate.plugins.modules import cloudwatch_alarms, cloudwatch_dashboard
from botocore.session import get_session
from botocore.validate import ParamValidator
from moto import mock_aws
from moto.cloudwatch.responses import CloudWatchResponse

from sandbox.metrics.alarms import Condition, judge
from sandbox.metrics.expressions import Frame, parse

from .given import ENVIRONMENT, REGION

TOPIC = "arn:aws:sns:eu-central-1:123456789012:staging-alarms"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    # moto stores composite alarms, and lacks the call that puts them; it describes both kinds whatever is asked for.
    monkeypatch.setattr(CloudWatchResponse, "put_composite_alarm", CloudWatchResponse.put_metric_alarm, raising=False)
    with mock_aws():
        yield boto3.client("cloudwatch", REGION)


def invoke(module: Any, run: Any, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    validated = ArgumentSpecValidator(module.ARGUMENT_SPEC).validate(options)
    assert not validated.error_messages
    return run(Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode))


def put(
    alarms: list[dict[str, Any]],
    check_mode: bool = False,
    prefix: str | None = "staging/scores/",
    tags: dict[str, str] | None = None,
) -> dict[str, Any]:
    return invoke(cloudwatch_alarms, alarm_set.run, check_mode, alarms=alarms, purge_prefix=prefix, tags=tags or {})


def test_check_mode_tells_all_alarms_and_makes_none(aws: Any) -> None:
    message = put(service_alarms(ENVIRONMENT, "scores"), check_mode=True)
    assert len(message["put"]) == 19
    assert aws.describe_alarms()["MetricAlarms"] == []


def test_a_second_run_finds_nothing_to_do() -> None:
    alarms = service_alarms(ENVIRONMENT, "scores", tell=[TOPIC])
    assert put(alarms)["changed"]
    again = put(alarms)
    assert not again["changed"], again["diff"]


def test_every_alarm_is_what_the_api_takes() -> None:
    model = get_session().get_service_model("cloudwatch")
    alarms = service_alarms(ENVIRONMENT, "scores", tell=[TOPIC]) + environment_alarms(ENVIRONMENT)
    validated = ArgumentSpecValidator(cloudwatch_alarms.ARGUMENT_SPEC).validate({"alarms": alarms})
    for alarm in validated.validated_parameters["alarms"]:
        shape = model.operation_model("PutCompositeAlarm" if alarm["rule"] else "PutMetricAlarm").input_shape
        report = ParamValidator().validate(alarm_set.request(alarm), shape)
        assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("Threshold", 50.0),
        ("TreatMissingData", "breaching"),
        ("EvaluationPeriods", 9),
        ("ActionsEnabled", False),
        ("AlarmActions", []),
        ("AlarmDescription", "changed by hand"),
    ],
)
def test_a_setting_that_was_changed_by_hand_is_told_and_put_right(aws: Any, setting: str, value: Any) -> None:
    alarms = service_alarms(ENVIRONMENT, "scores", tell=[TOPIC], composite=False)
    put(alarms)
    (found,) = aws.describe_alarms(AlarmNames=["staging/scores/cpu"])["MetricAlarms"]
    taken = get_session().get_service_model("cloudwatch").operation_model("PutMetricAlarm").input_shape.members
    aws.put_metric_alarm(**{**{key: found[key] for key in found if key in taken}, setting: value})
    assert list(put(alarms, check_mode=True)["diff"]["after"]["staging/scores/cpu"]) == [setting]
    assert put(alarms)["put"] == ["staging/scores/cpu"]
    assert not put(alarms)["changed"]


def test_alarms_that_are_not_wanted_go_and_those_of_others_stay(aws: Any) -> None:
    extra = {"name": "old", "metrics": [{"namespace": "n", "metric": "m"}], "threshold": 1}
    put(service_alarms(ENVIRONMENT, "scores", more=[extra]))
    put([{**extra, "name": "staging/scoreboard/theirs"}], prefix=None)
    assert put(service_alarms(ENVIRONMENT, "scores"))["deleted"] == ["staging/scores/old"]
    names = {alarm["AlarmName"] for alarm in aws.describe_alarms()["MetricAlarms"]}
    assert "staging/scoreboard/theirs" in names
    assert "staging/scores/old" not in names


def of_rule(name: str, rule: str) -> dict[str, Any]:
    return {"name": f"staging/scores/{name}", "rule": rule}


def test_a_composite_alarm_is_put_after_what_its_rule_names_and_goes_before(aws: Any) -> None:
    names = {name: f"staging/scores/{name}" for name in ("a", "b", "c")}
    simple = {"name": names["c"], "metrics": [{"namespace": "n", "metric": "m"}], "threshold": 1}
    alarms = [
        of_rule("a", f'ALARM("{names["b"]}") AND NOT OK({names["c"]})'),
        of_rule("b", f"ALARM('arn:aws:cloudwatch:eu-central-1:1:alarm:{names['c']}')"),
        simple,
    ]
    assert put(alarms)["put"] == [names["c"], names["b"], names["a"]]
    assert put([])["deleted"] == [names["a"], names["b"], names["c"]]


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ({"a": 'ALARM("gone")'}, "a rule names the alarm gone, which is not there"),
        (
            {"a": 'ALARM("staging/scores/b")', "b": 'OK("staging/scores/a")'},
            "the rules of these alarms name each other: staging/scores/a, staging/scores/b",
        ),
    ],
)
def test_a_rule_that_cloudwatch_would_not_take_is_refused_before_anything_is_put(
    aws: Any, rules: dict[str, str], why: str
) -> None:
    with pytest.raises(Failure, match=why):
        put([of_rule(name, rule) for name, rule in rules.items()])
    assert aws.describe_alarms()["MetricAlarms"] == []


def test_an_alarm_of_others_that_has_our_prefix_stays_and_is_named(aws: Any) -> None:
    alarms, name = service_alarms(ENVIRONMENT, "scores"), "staging/scores/by-hand"
    put(alarms, tags={"pear:environment": "staging"})
    put([{"name": name, "metrics": [{"namespace": "n", "metric": "m"}], "threshold": 1}], prefix=None)
    for check_mode in (True, False):
        found = put(alarms, check_mode=check_mode, tags={"pear:environment": "staging"})
        assert (found["foreign"], found["deleted"]) == ([name], [])
        assert name in found["warnings"][0]
    assert aws.describe_alarms(AlarmNames=[name])["MetricAlarms"]


def test_missing_data_is_bad_only_where_it_means_that_no_request_is_served() -> None:
    silent = {
        alarm["name"].rpartition("/")[2]: alarm["missing_data"]
        for alarm in service_alarms(ENVIRONMENT, "scores", composite=False)
        if "rule" not in alarm
    }
    assert [name for name, missing in silent.items() if missing == "breaching"] == ["no-healthy-target"]


def test_each_further_target_group_has_an_alarm_in_the_namespace_of_its_load_balancer() -> None:
    arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:"
    further = {
        name: {
            "arn": f"{arn}targetgroup/staging-scores-{name}/1",
            "load_balancer_arn": f"{arn}loadbalancer/{kind}/corp/2",
        }
        for name, kind in (("internal", "app"), ("game", "net"))
    }
    for kind in ("web", "worker"):
        alarms = {
            one["name"]: one
            for one in service_alarms({**ENVIRONMENT, "further_target_groups": further}, "scores", kind=kind)
        }
        for name, namespace, balancer in (("internal", "AWS/ApplicationELB", "app"), ("game", "AWS/NetworkELB", "net")):
            made = alarms[f"staging/scores/unhealthy-targets-{name}"]
            (metric,) = made["metrics"]
            assert (metric["namespace"], metric["metric"]) == (namespace, "UnHealthyHostCount")
            assert metric["dimensions"] == {
                "LoadBalancer": f"{balancer}/corp/2",
                "TargetGroup": f"targetgroup/staging-scores-{name}/1",
            }
            assert f'ALARM("{made["name"]}")' in alarms["staging/scores/critical"]["rule"]
        body = service_dashboard({**ENVIRONMENT, "further_target_groups": further}, "scores", kind=kind)
        (graph,) = [
            one for one in body["widgets"] if one["properties"].get("title") == "Targets of further target groups"
        ]
        assert {line[0] for line in graph["properties"]["metrics"]} == {"AWS/ApplicationELB", "AWS/NetworkELB"}
        assert "Targets of further" not in json.dumps(service_dashboard(ENVIRONMENT, "scores", kind=kind))


def test_without_container_insights_there_is_no_alarm_that_could_never_fire() -> None:
    blind = {**ENVIRONMENT, "cluster": {"container_insights": "disabled"}}
    names = [alarm["name"] for alarm in service_alarms(blind, "scores")]
    assert "staging/scores/missing-tasks" not in names


def test_thresholds_and_topics_reach_the_alarms() -> None:
    (errors,) = [
        alarm
        for alarm in service_alarms(ENVIRONMENT, "scores", {"error_share_percent": 7}, tell=[TOPIC], composite=False)
        if alarm["name"].endswith("error-share")
    ]
    assert errors["threshold"] == 7
    assert errors["alarm_actions"] == errors["ok_actions"] == [TOPIC]


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda: service_alarms(ENVIRONMENT, "scores", {"cpu": 1}), "There is no threshold cpu"),
        (lambda: service_alarms(ENVIRONMENT, "other"), "run the role service for other first"),
    ],
)
def test_what_cannot_be_is_refused(call: Any, why: str) -> None:
    with pytest.raises(AnsibleFilterError, match=why):
        call()


@pytest.mark.parametrize(
    ("alarm", "why"),
    [
        ({"metrics": [{"namespace": "n"}]}, "needs namespace and metric"),
        ({"metrics": [{"id": f"m{n}", "namespace": "n", "metric": "m"} for n in range(2)]}, "must be the expression"),
        ({"metrics": [{"namespace": "n", "metric": "m"}], "periods": 1, "datapoints": 2}, "never fires"),
        ({"metrics": []}, "has 0 metrics"),
    ],
)
def test_an_alarm_that_could_never_fire_is_refused(aws: Any, alarm: dict[str, Any], why: str) -> None:
    with pytest.raises(Failure, match=why):
        put([{"name": "one", "threshold": 1, **alarm}])


def show(body: dict[str, Any], check_mode: bool = False) -> dict[str, Any]:
    return invoke(cloudwatch_dashboard, dashboard.run, check_mode, name="staging-scores", body=body)


def test_a_dashboard_is_compared_by_what_it_shows(aws: Any) -> None:
    body = service_dashboard(ENVIRONMENT, "scores", ["staging/scores/cpu"])
    assert show(body, check_mode=True)["changed"]
    assert aws.list_dashboards()["DashboardEntries"] == []
    assert show(body)["changed"]
    shuffled = {"widgets": [dict(reversed(widget.items())) for widget in reversed(body["widgets"])]}
    aws.put_dashboard(DashboardName="staging-scores", DashboardBody=json.dumps(shuffled, indent=4))
    assert not show(body)["changed"]
    shuffled["widgets"][0]["height"] = 12
    aws.put_dashboard(DashboardName="staging-scores", DashboardBody=json.dumps(shuffled))
    assert show(body)["changed"]
    assert not show(body)["changed"]


def test_no_two_widgets_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in service_dashboard(ENVIRONMENT, "scores", ["a"])["widgets"]:
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert max(x for x, _ in cells) < 24
        assert not taken & cells
        taken |= cells


def judged(kind: str, **metrics: float) -> float:
    """What an alarm's expression comes to in one minute; a metric that is not named has no data point."""
    value = judged_or_missing(kind, **metrics)
    assert value is not None
    return value


def judged_or_missing(kind: str, **metrics: float) -> float | None:
    (alarm,) = [one for one in service_alarms(ENVIRONMENT, "scores") if one["name"].endswith(f"/{kind}")]
    (expression,) = [metric["expression"] for metric in alarm["metrics"] if "expression" in metric]
    ids = tuple(metric["id"] for metric in alarm["metrics"] if "expression" not in metric)
    assert set(metrics) <= set(ids)
    series = {name: {0.0: metrics[name]} if name in metrics else {} for name in ids}
    found = parse(expression).evaluate(Frame(series, ids, dict.fromkeys(ids, 60), (0.0,)))
    assert isinstance(found, dict)
    return found.get(0.0)


def test_errors_of_one_colour_are_not_diluted_by_the_other() -> None:
    canary = {"requests_blue": 900.0, "requests_green": 100.0, "errors_green": 10.0}
    assert judged("error-share", **canary) == 10.0
    assert judged("error-share", requests_blue=900.0, errors_blue=9.0) == 1.0
    assert judged("error-share", requests_blue=12.0, errors_blue=6.0, requests_green=10.0) == pytest.approx(
        27.3, abs=0.1
    )
    assert judged("error-share", requests_blue=5.0, errors_blue=5.0) == 0.0, "a handful says nothing"
    assert judged("error-share") == 0.0


def test_a_task_that_takes_no_connection_is_an_error_of_the_service() -> None:
    assert judged("error-share", requests_blue=100.0, refused_blue=92.0) == 92.0


def test_a_request_that_no_task_answers_is_an_error_once_the_load_balancer_says_so() -> None:
    hanging = {"requests_blue": 100.0, "answered_blue": 30.0, "errors_blue": 5.0}
    assert judged("error-share", **hanging) == 5.0, "clients left, or the counts of the minute are late"
    assert judged("error-share", **hanging, balancer_errors=900.0) == 75.0
    assert judged("error-share", **hanging, balancer_errors=20.0) == 25.0, "no more than it answered with 5xx"
    assert judged("error-share", **hanging, balancer_errors=70.0, refused_blue=70.0) == 75.0, "counted once"
    canary = {"requests_green": 900.0, "answered_green": 900.0}
    assert judged("error-share", **hanging, **canary, balancer_errors=70.0) == 75.0, "not diluted by the other colour"


def test_cloudwatch_takes_the_longest_expression() -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html"""
    slos = [{"name": "availability", "target_percent": 99.9}]
    metrics = [
        metric for alarm in service_alarms(ENVIRONMENT, "scores", slos=slos) for metric in alarm.get("metrics", [])
    ]
    assert max(len(metric.get("expression", "")) for metric in metrics) <= 2048


def test_a_warm_colour_does_not_hide_a_live_one_without_targets() -> None:
    warm = {"healthy_green": 2.0, "desired_green": 2.0}
    assert judged("no-healthy-target", healthy_green=2.0, healthy_blue=0.0, requests_blue=90.0) == 0.0
    assert judged("no-healthy-target", healthy_green=2.0, requests_blue=90.0) == 0.0
    assert judged("no-healthy-target", healthy_green=0.0, healthy_blue=2.0, requests_blue=90.0) == 2.0, "a cold colour"
    assert judged("no-healthy-target", healthy_green=2.0) == 2.0, "nothing is asked for: the next alarm sees it"
    assert judged("colour-without-target", **warm, desired_blue=2.0) == 1.0
    assert judged("colour-without-target", **warm, unhealthy_blue=2.0, healthy_blue=0.0) == 1.0
    assert judged("colour-without-target", **warm, desired_blue=2.0, healthy_blue=1.0) == 0.0
    assert judged("colour-without-target", **warm) == 0.0, "a cold colour should have none"


def test_a_minute_that_is_late_is_no_outage() -> None:
    assert judged_or_missing("no-healthy-target") is None
    assert judged_or_missing("without-target-blue", unavailable=90.0) is None
    assert judged_or_missing("traffic-on-green", requests_blue=0.0, requests_green=0.0) is None, "nor news"


def test_the_p99_of_a_handful_of_requests_counts_for_nothing_however_many_the_other_colour_has() -> None:
    canary = {"requests_blue": 900.0, "latency_blue": 0.2, "latency_green": 4.0}
    assert judged("latency-p99", **canary, requests_green=3.0) == 0.2
    assert judged("latency-p99", **canary, requests_green=30.0) == 4.0


def test_without_container_insights_a_colour_is_judged_by_its_targets() -> None:
    blind = {**ENVIRONMENT, "cluster": {"container_insights": "disabled"}}
    (alarm,) = [one for one in service_alarms(blind, "scores") if one["name"].endswith("colour-without-target")]
    assert not [metric for metric in alarm["metrics"] if "desired" in metric["id"]]
    assert "desired" not in alarm["metrics"][-1]["expression"]


@pytest.mark.parametrize("kind", ["cpu", "memory"])
def test_what_a_warm_colour_without_requests_uses_is_no_incident(kind: str) -> None:
    used = {"used_blue": 40.0, "used_green": 97.0}
    assert judged(kind, **used, requests_blue=600.0) == 40.0, "green leaked before the rollback"
    assert judged(kind, **used, requests_blue=540.0, requests_green=60.0) == 97.0, "a canary is judged"
    assert judged(kind, **used, requests_green=600.0) == 97.0
    assert judged(kind, **used) == 97.0, "without requests, or while their counts are late, both are judged"
    assert judged(kind, used_green=97.0, requests_blue=600.0) == 0.0


@pytest.mark.parametrize("kind", ["cpu", "memory"])
def test_a_worker_is_judged_by_its_one_colour(kind: str) -> None:
    alarms = service_alarms({**ENVIRONMENT, "load_balancer": None}, "mailer", kind="worker")
    (metrics,) = [alarm["metrics"] for alarm in alarms if alarm["name"].endswith(f"/{kind}")]
    assert [metric["id"] for metric in metrics] == ["used_blue", "judged"]
    frame = Frame({"used_blue": {0.0: 97.0}}, ("used_blue",), {"used_blue": 60}, (0.0,))
    assert parse(metrics[-1]["expression"]).evaluate(frame) == {0.0: 97.0}


_GOOD = {"requests_blue": 600.0}
_BAD = {"requests_blue": 600.0, "errors_blue": 60.0}
_QUIET = {"requests_blue": 3.0, "errors_blue": 1.0}


@pytest.mark.parametrize(
    ("minutes", "fires"),
    [
        pytest.param([_GOOD] * 10 + [_BAD] * 4, False, id="four bad minutes"),
        pytest.param([_GOOD] * 10 + [_BAD] * 5, True, id="five bad minutes"),
        pytest.param([_GOOD] * 10 + [_BAD] * 3 + [_QUIET] + [_BAD] * 2, True, id="a quiet minute in the middle"),
        pytest.param([_BAD] * 9 + [_QUIET], True, id="the newest minute is quiet, or not whole yet"),
        pytest.param([_BAD] * 9 + [_QUIET] * 2, True, id="two quiet minutes"),
        pytest.param([_BAD] * 9 + [_GOOD] * 3, False, id="over after three good minutes"),
        pytest.param([_BAD] * 9 + [_QUIET] * 3, False, id="over without traffic"),
        pytest.param([_QUIET] * 15, False, id="a handful of requests"),
    ],
)
def test_one_quiet_minute_does_not_end_the_alarm_of_errors(minutes: list[dict[str, float]], fires: bool) -> None:
    (alarm,) = [one for one in service_alarms(ENVIRONMENT, "scores") if one["name"].endswith("/error-share")]
    condition = Condition(
        "GreaterThanThreshold", alarm["threshold"], alarm["periods"], alarm["datapoints"], alarm["missing_data"]
    )
    state, points = "OK", []
    for minute in minutes:
        points.append(judged_or_missing("error-share", **minute))
        state = judge(condition, points[-alarm["periods"] :], state).state
    assert (state == "ALARM") is fires


def test_a_worker_has_alarms_of_its_tasks_and_of_its_queues_and_none_of_requests() -> None:
    environment = {**ENVIRONMENT, "load_balancer": None}
    alarms = service_alarms(environment, "mailer", {"queue_age_seconds": 60}, kind="worker", queues=["mails", "faxes"])
    kinds = {alarm["name"].rpartition("/")[2] for alarm in alarms}
    tasks = {"cpu", "memory", "no-running-task", "missing-tasks", "task-restarts", "crash-loop"}
    tasks |= {"scaling-events", "deploying", "deployment-stuck", "critical"}
    assert kinds == {"queue-age-mails", "queue-age-faxes", *tasks}
    metrics = [metric for alarm in alarms for metric in alarm.get("metrics", []) if "namespace" in metric]
    assert {metric["namespace"] for metric in metrics} == {"AWS/SQS", "AWS/ECS", "ECS/ContainerInsights"}
    assert all("green" not in str(metric) for alarm in alarms for metric in alarm.get("metrics", []))
    assert next(alarm for alarm in alarms if "mails" in alarm["name"])["threshold"] == 60
    put(alarms, prefix="staging/mailer/")
    assert not put(alarms, prefix="staging/mailer/")["changed"]


def test_a_network_service_has_alarms_of_both_colours_and_none_of_requests() -> None:
    group = {"load_balancer_arn": "arn:aws:elasticloadbalancing:e:1:loadbalancer/net/games/1"}
    further = {
        colour: {**group, "arn": f"arn:aws:elasticloadbalancing:e:1:targetgroup/staging-game-{colour}/1"}
        for colour in ("blue", "green")
    }
    environment = {**ENVIRONMENT, "load_balancer": None, "further_target_groups": further}
    alarms = {alarm["name"].rpartition("/")[2]: alarm for alarm in service_alarms(environment, "game", kind="network")}
    tasks = {"cpu", "memory", "missing-tasks", "task-restarts", "crash-loop", "scaling-events", "deploying"}
    targets = {"no-healthy-target", "unhealthy-targets-blue", "unhealthy-targets-green"}
    assert set(alarms) == {*tasks, *targets, "deployment-stuck", "critical"}
    for kind in targets:
        metrics = [metric for metric in alarms[kind]["metrics"] if "namespace" in metric]
        assert {metric["namespace"] for metric in metrics} == {"AWS/NetworkELB"}, kind
        assert all(metric["dimensions"]["LoadBalancer"] == "net/games/1" for metric in metrics)
    assert [metric["id"] for metric in alarms["cpu"]["metrics"]] == ["used_blue", "used_green", "judged"]
    healthy = alarms["no-healthy-target"]
    assert (healthy["threshold"], healthy["missing_data"]) == (1, "breaching")
    frame = Frame({"healthy_blue": {0.0: 2.0}, "healthy_green": {}}, (), {}, (0.0,))
    assert parse(healthy["metrics"][-1]["expression"]).evaluate(frame) == {0.0: 2.0}
    put(list(alarms.values()), prefix="staging/game/")
    titles = [one["properties"]["title"] for one in service_dashboard(environment, "game", kind="network")["widgets"]]
    assert "Targets of further target groups" in titles and "Requests a minute" not in titles


def test_the_dashboard_of_a_worker_shows_its_queues_instead_of_requests() -> None:
    body = service_dashboard({**ENVIRONMENT, "load_balancer": None}, "mailer", kind="worker", queues=["mails"])
    titles = [widget["properties"]["title"] for widget in body["widgets"]]
    assert "Messages that wait in mails" in titles
    assert "Requests a minute" not in titles


@pytest.mark.parametrize(
    ("desired", "running", "fires"), [(2.0, 0.0, True), (2.0, 1.0, False), (0.0, 0.0, False)], ids=str
)
def test_a_worker_without_a_task_is_an_alarm_unless_none_is_wanted(desired: float, running: float, fires: bool) -> None:
    (judged,) = [
        metric["expression"]
        for alarm in service_alarms({**ENVIRONMENT, "load_balancer": None}, "mailer", kind="worker")
        if alarm["name"].endswith("no-running-task")
        for metric in alarm.get("metrics", [])
        if "expression" in metric
    ]
    series = {"desired_blue": {0.0: desired}, "running_blue": {0.0: running}}
    frame = Frame(dict(series), tuple(series), dict.fromkeys(series, 60), (0.0,))
    assert parse(judged).evaluate(frame) == {0.0: float(fires)}
