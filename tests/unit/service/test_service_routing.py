"""Target groups and rules against moto: made once, then unchanged; weights are never written twice."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import elbv2
from ansible_collections.pear.fargate.plugins.module_utils.aws.elbv2_states import Rule
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.service.location import ListenerPort, locate

from .routed import REGION, https, invoke, options, rules

__all__ = ["https", "options"]
AWS = Aws({"region": REGION})


def test_check_mode_predicts_on_an_empty_environment_and_makes_nothing(options: dict[str, Any]) -> None:
    predicted = invoke({**options, "vpc_id": None, "listener_arn": None}, check_mode=True)
    assert predicted["changed"]
    assert "production rule" in predicted["diff"]["after"]
    assert boto3.client("elbv2", REGION).describe_target_groups()["TargetGroups"] == []


def test_it_is_made_once(options: dict[str, Any]) -> None:
    made = invoke(options)
    assert made["changed"]
    assert made["weights"] == {"blue": 100, "green": 0}
    test_rule, production = rules(options)[9], rules(options)[10]
    assert production.weights == {made["target_groups"]["blue"]: 100, made["target_groups"]["green"]: 0}
    assert test_rule.weights == {made["target_groups"]["blue"]: 0, made["target_groups"]["green"]: 100}
    assert str(test_rule.conditions) == "host scores.example.com and path /* and header x-release: candidate"
    again = invoke(options)
    assert again["diff"] == {"before": {}, "after": {}}
    assert not again["changed"]


def test_a_secret_value_of_the_test_rule_is_made_once_and_never_shown(options: dict[str, Any]) -> None:
    secret = {**options, "test_secret": True}
    made = invoke(secret)
    value = rules(options)[9].conditions.test_value
    assert value and len(value) == 32 and value not in str(made)
    assert "header x-release: (a secret value)" in str(made["diff"])
    assert not invoke(secret)["changed"], "it is kept"
    assert rules(options)[9].conditions.test_value == value
    assert locate(Aws({"region": REGION}), "staging", "scoreboard", options["listener_arn"]).test_headers == {
        "x-release": value
    }
    open_again = invoke(options)
    assert rules(options)[9].conditions.test_value == "candidate" and value not in str(open_again)
    invoke(secret)
    assert rules(options)[9].conditions.test_value not in (value, "candidate"), "another one"
    assert rules(options)[10].conditions.test_value is None


def test_weights_that_a_release_has_set_are_kept_through_every_other_change(options: dict[str, Any]) -> None:
    made = invoke(options)
    shifted = {made["target_groups"]["blue"]: 5, made["target_groups"]["green"]: 95}
    elbv2.set_weights(Aws({"region": REGION}), rules(options)[10], shifted)
    changed = invoke({**options, "priority": 20, "hosts": ["new.example.com"], "health_check": {"path": "/ready"}})
    assert changed["changed"]
    assert changed["weights"] == {"blue": 5, "green": 95}
    assert rules(options)[20].weights == shifted
    assert rules(options)[19].conditions.hosts == ("new.example.com",)
    assert not invoke({**options, "priority": 20, "hosts": ["new.example.com"], "health_check": {"path": "/ready"}})[
        "changed"
    ]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("deregistration_delay_seconds", 5, "attributes of staging-scoreboard-blue"),
        ("health_check", {"path": "/healthz", "interval_seconds": 20}, "health check of staging-scoreboard-blue"),
        ("tags", {"pear:environment": "staging", "team": "games"}, "tags"),
        ("paths", ["/api/*"], "conditions of the production rule"),
        ("health_check", {"path": "/healthz", "port": 9090}, "health check of staging-scoreboard-green"),
        ("existing", {"cluster": "corp", "log_group": "/corp/web"}, "location of staging-scoreboard-blue"),
    ],
)
def test_a_changed_property_is_told_and_put_right(
    options: dict[str, Any], option: str, value: Any, message: str
) -> None:
    invoke(options)
    changed = {**options, option: value}
    assert message in invoke(changed, check_mode=True)["diff"]["after"]
    assert invoke(changed)["changed"]
    assert not invoke(changed)["changed"]


def test_a_priority_of_another_service_is_refused_naming_it_and_free_ones(options: dict[str, Any]) -> None:
    invoke(options)
    with pytest.raises(Failure) as refused:
        invoke({**options, "service": "website", "hosts": ["www.example.com"]})
    assert "staging-scoreboard-blue and staging-scoreboard-green" in str(refused.value)
    assert "free priorities: 20, 30, 40" in str(refused.value)
    assert len(rules(options)) == 2


def test_what_aws_cannot_change_is_refused(https: dict[str, Any]) -> None:
    invoke(https)
    with pytest.raises(Failure, match="protocol_version 'HTTP1'; the inventory says 'HTTP2'"):
        invoke({**https, "protocol_version": "HTTP2"})


def test_a_service_is_found_by_what_its_target_groups_say_of_others(options: dict[str, Any]) -> None:
    listener = options["listener_arn"]
    existing = {"cluster": "corp", "log_group": "/corp/web", "listener_arn": listener}
    invoke({**options, "environment": "team", "existing": existing})
    aws = Aws({"region": REGION})
    found = locate(aws, "team", "scoreboard")
    # The listener is HTTP, and of a load balancer with another name than the environment's: no search would find it.
    assert (found.cluster, found.log_group, found.listener_arn) == ("corp", "/corp/web", listener)
    assert found.load_balancer_host
    assert found.listener_port == found.test_listener_port == ListenerPort(80, tls=False), "where its checks are sent"
    invoke({**options, "environment": "team", "existing": {"listener_arn": listener}})
    ours = locate(aws, "team", "scoreboard")
    assert (ours.cluster, ours.log_group) == ("team", "/pear/team/scoreboard")


def target_groups() -> list[str]:
    return [
        group["TargetGroupName"] for group in boto3.client("elbv2", REGION).describe_target_groups()["TargetGroups"]
    ]


ABSENT = {"environment": "staging", "service": "scoreboard", "state": "absent", "tags": {"pear:environment": "staging"}}


def test_its_rules_go_before_its_target_groups_and_its_neighbours_stay(options: dict[str, Any]) -> None:
    invoke(options)
    neighbour = {**options, "service": "scoreboard-2", "priority": 20, "hosts": ["two.example.com"]}
    invoke(neighbour)
    planned = invoke(ABSENT, check_mode=True)
    assert len(planned["diff"]["after"]) == 4 and len(target_groups()) == 4
    gone = invoke(ABSENT)
    assert gone["changed"] and gone["rules"] == {}
    assert sorted(target_groups()) == ["staging-scoreboard-2-blue", "staging-scoreboard-2-green"]
    assert sorted(rules(options))[:2] == [19, 20]
    assert invoke(ABSENT)["diff"] == {"before": {}, "after": {}}
    assert not invoke(neighbour)["changed"]


def test_a_service_that_runs_keeps_its_routing(options: dict[str, Any]) -> None:
    invoke(options)
    ecs = boto3.client("ecs", REGION)
    ecs.create_cluster(clusterName="staging")
    ecs.register_task_definition(family="f", containerDefinitions=[{"name": "app", "image": "i", "memory": 1}])
    ecs.create_service(cluster="staging", serviceName="scoreboard-blue", taskDefinition="f", desiredCount=1)
    for check_mode in (True, False):
        with pytest.raises(Failure, match=r"Nothing was removed: the ECS services scoreboard-blue .* -l scoreboard"):
            invoke(ABSENT, check_mode=check_mode)
    assert len(target_groups()) == 2


def test_target_groups_of_others_are_never_removed(options: dict[str, Any]) -> None:
    invoke({**options, "tags": {"pear:environment": "production"}})
    with pytest.raises(Failure, match="no tag says that it belongs to environment staging"):
        invoke({**ABSENT, "adopt": True})
    assert len(target_groups()) == 2


def test_tags_that_are_not_listed_go_only_where_that_is_said(options: dict[str, Any]) -> None:
    existing = {**options, "existing": {"cluster": "theirs"}}
    invoke({**existing, "tags": {**options["tags"], "by-hand": "yes"}})
    assert not invoke(existing)["changed"]
    told = invoke({**existing, "purge_tags": True})["diff"]["before"]
    assert len(told) == 4 and all(keys == ["by-hand"] for keys in told.values())
    assert not invoke({**existing, "purge_tags": True})["changed"]


FURTHER = [
    {"name": "countries", "hosts": ["scores.example.de"]},
    {"name": "api", "paths": ["/api/*"], "priority": 5000},
]


def named(options: dict[str, Any]) -> dict[str, Rule]:
    """The listener's rules by the name in their tags."""
    found = list(rules(options).values())
    tags = elbv2.tags(AWS, [rule.arn for rule in found])
    return {tags[rule.arn].get("pear:rule", str(rule.priority)): rule for rule in found}


def test_further_rules_are_made_once_and_follow_their_names(options: dict[str, Any]) -> None:
    wanted = {**options, "further_rules": FURTHER}
    made = invoke(wanted)
    assert set(named(options)) == {"9", "10", "countries", "api"}
    assert set(made["further_rules"]) == {"countries", "api"}
    assert str(named(options)["countries"].conditions) == "host scores.example.de"
    assert named(options)["api"].priority == 5000
    assert named(options)["countries"].weights == rules(options)[10].weights
    assert not invoke({**wanted, "purge_tags": True})["changed"], "the tag with the name is no surplus"
    changed = [{**FURTHER[0], "hosts": ["scores.example.fr"]}, FURTHER[1]]
    arn = named(options)["countries"].arn
    again = invoke({**options, "further_rules": changed})
    assert set(again["diff"]["after"]) == {"conditions of the countries rule"}
    assert (named(options)["countries"].arn, str(named(options)["countries"].conditions)) == (
        arn,
        "host scores.example.fr",
    )
    gone = invoke({**options, "further_rules": FURTHER[1:]}, check_mode=True)
    assert gone["diff"]["after"] == {"countries rule": "absent"}
    assert "countries" in named(options), "check mode writes nothing"
    invoke({**options, "further_rules": FURTHER[1:]})
    assert set(named(options)) == {"9", "10", "api"}


def test_a_further_rule_joins_with_the_weights_that_a_release_has_set(options: dict[str, Any]) -> None:
    made = invoke(options)
    shifted = {made["target_groups"]["blue"]: 0, made["target_groups"]["green"]: 100}
    elbv2.set_weights(AWS, rules(options)[10], shifted)
    invoke({**options, "further_rules": FURTHER})
    assert named(options)["countries"].weights == named(options)["api"].weights == shifted


def test_a_further_rule_does_not_join_while_a_release_moves_the_weights(options: dict[str, Any]) -> None:
    made = invoke(options)
    elbv2.set_weights(AWS, rules(options)[10], {made["target_groups"]["blue"]: 80, made["target_groups"]["green"]: 20})
    with pytest.raises(Failure, match=r"a release is shifting its traffic, and the countries rule can't join"):
        invoke({**options, "further_rules": FURTHER})
    assert set(named(options)) == {"9", "10"}


def test_a_grpc_service_is_healthy_by_grpcs_own_code(https: dict[str, Any]) -> None:
    """200 is no code of gRPC: ELB refuses it."""
    grpc = {**https, "protocol_version": "GRPC", "health_check": {"path": "/grpc.health.v1.Health/Check"}}
    told = invoke(grpc, check_mode=True)["diff"]["after"]
    assert "expecting 0" in told["target group staging-scoreboard-blue"]
    assert "expecting 200" in invoke(https, check_mode=True)["diff"]["after"]["target group staging-scoreboard-blue"]


@pytest.mark.parametrize("priority", [5, 20], ids=["before ours", "after ours"])
def test_a_rule_that_somebody_made_for_the_service_stays_and_takes_part(options: dict[str, Any], priority: int) -> None:
    made = invoke(options)
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in rules(options)[10].weights.items()]
    forward = [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]
    elb = boto3.client("elbv2", REGION)
    for number, actions in (
        (priority, forward),
        (4, [{"Type": "forward", "TargetGroupArn": made["target_groups"]["green"]}]),
    ):
        conditions = [{"Field": "host-header", "HostHeaderConfig": {"Values": [f"by-hand-{number}.example.com"]}}]
        elb.create_rule(ListenerArn=options["listener_arn"], Priority=number, Conditions=conditions, Actions=actions)
    assert not invoke(options)["changed"]
    found = locate(AWS, "staging", "scoreboard", options["listener_arn"])
    assert (found.production.priority, [rule.priority for rule in found.further]) == (10, [priority]), (
        "not one of a single colour"
    )
    invoke({**options, "hosts": ["new.example.com"], "priority": 30})
    left = {rule.conditions.hosts: number for number, rule in rules(options).items()}
    assert left[(f"by-hand-{priority}.example.com",)] == priority, "what others made is not rewritten"
    assert left[("new.example.com",)] in (29, 30)


def test_the_first_rule_is_known_by_its_lack_of_a_name_whatever_its_priority(options: dict[str, Any]) -> None:
    invoke({**options, "further_rules": [{"name": "countries", "hosts": ["scores.example.de"], "priority": 3}]})
    found = locate(AWS, "staging", "scoreboard", options["listener_arn"])
    assert (found.production.priority, [rule.name for rule in found.further]) == (10, ["countries"])
    assert found.host == "scores.example.com"


def test_removal_takes_further_rules_too(options: dict[str, Any]) -> None:
    invoke({**options, "further_rules": FURTHER})
    invoke({**options, "state": "absent"})
    assert not rules(options)


def test_a_further_rule_that_would_answer_for_the_candidate_is_refused(options: dict[str, Any]) -> None:
    catching = [{"name": "all", "paths": ["/*"], "priority": 2}]
    with pytest.raises(
        Failure, match=r"the all rule would answer every request for .* before the test rule of this service"
    ):
        invoke({**options, "further_rules": catching})
    assert not rules(options)
    invoke({**options, "further_rules": [{"name": "all", "paths": ["/*"]}]})
    assert named(options)["all"].priority >= 30000, "a free one after it"


def test_a_priority_that_another_rule_has_is_refused_for_further_rules_too(options: dict[str, Any]) -> None:
    invoke({**options, "service": "website", "hosts": ["www.example.com"], "priority": 5000})
    with pytest.raises(Failure, match=r"priority 5000 of the api rule is taken by the rule of staging-website-blue"):
        invoke({**options, "further_rules": FURTHER})
    taken = [{"name": "www", "hosts": ["www.example.com"], "priority": 6000}]
    with pytest.raises(Failure, match=r"before the www rule .* different service_further_rules.www.hosts or paths"):
        invoke({**options, "further_rules": taken})


def test_stickiness_is_that_of_the_service_in_further_rules_too(options: dict[str, Any]) -> None:
    sticky = {**options, "stickiness": {"seconds": 900}, "further_rules": FURTHER[:1]}
    invoke(sticky)
    config = named(options)["countries"].actions[-1]["ForwardConfig"]["TargetGroupStickinessConfig"]
    assert config == {"Enabled": True, "DurationSeconds": 1}
    assert not invoke(sticky)["changed"]


def test_known_rules_are_read_again_by_one_call_and_a_missing_one_is_said(options: dict[str, Any]) -> None:
    made = invoke({**options, "further_rules": FURTHER})
    arns = [made["further_rules"]["api"], made["rules"]["production"]]
    read = elbv2.rules_by_arn(AWS, arns)
    assert read is not None and [rule.arn for rule in read] == arns
    elbv2.delete_rule(AWS, arns[0])
    assert elbv2.rules_by_arn(AWS, arns) is None
