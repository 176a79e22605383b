"""Conditions, login, stickiness and priority of a service's rules, against moto: made, unchanged, changed, and left as others have them."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import elbv2, rule_actions, secretsmanager
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import Conditions, Rule
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.service import login, rule_writer
from ansible_collections.pear.fargate.plugins.module_utils.service.routing import DesiredRules
from ansible_collections.pear.fargate.plugins.module_utils.service.rule_priorities import conflicts, with_priorities

from .routed import REGION, https, invoke, options, rules

__all__ = ["https", "options"]
HTTPS = {"SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"}
COGNITO = {
    "user_pool_arn": f"arn:aws:cognito-idp:{REGION}:123456789012:userpool/{REGION}_a",
    "user_pool_client_id": "web",
    "user_pool_domain": "login",
}
CONDITIONS: dict[str, Any] = {
    "headers": {"X-Tenant": "acme"},
    "query_strings": [{"value": "1", "key": "beta"}],
    "source_ips": ["203.0.113.0/24"],
    "paths": [],
}


def oidc(secret: str, **more: Any) -> dict[str, Any]:
    places = ("authorization_endpoint", "token_endpoint", "user_info_endpoint")
    addresses = {name: f"https://id.example.com/{name}" for name in places}
    own = {"issuer": "https://id.example.com", "client_id": "web", "client_secret_arn": secret, **addresses, **more}
    return {"oidc": own}


@pytest.fixture
def secret(options: dict[str, Any]) -> str:
    made = boto3.client("secretsmanager", REGION).create_secret(Name="login", SecretString=json.dumps({"word": "one"}))
    return str(made["ARN"])


def actions(options: dict[str, Any], priority: int) -> list[dict[str, Any]]:
    return [dict(action) for action in rules(options)[priority].actions]


def test_every_condition_is_written_once_and_changed(options: dict[str, Any]) -> None:
    invoke({**options, **CONDITIONS, "test_source_ips": ["203.0.113.7/32"]})
    assert str(rules(options)[10].conditions) == (
        "host scores.example.com and header x-tenant: acme and source address 203.0.113.0/24 and query beta=1"
    )
    assert "source address 203.0.113.7/32" in str(rules(options)[9].conditions)
    assert not invoke({**options, **CONDITIONS, "test_source_ips": ["203.0.113.7/32"]})["changed"]
    changed = invoke({**options, **CONDITIONS, "headers": {"x-tenant": ["acme", "pear"]}})
    assert set(changed["diff"]["after"]) == {"conditions of the production rule", "conditions of the test rule"}
    assert rules(options)[10].conditions.headers == (("x-tenant", ("acme", "pear")),)


def test_a_condition_that_is_never_written_is_known_as_another_kind() -> None:
    conditions = rule_conditions_of([{"Field": "host-header", "HostHeaderConfig": {"RegexValues": ["^a"]}}])
    assert conditions.others == ("host-header by regular expression",)
    query = {"Field": "query-string", "QueryStringConfig": {"Values": [{"Value": "1"}]}}
    assert rule_conditions_of([query, query]).others == ("several query-string conditions",)


def rule_conditions_of(fields: list[dict[str, Any]]) -> Conditions:
    from ansible_collections.pear.fargate.plugins.module_utils.aws import rule_conditions

    return rule_conditions.read(fields)


def test_a_login_stands_before_the_weights_and_survives_them(https: dict[str, Any], secret: str) -> None:
    wanted = {**https, "login": oidc(secret, client_secret_key="word")}
    made = invoke(wanted)
    first, second = actions(https, 10)
    assert (first["Type"], first["Order"], second["Type"]) == ("authenticate-oidc", 1, "forward")
    assert first["AuthenticateOidcConfig"]["OnUnauthenticatedRequest"] == "authenticate"
    assert not invoke(wanted)["changed"]
    shifted = {made["target_groups"]["blue"]: 0, made["target_groups"]["green"]: 100}
    elbv2.set_weights(Aws({"region": REGION}), rules(https)[10], shifted)
    changed = {**https, "login": {**oidc(secret, client_secret_key="word"), "session_seconds": 3600}}
    assert "options of the production rule" in invoke(changed)["diff"]["after"]
    assert rules(https)[10].weights == shifted
    assert actions(https, 10)[0]["AuthenticateOidcConfig"]["SessionTimeout"] == 3600
    assert not invoke(changed)["changed"]


def test_a_new_version_of_the_client_secret_is_given_to_elb(
    https: dict[str, Any], secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    written = rule_actions.with_options

    def seen(*arguments: Any) -> Any:
        sent.append(arguments[2])
        return written(*arguments)

    monkeypatch.setattr(rule_actions, "with_options", seen)
    wanted = {**https, "login": oidc(secret)}
    invoke(wanted)
    boto3.client("secretsmanager", REGION).put_secret_value(SecretId=secret, SecretString="two")
    foretold = invoke(wanted, check_mode=True)["diff"]
    assert "client secret of the login" in foretold["after"]["options of the production rule"]
    assert invoke(wanted)["changed"] and not invoke(wanted)["changed"]
    assert sent == ['{"word": "one"}', '{"word": "one"}', "two", "two"]
    assert "two" not in str(foretold) and "one" not in str(foretold)


def test_a_login_that_the_inventory_does_not_name_is_left_alone_and_an_empty_one_removes_it(
    https: dict[str, Any],
) -> None:
    invoke({**https, "login": {"cognito": COGNITO}})
    assert not invoke(https)["changed"]
    assert [action["Type"] for action in actions(https, 9)] == ["authenticate-cognito", "forward"]
    assert invoke({**https, "login": {}})["changed"]
    assert [action["Type"] for action in actions(https, 10)] == ["forward"]


def test_checks_reach_the_candidate_where_the_test_rule_has_no_login(https: dict[str, Any]) -> None:
    invoke({**https, "login": {"cognito": COGNITO, "test_rule": False}})
    assert [action["Type"] for action in actions(https, 9)] == ["forward"]
    assert [action["Type"] for action in actions(https, 10)] == ["authenticate-cognito", "forward"]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"login": {"cognito": COGNITO}}, "service_login"),
        ({"protocol_version": "HTTP2"}, "service_protocol_version HTTP2"),
        ({"protocol_version": "GRPC"}, "service_protocol_version GRPC"),
    ],
)
def test_a_login_http2_and_grpc_need_https(options: dict[str, Any], more: dict[str, Any], named: str) -> None:
    with pytest.raises(Failure, match=f"{named} needs an HTTPS listener, and .* is HTTP: "):
        invoke({**options, **more})
    assert rules(options) == {}


def test_nothing_is_written_while_weights_move(https: dict[str, Any]) -> None:
    made = invoke(https)
    half = {made["target_groups"]["blue"]: 50, made["target_groups"]["green"]: 50}
    elbv2.set_weights(Aws({"region": REGION}), rules(https)[10], half)
    with pytest.raises(Failure, match="is shifting its traffic"):
        invoke({**https, "login": {"cognito": COGNITO}})
    assert rules(https)[10].weights == half


def test_stickiness_is_set_on_the_rule_before_the_target_group_and_taken_off_the_other_way_round(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    for name in ("set_actions", "set_target_group_attributes"):
        monkeypatch.setattr(elbv2, name, _noted(order, name, getattr(elbv2, name)))
    invoke(options)
    order.clear()
    made = invoke({**options, "stickiness": {"seconds": 900}})
    assert order == ["set_actions", "set_actions", "set_target_group_attributes", "set_target_group_attributes"]
    attributes = elbv2.target_group_attributes(Aws({"region": REGION}), made["target_groups"]["blue"])
    assert (attributes["stickiness"], attributes["stickiness_seconds"]) == (True, 900)
    assert rule_actions.sticky_seconds(rules(options)[10].actions) == 1
    assert not invoke({**options, "stickiness": {"seconds": 900}})["changed"]
    assert not invoke(options)["changed"]
    order.clear()
    invoke({**options, "stickiness": {"seconds": 0}})
    assert order == ["set_target_group_attributes", "set_target_group_attributes", "set_actions", "set_actions"]
    assert rule_actions.sticky_seconds(rules(options)[10].actions) == 0


def _noted(order: list[str], name: str, call: Any) -> Any:
    def noted(*arguments: Any, **named: Any) -> Any:
        order.append(name)
        return call(*arguments, **named)

    return noted


def without_priority(options: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**{key: value for key, value in options.items() if key != "priority"}, **more}


def test_a_free_priority_is_found_and_kept(options: dict[str, Any]) -> None:
    invoke(without_priority(options))
    assert sorted(rules(options)) == [999, 1000]
    invoke(without_priority(options, service="website", hosts=["www.example.com"]))
    invoke(without_priority(options, service="rest", hosts=[]))
    assert sorted(rules(options)) == [999, 1000, 1009, 1010, 29999, 30000]
    for name, hosts in (("scoreboard", ["scores.example.com"]), ("website", ["www.example.com"]), ("rest", [])):
        assert not invoke(without_priority(options, service=name, hosts=hosts))["changed"]


def test_two_runs_that_find_the_same_priority_both_get_one(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, created = elbv2.create_rule, []

    def late(*arguments: Any) -> Any:
        """Right before the production rule is made, another run takes its priority."""
        if not created and arguments[2] == 1000:
            created.append(made(arguments[0], arguments[1], 1000, Conditions.of(["x.example.com"], []), TAKEN, {}))
        return made(*arguments)

    monkeypatch.setattr(rule_writer.elbv2, "create_rule", late)
    invoke(without_priority(options))
    assert sorted(rules(options)) == [1000, 1009, 1010]
    assert not invoke(without_priority(options))["changed"]


TAKEN = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]


def _rule(priority: int, *hosts: str, paths: tuple[str, ...] = ()) -> Rule:
    return Rule(f"rule/{priority}", priority, Conditions.of(hosts, paths), {"other": 100})


@pytest.mark.parametrize(
    ("theirs", "hosts", "expected"),
    [
        pytest.param([], ["a.example.com"], 1000, id="the first for a host"),
        pytest.param([], [], 30000, id="every host comes after the hosts"),
        pytest.param([_rule(1000, "b.example.com")], ["a.example.com"], 1010, id="the next"),
        pytest.param(
            [_rule(500)], ["a.example.com"], 10, id="before a rule for everything, which would leave it nothing"
        ),
        pytest.param([_rule(31000, "a.example.com")], ["*.example.com"], 31010, id="after a host of its own pattern"),
        pytest.param(
            [_rule(500, "*.example.com"), _rule(9, "a.a.example.com")], ["a.example.com"], 20, id="in the gap that fits"
        ),
        pytest.param([_rule(7)], ["a.example.com"], 2, id="small numbers where only they are left"),
    ],
)
def test_the_priority_leaves_nobody_without_requests(theirs: list[Rule], hosts: list[str], expected: int) -> None:
    chosen = with_priorities(theirs, DesiredRules(Conditions.of(hosts, []), 0, "blue", "green"))
    assert chosen.priority == expected
    assert conflicts(theirs, chosen) == []


def test_where_no_priority_fits_the_conflict_says_why() -> None:
    rules = [_rule(2)]
    chosen = with_priorities(rules, DesiredRules(Conditions.of(["a.example.com"], []), 0, "blue", "green"))
    assert "answers every request for a.example.com" in conflicts(rules, chosen)[0]


def test_the_key_of_a_client_secret_is_named_where_the_secret_lacks_it() -> None:
    assert login.client_secret('{"a": "b"}', "a") == "b"
    with pytest.raises(Failure, match="no such key") as refused:
        login.client_secret("not json", "a")
    assert "not json" not in str(refused.value)


def test_the_version_of_a_secret_is_read_without_its_value(options: dict[str, Any], secret: str) -> None:
    aws = Aws({"region": REGION})
    version = secretsmanager.current_version(aws, secret)
    assert version and secretsmanager.text(aws, secret, version) == '{"word": "one"}'


def test_a_further_rule_has_the_login_that_others_put_before_the_production_rule(https: dict[str, Any]) -> None:
    """It would lead around it otherwise. What is left out of the options stays as others have it."""
    invoke({**https, "login": {"cognito": COGNITO}, "stickiness": {"seconds": 900, "colour_seconds": 60}})
    further = {**https, "further_rules": [{"name": "old", "hosts": ["old.example.com"]}]}
    invoke(further)
    made = next(rule for rule in rules(https).values() if "old.example.com" in rule.conditions.hosts)
    assert [action["Type"] for action in made.actions] == ["authenticate-cognito", "forward"]
    assert rule_actions.sticky_seconds(made.actions) == 60
    assert not invoke(further)["changed"]


def test_a_further_rule_beside_a_login_whose_secret_is_unknown_is_refused(https: dict[str, Any], secret: str) -> None:
    invoke({**https, "login": oidc(secret, client_secret_key="word")})
    further = [{"name": "old", "hosts": ["old.example.com"]}]
    for check_mode in (True, False):
        with pytest.raises(Failure, match=r"the old rule would lead around it\. Name the login in service_login"):
            invoke({**https, "further_rules": further}, check_mode=check_mode)
    invoke({**https, "login": oidc(secret, client_secret_key="word"), "further_rules": further})
    made = next(rule for rule in rules(https).values() if "old.example.com" in rule.conditions.hosts)
    assert made.actions[0]["Type"] == "authenticate-oidc"


def test_check_mode_tells_of_a_further_rule_while_a_release_moves_the_weights(options: dict[str, Any]) -> None:
    made = invoke(options)
    elbv2.set_weights(
        Aws({"region": REGION}),
        rules(options)[10],
        {made["target_groups"]["blue"]: 80, made["target_groups"]["green"]: 20},
    )
    predicted = invoke({**options, "further_rules": [{"name": "old", "hosts": ["old.example.com"]}]}, check_mode=True)
    assert "old rule" in predicted["diff"]["after"]
