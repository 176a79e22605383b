"""Load balancers of further target groups are looked at before anything is made: zones, network, ways in, certificates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.service import further_fit
from moto import mock_aws

REGION = "eu-central-1"
AWS = Aws({"region": REGION})


def client(name: str) -> Any:
    return boto3.client(name, REGION)


@pytest.fixture
def corp(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A network with tasks in two zones, and an internal load balancer of others in both, with a security group."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        ec2 = client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
                "SubnetId"
            ]
            for number, zone in enumerate("abc")
        ]
        group = ec2.create_security_group(GroupName="internal", Description="theirs", VpcId=vpc)["GroupId"]
        tasks = ec2.create_security_group(GroupName="staging-tasks", Description="ours", VpcId=vpc)["GroupId"]
        balancer = balancer_of("internal", "application", subnets[:2], [group])
        default = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
        listener = client("elbv2").create_listener(
            LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=default
        )["Listeners"][0]["ListenerArn"]
        yield {
            "vpc": vpc,
            "subnets": subnets,
            "group": group,
            "tasks": tasks,
            "balancer": balancer,
            "listener": listener,
            "games": balancer_of("games", "network", subnets[:2], []),
        }


def balancer_of(name: str, kind: str, subnets: list[str], groups: list[str]) -> str:
    made = client("elbv2").create_load_balancer(
        Name=name, Type=kind, Subnets=subnets, SecurityGroups=groups, Scheme="internal"
    )
    return str(made["LoadBalancers"][0]["LoadBalancerArn"])


def let_in(corp: dict[str, Any], source: dict[str, Any], port: int, protocol: str = "tcp") -> None:
    rule = {"IpProtocol": protocol, "FromPort": port, "ToPort": port, **source}
    client("ec2").authorize_security_group_ingress(GroupId=corp["tasks"], IpPermissions=[rule])


def found(corp: dict[str, Any], one: dict[str, Any], subnets: int = 2, **more: Any) -> list[str]:
    values = {
        "environment_name": "staging",
        "service_name": "web",
        "service_subnet_ids": corp["subnets"][:subnets],
        "service_further_target_groups": [one],
        **more,
    }
    environment = {"network_existing": {"vpc_id": corp["vpc"]}, "network_task_ports": ["8080"], **more}
    return list(further_fit.findings(AWS, values, environment))


def internal(corp: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "internal", "port": 8080, "listener_arn": corp["listener"], "hosts": ["a.internal"], **more}


def game(corp: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": "game",
        "port": 7000,
        "protocol": "TCP",
        "load_balancer": corp["games"],
        "listener_port": 7000,
        **more,
    }


def by_group(corp: dict[str, Any]) -> dict[str, Any]:
    return {"UserIdGroupPairs": [{"GroupId": corp["group"]}]}


def test_what_fits_has_no_finding(corp: dict[str, Any]) -> None:
    let_in(corp, by_group(corp), 8080)
    let_in(corp, {"IpRanges": [{"CidrIp": "10.9.0.0/16"}]}, 7000)
    assert found(corp, internal(corp)) == []
    assert found(corp, game(corp)) == []


def test_a_way_in_that_is_missing_is_one_until_the_inventory_opens_it(corp: dict[str, Any]) -> None:
    (closed,) = found(corp, internal(corp))
    assert f"lets the security groups of load balancer internal ({corp['group']}) in on tcp 8080" in closed
    assert "network_task_clients" in closed
    assert found(corp, internal(corp), network_task_clients=[{"source": corp["group"]}]) == []
    (still,) = found(corp, internal(corp), network_task_clients=[{"source": corp["group"], "ports": ["9000"]}])
    assert still == closed
    assert "which has no security group" in found(corp, game(corp))[0]
    let_in(corp, {"IpRanges": [{"CidrIp": "10.9.0.0/16"}]}, 7000)
    udp = game(corp, protocol="UDP", health_check={"port": 8080})
    assert "in on udp 7000" in found(corp, udp)[0]
    let_in(corp, {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, 7000, "udp")
    assert found(corp, udp) == []


def test_a_zone_that_the_load_balancer_is_not_in_is_one(corp: dict[str, Any]) -> None:
    let_in(corp, by_group(corp), 8080)
    (lost,) = found(corp, internal(corp), subnets=3)
    assert f"tasks run in {REGION}c too, where it sends nothing" in lost


def test_a_load_balancer_of_another_network_or_type_or_that_is_not_there_is_one(corp: dict[str, Any]) -> None:
    elsewhere = found(corp, internal(corp), network_existing={"vpc_id": "vpc-1"})
    assert "and tasks are in vpc-1, which it does not reach" in elsewhere[0]
    assert (
        "is of the type application, and the protocol TCP needs one of the type network"
        in found(corp, game(corp, load_balancer=corp["balancer"]))[0]
    )
    assert "there is no load balancer 'edge'" in found(corp, game(corp, load_balancer="edge"))[0]
    assert found(corp, game(corp, load_balancer="edge"), load_balancer_further=[{"name": "edge"}]) == []
    gone = corp["listener"][:-4] + "0000"
    assert f"load balancer internal has no listener '{gone}'" in found(corp, internal(corp, listener_arn=gone))[0]


def test_a_port_or_a_priority_that_is_taken_and_a_certificate_that_is_not_there_are_ones(corp: dict[str, Any]) -> None:
    let_in(corp, by_group(corp), 8080)
    let_in(corp, {"IpRanges": [{"CidrIp": "10.9.0.0/16"}]}, 7000)
    elb = client("elbv2")
    theirs = elb.create_target_group(Name="theirs", Protocol="TCP", Port=80, VpcId=corp["vpc"], TargetType="ip")
    action = [{"Type": "forward", "TargetGroupArn": theirs["TargetGroups"][0]["TargetGroupArn"]}]
    elb.create_listener(LoadBalancerArn=corp["games"], Protocol="TCP", Port=7000, DefaultActions=action)
    assert "the listener TCP 7000 of games is not of our making" in found(corp, game(corp))[0]
    conditions = [{"Field": "host-header", "Values": ["b"]}]
    elb.create_rule(ListenerArn=corp["listener"], Priority=7, Conditions=conditions, Actions=action)
    assert "internal.priority 7 is taken by the rule of theirs" in found(corp, internal(corp, priority=7))[0]
    arn = f"arn:aws:acm:{REGION}:123456789012:certificate/12345678-1234-1234-1234-123456789012"
    tls = game(corp, listener_port=443, listener_protocol="TLS", certificate_arn=arn)
    assert "ACM has no such certificate" in found(corp, tls)[0]


def test_a_network_load_balancer_that_lets_no_client_in_on_the_port_is_one_until_the_inventory_opens_it(
    corp: dict[str, Any],
) -> None:
    let_in(corp, {"IpRanges": [{"CidrIp": "10.9.0.0/16"}]}, 7000)
    balancer_of("staging-edge", "network", corp["subnets"][:2], [corp["group"]])
    (closed,) = found(corp, game(corp, load_balancer="edge"))
    assert f"load balancer staging-edge ({corp['group']}) let nobody in on tcp 7000" in closed
    planned = [{"name": "edge", "type": "network", "clients": [{"ports": ["7000"]}]}]
    assert found(corp, game(corp, load_balancer="edge"), load_balancer_further=planned) == []
    rule = {"IpProtocol": "tcp", "FromPort": 6000, "ToPort": 8000, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    client("ec2").authorize_security_group_ingress(GroupId=corp["group"], IpPermissions=[rule])
    assert found(corp, game(corp, load_balancer="edge")) == []


def test_the_listener_of_a_network_service_is_looked_at_in_the_same_way(corp: dict[str, Any]) -> None:
    let_in(corp, {"IpRanges": [{"CidrIp": "10.9.0.0/16"}]}, 7000)

    def listener(**more: Any) -> list[str]:
        values = {
            "environment_name": "staging",
            "service_name": "game",
            "service_port": 7000,
            "service_subnet_ids": corp["subnets"][:2],
            "service_listener": {"load_balancer": corp["games"], "listener_port": 7000, **more},
        }
        return list(further_fit.listener_findings(AWS, values, {"network_existing": {"vpc_id": corp["vpc"]}}))

    assert listener() == listener(test_listener_port=7001) == []
    assert "there is no load balancer 'other'" in str(listener(load_balancer="other"))
    assert "of the type application, and the protocol TCP needs" in str(listener(load_balancer=corp["balancer"]))
    theirs = client("elbv2").create_target_group(Name="t", Protocol="TCP", Port=1, VpcId=corp["vpc"], TargetType="ip")
    action = {"Type": "forward", "TargetGroupArn": theirs["TargetGroups"][0]["TargetGroupArn"]}
    client("elbv2").create_listener(LoadBalancerArn=corp["games"], Protocol="TCP", Port=7001, DefaultActions=[action])
    assert listener() == []
    (taken,) = listener(test_listener_port=7001)
    assert taken.startswith("service_listener: the listener TCP 7001 of games is not this service's")


def test_a_load_balancer_without_room_for_the_rule_is_one(
    corp: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    let_in(corp, by_group(corp), 8080)
    monkeypatch.setattr(further_fit.rule_quota.elbv2, "rules_allowed", lambda _aws: 0)
    (full,) = found(corp, internal(corp))
    assert "the load balancer has 0 rules, this service needs 1 more (internal), and the account's quota is 0" in full
