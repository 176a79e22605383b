"""Further target groups against moto: made once with the rule or the listener that leads to each, and never what others made."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws import elbv2
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError, Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.service.further_targets import findings
from ansible_collections.pear.fargate.plugins.module_utils.service.service_further_target_groups import run
from ansible_collections.pear.fargate.plugins.modules.service_further_target_groups import ARGUMENT_SPEC

from .routed import REGION, options

__all__ = ["options"]
AWS = Aws({"region": REGION})
NAME = "staging-scoreboard-internal"


def elb() -> Any:
    return boto3.client("elbv2", REGION)


def invoke(
    options: dict[str, Any], *target_groups: dict[str, Any], check_mode: bool = False, **more: Any
) -> dict[str, Any]:
    given = {
        "environment": options["environment"],
        "service": options["service"],
        "vpc_id": options["vpc_id"],
        "target_groups": list(target_groups),
        "tags": {"team": "games"},
        **more,
    }
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given)
    assert not validated.error_messages, validated.error_messages
    return run(Invocation(validated.validated_parameters, AWS, check_mode))


def internal(options: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": "internal",
        "port": 8080,
        "listener_arn": options["listener_arn"],
        "hosts": ["scores.internal"],
        "health_check": {"path": "/healthz"},
        **more,
    }


@pytest.fixture
def network(options: dict[str, Any]) -> str:
    """A network load balancer of others."""
    subnets = [subnet["SubnetId"] for subnet in boto3.client("ec2", REGION).describe_subnets()["Subnets"]]
    made = elb().create_load_balancer(Name="games", Type="network", Scheme="internal", Subnets=subnets)
    return str(made["LoadBalancers"][0]["LoadBalancerArn"])


def game(network: str, **more: Any) -> dict[str, Any]:
    return {"name": "game", "port": 7000, "protocol": "TCP", "load_balancer": network, "listener_port": 7000, **more}


def test_a_rule_in_a_listener_that_is_there_leads_to_a_target_group_of_its_own(options: dict[str, Any]) -> None:
    predicted = invoke(options, internal(options), check_mode=True)
    assert f"target group {NAME}" in predicted["diff"]["after"] and f"rule of {NAME}" in predicted["diff"]["after"]
    assert elb().describe_target_groups()["TargetGroups"] == []
    made = invoke(options, internal(options))
    group = elbv2.target_groups(AWS, [NAME])[NAME]
    assert made["target_groups"] == {"internal": group.arn}
    (rule,) = elbv2.rules(AWS, options["listener_arn"])
    assert (rule.weights, str(rule.conditions)) == ({group.arn: 1}, "host scores.internal")
    tags = elbv2.tags(AWS, [group.arn, rule.arn])
    for arn in (group.arn, rule.arn):
        assert tags[arn] == {
            "team": "games",
            "pear:environment": "staging",
            "pear:service": "scoreboard",
            "pear:target-group": "internal",
        }
    again = invoke(options, internal(options))
    assert (again["changed"], again["diff"]) == (False, {"before": {}, "after": {}})


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"hosts": ["other.internal"]}, f"conditions of the rule of {NAME}"),
        ({"priority": 7}, f"priority of the rule of {NAME}"),
        ({"health_check": {"path": "/ready"}}, f"health check of {NAME}"),
        ({"deregistration_delay_seconds": 5}, f"attributes of {NAME}"),
    ],
)
def test_what_differs_is_told_and_put_right(options: dict[str, Any], change: dict[str, Any], what: str) -> None:
    invoke(options, internal(options))
    assert list(invoke(options, internal(options, **change), check_mode=True)["diff"]["after"]) == [what]
    assert invoke(options, internal(options, **change))["changed"]
    assert not invoke(options, internal(options, **change))["changed"]


def test_a_rule_that_would_take_requests_of_others_or_gets_none_is_refused(options: dict[str, Any]) -> None:
    theirs = elb().create_target_group(Name="theirs", Protocol="HTTP", Port=80, VpcId=options["vpc_id"])[
        "TargetGroups"
    ][0]
    rule = elb().create_rule(
        ListenerArn=options["listener_arn"],
        Priority=5,
        Conditions=[{"Field": "host-header", "Values": ["*.internal"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": theirs["TargetGroupArn"]}],
    )["Rules"][0]
    with pytest.raises(Failure, match=r"rule of theirs .* answers every request for scores.internal"):
        invoke(options, internal(options, priority=6))
    with pytest.raises(Failure, match=r"priority 5 is taken by the rule of theirs"):
        invoke(options, internal(options, priority=5))
    with pytest.raises(Failure, match="would answer every request for"):
        invoke(options, internal(options, hosts=["*"], paths=["/*"], priority=4))
    assert len(elb().describe_target_groups()["TargetGroups"]) == 1, "nothing was made"
    invoke(options, internal(options))
    found = {one.arn: one.priority for one in elbv2.rules(AWS, options["listener_arn"])}
    assert found.pop(rule["RuleArn"]) == 5
    assert all(priority < 5 for priority in found.values()) and found, "before the rule that would leave it nothing"


def test_a_priority_that_another_run_takes_meanwhile_is_looked_for_again(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    create, taken = elbv2.create_rule, []

    def late(aws: Aws, listener: str, priority: int, *more: Any) -> Any:
        if not taken:
            action = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
            conditions = [{"Field": "host-header", "Values": ["theirs"]}]
            elb().create_rule(ListenerArn=listener, Priority=priority, Conditions=conditions, Actions=action)
            taken.append(priority)
        return create(aws, listener, priority, *more)

    monkeypatch.setattr(elbv2, "create_rule", late)
    invoke(options, internal(options))
    assert len(elbv2.rules(AWS, options["listener_arn"])) == 2
    taken.clear()
    with pytest.raises(AwsError, match=r"[Pp]riority"):
        invoke(options, internal(options, name="other", hosts=["b.internal"], priority=77))


def test_a_listener_of_a_network_load_balancer_is_made_for_it(options: dict[str, Any], network: str) -> None:
    made = invoke(options, game(network, cross_zone=True, preserve_client_ip=False))
    group = elb().describe_target_groups(TargetGroupArns=[made["target_groups"]["game"]])["TargetGroups"][0]
    assert (group["Protocol"], group["HealthCheckProtocol"], group["TargetType"]) == ("TCP", "TCP", "ip")
    assert "HealthCheckPath" not in group and "ProtocolVersion" not in group
    (listener,) = elbv2.listeners(AWS, network)
    assert (listener["Protocol"], listener["Port"]) == ("TCP", 7000)
    assert listener["DefaultActions"][0]["TargetGroupArn"] == group["TargetGroupArn"]
    assert elbv2.tags(AWS, [listener["ListenerArn"]])[listener["ListenerArn"]]["pear:target-group"] == "game"
    assert not invoke(options, game(network, cross_zone=True, preserve_client_ip=False))["changed"]
    moved = invoke(options, game(network, listener_port=7001))
    assert moved["changed"]
    assert [one["Port"] for one in elbv2.listeners(AWS, network)] == [7001]
    assert not invoke(options, game(network, listener_port=7001))["changed"]


def test_a_port_of_others_is_refused_and_stays(options: dict[str, Any], network: str) -> None:
    theirs = elb().create_target_group(Name="theirs", Protocol="TCP", Port=80, VpcId=options["vpc_id"], TargetType="ip")
    action = {"Type": "forward", "TargetGroupArn": theirs["TargetGroups"][0]["TargetGroupArn"]}
    elb().create_listener(
        LoadBalancerArn=network,
        Protocol="TCP",
        Port=7000,
        DefaultActions=[action],
        Tags=[{"Key": "Owner", "Value": "platform"}],
    )
    with pytest.raises(Failure, match=r"listener TCP 7000 of games is not of our making \(its tags: Owner=platform\)"):
        invoke(options, game(network))
    assert len(elb().describe_target_groups()["TargetGroups"]) == 1
    invoke(options, game(network, listener_port=7001))
    invoke(options)
    (listener,) = elbv2.listeners(AWS, network)
    assert listener["Port"] == 7000 and listener["DefaultActions"][0]["TargetGroupArn"] == action["TargetGroupArn"]


def test_a_port_of_another_further_target_group_of_the_service_is_told_as_such(
    options: dict[str, Any], network: str
) -> None:
    invoke(options, game(network))
    with pytest.raises(
        Failure, match=r"TCP 7000 of games is that of service_further_target_groups\.game: .* first have game removed"
    ):
        invoke(options, game(network, name="play"))
    invoke(options)
    assert invoke(options, game(network, name="play"))["changed"]


def test_what_is_listed_no_longer_goes_once_no_task_is_registered_in_it(
    options: dict[str, Any], network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = invoke(options, internal(options), game(network))
    held = [{"targetGroupArn": made["target_groups"]["game"], "containerName": "app", "containerPort": 7000}]
    ecs = boto3.client("ecs", REGION)
    ecs.create_cluster(clusterName="staging")
    ecs.register_task_definition(family="a", containerDefinitions=[{"name": "app", "image": "a", "memory": 64}])
    ecs.create_service(
        cluster="staging", serviceName="scoreboard-green", taskDefinition="a", desiredCount=0, loadBalancers=held
    )
    assert invoke(options, check_mode=True)["changed"]
    after = invoke(options)
    assert after["kept"] == ["game"]
    assert elbv2.rules(AWS, options["listener_arn"]) == []
    assert [group["TargetGroupName"] for group in elb().describe_target_groups()["TargetGroups"]] == [
        "staging-scoreboard-game"
    ]
    assert [one["Port"] for one in elbv2.listeners(AWS, network)] == [7000]
    ecs.delete_service(cluster="staging", service="scoreboard-green", force=True)
    assert invoke(options)["kept"] == []
    assert elb().describe_target_groups()["TargetGroups"] == [] and elbv2.listeners(AWS, network) == []
    assert not invoke(options)["changed"]


def test_a_target_group_of_others_or_of_another_service_is_refused(options: dict[str, Any]) -> None:
    elb().create_target_group(Name=NAME, Protocol="HTTP", Port=80, VpcId=options["vpc_id"], TargetType="ip")
    with pytest.raises(Failure, match=f"Target group {NAME} exists, and no tag says"):
        invoke(options, internal(options))
    assert invoke(options, internal(options), adopt=True)["changed"]
    other = {**options, "service": "scoreboard-in"}
    clash = {**internal(options), "name": "x"}
    clash["hosts"] = ["in.internal"]
    invoke(other, clash)
    with pytest.raises(Failure, match="is the service scoreboard-in's"):
        invoke(options, {**internal(options), "name": "in-x"})
    assert not invoke(other, clash)["changed"], "its target group is no surplus of scoreboard"
    invoke(options)
    assert [group["TargetGroupName"] for group in elb().describe_target_groups()["TargetGroups"]] == [
        "staging-scoreboard-in-x"
    ]


def test_what_aws_cannot_change_is_refused(options: dict[str, Any]) -> None:
    invoke(options, internal(options))
    with pytest.raises(Failure, match="protocol 'HTTP'; the inventory says 'HTTPS', which AWS cannot change"):
        invoke(options, internal(options, protocol="HTTPS"))


def test_a_load_balancer_that_is_not_there_is_refused_and_in_check_mode_predicted(options: dict[str, Any]) -> None:
    with pytest.raises(Failure, match=r"service_further_target_groups\.game: there is no load balancer 'games'"):
        invoke(options, game("games"))
    assert invoke(options, game("games"), check_mode=True)["changed"]
    assert elb().describe_target_groups()["TargetGroups"] == []


LISTENER = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/corp/50dc6c/f2f7dc"
OF_NETWORK = LISTENER.replace("/app/", "/net/")
NETWORK = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/games/60ec7d"
HTTP = {"name": "internal", "port": 8080, "listener_arn": LISTENER, "hosts": ["a.internal"]}
TCP = {"name": "game", "port": 7000, "protocol": "TCP", "load_balancer": NETWORK, "listener_port": 7000}
UDP = {**TCP, "protocol": "UDP", "health_check": {"port": 8080}}


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ([HTTP], ""),
        ([TCP], ""),
        ([UDP], ""),
        ([{**TCP, "listener_protocol": "TLS", "certificate_arn": "arn"}], ""),
        ([{**HTTP, "name": "blue"}], "and is neither blue nor green"),
        ([{**HTTP, "name": "In"}], "a name has small letters"),
        ([HTTP, {**HTTP, "hosts": ["b"]}], "two target groups named internal"),
        (
            [{**HTTP, "name": f"n{number}"} for number in range(5)],
            "ECS registers a task in 5 at most, so valid are 4",
        ),
        ([{**HTTP, "port": 0}], "internal.port is 0"),
        ([{**HTTP, "container": "proxy"}], "container is 'proxy'; there is app"),
        ([{**HTTP, "load_balancer": "x"}], "name either listener_arn"),
        ([{**HTTP, "listener_arn": ""}], "name either listener_arn"),
        ([{**HTTP, "listener_arn": OF_NETWORK}], "which has one action and is its owner's"),
        ([{**HTTP, "hosts": []}], "internal has no condition"),
        ([{**HTTP, "hosts": list("abcdef")}], "internal holds 6 values"),
        ([{**HTTP, "listener_port": 1}], "listener_port is of network load balancers"),
        ([{**HTTP, "health_check": {"protocol": "TCP"}}], "is checked by a request"),
        ([{**HTTP, "health_check": {"path": "healthz"}}], "must begin with /"),
        ([{**HTTP, "health_check": {"interval_seconds": 5}}], "shorter than the interval"),
        ([{**HTTP, "load_balancer": NETWORK, "listener_arn": ""}], "needs an application load balancer"),
        ([{**TCP, "listener_port": None}], "listener_port is missing"),
        ([{**TCP, "hosts": ["a"]}], "speak of requests"),
        ([{**TCP, "listener_protocol": "TLS"}], "certificate_arn is missing"),
        ([{**TCP, "certificate_arn": "arn"}], "only TLS has a certificate"),
        ([{**TCP, "listener_protocol": "UDP"}], "a UDP listener forwards to UDP or TCP_UDP"),
        ([{**TCP, "load_balancer": LISTENER}], "needs a network load balancer"),
        ([TCP, {**TCP, "name": "other"}], "listener_port is 7000, and so is that of game"),
        ([{**UDP, "health_check": {}}], "UDP has no health check"),
        ([{**UDP, "preserve_client_ip": False}], "always keeps the addresses of clients"),
    ],
)
def test_what_elb_or_ecs_would_refuse_is_found_before(listed: list[dict[str, Any]], message: str) -> None:
    found = list(findings({"service_kind": "web", "service_further_target_groups": listed}))
    assert [one for one in found if message in one] if message else found == [], found


@pytest.mark.parametrize(
    ("zone", "message"),
    [
        ("", "internal.names holds Play.Example.com, and dns_zone is empty: no record would be made"),
        ("xample.com", "which does not lie in zone xample.com (dns_zone)"),
        ("example.com.", ""),
    ],
)
def test_names_of_a_further_load_balancer_lie_in_the_zone(zone: str, message: str) -> None:
    listed = [{**HTTP, "names": ["Play.Example.com"]}]
    found = list(findings({"service_further_target_groups": listed, "dns_zone": zone}))
    assert [one for one in found if message in one] if message else found == [], found


@pytest.mark.parametrize("strategy", ["canary", "linear", "all_at_once", "steps"])
def test_strategies_that_move_weights_are_refused_by_name(strategy: str) -> None:
    (found,) = findings({"service_further_target_groups": [HTTP], "service_strategy": strategy})
    assert found.startswith(f"service_strategy is {strategy}, and service_further_target_groups has")
    assert list(findings({"service_further_target_groups": [], "service_strategy": strategy})) == []
