"""A load balancer against moto: made once, every property put right, and no rule ever touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.environment import application_load_balancer as ours
from ansible_collections.pear.fargate.plugins.module_utils.environment import environment_info as info
from ansible_collections.pear.fargate.plugins.module_utils.environment import network_load_balancer
from ansible_collections.pear.fargate.plugins.modules import environment_info
from ansible_collections.pear.fargate.plugins.modules import network_load_balancer as network_module
from ansible_collections.pear.fargate.plugins.modules.application_load_balancer import ARGUMENT_SPEC
from moto import mock_aws

REGION = "eu-central-1"


def params(module: Any, options: dict[str, Any]) -> dict[str, Any]:
    validated = ArgumentSpecValidator(module.ARGUMENT_SPEC).validate(options)
    assert not validated.error_messages
    return dict(validated.validated_parameters)


class World:
    def __init__(self) -> None:
        self.elbv2, ec2 = boto3.client("elbv2", REGION), boto3.client("ec2", REGION)
        subnets = ec2.describe_subnets()["Subnets"]
        vpc = subnets[0]["VpcId"]
        groups = [
            ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"] for name in ("one", "two")
        ]
        acm = boto3.client("acm", REGION)
        certificate, self.other_certificate = (
            acm.request_certificate(DomainName=name)["CertificateArn"] for name in ("a.example", "b.example")
        )
        self.subnets, self.groups = [subnet["SubnetId"] for subnet in subnets], groups
        self.options: dict[str, Any] = {
            "name": "staging",
            "subnet_ids": self.subnets[:2],
            "security_group_ids": groups[:1],
            "certificate_arn": certificate,
            "tags": {"pear:environment": "staging", "team": "games"},
        }

    def invoke(self, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        validated = ArgumentSpecValidator(ARGUMENT_SPEC).validate({**self.options, **options})
        assert not validated.error_messages
        return ours.run(Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode))

    @property
    def arn(self) -> str:
        return str(self.elbv2.describe_load_balancers(Names=["staging"])["LoadBalancers"][0]["LoadBalancerArn"])

    def listeners(self) -> dict[int, dict[str, Any]]:
        return {
            listener["Port"]: listener
            for listener in self.elbv2.describe_listeners(LoadBalancerArn=self.arn)["Listeners"]
        }


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield World()


def test_it_is_made_once_and_check_mode_makes_nothing(world: World) -> None:
    planned = world.invoke(True)
    assert planned["changed"]
    assert planned["dns_name"] is None
    assert world.elbv2.describe_load_balancers()["LoadBalancers"] == []
    made = world.invoke()
    assert set(made["listeners"]) == {"http", "https"}
    again = world.invoke()
    assert not again["changed"], again["diff"]
    assert again["dns_name"] == made["dns_name"]


def test_half_of_it_is_completed(world: World) -> None:
    world.elbv2.create_load_balancer(
        Name="staging",
        Scheme="internet-facing",
        Subnets=world.subnets[:2],
        SecurityGroups=world.groups[:1],
        Tags=[{"Key": "pear:environment", "Value": "staging"}],
    )
    message = world.invoke(True)["diff"]["after"]
    assert {"listener 80", "listener 443"} < set(message)
    world.invoke()
    assert not world.invoke()["changed"]


def lower_timeout(world: World) -> None:
    lower = [{"Key": "idle_timeout.timeout_seconds", "Value": "5"}]
    world.elbv2.modify_load_balancer_attributes(LoadBalancerArn=world.arn, Attributes=lower)


def open_port_80(world: World) -> None:
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
    world.elbv2.modify_listener(ListenerArn=world.listeners()[80]["ListenerArn"], DefaultActions=[answer])


def swap_certificate(world: World) -> None:
    world.elbv2.modify_listener(
        ListenerArn=world.listeners()[443]["ListenerArn"], Certificates=[{"CertificateArn": world.other_certificate}]
    )


def weaken_tls(world: World) -> None:
    world.elbv2.modify_listener(
        ListenerArn=world.listeners()[443]["ListenerArn"], SslPolicy="ELBSecurityPolicy-2016-08"
    )


def swap_groups(world: World) -> None:
    world.elbv2.set_security_groups(LoadBalancerArn=world.arn, SecurityGroups=world.groups[1:])


def add_a_subnet(world: World) -> None:
    world.elbv2.set_subnets(LoadBalancerArn=world.arn, Subnets=world.subnets)


def change_a_tag(world: World) -> None:
    world.elbv2.add_tags(ResourceArns=[world.arn], Tags=[{"Key": "team", "Value": "other"}])


def delete_a_listener(world: World) -> None:
    world.elbv2.delete_listener(ListenerArn=world.listeners()[80]["ListenerArn"])


@pytest.mark.parametrize(
    ("manual_change", "property_name"),
    [
        (lower_timeout, "attributes"),
        (open_port_80, "listener 80"),
        (swap_certificate, "listener 443"),
        (weaken_tls, "listener 443"),
        (swap_groups, "security_group_ids"),
        (add_a_subnet, "subnet_ids"),
        (change_a_tag, "tags"),
        (delete_a_listener, "listener 80"),
    ],
)
def test_a_manual_change_is_reported_and_corrected(
    world: World, manual_change: Callable[[World], None], property_name: str
) -> None:
    world.invoke()
    manual_change(world)
    assert list(world.invoke(True)["diff"]["after"]) == [property_name]
    assert world.invoke()["changed"]
    assert not world.invoke()["changed"]


def test_access_logs_and_a_web_acl_come_and_go(world: World) -> None:
    rule = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "m"}
    waf = boto3.client("wafv2", REGION)
    acl = waf.create_web_acl(Name="acl", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=rule)
    guarded = {"access_logs": {"bucket": "logs", "prefix": "staging"}, "web_acl_arn": acl["Summary"]["ARN"]}
    world.invoke(**guarded)
    assert not world.invoke(**guarded)["changed"]
    # Where nothing is said of it, what stands there stays.
    assert list(world.invoke(True)["diff"]["after"]) == ["attributes"]
    assert set(world.invoke(web_acl_arn="")["diff"]["after"]) == {"attributes", "web_acl_arn"}
    assert not world.invoke(web_acl_arn="")["changed"]


def test_rules_and_other_listeners_stay(world: World) -> None:
    world.invoke()
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}
    world.elbv2.create_rule(
        ListenerArn=world.listeners()[443]["ListenerArn"],
        Priority=10,
        Conditions=[{"Field": "path-pattern", "Values": ["/a"]}],
        Actions=[answer],
    )
    world.elbv2.create_listener(LoadBalancerArn=world.arn, Protocol="HTTP", Port=8080, DefaultActions=[answer])
    assert not world.invoke()["changed"]
    assert len(world.elbv2.describe_rules(ListenerArn=world.listeners()[443]["ListenerArn"])["Rules"]) == 2
    assert 8080 in world.listeners()


@pytest.mark.parametrize("first", [True, False], ids=["made before ours", "made after ours"])
def test_a_listener_of_others_with_tls_on_another_port_is_not_taken_for_ours(world: World, first: bool) -> None:
    """Rules of services would go there, and weights be written where no client asks."""

    def add() -> str:
        return str(
            world.elbv2.create_listener(
                LoadBalancerArn=world.arn,
                Protocol="HTTPS",
                Port=8443,
                Certificates=[{"CertificateArn": world.other_certificate}],
                DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
            )["Listeners"][0]["ListenerArn"]
        )

    if first:
        world.elbv2.create_load_balancer(
            Name="staging",
            Scheme="internet-facing",
            Subnets=world.subnets[:2],
            SecurityGroups=world.groups[:1],
            Tags=[{"Key": "pear:environment", "Value": "staging"}],
        )
    else:
        world.invoke()
    theirs = add()
    made = world.invoke()
    ours = world.listeners()[443]["ListenerArn"]
    assert made["listeners"]["https"] == ours != theirs
    parts = params(environment_info, {"environment": "staging", "parts": ["load_balancer", "listeners"]})
    found = info.run(Invocation(parts, Aws({"region": REGION}), False))["environment"]["load_balancer"]
    assert found["listeners"]["https"] == ours
    assert (found["ports"], found["certificate_arn"]) == ({"http": 80, "https": 443}, world.options["certificate_arn"])
    world.elbv2.delete_listener(ListenerArn=ours)
    left = info.run(Invocation(parts, Aws({"region": REGION}), False))["environment"]["load_balancer"]
    assert left["listeners"]["https"] == theirs, "the only one of a load balancer of others"


def test_target_groups_of_others_keep_it(world: World) -> None:
    world.invoke()
    vpc = world.elbv2.describe_load_balancers(Names=["staging"])["LoadBalancers"][0]["VpcId"]
    group = world.elbv2.create_target_group(Name="intranet", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")
    forward = [{"Type": "forward", "TargetGroupArn": group["TargetGroups"][0]["TargetGroupArn"]}]
    world.elbv2.create_listener(LoadBalancerArn=world.arn, Protocol="HTTP", Port=8080, DefaultActions=forward)
    with pytest.raises(Failure, match="target groups of others get requests from it: intranet"):
        world.invoke(state="absent")
    assert world.arn


def test_a_scheme_that_cannot_be_changed_is_refused_before_anything_is(world: World) -> None:
    world.invoke()
    lower_timeout(world)
    with pytest.raises(Failure, match=r"Nothing was changed: .* is internet-facing"):
        world.invoke(scheme="internal")
    assert list(world.invoke(True)["diff"]["after"]) == ["attributes"]


def absent(world: World, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    return world.invoke(check_mode, state="absent", **options)


def test_it_goes_with_its_listeners_and_stays_gone(world: World) -> None:
    world.invoke(deletion_protection=False)
    planned = absent(world, True)
    assert planned["diff"]["after"] == {"load balancer staging": "absent"}
    assert world.arn
    assert absent(world)["changed"]
    assert world.elbv2.describe_load_balancers()["LoadBalancers"] == []
    assert absent(world)["diff"] == {"before": {}, "after": {}}


def test_deletion_protection_refuses_its_removal_in_check_mode_too(world: World) -> None:
    world.invoke()
    for check_mode in (True, False):
        with pytest.raises(Failure, match=r"Nothing was removed.*deletion protection is on"):
            absent(world, check_mode)
    assert world.arn


@pytest.mark.parametrize("adopt", [False, True])
def test_one_of_others_is_never_removed(world: World, adopt: bool) -> None:
    world.elbv2.create_load_balancer(Name="staging", Subnets=world.subnets[:2])
    with pytest.raises(Failure, match="no tag says that it belongs to environment staging"):
        absent(world, adopt=adopt)
    assert world.arn


def test_tags_of_others_go_only_where_that_is_said(world: World) -> None:
    world.invoke()
    world.elbv2.add_tags(ResourceArns=[world.arn], Tags=[{"Key": "by-hand", "Value": "yes"}])
    assert not world.invoke()["changed"]
    assert world.invoke(purge_tags=True)["diff"]["after"] == {"tags": {"by-hand": None}}
    (described,) = world.elbv2.describe_tags(ResourceArns=[world.arn])["TagDescriptions"]
    assert {tag["Key"] for tag in described["Tags"]} == {"pear:environment", "team"}
    assert not world.invoke(purge_tags=True)["changed"]


def network(world: World, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    given = {
        "name": "staging-games",
        "subnet_ids": world.subnets[:2],
        "security_group_ids": world.groups[:1],
        "deletion_protection": False,
        "tags": world.options["tags"],
    }
    return network_load_balancer.run(
        Invocation(params(network_module, {**given, **options}), Aws({"region": REGION}), check_mode)
    )


def test_a_network_load_balancer_is_made_once_and_its_listeners_are_left_to_services(world: World) -> None:
    assert network(world, True)["changed"] and world.elbv2.describe_load_balancers()["LoadBalancers"] == []
    arn = network(world)["load_balancer_arn"]
    (made,) = world.elbv2.describe_load_balancers()["LoadBalancers"]
    assert (made["Type"], made["Scheme"], made["SecurityGroups"]) == ("network", "internal", world.groups[:1])
    ours = [{"Key": "pear:environment", "Value": "staging"}]
    group = world.elbv2.create_target_group(
        Name="g", Protocol="TCP", Port=1, VpcId=made["VpcId"], TargetType="ip", Tags=ours
    )
    action = [{"Type": "forward", "TargetGroupArn": group["TargetGroups"][0]["TargetGroupArn"]}]
    world.elbv2.create_listener(LoadBalancerArn=arn, Protocol="TCP", Port=7000, DefaultActions=action)
    assert not network(world)["changed"]
    for change in ({"cross_zone": True}, {"security_group_ids": world.groups}, {"subnet_ids": world.subnets}):
        assert network(world, **change)["changed"]
        assert not network(world, **change)["changed"]
        network(world)
    assert len(world.elbv2.describe_listeners(LoadBalancerArn=arn)["Listeners"]) == 1
    with pytest.raises(Failure, match=r"is internal, and ELB cannot make it internet-facing"):
        network(world, scheme="internet-facing")
    world.invoke(name="staging-web")
    with pytest.raises(Failure, match="is of the type application, which ELB cannot change"):
        network(world, name="staging-web")
    with pytest.raises(Failure, match="is of the type network, which ELB cannot change"):
        world.invoke(name="staging-games")
    with pytest.raises(Failure, match="staging-games exists, and no tag says"):
        network(world, tags={"pear:environment": "other"})
    assert network(world, state="absent")["changed"]
    assert [one["LoadBalancerName"] for one in world.elbv2.describe_load_balancers()["LoadBalancers"]] == [
        "staging-web"
    ]
