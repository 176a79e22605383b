"""Network load balancers: what ELB refuses of them and moto takes, and the metrics that they have."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.api.elbv2_network import NetworkCalls
from sandbox.errors import ApiError
from sandbox.metrics.balancers import from_report

GAMES = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/games/1"


def calls(used: list[str] | None = None) -> NetworkCalls:
    return NetworkCalls(SimpleNamespace(targets=SimpleNamespace(load_balancers_of=lambda arn: used or [])))  # type: ignore[arg-type]


def backend(*ports: int) -> Any:
    groups = {name: SimpleNamespace(arn=name, protocol=name) for name in ("HTTP", "TCP", "TLS", "UDP", "TCP_UDP")}
    listeners = {str(port): SimpleNamespace(port=port) for port in ports}
    return SimpleNamespace(load_balancers={GAMES: SimpleNamespace(listeners=listeners)}, target_groups=groups)


def created(
    there: Any, protocol: str, group: str, port: int = 7000, used: list[str] | None = None, certificate: str = ""
) -> Any:
    return calls(used)._create_listener(
        lambda _backend, **named: named["port"],
        there,
        load_balancer_arn=GAMES,
        port=port,
        protocol=protocol,
        certificate=certificate or None,
        actions=[{"Type": "forward", "TargetGroupArn": group}],
    )


@pytest.mark.parametrize(
    ("protocol", "groups"),
    [
        ("TCP", {"TCP", "TCP_UDP"}),
        ("TLS", {"TCP", "TLS"}),
        ("UDP", {"UDP", "TCP_UDP"}),
        ("TCP_UDP", {"TCP_UDP"}),
        ("HTTP", {"HTTP"}),
    ],
)
def test_a_listener_forwards_to_target_groups_of_its_protocols(protocol: str, groups: set[str]) -> None:
    for group in ("HTTP", "TCP", "TLS", "UDP", "TCP_UDP"):
        if group in groups:
            assert created(backend(), protocol, group, certificate="arn") == 7000
            continue
        with pytest.raises(ApiError, match=f"of the protocol {protocol} cannot forward"):
            created(backend(), protocol, group, certificate="arn")


def test_a_port_has_one_listener_and_a_target_group_one_load_balancer() -> None:
    with pytest.raises(ApiError, match="already exists on this port"):
        created(backend(7000), "TCP", "TCP")
    assert created(backend(7001), "TCP", "TCP", used=[GAMES]) == 7000
    with pytest.raises(ApiError, match="more than one load balancer"):
        created(backend(), "TCP", "TCP", used=["other"])
    with pytest.raises(ApiError, match="certificate must be specified"):
        created(backend(), "TLS", "TCP")


def test_a_target_group_has_the_attributes_of_its_load_balancer() -> None:
    def made(protocol: str) -> dict[str, Any]:
        first = {
            "load_balancing.algorithm.type": "round_robin",
            "slow_start.duration_seconds": 0,
            "stickiness.enabled": "false",
        }
        group = SimpleNamespace(protocol=protocol, target_type="ip", attributes=first)
        return dict(calls()._create_target_group(lambda *_a, **_n: group, None, "g", protocol=protocol).attributes)

    assert "slow_start.duration_seconds" in made("HTTP")
    assert made("TCP") == {
        "stickiness.enabled": "false",
        "preserve_client_ip.enabled": "false",
        "proxy_protocol_v2.enabled": "false",
    }
    assert made("UDP")["preserve_client_ip.enabled"] == "true"
    with pytest.raises(ApiError, match="Protocol version"):
        calls()._create_target_group(None, None, "g", protocol="TCP", protocol_version="HTTP1")


def test_its_metrics_are_of_a_namespace_of_their_own() -> None:
    counts = {"load_balancer": "net/games/1", "at": 1, "healthy": 2, "unhealthy": 1, "flows": 3, "bytes": 70}
    of_group = {metric.name: metric for metric, *_ in from_report({**counts, "target_group": "targetgroup/g/1"})}
    assert set(of_group) == {"HealthyHostCount", "UnHealthyHostCount"}
    of_balancer = {metric.name: samples for metric, _, samples, _ in from_report({**counts, "target_group": None})}
    assert set(of_balancer) == {"NewFlowCount", "ProcessedBytes"}
    assert {metric.namespace for metric in of_group.values()} == {"AWS/NetworkELB"}
