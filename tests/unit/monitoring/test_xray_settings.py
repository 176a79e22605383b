"""Sampling rules and groups of X-Ray: only what differs is written, ours that are not listed go, those of others stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.filter.monitoring import FilterModule
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError, Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.naming import EnvironmentNames, ServiceNames
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.common.ownership import ForeignError
from ansible_collections.pear.fargate.plugins.module_utils.monitoring import (
    sampling_rules,
    xray_group,
    xray_sampling_rules,
)
from ansible_collections.pear.fargate.plugins.modules import xray_group as group_module
from ansible_collections.pear.fargate.plugins.modules import xray_sampling_rules as rules_module
from ansible_collections.pear.fargate.plugins.plugin_utils.drift import Source, rows_of
from moto import mock_aws

from ..xray_settings import TraceStore

TAGS = {"pear:environment": "staging", "pear:service": "scores", "pear:component": "monitoring"}
RULES = [
    {
        "name": "staging-scores-health-checks",
        "priority": 100,
        "url_path": "/healthz",
        "percent": 0,
        "reservoir_per_second": 0,
    },
    {"name": "staging-scores-orders", "service": "scores", "http_method": "POST", "percent": 7},
]
TRACED = {"enabled": True, "remote_sampling": True}
# A rule of others, as AWS takes it.
THEIRS = {
    "Priority": 5, "FixedRate": 1.0, "ReservoirSize": 3, "ServiceName": "*", "ServiceType": "*", "Host": "*", "HTTPMethod": "*",
    "URLPath": "*", "ResourceARN": "*", "Version": 1,
}  # fmt: skip


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[TraceStore]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    store = TraceStore().installed_for(monkeypatch)
    with mock_aws():
        yield store


def rules(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    given = {"rules": RULES, "tags": TAGS, **options}
    validated = ArgumentSpecValidator(rules_module.ARGUMENT_SPEC).validate(given)
    assert not validated.error_messages
    call = Invocation(validated.validated_parameters, Aws({"region": "eu-central-1"}), check_mode)
    return xray_sampling_rules.run(call)


def group(check_mode: bool = False, **options: Any) -> dict[str, Any]:
    given = {"name": "staging-scores", "filter_expression": 'service("scores")', "tags": TAGS, **options}
    validated = ArgumentSpecValidator(group_module.ARGUMENT_SPEC).validate(given)
    assert not validated.error_messages
    call = Invocation(validated.validated_parameters, Aws({"region": "eu-central-1"}), check_mode)
    return xray_group.run(call)


def xray() -> Any:
    return boto3.client("xray", region_name="eu-central-1")


def test_check_mode_shows_all_rules_and_writes_none(store: TraceStore) -> None:
    shown = rules(check_mode=True)
    assert set(shown["diff"]["after"]) == {rule["name"] for rule in RULES}
    assert shown["diff"]["after"]["staging-scores-orders"]["percent"] == 7
    assert store.written == []


def test_rules_are_made_once(store: TraceStore) -> None:
    assert rules()["changed"]
    written = list(store.written)
    again = rules()
    assert not again["changed"], again["diff"]
    assert store.written == written == ["CreateSamplingRule"] * 2
    made = store.rule("staging-scores-orders")
    assert (made["FixedRate"], made["ReservoirSize"], made["ServiceName"], made["Version"]) == (0.07, 1, "scores", 1)
    assert store.known_tags(made["RuleARN"]) == TAGS


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("priority", 3),
        ("percent", 12.5),
        ("reservoir_per_second", 9),
        ("host", "example.com"),
        ("url_path", "/orders*"),
        ("resource_arn", "arn:aws:ecs:*"),
        ("service_type", "AWS::ECS::Container"),
        ("attributes", {"tier": "paying"}),
    ],
)
def test_a_rule_that_differs_is_changed_in_its_place(store: TraceStore, option: str, value: Any) -> None:
    rules()
    other = [RULES[0], {**RULES[1], option: value}]
    assert rules(rules=other, check_mode=True)["diff"]["after"]["staging-scores-orders"][option] == value
    assert rules(rules=other)["changed"]
    assert store.written[2:] == ["UpdateSamplingRule"]
    assert not rules(rules=other)["changed"]


def test_a_tag_that_is_gone_is_set_again(store: TraceStore) -> None:
    rules()
    xray().untag_resource(ResourceARN=store.rule("staging-scores-orders")["RuleARN"], TagKeys=["pear:component"])
    assert list(rules(check_mode=True)["diff"]["after"]) == ["tags of staging-scores-orders"]
    assert rules()["changed"]
    assert store.known_tags(store.rule("staging-scores-orders")["RuleARN"]) == TAGS


def test_a_rule_that_is_no_longer_listed_goes_and_those_of_others_stay(store: TraceStore) -> None:
    rules()
    for name, tags in (
        ("theirs", {}),
        ("staging-by-hand", {}),
        ("staging-board-orders", {"pear:environment": "staging", "pear:service": "board"}),
        ("staging-shared", {"pear:environment": "staging"}),
    ):
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        xray().create_sampling_rule(SamplingRule={"RuleName": name, **THEIRS}, Tags=pairs)
    assert rules(rules=RULES[:1])["diff"]["after"] == {"staging-scores-orders": None}
    kept = ["staging-board-orders", "staging-by-hand", "staging-shared", "theirs"]
    assert store.rules() == sorted([*kept, "staging-scores-health-checks"])
    # The environment's own are those without a service.
    shared = {key: value for key, value in TAGS.items() if key != "pear:service"}
    assert rules(rules=[], tags=shared)["diff"]["after"] == {"staging-shared": None}


def test_a_rule_of_others_with_the_name_of_ours_is_refused(store: TraceStore) -> None:
    xray().create_sampling_rule(SamplingRule={"RuleName": "staging-scores-orders", **THEIRS})
    store.written.clear()
    for check_mode in (True, False):
        with pytest.raises(
            ForeignError, match=r"rule of X-Ray staging-scores-orders exists, and no tag.*\[sampling_rule\]"
        ):
            rules(check_mode)
    with pytest.raises(ForeignError):
        rules(state="absent", adopt=True)
    assert store.written == []
    assert rules(adopt=True)["changed"]
    assert store.rule("staging-scores-orders")["Priority"] == 1000
    assert not rules()["changed"]


def test_absent_removes_ours_and_nothing_else(store: TraceStore) -> None:
    rules()
    xray().create_sampling_rule(SamplingRule={"RuleName": "theirs", **THEIRS})
    assert rules(rules=[], state="absent", check_mode=True)["changed"]
    assert rules(rules=[], state="absent")["rules"] == []
    assert store.rules() == ["theirs"]
    assert not rules(rules=[], state="absent")["changed"]


def test_more_rules_than_a_region_takes_are_refused_by_aws_in_its_words(store: TraceStore) -> None:
    many = [{"name": f"staging-scores-{number}"} for number in range(26)]
    with pytest.raises(AwsError, match=r"create sampling rule staging-scores-25: .*maximum number of sampling rules"):
        rules(rules=many)


def test_all_pages_of_rules_are_read(store: TraceStore) -> None:
    many = [{"name": f"staging-scores-{number}"} for number in range(25)]
    rules(rules=many)
    assert not rules(rules=many)["changed"]


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"priority": 0}, "valid: 1 to 9999"),
        ({"priority": 10000}, "valid: 1 to 9999"),
        ({"percent": 101}, "valid: 0 to 100"),
        ({"reservoir_per_second": -1}, "cannot be negative"),
        ({"name": "x" * 33}, "32 at most"),
        ({"name": "Default"}, "X-Ray's own"),
        ({"url_path": "/" + "x" * 128}, "128 at most"),
        ({"http_method": "PROPPATCHES"}, "10 at most"),
        ({"attributes": {str(number): "x" for number in range(6)}}, "5 at most"),
        ({"attributes": {"tier": ""}}, "1 to 32 characters"),
    ],
)
def test_what_x_ray_does_not_take_is_refused_before_the_first_write(
    store: TraceStore, rule: dict[str, Any], problem: str
) -> None:
    with pytest.raises(Failure, match=problem):
        rules(rules=[RULES[0], {"name": "staging-scores-x", **rule}])
    with pytest.raises(Failure, match="more than once"):
        rules(rules=[RULES[0], RULES[0]])
    assert store.written == []


def test_the_group_is_made_once_changed_in_place_and_removed(store: TraceStore) -> None:
    assert group(check_mode=True)["diff"]["after"]["group"]["filter_expression"] == 'service("scores")'
    assert store.written == []
    arn = group()["arn"]
    assert arn.startswith("arn:aws:xray:eu-central-1:123456789012:group/staging-scores/")
    assert store.known_tags(arn) == TAGS
    assert not group()["changed"]
    with_insights = {"insights": True, "insights_notifications": True}
    assert group(check_mode=True, **with_insights)["diff"]["after"]["group"]["insights"] is True
    assert group(**with_insights)["arn"] == arn
    assert store.groups()["staging-scores"]["InsightsConfiguration"]["NotificationsEnabled"] is True
    assert not group(**with_insights)["changed"]
    assert group(state="absent", check_mode=True)["changed"] and store.groups()
    assert group(state="absent")["changed"] and not store.groups()
    assert not group(state="absent")["changed"]


def test_a_group_or_a_rule_that_somebody_changed_is_drift_by_its_name(store: TraceStore) -> None:
    group()
    rules()
    xray().update_group(GroupName="staging-scores", FilterExpression='service("board")')
    xray().update_sampling_rule(SamplingRuleUpdate={"RuleName": "staging-scores-orders", "FixedRate": 0.5})
    (of_group,) = rows_of(Source("h", "Task", "pear.fargate.xray_group"), group(check_mode=True))
    assert (of_group.part, of_group.setting) == ("xray_group staging-scores", "group: filter_expression")
    assert (of_group.before, of_group.after) == ('service("board")', 'service("scores")')
    (of_rule,) = rows_of(Source("h", "Task", "pear.fargate.xray_sampling_rules"), rules(check_mode=True))
    assert (of_rule.setting, of_rule.before, of_rule.after) == ("staging-scores-orders: percent", "50.0", "7.0")


def test_a_group_of_others_is_refused(store: TraceStore) -> None:
    xray().create_group(GroupName="staging-scores", FilterExpression="http.status = 500")
    for options in ({}, {"check_mode": True}, {"state": "absent", "adopt": True}):
        with pytest.raises(ForeignError, match="Group of X-Ray staging-scores exists"):
            group(**options)
    assert store.groups()["staging-scores"]["FilterExpression"] == "http.status = 500"
    assert group(adopt=True)["changed"]
    assert store.groups()["staging-scores"]["FilterExpression"] == 'service("scores")'


def test_a_group_that_x_ray_refuses_is_refused_first(store: TraceStore) -> None:
    with pytest.raises(Failure, match="needs insights"):
        group(insights_notifications=True)
    with pytest.raises(Failure, match="1 to 32 characters"):
        group(name="x" * 33)
    assert store.written == []


def made(**variables: Any) -> list[dict[str, Any]]:
    return sampling_rules.of_inventory(ServiceNames("staging", "scores"), variables, variables.pop("worker", False))


def test_health_checks_are_left_out_where_the_program_asks_x_ray_what_to_trace() -> None:
    (rule,) = made(service_collector=TRACED, service_health_check={"path": "/healthz?deep=1"})
    assert (rule["name"], rule["service"]) == ("staging-scores-health-checks", "scores")
    assert (rule["url_path"], rule["percent"], rule["reservoir_per_second"]) == ("/healthz", 0, 0)
    assert rule["priority"] < sampling_rules.DEFAULTS["priority"]


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"service_health_check": {"path": "/healthz"}}, id="no collector"),
        pytest.param(
            {"service_collector": {"enabled": True}, "service_health_check": {"path": "/healthz"}},
            id="no remote sampling",
        ),
        pytest.param({"service_collector": TRACED, "service_health_check": {}}, id="the path of users"),
        pytest.param(
            {"service_collector": TRACED, "service_health_check": {"path": "/?a=b"}}, id="the path of users too"
        ),
        pytest.param({"service_collector": TRACED, "service_health_check": {"path": "/health*"}}, id="a wildcard"),
        pytest.param(
            {"service_collector": TRACED, "service_health_check": {"path": "/healthz"}, "worker": True}, id="a worker"
        ),
        pytest.param(
            {
                "service_collector": TRACED,
                "service_health_check": {"path": "/healthz"},
                "monitoring_trace_health_checks": True,
            },
            id="not wanted",
        ),
    ],
)
def test_there_is_no_rule_for_health_checks_where_it_would_be_wrong(variables: dict[str, Any]) -> None:
    assert made(**variables) == []


def test_a_rule_of_the_inventory_replaces_the_shipped_one_and_matches_this_service() -> None:
    named = [{"name": "health-checks", "percent": 1}, {"name": "orders", "service": "other", "priority": None}]
    both = made(service_collector=TRACED, service_health_check={"path": "/healthz"}, monitoring_sampling_rules=named)
    assert [(rule["name"], rule["percent"], rule["service"], rule["priority"]) for rule in both] == [
        ("staging-scores-health-checks", 1, "scores", 1000),
        ("staging-scores-orders", 5.0, "other", 1000),
    ]


def test_rules_of_the_environment_match_all_services() -> None:
    (rule,) = FilterModule().filters()["sampling_rules"]([{"name": "admin", "url_path": "/admin/*"}], "staging")
    assert (rule["name"], rule["service"], rule["url_path"]) == ("staging-admin", "*", "/admin/*")
    (own,) = FilterModule().filters()["sampling_rules"]([{"name": "admin"}], "staging", "scores")
    assert (own["name"], own["service"]) == ("staging-scores-admin", "scores")


def test_names_are_cut_to_what_x_ray_takes_and_stay_distinct() -> None:
    names = ServiceNames("a-long-environment", "a-service-with-a-long-name")
    assert names.trace_group.startswith("a-long-environment-") and len(names.trace_group) == 32
    two = {names.sampling_rule("health-checks"), names.sampling_rule("orders")}
    assert len(two) == 2 and {len(name) for name in two} == {32}
    assert all(name.startswith("a-long-environment-") for name in two)
    assert len(EnvironmentNames("a-long-environment").sampling_rule("x" * 32)) == 32


def test_findings_are_in_the_words_of_the_inventory() -> None:
    wrong = {"monitoring_sampling_rules": [{"name": "a", "percent": 120}, {"name": "a"}, {"percent": 1}]}
    found = list(sampling_rules.findings(wrong))
    assert found == [
        "monitoring_sampling_rules has a more than once",
        "monitoring_sampling_rules: percent of a is 120; valid: 0 to 100",
    ]
    assert list(sampling_rules.findings({})) == []


def test_a_service_with_a_collector_has_a_group() -> None:
    assert sampling_rules.has_group({"service_collector": {"enabled": True}})
    assert not sampling_rules.has_group({"service_collector": {"enabled": False}})
    assert not sampling_rules.has_group({"service_collector": {"enabled": True}, "monitoring_trace_group": False})
