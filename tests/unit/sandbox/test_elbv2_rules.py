"""What ELB refuses in a rule, and the client secret that it keeps."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.api.elbv2_rules import RuleCalls, check_conditions, keep_secret, refuse_too_many
from sandbox.errors import ApiError


def hosts(*values: str) -> dict[str, Any]:
    return {"Field": "host-header", "HostHeaderConfig": {"Values": list(values)}}


def query(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": k, "Value": v} for k, v in pairs]}}


@pytest.mark.parametrize(
    ("conditions", "refused"),
    [
        ([hosts("a", "b", "c"), query(("x", "1"), ("y", "2"))], ""),
        ([hosts("a", "b", "c", "d"), query(("x", "1"), ("y", "2"))], "'5' condition values"),
        ([{"Field": "path-pattern", "Values": list("abcdef")}], "'5' condition values"),
        ([hosts("*.*", "?"), query(("*", "*"))], ""),
        ([hosts("*.*", "?"), query(("*", "*?"))], "'5' condition wildcards"),
    ],
)
def test_a_rule_holds_five_values_and_five_wildcards(conditions: list[dict[str, Any]], refused: str) -> None:
    if not refused:
        check_conditions(conditions)
        return
    with pytest.raises(ApiError, match=refused):
        check_conditions(conditions)


def login(**more: str) -> list[dict[str, Any]]:
    return [{"Type": "authenticate-oidc", "AuthenticateOidcConfig": {"ClientId": "web", **more}}]


def test_the_client_secret_is_needed_kept_and_never_answered() -> None:
    given = login(ClientSecret="word")
    keep_secret(given, known=False)
    assert given == login()
    again = login(UseExistingClientSecret="true")
    keep_secret(again, known=True)
    assert again == login()
    for actions, known in ((login(), True), (login(UseExistingClientSecret="true"), False)):
        with pytest.raises(ApiError, match="client secret must be specified"):
            keep_secret(actions, known)


def rule(sticky: bool) -> list[dict[str, Any]]:
    groups = [{"TargetGroupArn": name, "Weight": 1} for name in ("blue", "green")]
    config = {"TargetGroups": groups, "TargetGroupStickinessConfig": {"Enabled": str(sticky).lower()}}
    return [{"Type": "forward", "ForwardConfig": config}]


def backend(group_sticky: bool, rule_sticky: bool) -> Any:
    groups = {
        name: SimpleNamespace(attributes={"stickiness.enabled": str(group_sticky).lower()})
        for name in ("blue", "green")
    }
    made = SimpleNamespace(arn="rule", actions=[SimpleNamespace(data=action) for action in rule(rule_sticky)])
    listener = SimpleNamespace(rules={"rule": made})
    balancers = {"lb": SimpleNamespace(listeners={"listener": listener})}
    return SimpleNamespace(
        target_groups=groups, load_balancers=balancers, describe_rules=lambda listener_arn, rule_arns: [made]
    )


def test_stickiness_of_a_target_group_needs_that_of_its_rules() -> None:
    calls, done = RuleCalls(), []

    def original(*arguments: Any, **named: Any) -> None:
        done.append(named or arguments[1:])

    on = {"stickiness.enabled": "true"}
    with pytest.raises(ApiError, match="You must enable group stickiness before enabling target stickiness"):
        calls._attributes(original, backend(False, False), "blue", on)
    calls._attributes(original, backend(False, True), "blue", on)
    with pytest.raises(ApiError, match="You must enable group stickiness on a rule"):
        calls._modify(original, backend(True, True), "rule", [], rule(False))
    calls._modify(original, backend(True, True), "rule", [], rule(True))
    assert len(done) == 2


def test_a_load_balancer_has_a_hundred_rules_over_all_of_its_listeners() -> None:
    def listener(rules: int) -> Any:
        own = [SimpleNamespace(is_default=False)] * rules
        return SimpleNamespace(rules=dict(enumerate([*own, SimpleNamespace(is_default=True)])))

    def account(first: int, second: int) -> Any:
        full = SimpleNamespace(arn="full", listeners={"https": listener(first), "http": listener(second)})
        return SimpleNamespace(load_balancers={"full": full})

    refuse_too_many(account(60, 39), "https")
    with pytest.raises(ApiError, match="maximum number of rules on load balancer 'full'"):
        refuse_too_many(account(60, 40), "https")
