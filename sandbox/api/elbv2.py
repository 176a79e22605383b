"""Elastic Load Balancing: which targets are registered, how they really are, and what the edge has to know to serve."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .faults import spoiled_targets
from .overlay import ApiError, internal, patch
from .server import Sandbox

# The edge reports each second; verdicts older than this, in machine seconds, say nothing about now.
_STALE_SECONDS = 5.0
_LONG_POLL_SECONDS = 15.0
_TLS13 = ("TLSv1.3",)
_TLS12_UP = ("TLSv1.2", "TLSv1.3")
_NOT_IN_USE = ("unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer")
_DRAINING = ("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
_INITIAL = ("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
_STALE = ("unavailable", "Elb.InternalError", "Health checks failed due to an internal error")

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

Health = tuple[str, str, str]
Place = tuple[str, int]


@dataclass
class Registration:
    """One target of a target group; draining until the deregistration delay is over."""

    registered_at: float
    draining_until: float | None = None


class Targets:
    """The registered targets of every target group, with the edge's verdicts about them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._groups: dict[str, dict[Place, Registration]] = {}
        self._verdicts: dict[tuple[str, str, int], Health] = {}
        self._changed = threading.Condition()
        self.version = 0
        self.reported_at = 0.0
        self.edge_stretch = 1.0

    def touch(self) -> None:
        """Something that the edge has to know has changed."""
        with self._changed:
            self.version += 1
            self._changed.notify_all()

    def wait_beyond(self, version: int, timeout: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.version != version, timeout)

    def register(self, target_group_arn: str, address: str, port: int) -> None:
        with self._sandbox.lock:
            if target_group_arn not in self._backend().target_groups:
                raise ApiError("TargetGroupNotFound", "One or more target groups not found")
            group = self._groups.setdefault(target_group_arn, {})
            known = group.get((address, port))
            if known is None or known.draining_until is not None:
                group[address, port] = Registration(time.time())
                self._verdicts.pop((target_group_arn, address, port), None)
        self.touch()

    def deregister(self, target_group_arn: str, address: str, port: int) -> None:
        """No new requests from now on; the target leaves when the deregistration delay is over."""
        with self._sandbox.lock:
            known = self._groups.get(target_group_arn, {}).get((address, port))
            if known is None:
                raise ApiError("InvalidTarget", "The specified target does not exist or is not registered.")
            if known.draining_until is None:
                group = self._backend().target_groups.get(target_group_arn)
                delay = float(group.attributes["deregistration_delay.timeout_seconds"]) if group else 0.0
                known.draining_until = time.time() + delay / self._sandbox.settings.time_factor
        self.touch()

    def health(self, target_group_arn: str, address: str, port: int) -> Health | None:
        """State, reason code and description as DescribeTargetHealth gives them; None for what is not registered."""
        with self._sandbox.lock:
            known = self._present(target_group_arn).get((address, port))
            if known is None:
                return None
            if known.draining_until is not None:
                return _DRAINING
            if not self.load_balancers_of(target_group_arn):
                return _NOT_IN_USE
            verdict = self._verdicts.get((target_group_arn, address, port))
            if verdict is None:
                return _INITIAL
            return verdict if self._sandbox.lateness.elapsed(self.reported_at) <= _STALE_SECONDS else _STALE

    def places(self, target_group_arn: str) -> list[Place]:
        with self._sandbox.lock:
            return list(self._present(target_group_arn))

    def load_balancers_of(self, target_group_arn: str) -> list[str]:
        """ARNs of the load balancers that have a listener or a rule with this target group."""
        with self._sandbox.lock:
            return [
                balancer.arn
                for balancer in self._backend().load_balancers.values()
                if target_group_arn in set(_forwarded(balancer))
            ]

    def groups_of(self, balancer: Any) -> set[str]:
        """ARNs of the target groups that a load balancer's rules name."""
        with self._sandbox.lock:
            return set(_forwarded(balancer))

    def report(self, verdicts: list[dict[str, Any]], edge_stretch: float) -> None:
        with self._sandbox.lock:
            self.reported_at, self.edge_stretch = time.time(), edge_stretch
            for one in verdicts:
                key = (one["target_group"], one["address"], int(one["port"]))
                self._verdicts[key] = (one["state"], one["reason"], one["description"])

    def _present(self, target_group_arn: str) -> dict[Place, Registration]:
        group = self._groups.get(target_group_arn, {})
        now = time.time()
        for place, known in list(group.items()):
            if known.draining_until is not None and known.draining_until <= now:
                del group[place]
                self._verdicts.pop((target_group_arn, *place), None)
        return group

    def _backend(self) -> Any:
        return self._sandbox.backend("elbv2")

    def snapshot(self) -> dict[str, Any]:
        """Everything that the edge serves by; the shape that sandbox/edge/state.py parses."""
        with self._sandbox.lock:
            backend = self._backend()
            balancers = [_load_balancer(one) for one in backend.load_balancers.values()]
            wanted = {arn for one in balancers for listener in one["listeners"] for arn in listener["certificates"]}
            return {
                "version": self.version,
                "load_balancers": balancers,
                "target_groups": [self._target_group(one) for one in backend.target_groups.values()],
                "certificates": [_certificate(self._sandbox.backend("acm").get_certificate(arn)) for arn in wanted],
                "addresses": self._sandbox.fargate.addresses(),
                "spoils": spoiled_targets(self._sandbox),
            }

    def _target_group(self, group: Any) -> dict[str, Any]:
        return {
            "arn": group.arn,
            "dimension": group.arn.rpartition(":")[2],
            "protocol": group.protocol,
            "attributes": {key: str(value) for key, value in group.attributes.items()},
            "health_check": {
                "enabled": group.health_check_enabled,
                "protocol": group.health_check_protocol,
                "port": group.health_check_port,
                "path": group.health_check_path or "/",
                "interval_seconds": group.health_check_interval_seconds,
                "timeout_seconds": group.health_check_timeout_seconds,
                "healthy_threshold": group.healthy_threshold_count,
                "unhealthy_threshold": group.unhealthy_threshold_count,
                "matcher": (getattr(group, "matcher", None) or {}).get("HttpCode", "200"),
            },
            "targets": [
                {
                    "address": address,
                    "port": port,
                    "registered_at": known.registered_at,
                    "draining": known.draining_until is not None,
                }
                for (address, port), known in self._present(group.arn).items()
            ],
        }


def _forwarded(balancer: Any) -> Iterator[str]:
    for listener in balancer.listeners.values():
        for rule in listener.rules.values():
            for action in rule.actions:
                data = action.data
                if data.get("TargetGroupArn"):
                    yield data["TargetGroupArn"]
                for group in (data.get("ForwardConfig") or {}).get("TargetGroups", []):
                    yield group["TargetGroupArn"]


def _load_balancer(balancer: Any) -> dict[str, Any]:
    return {
        "arn": balancer.arn,
        "address": balancer.dns_name,
        "dimension": balancer.arn.partition("loadbalancer/")[2],
        "attributes": {key: str(value) for key, value in balancer.attrs.items()},
        "listeners": [_listener(one) for one in balancer.listeners.values()],
    }


def _listener(listener: Any) -> dict[str, Any]:
    return {
        "arn": listener.arn,
        "port": listener.port,
        "protocol": listener.protocol,
        "tls_protocols": tls_protocols(listener.ssl_policy),
        "certificates": [arn for arn in listener.certificates if arn],
        "attributes": {key: str(value) for key, value in listener.attributes.items()},
        "rules": [
            {
                "arn": rule.arn,
                "priority": str(rule.priority),
                "conditions": list(rule.conditions),
                "actions": [action.data for action in rule.actions],
            }
            for rule in listener.rules.values()
        ],
    }


def tls_protocols(policy: str | None) -> tuple[str, ...]:
    """Versions that a security policy allows, by AWS's table of policies for application load balancers."""
    if not policy or "2016-08" in policy or policy.endswith(("TLS-1-0-2015-04", "-2015-05")):
        return ("TLSv1", "TLSv1.1", "TLSv1.2")
    if "TLS13-1-3" in policy:
        return _TLS13
    if "TLS13-1-0" in policy:
        return ("TLSv1", "TLSv1.1", *_TLS12_UP)
    if "TLS13-1-1" in policy:
        return ("TLSv1.1", *_TLS12_UP)
    if "TLS13-1-2" in policy:
        return _TLS12_UP
    return ("TLSv1.1", "TLSv1.2") if "TLS-1-1" in policy else ("TLSv1.2",)


def _certificate(bundle: Any) -> dict[str, Any]:
    chain = bundle.chain if bundle.type == "IMPORTED" else b""
    return {
        "arn": bundle.arn,
        "chain": (bundle.cert + b"\n" + chain).decode(),
        "key": bundle.key.decode(),
        "names": list(dict.fromkeys([bundle.common_name, *bundle.sans])),
    }


def install(sandbox: Sandbox) -> None:
    from moto.elbv2.models import ELBv2Backend, FakeHealthStatus

    targets = sandbox.targets = Targets(sandbox)

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
    def edge_state(query: dict[str, str], body: Any) -> Any:
        known = int(query.get("version") or -1)
        if known == targets.version:
            targets.wait_beyond(known, _LONG_POLL_SECONDS)
        return targets.snapshot()

    @internal("POST", "/_sandbox/edge/report")
    def edge_report(query: dict[str, str], body: Any) -> Any:
        targets.report(body["verdicts"], body["slower"])
        sandbox.measurements.add(body["measurements"], body["counted_until"])
        return {}
