"""A service of the kind network against moto: both target groups and the listener, made once, and weights that are a release's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws import elbv2
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.environment import environment_info, teardown_find
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Colour, Weights
from ansible_collections.pear.fargate.plugins.module_utils.service.location import (
    NotProvisionedError,
    locate_in_environment,
    weights_of,
)
from ansible_collections.pear.fargate.plugins.module_utils.service.service_listener import run
from ansible_collections.pear.fargate.plugins.module_utils.service.variables import findings
from ansible_collections.pear.fargate.plugins.modules.service_listener import ARGUMENT_SPEC
from moto import mock_aws
from moto.elbv2.utils import make_arn_for_load_balancer

REGION = "eu-central-1"
AWS = Aws({"region": REGION})
PLACE = {"environment": "staging", "service": "game", "kind": "network"}
GROUPS = ["staging-game-blue", "staging-game-green"]


def elb() -> Any:
    return boto3.client("elbv2", REGION)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A network load balancer of others, and the VPC that it is in."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    # moto names every load balancer app/, and what the collection asks for is net/.
    monkeypatch.setattr(
        "moto.elbv2.models.make_arn_for_load_balancer",
        lambda **named: make_arn_for_load_balancer(**named).replace("/app/", "/net/"),
    )
    with mock_aws():
        subnets = [subnet["SubnetId"] for subnet in boto3.client("ec2", REGION).describe_subnets()["Subnets"]]
        made = elb().create_load_balancer(Name="games", Type="network", Subnets=subnets)["LoadBalancers"][0]
        yield {"load_balancer": made["LoadBalancerArn"], "vpc_id": made["VpcId"]}


def invoke(network: dict[str, Any], check_mode: bool = False, **listener: Any) -> dict[str, Any]:
    given = {
        "environment": "staging",
        "service": "game",
        "vpc_id": network["vpc_id"],
        "port": 7000,
        "network_listener": {"load_balancer": network["load_balancer"], "listener_port": 7000, **listener},
        "existing": {"cluster": "corp", "log_group": ""},
        "tags": {"team": "games"},
    }
    validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate(given)
    assert not validated.error_messages, validated.error_messages
    return run(Invocation(validated.validated_parameters, AWS, check_mode))


def listeners(network: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {found["Port"]: found for found in elbv2.listeners(AWS, network["load_balancer"])}


def weights(listener: dict[str, Any]) -> list[int]:
    (action,) = listener["DefaultActions"]
    return [group["Weight"] for group in action["ForwardConfig"]["TargetGroups"]]


def test_both_target_groups_and_the_listeners_are_made_once(network: dict[str, Any]) -> None:
    predicted = invoke(network, check_mode=True, test_listener_port=7001)
    assert predicted["changed"] and predicted["listener_arn"] is None and listeners(network) == {}
    made = invoke(network, test_listener_port=7001)
    assert made["weights"] == {"blue": 100, "green": 0}
    found = listeners(network)
    assert {port: weights(listener) for port, listener in found.items()} == {7000: [100, 0], 7001: [0, 100]}
    groups = elbv2.target_groups(AWS, GROUPS)
    assert [(groups[name].protocol, groups[name].port) for name in GROUPS] == [("TCP", 7000)] * 2
    tags = elbv2.tags(AWS, [groups[GROUPS[0]].arn])[groups[GROUPS[0]].arn]
    assert tags == {
        "team": "games",
        "pear:environment": "staging",
        "pear:service": "game",
        "pear:listener": made["listener_arn"],
        "pear:test-listener": made["test_listener_arn"],
        "pear:cluster": "corp",
    }
    again = invoke(network, test_listener_port=7001)
    assert (again["changed"], again["diff"]) == (False, {"before": {}, "after": {}})


def test_it_is_located_by_its_target_groups(network: dict[str, Any]) -> None:
    with pytest.raises(NotProvisionedError, match="staging-game-blue, staging-game-green, a listener of a network"):
        locate_in_environment(AWS, PLACE)
    invoke(network, test_listener_port=7001)
    location = locate_in_environment(AWS, PLACE)
    assert location.of_connections and location.cluster == "corp" and location.test is not None
    assert weights_of(location.production, location) == Weights.all_to(Colour.BLUE)
    assert (location.listener_port.port, location.test_listener_port.port) == (7000, 7001)


def test_weights_of_a_release_stay_and_a_target_group_that_is_missing_joins_with_none(network: dict[str, Any]) -> None:
    invoke(network)
    location = locate_in_environment(AWS, PLACE)
    blue, green = (location.target_groups[colour].arn for colour in (Colour.BLUE, Colour.GREEN))
    elbv2.set_default_weights(AWS, location.production, {blue: 30, green: 70})
    assert not invoke(network)["changed"]
    assert invoke(network)["weights"] == {"blue": 30, "green": 70}
    elb().modify_listener(
        ListenerArn=location.listener_arn, DefaultActions=[{"Type": "forward", "TargetGroupArn": green}]
    )
    assert invoke(network)["changed"]
    now = locate_in_environment(AWS, PLACE)
    assert weights_of(now.production, now) == Weights.all_to(Colour.GREEN)


def test_another_port_moves_the_listener_with_its_weights_and_a_test_listener_goes(network: dict[str, Any]) -> None:
    made = invoke(network, test_listener_port=7001)
    location = locate_in_environment(AWS, PLACE)
    arns = [location.target_groups[colour].arn for colour in (Colour.BLUE, Colour.GREEN)]
    elbv2.set_default_weights(AWS, location.production, dict(zip(arns, (0, 100), strict=True)))
    moved = invoke(network, listener_port=7100)
    assert moved["changed"] and moved["listener_arn"] == made["listener_arn"]
    assert {port: weights(listener) for port, listener in listeners(network).items()} == {7100: [0, 100]}
    assert locate_in_environment(AWS, PLACE).test is None
    assert not invoke(network, listener_port=7100)["changed"]


def test_a_port_of_others_and_another_load_balancer_are_refused(network: dict[str, Any]) -> None:
    theirs = elb().create_target_group(Name="theirs", Protocol="TCP", Port=80, VpcId=network["vpc_id"], TargetType="ip")
    action = {"Type": "forward", "TargetGroupArn": theirs["TargetGroups"][0]["TargetGroupArn"]}
    elb().create_listener(LoadBalancerArn=network["load_balancer"], Protocol="TCP", Port=7000, DefaultActions=[action])
    with pytest.raises(Failure, match="the listener TCP 7000 of games is not this service's, and stays as it is"):
        invoke(network)
    assert elbv2.target_groups(AWS, GROUPS) == {}
    invoke(network, listener_port=7001)
    subnets = [subnet["SubnetId"] for subnet in boto3.client("ec2", REGION).describe_subnets()["Subnets"]]
    other = elb().create_load_balancer(Name="more", Type="network", Subnets=subnets)["LoadBalancers"][0]
    with pytest.raises(
        Failure, match=r"target group staging-game-blue is behind net/games/.*, and a target group has one"
    ):
        invoke(network, load_balancer=other["LoadBalancerArn"])
    with pytest.raises(Failure, match="there is no load balancer 'edge'"):
        invoke(network, load_balancer="edge")
    with pytest.raises(Failure, match="protocol 'TCP'; the inventory says 'UDP', which AWS cannot change"):
        invoke(network, listener_port=7001, protocol="UDP", health_check={"port": 80})


def test_what_leads_to_it_is_found_for_its_removal_and_its_target_groups_for_monitoring(
    network: dict[str, Any],
) -> None:
    made = invoke(network, test_listener_port=7001)
    groups = teardown_find._target_groups(AWS, "staging")
    ways = {(resource.kind, resource.id) for resource in teardown_find.to_further(AWS, groups)}
    assert ways == {("listener", made["listener_arn"]), ("listener", made["test_listener_arn"])}
    found = environment_info._further(
        AWS, {"environment": "staging", "services": ["game"], "further_target_groups": ["blue", "green"]}
    )
    assert {name: group["load_balancer_arn"] for name, group in found.items()} == {
        "blue": network["load_balancer"],
        "green": network["load_balancer"],
    }


NETWORK = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/games/60ec7d"
LISTENER = {"load_balancer": NETWORK, "listener_port": 7000}
GOOD: dict[str, Any] = {
    "environment_name": "staging",
    "service_name": "game",
    "service_kind": "network",
    "service_port": 7000,
    "service_listener": LISTENER,
    "service_strategy": "canary",
}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, ""),
        ({"service_checks": [{"name": "login", "command": ["probe"]}]}, ""),
        ({"service_listener": {**LISTENER, "test_listener_port": 7001}, "service_checks": [{"name": "page"}]}, ""),
        ({"service_listener": None}, "service_listener needs load_balancer and listener_port"),
        ({"service_kind": "web", "service_hosts": ["a.example"]}, "service_listener is set, and service_kind is web"),
        ({"service_hosts": ["a.example"]}, "service_hosts is set, but service_kind is network"),
        ({"service_stickiness": {"seconds": 60}}, "service_stickiness is set, but service_kind is network"),
        ({"service_slos": [{"name": "a"}]}, "service_slos is set, but service_kind is network"),
        ({"service_health_check": {"path": "/up"}}, "use service_listener.health_check"),
        ({"service_gates": {"errors": {"tolerance_percent": 1}}}, "service_gates.errors judges answers to requests"),
        ({"autoscaling_policies": [{"name": "r", "metric": "requests"}]}, "autoscaling_policies: r follows requests"),
        ({"service_checks": [{"name": "page"}]}, "page is a request to the candidate, which needs a listener for it"),
        ({"service_listener": {**LISTENER, "test_listener_port": 7000}}, "a port has one listener"),
        ({"service_listener": {**LISTENER, "listener_protocol": "TLS"}}, "service_listener.certificate_arn is missing"),
        ({"service_listener": {**LISTENER, "protocol": "UDP"}}, "UDP has no health check"),
        ({"service_listener": {**LISTENER, "names": ["a.example"]}, "dns_zone": "example"}, ""),
        (
            {"service_listener": {**LISTENER, "names": ["a.example"]}},
            "service_listener.names holds a.example, and dns_zone",
        ),
        ({"service_listener": {**LISTENER, "load_balancer": NETWORK.replace("net", "app")}}, "needs a network load"),
    ],
)
def test_what_such_a_service_cannot_have_is_found_by_name(changed: dict[str, Any], message: str) -> None:
    found = findings({**GOOD, **changed})
    assert [sentence for sentence in found if message in sentence] if message else found == [], found
