"""Room for a service's rules in a load balancer: asked for only where a rule has to be made."""

from __future__ import annotations

from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import Conditions, Rule
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.service import rule_quota
from ansible_collections.pear.fargate.plugins.module_utils.service.routing import DesiredRules, FurtherRule

HTTPS = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/prod/1/2"
DESIRED = DesiredRules(
    Conditions.of(["a.example.com"], []),
    10,
    "blue",
    "green",
    further=(FurtherRule("old", Conditions.of(["b"], []), 20),),
)


def others(count: int) -> list[Rule]:
    return [Rule(f"r{number}", 100 + number, Conditions(), {"theirs": 1}) for number in range(count)]


def found(monkeypatch: pytest.MonkeyPatch, here: list[Rule], there: int, allowed: int | None = 100) -> list[str]:
    asked: list[str] = []

    def listeners(_aws: Any, balancer: str) -> list[dict[str, Any]]:
        asked.append(balancer)
        return [{"ListenerArn": HTTPS}, {"ListenerArn": "http"}]

    monkeypatch.setattr(rule_quota.elbv2, "listeners", listeners)
    monkeypatch.setattr(rule_quota.elbv2, "rules", lambda _aws, _listener: others(there))
    monkeypatch.setattr(rule_quota.elbv2, "rules_allowed", lambda _aws: allowed)
    told = list(rule_quota.findings(cast(Aws, None), HTTPS, here, DESIRED))
    return told if asked else ["nothing was asked"]


def test_rules_of_all_listeners_count(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, others(57), 40) == []
    (told,) = found(monkeypatch, others(58), 40)
    assert "has 98 rules, this service needs 3 more (test, production, old), and the account's quota is 100" in told


def test_a_raised_quota_or_none_that_is_told_refuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, others(150), 40, allowed=200) == []
    assert found(monkeypatch, others(150), 40, allowed=None) == []


def test_nothing_is_read_where_every_rule_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = {"blue": 100, "green": 0}
    own = [
        Rule("p", 10, DESIRED.conditions, weights),
        Rule("t", 9, DESIRED.conditions.under_test(), weights),
        Rule("f", 20, Conditions.of(["b"], []), weights, name="old"),
    ]
    assert found(monkeypatch, [*own, *others(98)], 40) == ["nothing was asked"]
    renamed = [*own[:2], Rule("f", 20, Conditions.of(["b"], []), weights, name="gone")]
    assert found(monkeypatch, [*renamed, *others(98)], 40) == ["nothing was asked"], "one goes, one comes"
