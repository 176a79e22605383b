"""A changed listener reaches the load balancer's nodes one after the other; DNS changes and new balancers take a while too."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from sandbox.api.route53 import Changes, HostedZones
from sandbox.api.state import Sandbox
from sandbox.config import Settings
from sandbox.edge.nodes import LAG_SECONDS, Nodes, lags
from sandbox.edge.state import Forward, parse_state
from sandbox.laws.propagation import DNS_SECONDS, LOAD_BALANCER_SECONDS, lasts


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def state(green: int, attributes: dict[str, str] | None = None, protocol: str = "HTTPS") -> Any:
    groups = [{"TargetGroupArn": name, "Weight": weight} for name, weight in (("blue", 100 - green), ("green", green))]
    action = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}
    rule = {"arn": "rule", "priority": "1", "conditions": [], "actions": [action]}
    listener = {"arn": "listener", "port": 443, "protocol": protocol, "tls_protocols": [], "certificates": []}
    listener |= {"attributes": attributes or {}, "rules": [rule]}
    balancer = {"arn": "b", "address": "a", "dimension": "d", "attributes": {}, "listeners": [listener], "active_at": 0}
    parts: dict[str, Any] = {"target_groups": [], "certificates": [], "addresses": {}, "spoils": []}
    return parse_state({"version": 1, "load_balancers": [balancer], **parts})


def green_at(nodes: Nodes, node: int) -> int:
    listener = nodes.listener("listener", node)
    assert listener is not None
    action = listener.rules[0].action
    assert isinstance(action, Forward)
    return dict(action.weights)["green"]


@pytest.fixture
def time() -> Time:
    return Time()


def test_a_new_listener_is_on_every_node_at_once(time: Time) -> None:
    nodes = Nodes((1.0, 3.0), time)
    nodes.learn(state(0))
    assert [green_at(nodes, node) for node in (0, 1)] == [0, 0]
    assert nodes.listener("another", 0) is None


def test_those_of_a_network_load_balancer_take_minutes(time: Time) -> None:
    nodes = Nodes((0.5, 4.0), time)
    nodes.learn(state(0, protocol="TCP"))
    nodes.learn(state(100, protocol="TCP"))
    time.now += 31
    assert [green_at(nodes, node) for node in (0, 1)] == [100, 0]
    time.now += 240
    assert [green_at(nodes, node) for node in (0, 1)] == [100, 100]


def test_changed_weights_reach_one_node_after_the_other(time: Time) -> None:
    nodes = Nodes((1.0, 3.0, 5.0), time)
    nodes.learn(state(0))
    nodes.learn(state(10))
    seen = []
    for seconds in (0.0, 1.0, 2.0, 2.0):
        time.now += seconds
        seen.append([green_at(nodes, node) for node in range(3)])
    assert seen == [[0, 0, 0], [10, 0, 0], [10, 10, 0], [10, 10, 10]]


def test_a_late_node_meets_each_change_in_its_order(time: Time) -> None:
    nodes = Nodes((0.0, 4.0), time)
    for green in (0, 10, 50):
        nodes.learn(state(green))
        time.now += 2.0
    # The last two changes are four and two seconds old.
    assert [green_at(nodes, node) for node in (0, 1)] == [50, 10]


def test_targets_that_come_and_go_make_no_listener_new(time: Time) -> None:
    nodes = Nodes((0.0, 4.0), time)
    nodes.learn(state(0))
    nodes.learn(state(10))
    for _ in range(3):
        time.now += 1.0
        nodes.learn(state(10))
    assert green_at(nodes, 1) == 0
    time.now += 1.0
    assert green_at(nodes, 1) == 10


def test_a_listener_that_is_gone_is_gone_everywhere(time: Time) -> None:
    nodes = Nodes((0.0, 4.0), time)
    nodes.learn(state(0))
    nodes.learn(parse_state({"version": 2, "load_balancers": [], "target_groups": [], **_NOTHING}))
    assert nodes.listener("listener", 1) is None


_NOTHING: dict[str, Any] = {"certificates": [], "addresses": {}, "spoils": []}


def test_the_time_factor_makes_all_of_it_shorter_and_none_of_it_longer_than_a_few_seconds() -> None:
    assert lags(2.0) == tuple(seconds / 2 for seconds in LAG_SECONDS)
    assert lasts(DNS_SECONDS, 30.0) == 2.0
    assert lasts(LOAD_BALANCER_SECONDS, 1.0) == 5.0


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(Settings(tmp_path, "127.77", "podman", "none", time_factor=30.0), Mock())


def test_name_servers_answer_as_before_until_a_change_is_in_sync(sandbox: Sandbox) -> None:
    changes = Changes(sandbox)
    first = changes.add("zone", ["before both"], 1000.0)
    second = changes.add("zone", ["after the first"], 1001.0)
    assert changes.served("zone", ["after both"], 1001.5) == ["before both"]
    assert changes.served("zone", ["after both"], 1002.5) == ["after the first"]
    assert (changes.is_pending(first, 1002.5), changes.is_pending(f"/change/{second}", 1002.5)) == (False, True)
    assert changes.served("zone", ["after both"], 1003.0) == ["after both"]
    assert changes.served("another", ["its own"], 1001.5) == ["its own"]


@pytest.mark.parametrize(
    ("groups", "healthy"),
    [
        pytest.param({"blue": ["healthy", "unhealthy"], "green": ["healthy"]}, True, id="each has a healthy one"),
        pytest.param({"blue": ["healthy"], "green": []}, False, id="an idle colour without targets"),
        pytest.param({"blue": ["healthy"], "green": ["unhealthy"]}, False, id="one has none that is healthy"),
        pytest.param({}, False, id="no target group"),
    ],
)
def test_an_alias_takes_a_load_balancer_with_an_empty_target_group_for_unhealthy(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, groups: dict[str, list[str]], healthy: bool
) -> None:
    monkeypatch.setattr(sandbox.targets, "groups_of", lambda balancer: set(groups))
    monkeypatch.setattr(sandbox.targets, "places", lambda arn: list(enumerate(groups[arn])))
    monkeypatch.setattr(sandbox.targets, "health", lambda arn, number, state: (state, "", ""))
    assert HostedZones(sandbox)._balancer_healthy(Mock()) is healthy
