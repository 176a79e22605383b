"""Elastic Load Balancing: the calls that register targets and tell their health, and the edge's routes to the API."""

from __future__ import annotations

import time
from typing import Any

from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeLoadBalancer

from ..errors import ApiError
from ..laws.propagation import LOAD_BALANCER_SECONDS, lasts
from ..metrics import balancers
from . import elbv2_network
from .edge_state import edge_state
from .overlay import internal, patch
from .state import Sandbox

_CREATE_LOAD_BALANCER = (
    "self", "name", "security_groups", "subnet_ids", "subnet_mappings", "scheme", "loadbalancer_type",
    "ip_address_type", "tags",
)  # fmt: skip
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


class TargetCalls:
    """The calls of moto's load balancers that need the real targets, and the edge's routes."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._targets = sandbox.targets

    def install(self) -> None:
        patch(ELBv2Backend, "create_load_balancer", _CREATE_LOAD_BALANCER)(self._create_load_balancer)
        patch(FakeLoadBalancer, "activate", ("self",))(self._activate)
        patch(ELBv2Backend, "delete_load_balancer", ("self", "arn"))(self._delete_load_balancer)
        patch(ELBv2Backend, "register_targets", ("self", "target_group_arn", "instances"))(self._register)
        patch(ELBv2Backend, "deregister_targets", ("self", "target_group_arn", "instances"))(self._deregister)
        patch(ELBv2Backend, "describe_target_health", ("self", "target_group_arn", "targets"))(self._describe_health)
        internal("GET", "/_sandbox/edge/state")(self._state)
        internal("POST", "/_sandbox/edge/report")(self._report)

    def _create_load_balancer(self, original: Any, backend: Any, *arguments: Any, **named: Any) -> Any:
        taken = {balancer.dns_name for balancer in backend.load_balancers.values()}
        balancer = original(backend, *arguments, **named)
        free = (f"{self._sandbox.settings.prefix}.1.{number}" for number in range(1, 250))
        balancer.dns_name = next(address for address in free if address not in taken)
        if balancer.type == "network":
            balancer.attrs = {**balancer.attrs, **elbv2_network.DEFAULT_ATTRIBUTES}
            elbv2_network.made_of_its_type(backend, balancer)
        else:
            balancer.attrs = {**_DEFAULT_ATTRIBUTES, **balancer.attrs, "load_balancing.cross_zone.enabled": "true"}
        balancer.active_at = time.time() + lasts(LOAD_BALANCER_SECONDS, self._sandbox.settings.time_factor)
        return balancer

    def _activate(self, original: Any, balancer: Any) -> None:
        """moto's become active as soon as they are described."""
        if time.time() >= balancer.active_at:
            original(balancer)

    def _delete_load_balancer(self, original: Any, backend: Any, arn: str) -> None:
        balancer = backend.load_balancers.get(arn)
        if balancer and balancer.attrs.get("deletion_protection.enabled") == "true":
            raise ApiError(
                "OperationNotPermitted",
                f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled",
            )
        original(backend, arn)

    def _register(self, original: Any, backend: Any, target_group_arn: str, instances: list[dict[str, Any]]) -> None:
        for target in instances:
            port = target.get("Port") or backend.target_groups[target_group_arn].port
            self._targets.register(target_group_arn, target["Id"], int(port))

    def _deregister(self, original: Any, backend: Any, target_group_arn: str, instances: list[dict[str, Any]]) -> None:
        for target in instances:
            for address, port in self._targets.places(target_group_arn):
                if address == target["Id"] and str(target.get("Port") or port) == str(port):
                    self._targets.deregister(target_group_arn, address, port)

    def _describe_health(self, original: Any, backend: Any, *arguments: Any, **named: Any) -> list[Any]:
        values = {**dict(zip(("target_group_arn", "targets"), arguments, strict=False)), **named}
        target_group_arn, asked = values["target_group_arn"], values.get("targets") or []
        original(backend, target_group_arn, [])  # answers for a target group that does not exist
        group = backend.target_groups[target_group_arn]
        wanted = {(target["Id"], int(target.get("Port") or group.port)) for target in asked}
        places = wanted or set(self._targets.places(target_group_arn))
        answer = []
        for address, port in sorted(places):
            unknown = ("unused", "Target.NotRegistered", "Target is not registered to the target group")
            state, reason, description = self._targets.health(target_group_arn, address, port) or unknown
            checked = str(port) if group.health_check_port == "traffic-port" else group.health_check_port
            answer.append(FakeHealthStatus(address, str(port), checked, state, reason or None, description or None))
        return answer

    def _state(self, query: dict[str, str], body: Any) -> Any:
        known = int(query.get("version") or -1)
        if known == self._targets.version:
            self._targets.wait_beyond(known, _LONG_POLL_SECONDS)
        return edge_state(self._sandbox)

    def _report(self, query: dict[str, str], body: Any) -> Any:
        self._targets.report(body["verdicts"], body["slower"])
        balancers.record(
            self._sandbox.metrics.of(self._sandbox.settings.region), body["measurements"], body["counted_until"]
        )
        return {}


def install(sandbox: Sandbox) -> None:
    TargetCalls(sandbox).install()
