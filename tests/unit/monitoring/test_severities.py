"""Who is told of which alarm, the composite alarm that pages, and the alarms that look at a past or at deployments."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.pear.fargate.plugins.filter.monitoring import (
    alarm_topic_arn,
    health_check_topics,
    service_alarms,
)
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.alarm_parts import (
    CRITICAL,
    NOTICE,
    SEVERITIES,
    WARNING,
    kind_of,
    subscriptions_of,
)
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.alarms import plan, problems, request
from ansible_collections.pear.fargate.plugins.modules.cloudwatch_alarms import ARGUMENT_SPEC
from jinja2.nativetypes import NativeEnvironment

from sandbox.metrics.rules import holds
from tests.support.plays import ROOT

from .given import ENVIRONMENT, validated

PAGE, MAIL = "arn:aws:sns:eu-central-1:123456789012:page", "arn:aws:sns:eu-central-1:123456789012:mail"


def of(severity: str) -> set[str]:
    return {kind for kind, found in SEVERITIES.items() if found == severity}


def alarms(composite: bool = True, **options: Any) -> dict[str, dict[str, Any]]:
    made = service_alarms(ENVIRONMENT, "scores", tell=[PAGE], tell_warnings=[MAIL], composite=composite, **options)
    return {kind_of(alarm["name"]): alarm for alarm in made}


def told(found: dict[str, dict[str, Any]], topic: str) -> set[str]:
    return {kind for kind, alarm in found.items() if alarm["alarm_actions"] == alarm["ok_actions"] == [topic]}


def test_warnings_have_their_own_topic_and_a_notice_has_none() -> None:
    found = alarms(composite=False, slos=[{"name": "availability", "target_percent": 99.9}])
    assert told(found, PAGE) == of(CRITICAL) & set(found)
    assert told(found, MAIL) == of(WARNING) & set(found)
    assert {kind for kind, alarm in found.items() if not alarm["alarm_actions"]} == of(NOTICE)


def test_the_composite_alarm_pages_for_the_critical_ones() -> None:
    assert told(alarms(), PAGE) == {"critical"}
    assert told(alarms(), MAIL) == of(WARNING) & set(alarms())


def test_without_topics_for_warnings_all_go_to_one() -> None:
    made = service_alarms(ENVIRONMENT, "scores", tell=[PAGE])
    assert {topic for alarm in made for topic in alarm["alarm_actions"]} == {PAGE}


@pytest.mark.parametrize(
    ("firing", "pages"),
    [
        pytest.param({"error-share"}, True, id="users see errors"),
        pytest.param({"error-share", "deploying"}, True, id="users see errors during a release"),
        pytest.param({"no-healthy-target", "deploying"}, True, id="nobody is served during a release"),
        pytest.param({"live-without-target", "deploying"}, True, id="live has no target during a release"),
        pytest.param({"traffic-on-green", "without-target"}, False, id="what only another alarm looks at"),
        pytest.param({"missing-tasks"}, True, id="tasks are missing"),
        pytest.param({"missing-tasks", "unhealthy-targets", "deploying"}, False, id="tasks of a release are not ready"),
        pytest.param({"crash-loop", "deploying", "deployment-stuck"}, True, id="a release is stuck"),
        pytest.param({"latency-trend", "scaling-events", "task-restarts"}, False, id="warnings alone"),
        pytest.param({"deploying"}, False, id="a release alone"),
    ],
)
def test_what_pages(firing: set[str], pages: bool) -> None:
    states = {f"staging/scores/{kind}": "ALARM" if kind in firing else "OK" for kind in alarms()}
    assert holds(alarms()["critical"]["rule"], states) is pages


def test_without_container_insights_no_alarm_is_named_that_is_not_there() -> None:
    blind = {**ENVIRONMENT, "cluster": {"container_insights": "disabled"}}
    made = {alarm["name"]: alarm for alarm in service_alarms(blind, "scores")}
    assert holds(made["staging/scores/critical"]["rule"], dict.fromkeys(made, "ALARM"))


def test_a_trend_is_judged_by_a_band_of_its_own_past() -> None:
    (alarm,) = validated([alarms(thresholds={"latency_trend_deviations": 4})["latency-trend"]])
    wanted = request(alarm)
    assert wanted["ComparisonOperator"] == "GreaterThanUpperThreshold"
    (band,) = [query for query in wanted["Metrics"] if query["Id"] == wanted["ThresholdMetricId"]]
    assert band["Expression"] == "ANOMALY_DETECTION_BAND(judged, 4)"
    assert "Threshold" not in wanted
    # CloudWatch wants the band and what is judged by it, and none of the others.
    assert [query["Id"] for query in wanted["Metrics"] if query["ReturnData"]] == ["judged", "band"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"threshold": 1, "rule": 'ALARM("b")'}, "either threshold, band_deviations or rule"),
        ({"rule": 'ALARM("b")'}, "has a rule, so no metrics"),
        ({}, "either threshold, band_deviations or rule"),
        ({"band_deviations": 2, "comparison": ">="}, "compared by > or <"),
        ({"band_deviations": 0}, "above 0"),
    ],
)
def test_an_alarm_that_cloudwatch_would_refuse_is_named(options: dict[str, Any], why: str) -> None:
    found = problems(validated([{"name": "a", "metrics": [{"namespace": "n", "metric": "m"}], **options}]))
    assert any(why in problem for problem in found), found


def test_a_composite_alarm_is_put_last_and_deleted_first() -> None:
    part = {"name": "p/z", "metrics": [{"namespace": "n", "metric": "m"}], "threshold": 1}
    desired = [request(alarm) for alarm in validated([{"name": "p/a", "rule": 'ALARM("p/z")'}, part])]
    assert [alarm["AlarmName"] for alarm in plan([], desired, "p/").put] == ["p/z", "p/a"]
    assert plan(reversed(desired), [], "p/").delete == ["p/a", "p/z"]
    assert not plan(desired, desired, "p/").put


def test_subscriptions_go_to_the_topics_of_their_severities() -> None:
    page = {"protocol": "https", "endpoint": "https://example.com", "severities": ["critical"]}
    mail = {"protocol": "email", "endpoint": "oncall@example.com"}
    assert subscriptions_of([page, mail], "critical") == [
        {"protocol": "https", "endpoint": "https://example.com"},
        mail,
    ]
    assert subscriptions_of([page, mail], "warning") == [mail]


def test_each_severity_has_its_topic() -> None:
    arns = [alarm_topic_arn(ENVIRONMENT, severity=severity).rpartition(":")[2] for severity in ("critical", "warning")]
    assert arns == ["staging-alarms", "staging-warnings"]
    with pytest.raises(AnsibleFilterError, match="no topic of the severity 'notice'"):
        alarm_topic_arn(ENVIRONMENT, severity="notice")


def test_the_topic_of_health_checks_is_where_their_metrics_are_and_no_other_environments() -> None:
    """An environment of the same name may be in that region, and has the topic of the short name there."""
    assert (
        alarm_topic_arn(ENVIRONMENT, of_health_checks=True)
        == "arn:aws:sns:us-east-1:123456789012:staging-eu-central-1-alarms"
    )
    there = {**ENVIRONMENT, "region": "us-east-1"}
    assert alarm_topic_arn(there, of_health_checks=True) == alarm_topic_arn(there)


def test_health_checks_tell_the_topics_that_the_inventory_gives_their_alarms() -> None:
    check = {"dns_health_check": {"host": "scores.example.com"}}
    own = alarm_topic_arn(ENVIRONMENT, of_health_checks=True)
    theirs = own.replace("staging-eu-central-1-alarms", "pager")
    services = [{}, {"dns_health_check": {}}, check, check, {**check, "dns_health_alarm_topic_arns": [theirs]}]
    assert health_check_topics(ENVIRONMENT, services) == [own, theirs]
    off: list[dict[str, Any]] = [{"dns_health_alarm": "false"}, {"monitoring_enabled": False}]
    assert health_check_topics(ENVIRONMENT, [{**check, **variables} for variables in off]) == []


def test_the_module_takes_every_option() -> None:
    assert {"rule", "band_deviations"} <= set(ARGUMENT_SPEC["alarms"]["options"])


def test_the_health_check_of_a_name_tells_who_is_told_of_critical_alarms() -> None:
    """The role dns takes no severities: its one alarm is critical."""
    defaults = yaml.safe_load((ROOT / "roles/dns/defaults/main.yml").read_text())
    spec = yaml.safe_load((ROOT / "roles/dns/meta/argument_specs.yml").read_text())
    known = spec["argument_specs"]["main"]["options"]["dns_health_alarm_subscriptions"]["options"]
    jinja = NativeEnvironment()
    jinja.filters["pear.fargate.subscriptions_of"] = subscriptions_of
    targets = [
        {"protocol": "email", "endpoint": "oncall@example.com"},
        {"protocol": "https", "endpoint": "https://example.com/page", "severities": ["critical"]},
        {"protocol": "email", "endpoint": "morning@example.com", "severities": ["warning"]},
        {"protocol": "sqs", "endpoint": "arn:aws:sqs:eu-central-1:1:q", "severities": ["releases"]},
    ]
    told = jinja.from_string(defaults["dns_health_alarm_subscriptions"]).render(monitoring_subscriptions=targets)
    assert [target["endpoint"] for target in told] == ["oncall@example.com", "https://example.com/page"]
    assert all(set(target) <= set(known) for target in told)
