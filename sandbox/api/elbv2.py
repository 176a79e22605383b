"""Elastic Load Balancing: the calls that register targets and tell their health, and the edge's routes to the API."""

from __future__ import annotations

from typing import Any

from ..errors import ApiError
from ..metrics import balancers
from .edge_state import edge_state
from .overlay import internal, patch
from .state import Sandbox

_LONG_POLL_SECONDS = 15.0
_DEFAULT_ATTRIBUTES = {
    "access_logs.s3.enabled": "false",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.enabled": "false",
    "idle_timeout.timeout_seconds": "60",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}


def install(sandbox: Sandbox) -> None:
    from moto.elbv2.models import ELBv2Backend, FakeHealthStatus

    targets = sandbox.targets

    @patch(
        ELBv2Backend,
        "create_load_balancer",
        (
            "self",
            "name",
            "security_groups",
            "subnet_ids",
            "subnet_mappings",
            "scheme",
            "loadbalancer_type",
            "ip_address_type",
            "tags",
        ),
    )
    def create_load_balancer(original: Any, self: Any, *arguments: Any, **named: Any) -> Any:
        taken = {balancer.dns_name for balancer in self.load_balancers.values()}
        balancer = original(self, *arguments, **named)
        free = (f"{sandbox.settings.prefix}.1.{number}" for number in range(1, 250))
        balancer.dns_name = next(address for address in free if address not in taken)
        balancer.attrs = {**_DEFAULT_ATTRIBUTES, **balancer.attrs, "load_balancing.cross_zone.enabled": "true"}
        return balancer

    @patch(ELBv2Backend, "delete_load_balancer", ("self", "arn"))
    def delete_load_balancer(original: Any, self: Any, arn: str) -> None:
        balancer = self.load_balancers.get(arn)
        if balancer and balancer.attrs.get("deletion_protection.enabled") == "true":
            raise ApiError(
                "OperationNotPermitted",
                f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled",
            )
        original(self, arn)

    @patch(ELBv2Backend, "register_targets", ("self", "target_group_arn", "instances"))
    def register_targets(original: Any, self: Any, target_group_arn: str, instances: list[dict[str, Any]]) -> None:
        for one in instances:
            port = one.get("Port") or self.target_groups[target_group_arn].port
            targets.register(target_group_arn, one["Id"], int(port))

    @patch(ELBv2Backend, "deregister_targets", ("self", "target_group_arn", "instances"))
    def deregister_targets(original: Any, self: Any, target_group_arn: str, instances: list[dict[str, Any]]) -> None:
        for one in instances:
            for address, port in targets.places(target_group_arn):
                if address == one["Id"] and str(one.get("Port") or port) == str(port):
                    targets.deregister(target_group_arn, address, port)

    @patch(ELBv2Backend, "describe_target_health", ("self", "target_group_arn", "targets"))
    def describe_target_health(original: Any, self: Any, *arguments: Any, **named: Any) -> list[Any]:
        values = {**dict(zip(("target_group_arn", "targets"), arguments, strict=False)), **named}
        target_group_arn, asked = values["target_group_arn"], values.get("targets") or []
        original(self, target_group_arn, [])  # answers for a target group that does not exist
        group = self.target_groups[target_group_arn]
        wanted = {(one["Id"], int(one.get("Port") or group.port)) for one in asked}
        places = wanted or set(targets.places(target_group_arn))
        answer = []
        for address, port in sorted(places):
            unknown = ("unused", "Target.NotRegistered", "Target is not registered to the target group")
            state, reason, description = targets.health(target_group_arn, address, port) or unknown
            checked = str(port) if group.health_check_port == "traffic-port" else group.health_check_port
            answer.append(FakeHealthStatus(address, str(port), checked, state, reason or None, description or None))
        return answer

    @internal("GET", "/_sandbox/edge/state")
    def state(query: dict[str, str], body: Any) -> Any:
        known = int(query.get("version") or -1)
        if known == targets.version:
            targets.wait_beyond(known, _LONG_POLL_SECONDS)
        return edge_state(sandbox)

    @internal("POST", "/_sandbox/edge/report")
    def edge_report(query: dict[str, str], body: Any) -> Any:
        targets.report(body["verdicts"], body["slower"])
        balancers.record(sandbox.metrics.of(sandbox.settings.region), body["measurements"], body["counted_until"])
        return {}
