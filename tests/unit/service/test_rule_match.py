"""Who answers a request, by the rules of a listener; and rules that leave another service nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import Conditions, Rule
from ansible_collections.pear.fargate.plugins.module_utils.release.preflight import _answered_by_others
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import Order
from ansible_collections.pear.fargate.plugins.module_utils.service.location import ServiceLocation
from ansible_collections.pear.fargate.plugins.module_utils.service.routing import DesiredRules, conflicts
from ansible_collections.pear.fargate.plugins.module_utils.service.rule_match import Request, answering, covers

HOST = "scores.example.com"
OURS = Conditions.of([HOST], [])


def rule(priority: int, conditions: Conditions, group: str = "prod-other-blue", arn: str = "") -> Rule:
    return Rule(arn or f"rule/{priority}", priority, conditions, {group: 100} if group else {})


@pytest.mark.parametrize(
    ("pattern", "other", "covered"),
    [
        ("*", "anything", True),
        ("*.example.com", HOST, True),
        ("*.example.com", "example.com", False),
        ("/api/*", "/api/v1/*", True),
        ("/api/?", "/api/*", False),
        ("/api/v?", "/api/v1", True),
        ("a.b", "axb", False),
    ],
)
def test_patterns(pattern: str, other: str, covered: bool) -> None:
    assert covers(pattern, other) is covered


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        pytest.param(rule(10, OURS), f"every request for {HOST}", id="the same host, asked earlier"),
        pytest.param(rule(30, OURS), "", id="asked later"),
        pytest.param(rule(10, Conditions.of(["*.example.com"], [])), f"every request for {HOST}", id="a wildcard"),
        pytest.param(rule(10, Conditions.of(["SCORES.example.com"], [])), f"for {HOST}", id="hosts have no case"),
        pytest.param(rule(10, Conditions.of([HOST], ["/api/*"])), "", id="some of its paths are another service's"),
        pytest.param(rule(10, Conditions()), f"every request for {HOST}", id="a rule for everything"),
        pytest.param(rule(10, OURS.under_test()), "before the test rule", id="a test rule takes the test rule's"),
        pytest.param(rule(10, OURS, group=""), "", id="a maintenance page is meant to come first"),
        pytest.param(rule(10, Conditions((HOST,), (), (), ("source-ip",))), "", id="what cannot be compared"),
        pytest.param(rule(10, OURS, group="blue"), "", id="the service's own rule"),
    ],
)
def test_a_rule_that_is_asked_earlier_for_the_same_requests_is_a_finding(theirs: Rule, told: str) -> None:
    found = "; ".join(conflicts([theirs], DesiredRules(OURS, 20, "blue", "green")))
    assert told in found
    assert bool(found) is bool(told)


def test_each_host_and_path_counts() -> None:
    desired = DesiredRules(Conditions.of([HOST], ["/", "/api/*"]), 20, "blue", "green")
    (found,) = conflicts([rule(10, Conditions.of([HOST], ["/api/*"]))], desired)
    assert f"every request for {HOST}/api/*" in found


def test_a_request_is_answered_by_the_first_rule_that_matches() -> None:
    test, production = rule(19, OURS.under_test()), rule(20, OURS)
    rules = [production, test, rule(5, Conditions((), (), (), ("source-ip",)))]
    assert answering(rules, Request(HOST, "/x?y", {"X-Release": "candidate"})) is test
    assert answering(rules, Request(HOST.upper(), "/x", {})) is production
    assert answering(rules, Request("else.example.com", "/", {})) is None


TEST_RULE, PRODUCTION_RULE = rule(19, OURS.under_test(), arn="test"), rule(20, OURS, arn="production")
CHECK: dict[str, Any] = {"name": "ready", "path": "/readyz", "headers": {}, "command": []}


def answered_by_others(*others: Rule, in_place: bool = False, **options: Any) -> list[str]:
    rules = (TEST_RULE, PRODUCTION_RULE, *others)
    location = SimpleNamespace(
        host=HOST,
        test=TEST_RULE,
        production=PRODUCTION_RULE,
        rules=rules,
        test_rules=rules,
        test_headers={"x-release": "candidate"},
    )
    order = SimpleNamespace(plan=SimpleNamespace(in_place=in_place))
    given = {"checks": [CHECK], **options}
    return [str(finding) for finding in _answered_by_others(cast(ServiceLocation, location), given, cast(Order, order))]


def test_checks_that_this_service_answers_have_no_finding() -> None:
    assert answered_by_others(rule(10, Conditions.of(["else.example.com"], []))) == []
    assert answered_by_others(in_place=True, version_probe={**CHECK, "path": "/version"}) == []


@pytest.mark.parametrize(
    ("other", "options", "told"),
    [
        (
            rule(10, Conditions.of([HOST], ["/readyz"])),
            {},
            "check ready: /readyz of scores.example.com is answered by the rule of",
        ),
        (
            rule(10, Conditions.of([HOST], ["/version"])),
            {"version_probe": {**CHECK, "path": "/version"}},
            "the version probe: /version",
        ),
        (rule(10, Conditions().under_test()), {}, "check ready"),
    ],
)
def test_a_check_that_another_service_answers_is_a_finding(other: Rule, options: dict[str, Any], told: str) -> None:
    (found,) = answered_by_others(other, **options)
    assert told in found and "priority 10" in found


def test_a_task_asks_nobody() -> None:
    everything = rule(10, Conditions())
    assert answered_by_others(everything, checks=[{**CHECK, "command": ["migrate"]}]) == []


def test_a_request_that_asks_a_candidate_without_a_test_rule_is_a_finding() -> None:
    location = SimpleNamespace(host=HOST, test=None, production=PRODUCTION_RULE, rules=(), test_rules=())
    order = SimpleNamespace(plan=SimpleNamespace(in_place=False))
    ready = {"checks": [{"name": "ready", "path": "/readyz", "headers": {}, "command": []}]}
    (found,) = _answered_by_others(cast(ServiceLocation, location), ready, cast(Order, order))
    assert "name one with test_rule_arn" in str(found)
