"""What the edge serves by: load balancers, listeners, rules, targets, certificates, in the shape that edge/state.py parses."""

from __future__ import annotations

from typing import Any

from .faults import spoiled_targets
from .state import Sandbox

_TLS13 = ("TLSv1.3",)
_TLS12_UP = ("TLSv1.2", "TLSv1.3")


def edge_state(sandbox: Sandbox) -> dict[str, Any]:
    """Everything that the edge serves by; the shape that sandbox/edge/state.py parses."""
    with sandbox.lock:
        backend = sandbox.backend("elbv2")
        balancers = [_load_balancer(balancer) for balancer in backend.load_balancers.values()]
        wanted = {
            arn for balancer in balancers for listener in balancer["listeners"] for arn in listener["certificates"]
        }
        return {
            "version": sandbox.targets.version,
            "load_balancers": balancers,
            "target_groups": [_target_group(sandbox, target_group) for target_group in backend.target_groups.values()],
            "certificates": [_certificate(sandbox.backend("acm").get_certificate(arn)) for arn in wanted],
            "addresses": sandbox.fargate.addresses(),
            "spoils": spoiled_targets(sandbox),
        }


def _target_group(sandbox: Sandbox, group: Any) -> dict[str, Any]:
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
            for (address, port), known in sandbox.targets.registrations(group.arn).items()
        ],
    }


def _load_balancer(balancer: Any) -> dict[str, Any]:
    return {
        "arn": balancer.arn,
        "address": balancer.dns_name,
        "dimension": balancer.arn.partition("loadbalancer/")[2],
        "attributes": {key: str(value) for key, value in balancer.attrs.items()},
        "listeners": [_listener(listener) for listener in balancer.listeners.values()],
        "active_at": balancer.active_at,
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
