"""A service answers on the public and on an internal load balancer, and by TCP and UDP through a network load balancer of others."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from typing import Any

import pytest

from tests.support.plays import Player, PlayResult

from .conftest import Stage

CLUSTER = "local"
INVENTORIES = ("inventories/local", "tests/stories/further")
OWNER = [{"Key": "Owner", "Value": "platform"}]
ALL = ("internal", "game", "sealed", "beat")
QUICK = {"interval_seconds": 5, "timeout_seconds": 2, "unhealthy_threshold": 2}


@dataclass
class Balancers:
    """An internal application load balancer and a network load balancer, which others made in the environment's network."""

    stage: Stage
    addresses: dict[str, str] = field(default_factory=dict)
    arns: dict[str, str] = field(default_factory=dict)

    def make(self) -> None:
        ec2, elb = self.stage.client("ec2"), self.stage.client("elbv2")
        tiers = [
            {"Name": "tag:pear:environment", "Values": ["local"]},
            {"Name": "tag:pear:tier", "Values": ["private"]},
        ]
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets(Filters=tiers)["Subnets"]]
        for name, kind in (("corp-internal", "application"), ("corp-games", "network")):
            made = elb.create_load_balancer(Name=name, Type=kind, Scheme="internal", Subnets=subnets, Tags=OWNER)
            self.arns[kind] = made["LoadBalancers"][0]["LoadBalancerArn"]
            self.addresses[kind] = made["LoadBalancers"][0]["DNSName"]
            vpc = made["LoadBalancers"][0]["VpcId"]
        default = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
        listener = elb.create_listener(
            LoadBalancerArn=self.arns["application"], Protocol="HTTP", Port=80, DefaultActions=default, Tags=OWNER
        )
        self.arns["listener"] = listener["Listeners"][0]["ListenerArn"]
        theirs = elb.create_target_group(
            Name="theirs", Protocol="TCP", Port=9000, VpcId=vpc, TargetType="ip", Tags=OWNER
        )
        action = [{"Type": "forward", "TargetGroupArn": theirs["TargetGroups"][0]["TargetGroupArn"]}]
        elb.create_listener(
            LoadBalancerArn=self.arns["network"], Protocol="TCP", Port=9000, DefaultActions=action, Tags=OWNER
        )

    @property
    def ports(self) -> dict[int, str]:
        """The ports of the network load balancer, with the protocols of their listeners."""
        found = self.stage.client("elbv2").describe_listeners(LoadBalancerArn=self.arns["network"])["Listeners"]
        return {one["Port"]: one["Protocol"] for one in found}

    @property
    def rules(self) -> list[list[str]]:
        """Hosts of the internal listener's rules, but for its own."""
        found = self.stage.client("elbv2").describe_rules(ListenerArn=self.arns["listener"])["Rules"]
        return [
            condition["HostHeaderConfig"]["Values"]
            for one in found
            if not one["IsDefault"]
            for condition in one["Conditions"]
        ]


class Relay:
    """The service with requests, and the worker beside it."""

    def __init__(self, stage: Stage, balancers: Balancers) -> None:
        self.stage, self.balancers = stage, balancers
        self.player = Player(stage.environment, INVENTORIES)

    @property
    def certificate(self) -> str:
        """That of the environment."""
        found = self.stage.client("acm").list_certificates()["CertificateSummaryList"]
        return next(str(one["CertificateArn"]) for one in found if one["DomainName"] == "local.example.test")

    def target_groups(self, *names: str) -> list[dict[str, Any]]:
        network, listener = self.balancers.arns["network"], self.balancers.arns["listener"]
        every = {
            "internal": {"port": 8080, "listener_arn": listener, "hosts": ["relay.internal"], "health_check": QUICK},
            "game": {
                "port": 7000,
                "protocol": "TCP",
                "load_balancer": network,
                "listener_port": 7000,
                "health_check": QUICK,
            },
            "beat": {
                "port": 7001,
                "protocol": "UDP",
                "load_balancer": network,
                "listener_port": 7001,
                "health_check": {**QUICK, "port": 8080, "protocol": "HTTP"},
            },
            "sealed": {
                "port": 7000,
                "protocol": "TCP",
                "load_balancer": network,
                "listener_port": 7443,
                "listener_protocol": "TLS",
                "certificate_arn": self.certificate,
                "health_check": QUICK,
            },
            "post": {
                "port": 7000,
                "protocol": "TCP_UDP",
                "load_balancer": "edge",
                "listener_port": 7100,
                "health_check": QUICK,
            },
        }
        return [{"name": name, "deregistration_delay_seconds": 5, **every[name]} for name in names]

    def play(
        self, playbook: str, *names: str, host: str = "relay", check: bool = False, **variables: Any
    ) -> PlayResult:
        given = {"service_further_target_groups": self.target_groups(*names), **variables}
        return self.player.run(f"playbooks/{playbook}.yml", "-l", host, variables=given, check=check)

    def release(self, number: int, *names: str) -> PlayResult:
        return self.play("release", *names, service_environment={"RELEASE": str(number)})

    def public(self) -> str:
        unverified = ssl._create_unverified_context()
        return _got(
            HTTPSConnection(self.stage.load_balancer, 443, timeout=10, context=unverified), "relay.local.example.test"
        )

    def internal(self) -> str:
        return _got(HTTPConnection(self.balancers.addresses["application"], 80, timeout=10), "relay.internal")

    def by_tcp(self) -> str:
        return self.told(self.balancers.addresses["network"], 7000)

    @staticmethod
    def told(address: str, port: int) -> str:
        with socket.create_connection((address, port), timeout=10) as connection:
            connection.sendall(b"who\n")
            return connection.recv(100).decode()

    def by_tls(self) -> str:
        with (
            socket.create_connection((self.balancers.addresses["network"], 7443), timeout=10) as connection,
            ssl._create_unverified_context().wrap_socket(connection) as sealed,
        ):
            sealed.sendall(b"who\n")
            return sealed.recv(100).decode()

    def by_udp(self) -> str:
        return self.told_by_udp(self.balancers.addresses["network"], 7001)

    @staticmethod
    def told_by_udp(address: str, port: int) -> str:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.settimeout(10)
            datagrams.sendto(b"who", (address, port))
            return datagrams.recv(100).decode()

    def answers(self) -> set[str]:
        """What it says, over every way, several times."""
        ways = (self.public, self.internal, self.by_tcp, self.by_tls, self.by_udp)
        return {way() for way in ways for _ in range(6)}

    def registered(self, host: str = "relay") -> set[str]:
        found = self.stage.client("ecs").describe_services(cluster=CLUSTER, services=[f"{host}-blue", f"{host}-green"])
        return {
            f"{one['serviceName'].rpartition('-')[2]} {entry['targetGroupArn'].split('/')[1]}"
            for one in found["services"]
            if one["status"] == "ACTIVE"
            for entry in one["loadBalancers"]
        }


def _got(connection: HTTPConnection, host: str) -> str:
    try:
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        assert answer.status == 200, answer.status
        return answer.read().decode()
    finally:
        connection.close()


@contextmanager
def asked(*ways: Callable[[], str]) -> Iterator[Counter[str]]:
    """Ask again and again over these ways meanwhile: answers and errors, counted."""
    ended, found = threading.Event(), Counter[str]()

    def ask(way: Callable[[], str]) -> None:
        while not ended.wait(0.2):
            try:
                found[way()] += 1
            except (OSError, AssertionError) as failed:
                found[f"{way.__name__}: {failed!r}"] += 1

    threads = [threading.Thread(target=ask, args=(way,)) for way in ways]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        ended.set()
        for thread in threads:
            thread.join()


@pytest.fixture(scope="module")
def relay(deployed: Player, stage: Stage) -> Relay:
    balancers = Balancers(stage)
    balancers.make()
    made = Relay(stage, balancers)
    own = ("playbooks/provision.yml", "-l", "local", "--tags", "network,load_balancer")
    made.player.run(*own).succeeded()
    assert made.player.run(*own).succeeded().changed == 0
    planned = made.play("deploy", *ALL, check=True).succeeded()
    assert "local-relay-game" in planned.output and balancers.ports == {9000: "TCP"}, "check mode makes nothing"
    made.play("deploy", *ALL).succeeded()
    return made


def test_it_answers_on_both_load_balancers_and_on_the_ports_of_the_network_load_balancer(relay: Relay) -> None:
    assert relay.answers() == {"1"}
    assert relay.registered() == {
        *(f"blue local-relay-{name}" for name in ("blue", *ALL)),
        "green local-relay-green",
    }
    assert relay.balancers.ports == {9000: "TCP", 7000: "TCP", 7443: "TLS", 7001: "UDP"}
    again = relay.play("deploy", *ALL).succeeded()
    assert again.changed == 0, again.output
    alarms = relay.stage.client("cloudwatch").describe_alarms(AlarmNamePrefix="local/relay/unhealthy-targets-")[
        "MetricAlarms"
    ]
    assert {alarm["AlarmName"].rpartition("-")[2]: alarm["Namespace"] for alarm in alarms} == {
        "internal": "AWS/ApplicationELB",
        "game": "AWS/NetworkELB",
        "sealed": "AWS/NetworkELB",
        "beat": "AWS/NetworkELB",
    }


@pytest.mark.long
def test_a_release_and_a_rollback_replace_tasks_while_every_way_answers(relay: Relay) -> None:
    with asked(relay.public, relay.internal, relay.by_tcp) as found:
        relay.release(2, *ALL).succeeded()
        assert relay.answers() == {"2"}
        back = relay.play("rollback").succeeded()
        assert relay.answers() == {"1"}
    assert set(found) == {"1", "2"}, found
    assert "blue local-relay-game" in relay.registered(), back.output
    told = relay.play("status").succeeded().output
    assert "counted as healthy where they are in" in told and "local-relay-game" in told, told


def test_what_weights_would_have_to_move_is_refused_by_name(relay: Relay) -> None:
    refused = relay.play("release", "game", service_strategy="canary").failed().output
    assert "service_strategy is canary, and service_further_target_groups has" in refused, refused
    # The inventory lists none any more, and the live version is in them still.
    refused = (
        relay.play("release", service_strategy="all_at_once", service_environment={"RELEASE": "3"}).failed().output
    )
    assert "tasks of blue are registered in" in refused, refused
    taken = relay.play(
        "provision", "game", service_further_target_groups=[{**relay.target_groups("game")[0], "listener_port": 9000}]
    )
    assert "the listener TCP 9000 of corp-games is not of our making" in taken.failed().output, taken.output
    assert relay.answers() == {"1"}


@pytest.mark.long
def test_a_worker_answers_by_tcp_and_udp_behind_a_load_balancer_of_the_environment(relay: Relay) -> None:
    elb = relay.stage.client("elbv2")
    found = {one["LoadBalancerName"]: one for one in elb.describe_load_balancers()["LoadBalancers"]}
    edge, inner = found["local-edge"], found["local-inner"]
    assert (edge["Type"], inner["Type"], edge["Scheme"], inner["Scheme"]) == (
        "network",
        "application",
        "internal",
        "internal",
    )
    relay.play("deploy", "post", host="courier").succeeded()
    for told in (relay.told, relay.told_by_udp):
        assert {told(edge["DNSName"], 7100) for _ in range(4)} == {"courier 1"}
    assert relay.registered("courier") == {"blue local-courier-post"}
    assert relay.play("deploy", "post", host="courier").succeeded().changed == 0
    relay.play("destroy", "post", host="courier", confirm="courier").succeeded()
    assert elb.describe_listeners(LoadBalancerArn=edge["LoadBalancerArn"])["Listeners"] == []


@pytest.mark.long
def test_one_that_is_listed_no_longer_goes_after_the_release_that_takes_the_tasks_out(relay: Relay) -> None:
    kept = relay.play("provision", "internal", "beat").succeeded()
    assert "the next release takes them out" in kept.output, kept.output
    assert relay.by_tcp() == "1"
    drift = relay.player.run(
        "playbooks/drift.yml", "-l", "local", "--tags", "orphans", variables={"service_further_target_groups": []}
    )
    assert "local-relay-game" in drift.output, drift.output
    relay.release(4, "internal", "beat").succeeded()
    assert "blue local-relay-game" not in relay.registered()
    relay.play("provision", "internal", "beat").succeeded()
    assert relay.balancers.ports == {9000: "TCP", 7001: "UDP"}
    assert {relay.public(), relay.internal(), relay.by_udp()} == {"4"}
    assert relay.play("deploy", "internal", "beat", service_environment={"RELEASE": "4"}).succeeded().changed == 0


def test_the_service_goes_and_what_others_made_stays(relay: Relay) -> None:
    relay.play("destroy", "internal", "beat", confirm="relay").succeeded()
    assert relay.balancers.ports == {9000: "TCP"} and relay.balancers.rules == []
    groups = relay.stage.client("elbv2").describe_target_groups()["TargetGroups"]
    assert not [one["TargetGroupName"] for one in groups if "relay" in one["TargetGroupName"]]
    elb = relay.stage.client("elbv2")
    assert {one["LoadBalancerName"] for one in elb.describe_load_balancers()["LoadBalancers"]} >= {
        "corp-games",
        "corp-internal",
    }
    # The next story's environment is as it was.
    found = {one["LoadBalancerName"]: one["LoadBalancerArn"] for one in elb.describe_load_balancers()["LoadBalancers"]}
    for name in ("corp-games", "corp-internal", "local-edge", "local-inner"):
        elb.delete_load_balancer(LoadBalancerArn=found[name])
    time.sleep(1)
    elb.delete_target_group(
        TargetGroupArn=next(one["TargetGroupArn"] for one in groups if one["TargetGroupName"] == "theirs")
    )
