"""A service of TCP of the environment's own: made, released with two colours under load, rolled back, watched and removed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.plays import Player, PlayResult

from .conftest import Stage
from .connections import Connection, asked

CLUSTER = "local"
INVENTORIES = ("inventories/local", "tests/stories/network")
# No weight moves, for which the next release would have to wait until every node has it.
IN_PLACE: dict[str, Any] = {"service_strategy": "rolling", "service_strategy_options": {}}


@dataclass
class Arena:
    stage: Stage
    player: Player
    address: str = ""

    def play(self, playbook: str, host: str = "arena", check: bool = False, **variables: Any) -> PlayResult:
        return self.player.run(f"playbooks/{playbook}.yml", "-l", host, variables=variables, check=check)

    def release(self, number: int, **variables: Any) -> PlayResult:
        return self.play("release", service_environment={"RELEASE": str(number)}, **variables)

    def balancer(self) -> dict[str, Any]:
        found = self.stage.client("elbv2").describe_load_balancers(Names=["local-games"])["LoadBalancers"]
        return dict(found[0])

    def weights(self) -> dict[int, dict[str, int]]:
        """By the port of the listener and the colour."""
        found = self.stage.client("elbv2").describe_listeners(LoadBalancerArn=self.balancer()["LoadBalancerArn"])
        return {
            listener["Port"]: {
                group["TargetGroupArn"].split("/")[1].rpartition("-")[2]: group["Weight"]
                for group in listener["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]
            }
            for listener in found["Listeners"]
        }

    def ask(self) -> str:
        with Connection(self.address) as connection:
            return connection.ask()

    def comes_to(self, release: str) -> None:
        deadline = time.monotonic() + 120
        while {self.ask() for _ in range(12)} != {release}:
            assert time.monotonic() < deadline, self.weights()
            time.sleep(1)


@pytest.fixture(scope="module")
def arena(deployed: Player, stage: Stage) -> Arena:
    made = Arena(stage, Player(stage.environment, INVENTORIES))
    own = ("playbooks/provision.yml", "-l", "local", "--tags", "network,load_balancer")
    made.player.run(*own).succeeded()
    planned = made.play("deploy", check=True).succeeded()
    assert "local-arena-green" in planned.output and made.weights() == {}, "check mode makes nothing"
    made.play("deploy", **IN_PLACE).succeeded()
    made.address = made.balancer()["DNSName"]
    return made


@pytest.mark.long
def test_it_is_made_with_two_colours_behind_its_listener_and_again_changes_nothing(arena: Arena) -> None:
    assert arena.weights()[7000] == {"blue": 100, "green": 0}
    arena.comes_to("1")
    again = arena.play("deploy", **IN_PLACE).succeeded()
    assert again.changed == 0, again.output
    alarms = arena.stage.client("cloudwatch").describe_alarms(AlarmNamePrefix="local/arena/")["MetricAlarms"]
    kinds = {alarm["AlarmName"].rpartition("/")[2] for alarm in alarms}
    assert {"no-healthy-target", "unhealthy-targets-blue", "unhealthy-targets-green", "cpu"} <= kinds, kinds
    assert not kinds & {"error-share", "latency-p99"}, kinds


@pytest.mark.long
def test_a_canary_moves_connections_and_a_rollback_returns_them_and_none_fails(arena: Arena) -> None:
    refused = arena.release(2, service_gates={"errors": {"tolerance_percent": 1}}).failed()
    assert "service_gates.errors judges answers to requests" in refused.output, refused.output
    with Connection(arena.address) as old, asked(arena) as found:
        assert old.ask() == "1"
        arena.release(2).succeeded()
        assert arena.weights()[7000] == {"blue": 0, "green": 100}
        arena.comes_to("2")
        assert old.ask() == "1", "a connection stays with the version that it began with"
        told = arena.play("status").succeeded().output
        assert "green 100 %" in told, told
        arena.play("rollback").succeeded()
        assert arena.weights()[7000] == {"blue": 100, "green": 0}
        arena.comes_to("1")
        assert old.ask() == "1"
    assert set(found) == {"1", "2"} and found["2"] > 50, found
    refused = arena.release(3).failed()
    assert "may send connections to green, whose tasks this release replaces" in refused.output, refused.output
    drift = arena.play("drift")
    assert drift.status == 0, drift.output


@pytest.mark.long
def test_the_service_goes_with_its_listeners_and_the_load_balancer_stays(arena: Arena) -> None:
    arena.play("triage").succeeded()
    arena.play("destroy", confirm="arena").succeeded()
    assert arena.weights() == {}
    groups = arena.stage.client("elbv2").describe_target_groups()["TargetGroups"]
    assert not [group["TargetGroupName"] for group in groups if "arena" in group["TargetGroupName"]]
    # The next story's environment is as it was.
    arena.stage.client("elbv2").delete_load_balancer(LoadBalancerArn=arena.balancer()["LoadBalancerArn"])
