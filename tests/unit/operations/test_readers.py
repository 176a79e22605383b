"""What a triage reads: each part by itself, what AWS answers as facts, and what happens to what does not answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws import cloudwatch, elbv2, logs, xray
from ansible_collections.pear.fargate.plugins.module_utils.aws.cloudwatch import Window
from ansible_collections.pear.fargate.plugins.module_utils.aws.ecs_states import ServiceState
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import TargetState
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError, Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.logs import LogSearch
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.operations import service_triage
from ansible_collections.pear.fargate.plugins.module_utils.operations.facts import Unread
from ansible_collections.pear.fargate.plugins.module_utils.operations.place import Place, find
from ansible_collections.pear.fargate.plugins.module_utils.operations.readers import Readers, attempt, periods
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import PortError
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour
from ansible_collections.pear.fargate.plugins.module_utils.service import existing
from ansible_collections.pear.fargate.plugins.modules import service_triage as module
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber
from moto import mock_aws

GREEN = Colour.GREEN
NOW = 1_800_000_000.0


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    return Aws({"region": "eu-central-1"})


@pytest.fixture
def stubbed(aws: Aws, request: pytest.FixtureRequest) -> Iterator[Stubber]:
    with Stubber(aws.client(request.param)) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def refused(code: str) -> AwsError:
    cause = ClientError({"Error": {"Code": code, "Message": "no"}}, "DescribeServices")
    return AwsError("read it", cause)


# --- metrics ---


def metrics(**counts: list[tuple[float, float]]) -> dict[str, Any]:
    names = ("requests", "2xx", "3xx", "4xx", "5xx", "refused", "p99")
    return {f"green_{name}": tuple(counts.get(name, ())) for name in names}


def test_counts_without_a_data_point_are_zero() -> None:
    found = metrics(requests=[(NOW - 600, 10.0)], **{"2xx": [(NOW - 600, 10.0)]}, p99=[(NOW - 600, 0.2)])
    (period,) = periods(found, GREEN, NOW)
    assert (period.requests, period.errors, period.p99) == (10, 0, 0.2)


def test_requests_that_no_answer_accounts_for_are_errors_once_the_minute_is_whole() -> None:
    late = NOW - 60
    found = metrics(requests=[(NOW - 600, 10.0), (late, 10.0)], **{"2xx": [(NOW - 600, 6.0), (late, 6.0)]})
    assert [period.errors for period in periods(found, GREEN, NOW)] == [4, 0]


# --- logs and traces, as AWS answers ---


@pytest.mark.parametrize("stubbed", ["logs"], indirect=True)
def test_a_search_goes_on_after_an_empty_page_and_says_if_it_was_not_the_end(aws: Aws, stubbed: Stubber) -> None:
    request = {
        "logGroupName": "g",
        "filterPattern": "%x%",
        "startTime": 1000,
        "endTime": 2000,
        "limit": 500,
    }
    event = {"logStreamName": "s", "timestamp": 1500, "message": "x\n"}
    stubbed.add_response("filter_log_events", {"events": [], "nextToken": "t"}, request)
    stubbed.add_response("filter_log_events", {"events": [event], "nextToken": "u"}, {**request, "nextToken": "t"})
    found, complete = logs.search_events(aws, LogSearch("g", "%x%", 1.0, 2.0, pages=2))
    assert [(line.at, line.stream, line.message) for line in found] == [(1.5, "s", "x")]
    assert not complete


def node(number: int, name: str, kind: str = "", **more: Any) -> dict[str, Any]:
    return {"ReferenceId": number, "Name": name, "Names": [name], **({"Type": kind} if kind else {}), **more}


def counted(total: int, faults: int, seconds: float) -> dict[str, Any]:
    return {"TotalCount": total, "FaultStatistics": {"TotalCount": faults}, "TotalResponseTime": seconds}


@pytest.mark.parametrize("stubbed", ["xray"], indirect=True)
def test_the_service_is_found_in_the_map_with_what_it_calls(aws: Aws, stubbed: Stubber) -> None:
    services = [
        node(0, "scores", "client", Edges=[{"ReferenceId": 1, "SummaryStatistics": counted(9, 0, 1.0)}]),
        node(
            1,
            "scores",
            "AWS::ECS::Fargate",
            SummaryStatistics=counted(10, 2, 5.0),
            Edges=[
                {"ReferenceId": 2, "SummaryStatistics": counted(10, 1, 4.0)},
                {"ReferenceId": 3, "SummaryStatistics": counted(0, 0, 0.0)},
            ],
        ),
        node(2, "scores-db", "remote"),
        node(3, "unused", "remote"),
    ]
    stubbed.add_response("get_service_graph", {"Services": services}, {"StartTime": ANY, "EndTime": ANY})
    found = xray.service_node(aws, "scores", NOW - 60, NOW)
    assert found is not None
    assert (found.calls.count, found.calls.faults, found.calls.mean_seconds) == (10, 2, 0.5)
    assert [(call.name, call.count, call.faults) for call in found.dependencies] == [("scores-db", 10, 1)]


@pytest.mark.parametrize("stubbed", ["xray"], indirect=True)
def test_a_service_without_traces_is_none(aws: Aws, stubbed: Stubber) -> None:
    stubbed.add_response("get_service_graph", {"Services": [node(0, "other")]}, {"StartTime": ANY, "EndTime": ANY})
    assert xray.service_node(aws, "scores", NOW - 60, NOW) is None


# --- what does not answer ---


@pytest.mark.parametrize(
    ("raised", "throttled"),
    [
        (refused("AccessDenied"), False),
        (refused("ThrottlingException"), True),
        (Failure("There is none."), False),
        (PortError("The ledger is away.", transient=True), False),
        (PortError("Rate exceeded.", transient=True, throttled=True), True),
    ],
)
def test_a_reading_that_fails_says_why(raised: Exception, throttled: bool) -> None:
    def read() -> None:
        raise raised

    assert attempt(read) == Unread(str(raised), throttled)


def test_a_composite_alarm_is_told_where_none_of_its_parts_is(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    since = datetime.fromtimestamp(NOW, UTC)

    def firing(kind: str, rule: str = "") -> dict[str, Any]:
        return {
            "AlarmName": f"staging/scores/{kind}",
            "StateValue": "ALARM",
            "StateTransitionedTimestamp": since,
            "AlarmRule": rule,
        }

    of_notices = 'ALARM("staging/scores/traffic-on-green") AND ALARM("staging/scores/without-target-green")'
    found = [
        firing("critical", 'ALARM("staging/scores/error-share") OR ALARM("staging/scores/deploying")'),
        firing("error-share"),
        firing("live-without-target", of_notices),
        firing("traffic-on-green"),
        firing("of-others", 'ALARM("others/payments")'),
    ]
    monkeypatch.setattr(cloudwatch, "alarms", lambda aws, prefix: found if prefix == "staging/scores/" else [])
    monkeypatch.setattr(existing, "locate_in_environment", lambda *arguments: Unread("not asked for"))
    place = find(aws, {"environment": "staging", "service": "scores"})
    with ThreadPoolExecutor(1) as pool:
        told = Readers(aws, place, Window(NOW - 900, NOW, 60), pool).alarms()
    assert [alarm.kind for alarm in told] == ["error-share", "live-without-target", "of-others"]


@mock_aws
def test_the_alarm_on_a_health_check_is_read_where_route_53_has_its_metrics() -> None:
    """The place is in eu-central-1, and the environment of the same name in another region has a check of its own."""
    check = {"Namespace": "AWS/Route53", "MetricName": "HealthCheckStatus", "Statistic": "Minimum", "Period": 60}
    rule = {"ComparisonOperator": "LessThanThreshold", "Threshold": 1, "EvaluationPeriods": 1}
    cloud = boto3.client("cloudwatch", region_name="us-east-1")
    for region in ("eu-central-1", "eu-west-1"):
        cloud.put_metric_alarm(AlarmName=f"staging/*health-check-{region}/scores", **check, **rule)
        cloud.set_alarm_state(
            AlarmName=f"staging/*health-check-{region}/scores", StateValue="ALARM", StateReason="asked for"
        )
    there = Aws({"region": "eu-central-1"})
    place = Place("staging", "scores", "c", "l", {}, "g", (), "staging/*health-check-eu-central-1/scores", Unread(""))
    with ThreadPoolExecutor(1) as pool:
        (alarm,) = Readers(there, place, Window(NOW - 900, NOW, 60), pool).health_alarms()
        assert alarm.kind == "health-check"
        assert Readers(there, replace(place, health_alarm=""), Window(NOW - 900, NOW, 60), pool).health_alarms() == ()


def test_a_defect_of_ours_is_not_taken_for_a_reading_that_failed() -> None:
    with pytest.raises(ZeroDivisionError):
        attempt(lambda: 1 // 0)


@pytest.mark.parametrize(
    ("options", "services"),
    [
        pytest.param({}, {"blue": "scores-blue", "green": "scores-green"}, id="web"),
        pytest.param({"kind": "worker"}, {"blue": "scores-blue"}, id="worker"),
    ],
)
def test_names_are_known_where_the_load_balancer_cannot_be_read(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, options: dict[str, str], services: dict[str, str]
) -> None:
    def denied(*arguments: Any) -> None:
        raise refused("AccessDenied")

    monkeypatch.setattr(existing, "locate_in_environment", denied)
    place = find(aws, {"environment": "staging", "service": "scores", **options})
    assert isinstance(place.location, Unread)
    assert {str(colour): name for colour, name in place.ecs_services.items()} == services
    assert (place.cluster, place.ledger) == ("staging", "staging-releases")
    assert place.log_group == "/pear/staging/scores"
    assert place.alarm_prefixes == ("staging/scores/", "staging/*/")
    assert place.health_alarm == ("" if options else "staging/*health-check-eu-central-1/scores")


PARTS = ("answers", "tasks", "releases", "saturation", "logs", "traces", "alarms", "health_alarms")


@pytest.mark.long
def test_a_check_that_does_not_answer_in_time_is_unknown_and_the_others_are_not(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()
    for part in PARTS:
        wait = never.wait if part == "logs" else lambda: None
        monkeypatch.setattr(Readers, part, lambda self, wait=wait: wait() or "read")
    place = Place("staging", "scores", "c", "l", {}, "g", (), "", Unread("no load balancer"))
    params = {"minutes": 15, "period_seconds": 60, "timeout_seconds": 1}
    try:
        facts = service_triage.read(aws, place, Invocation(params, aws), NOW)
    finally:
        never.set()
    assert facts.logs == Unread("no answer in time")
    assert [getattr(facts, part) for part in PARTS if part != "logs"] == ["read"] * 7


def test_a_log_is_searched_from_its_newest_minutes_until_there_is_enough(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[LogSearch] = []

    def search(aws: Aws, search: LogSearch) -> tuple[list[Any], bool]:
        searched.append(search)
        return [logs.LogEvent(search.end, "s", "ERROR")] * 150, True

    monkeypatch.setattr(logs, "search_events", search)
    place = Place("staging", "scores", "c", "l", {}, "g", (), "", Unread("no load balancer"))
    with ThreadPoolExecutor() as pool:
        found = Readers(aws, place, Window(NOW - 900, NOW, 60), pool).logs()
    assert [(NOW - search.start, round(NOW - search.end)) for search in searched] == [(120.0, 0), (600.0, 120)]
    assert len(found.events) == 300
    assert not found.complete


def test_of_a_service_that_is_not_there_each_check_says_what_is_missing(aws: Aws) -> None:
    validated = ArgumentSpecValidator(module.ARGUMENT_SPEC).validate({"environment": "staging", "service": "scores"})
    assert not validated.error_messages
    with mock_aws():
        found = service_triage.run(Invocation(validated.validated_parameters, Aws({"region": "eu-central-1"})))
    checks = {check["check"]: check for check in found["checks"]}
    assert {name: check["state"] for name, check in checks.items()} == {
        **dict.fromkeys(("5xx", "tasks", "releases", "saturation", "logs"), "unknown"),
        "traces": "ok",
    }
    assert "not provisioned" in checks["5xx"]["why"]
    assert "no ECS service yet" in checks["tasks"]["why"]
    assert "staging-releases" in checks["releases"]["why"]
    assert "/pear/staging/scores" in checks["logs"]["why"]
    assert found["headline"].startswith("nothing wrong found (unknown: 5xx, tasks")
    assert found["screen"][0].startswith("scores in staging")
    assert found["note"].startswith("# scores in staging: nothing wrong found")
    assert not found["changed"]
    assert isinstance(found["seconds"], float) and 0 <= found["seconds"] < 600


def test_targets_are_those_of_all_target_groups_that_the_tasks_are_in(monkeypatch: pytest.MonkeyPatch) -> None:
    arns = {name: f"arn:aws:elasticloadbalancing:e:1:targetgroup/{name}/1" for name in ("web-blue", "web-game")}
    sick = TargetState("10.0.0.1", 7000, "unhealthy", "Target.Timeout", "Health checks failed")
    monkeypatch.setattr(elbv2, "target_health", lambda _aws, arn: (sick,) if arn == arns["web-game"] else ())
    location = SimpleNamespace(given=None, target_groups={Colour.BLUE: SimpleNamespace(arn=arns["web-blue"])})
    held = [{"target_group_arn": arn} for arn in arns.values()]
    service = SimpleNamespace(desired=1, running=1, settings={"load_balancers": held})
    own = (TargetState("10.0.0.1", 8080, "healthy"),)
    with ThreadPoolExecutor(2) as pool:
        reader = Readers(cast(Aws, None), cast(Place, SimpleNamespace(location=location)), Window(0, 1, 60), pool)
        (found,) = cast(tuple[TargetState, ...], reader._in_all(Colour.BLUE, cast(ServiceState, service), own))
        assert (found.unhealthy, found.explanation) == (
            True,
            "Target.Timeout: Health checks failed (target group web-game)",
        )
        alone = SimpleNamespace(desired=1, running=1, settings={"load_balancers": held[:1]})
        assert reader._in_all(Colour.BLUE, cast(ServiceState, alone), own) == own
