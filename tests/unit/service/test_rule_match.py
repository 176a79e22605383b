"""Who answers a request, by the rules of a listener; and rules that leave another service nothing."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import Conditions, Rule, TargetGroup
from ansible_collections.pear.fargate.plugins.module_utils.release.preflight import _answered_by_others
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import Order
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour
from ansible_collections.pear.fargate.plugins.module_utils.service.location import NO_RULE, ServiceLocation
from ansible_collections.pear.fargate.plugins.module_utils.service.routing import DesiredRules
from ansible_collections.pear.fargate.plugins.module_utils.service.rule_match import Request, answering, covers
from ansible_collections.pear.fargate.plugins.module_utils.service.rule_priorities import conflicts

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
        pytest.param(rule(30, OURS), f"would answer every request for {HOST}", id="asked later, and left nothing"),
        pytest.param(rule(30, Conditions.of(["*.example.com"], [])), "", id="asked later, and left other hosts"),
        pytest.param(rule(30, OURS, group=""), "", id="a page that stands behind"),
        pytest.param(rule(10, Conditions((HOST,), source_ips=("10.0.0.0/8",))), "", id="from some addresses only"),
        pytest.param(rule(10, Conditions((HOST,), query=(("beta", "1"),))), "", id="with a query only"),
        pytest.param(rule(10, Conditions((HOST,), headers=(("x-tenant", ("a",)),))), "", id="with a header only"),
        pytest.param(rule(10, Conditions.of(["*.example.com"], [])), f"every request for {HOST}", id="a wildcard"),
        pytest.param(rule(10, Conditions.of(["SCORES.example.com"], [])), f"for {HOST}", id="hosts have no case"),
        pytest.param(rule(10, Conditions.of([HOST], ["/api/*"])), "", id="some of its paths are another service's"),
        pytest.param(rule(10, Conditions()), f"every request for {HOST}", id="a rule for everything"),
        pytest.param(rule(10, OURS.under_test()), "before the test rule", id="a test rule takes the test rule's"),
        pytest.param(rule(10, OURS, group=""), "", id="a maintenance page is meant to come first"),
        pytest.param(rule(10, Conditions((HOST,), others=("http-request-method",))), "", id="what cannot be compared"),
        pytest.param(rule(10, OURS, group="blue"), "", id="the service's own rule"),
    ],
)
def test_a_rule_that_is_asked_earlier_for_the_same_requests_is_a_finding(theirs: Rule, told: str) -> None:
    found = "; ".join(conflicts([theirs], DesiredRules(OURS, 20, "blue", "green")))
    assert told in found
    assert bool(found) is bool(told)


@pytest.mark.parametrize(
    ("theirs", "ours", "taken"),
    [
        ({"source_ips": ("10.0.0.0/8",)}, {"source_ips": ("10.1.0.0/16", "10.2.0.0/16")}, True),
        ({"source_ips": ("10.0.0.0/8",)}, {"source_ips": ("10.1.0.0/16", "192.168.0.0/16")}, False),
        ({"source_ips": ("10.0.0.0/8",)}, {"source_ips": ("2001:db8::/32",)}, False),
        ({"query": (("a", "1"), ("b", "2"))}, {"query": (("b", "2"),)}, True),
        ({"query": (("a", "1"),)}, {"query": (("a", "1"), ("b", "2"))}, False),
        ({"headers": (("x-a", ("1", "2")),)}, {"headers": (("x-a", ("2",)), ("x-b", ("3",)))}, True),
        ({"headers": (("x-a", ("1",)),)}, {"headers": (("x-a", ("1", "2")),)}, False),
    ],
)
def test_a_rule_takes_another_whole_where_its_further_conditions_are_wider(
    theirs: dict[str, Any], ours: dict[str, Any], taken: bool
) -> None:
    first = rule(10, Conditions((HOST,), **theirs))
    assert bool(conflicts([first], DesiredRules(Conditions((HOST,), **ours), 20, "blue", "green"))) is taken


@pytest.mark.parametrize(
    ("path", "headers", "source", "answered"),
    [
        ("/x?beta=1", {"X-Tenant": "acme-1"}, ["rule/10"], True),
        ("/x?BETA=1&more", {"x-tenant": "ACME-2"}, ["rule/10"], True),
        ("/x?beta=2", {"X-Tenant": "acme-1"}, ["rule/10"], False),
        ("/x", {"X-Tenant": "acme-1"}, ["rule/10"], False),
        ("/x?beta=1", {}, ["rule/10"], False),
        ("/x?beta=1", {"X-Tenant": "acme-1"}, [], False),
    ],
)
def test_every_condition_of_a_rule_has_to_hold(
    path: str, headers: dict[str, str], source: list[str], answered: bool
) -> None:
    conditions = Conditions(
        (HOST,), headers=(("x-tenant", ("acme-*",)),), source_ips=("10.0.0.0/8",), query=(("beta", "1"),)
    )
    found = answering([rule(10, conditions)], Request(HOST, path, headers, source))
    assert (found is not None) is answered


def test_each_host_and_path_counts() -> None:
    desired = DesiredRules(Conditions.of([HOST], ["/", "/api/*"]), 20, "blue", "green")
    (found,) = conflicts([rule(10, Conditions.of([HOST], ["/api/*"]))], desired)
    assert f"every request for {HOST}/api/*" in found


def test_a_request_is_answered_by_the_first_rule_that_matches() -> None:
    test, production = rule(19, OURS.under_test()), rule(20, OURS)
    rules = [production, test, rule(5, Conditions(others=("http-request-method",)))]
    assert answering(rules, Request(HOST, "/x?y", {"X-Release": "candidate"})) is test
    assert answering(rules, Request(HOST.upper(), "/x", {})) is production
    assert answering(rules, Request("else.example.com", "/", {})) is None


TEST_RULE, PRODUCTION_RULE = rule(19, OURS.under_test(), arn="test"), rule(20, OURS, arn="production")
CHECK: dict[str, Any] = {"name": "ready", "path": "/readyz", "headers": {}, "command": []}


def answered_by_others(*others: Rule, in_place: bool = False, **options: Any) -> list[str]:
    rules = (TEST_RULE, PRODUCTION_RULE, *others)
    return asked(PRODUCTION_RULE, TEST_RULE, rules, {"checks": [CHECK], **options}, in_place)


def asked(
    production: Rule, test: Rule | None, rules: tuple[Rule, ...], options: dict[str, Any], in_place: bool = False
) -> list[str]:
    groups = {colour: TargetGroup(f"scores-{colour}", "vpc-1", 8080) for colour in Colour}
    location = ServiceLocation("prod", "scores", "listener", HOST, groups, production, test, rules, rules)
    order = SimpleNamespace(plan=SimpleNamespace(in_place=in_place))
    return [str(finding) for finding in _answered_by_others(location, options, cast(Order, order))]


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


def test_a_task_asks_nobody_but_the_services_own_address_is_looked_at() -> None:
    (found,) = answered_by_others(rule(10, Conditions()), checks=[{**CHECK, "command": ["migrate"]}])
    assert found.startswith("the service's own address: / of scores.example.com is answered by the rule of")


def test_a_request_that_asks_a_candidate_without_a_test_rule_is_a_finding() -> None:
    (found,) = asked(PRODUCTION_RULE, None, (PRODUCTION_RULE,), {"checks": [CHECK]})
    assert "name one with test_rule_arn" in found


def test_requests_carry_what_the_rules_ask_for() -> None:
    conditions = Conditions(
        (HOST,), ("/v?/*",), (("x-tenant", ("acme-*",)),), source_ips=("10.0.0.0/8",), query=(("beta", "1"),)
    )
    production = rule(20, conditions, arn="production")
    test = rule(19, conditions.under_test(), arn="test")
    check = {**CHECK, "path": "/v1/ready?verbose"}
    assert asked(production, test, (test, production), {"checks": [check], "version_probe": check}) == []
    location = ServiceLocation("prod", "scores", "listener", HOST, {}, production, test)
    assert location.path("/v1/ready?verbose") == "/v1/ready?verbose&beta=1"
    assert location.path("/v1/ready?BETA=1") == "/v1/ready?BETA=1"
    assert location.own_path == "/vx/pear?beta=1"
    assert location.headers == {"x-tenant": "acme-pear"}


@pytest.mark.parametrize(("unauthenticated", "kept_back"), [("authenticate", True), ("deny", True), ("allow", False)])
def test_a_check_that_the_login_would_answer_is_a_finding(unauthenticated: str, kept_back: bool) -> None:
    login = {"Type": "authenticate-oidc", "AuthenticateOidcConfig": {"OnUnauthenticatedRequest": unauthenticated}}
    test = replace(TEST_RULE, actions=(login,))
    found = asked(PRODUCTION_RULE, test, (test, PRODUCTION_RULE), {"checks": [CHECK]})
    assert bool(found) is kept_back
    assert all("answers it with its login" in finding for finding in found)


def test_a_worker_has_no_address_to_look_at() -> None:
    location = ServiceLocation("prod", "mailer", "", "", {}, NO_RULE, None)
    order = SimpleNamespace(plan=SimpleNamespace(in_place=True))
    assert (
        list(_answered_by_others(location, {"checks": [{**CHECK, "command": ["migrate"]}]}, cast(Order, order))) == []
    )
