"""Elastic Load Balancing: network load balancers, where moto has application load balancers of another type.

https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-target-groups.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from moto.elbv2.models import ELBv2Backend

from ..errors import ApiError
from .overlay import patch
from .state import Sandbox

# By the protocol of a listener: those of the target groups that it may forward to.
_GROUPS = {
    "HTTP": ("HTTP", "HTTPS"),
    "HTTPS": ("HTTP", "HTTPS"),
    "TCP": ("TCP", "TCP_UDP"),
    "TLS": ("TCP", "TLS"),
    "UDP": ("UDP", "TCP_UDP"),
    "TCP_UDP": ("TCP_UDP",),
}
_OF_CONNECTIONS = ("TCP", "TLS", "UDP", "TCP_UDP")
_OF_REQUESTS_ONLY = ("load_balancing.algorithm.type", "slow_start.duration_seconds", "waf.fail_open.enabled")
DEFAULT_ATTRIBUTES = {
    "access_logs.s3.enabled": "false",
    "dns_record.client_routing_policy": "any_availability_zone",
    "load_balancing.cross_zone.enabled": "false",
    "zonal_shift.config.enabled": "false",
}


def made_of_its_type(backend: Any, balancer: Any) -> None:
    """Give a network load balancer its ARN, under which moto has it and its tags."""
    if balancer.type != "network":
        return
    before = balancer.arn
    balancer.arn = before.replace(":loadbalancer/app/", ":loadbalancer/net/")
    backend.load_balancers[balancer.arn] = backend.load_balancers.pop(before)
    backend.tagging_service.copy_tags(before, balancer.arn)
    backend.tagging_service.delete_all_tags_for_resource(before)


class NetworkCalls:
    """The calls in which the two types differ."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._targets = sandbox.targets

    def install(self) -> None:
        patch(
            ELBv2Backend,
            "create_listener",
            (
                "self",
                "load_balancer_arn",
                "protocol",
                "port",
                "ssl_policy",
                "certificate",
                "actions",
                "alpn_policy",
                "tags",
            ),
        )(self._create_listener)
        patch(
            ELBv2Backend,
            "modify_listener",
            ("self", "arn", "port", "protocol", "ssl_policy", "certificates", "actions"),
        )(self._modify_listener)
        patch(ELBv2Backend, "create_target_group", ("self", "name", "kwargs"))(self._create_target_group)
        patch(ELBv2Backend, "describe_target_groups", ("self", "load_balancer_arn", "target_group_arns", "names"))(
            self._describe_target_groups
        )

    def _create_listener(self, original: Any, backend: Any, **named: Any) -> Any:
        arn, port, protocol = named["load_balancer_arn"], named["port"], named["protocol"]
        balancer = backend.load_balancers.get(arn)
        if balancer is not None:
            if any(str(listener.port) == str(port) for listener in balancer.listeners.values()):
                raise ApiError(
                    "DuplicateListener", f"A listener already exists on this port for this load balancer '{arn}'"
                )
            if protocol == "TLS" and not named["certificate"]:
                raise ApiError("ValidationError", "A certificate must be specified for TLS listeners")
            self._refuse_groups(backend, arn, protocol, named["actions"])
        return original(backend, **named)

    def _refuse_groups(self, backend: Any, balancer: str, protocol: str, actions: Iterable[Mapping[str, Any]]) -> None:
        """Messages are the sandbox's."""
        for group in (backend.target_groups.get(arn) for arn in _groups(actions)):
            if group is None:
                continue
            if protocol in _GROUPS and group.protocol not in _GROUPS[protocol]:
                raise ApiError(
                    "InvalidConfigurationRequest",
                    f"A listener of the protocol {protocol} cannot forward to the target group '{group.arn}', whose protocol is "
                    f"{group.protocol}",
                )
            if others := set(self._targets.load_balancers_of(group.arn)) - {balancer}:
                raise ApiError(
                    "TargetGroupAssociationLimit",
                    f"The following target groups cannot be associated with more than one load balancer: {group.arn} ({', '.join(others)})",
                )

    def _modify_listener(
        self,
        original: Any,
        backend: Any,
        arn: str,
        port: Any = None,
        protocol: Any = None,
        ssl_policy: Any = None,
        certificates: Any = None,
        actions: Any = None,
    ) -> Any:
        listener = backend.describe_listeners(None, [arn])[0]
        wanted = protocol or listener.protocol
        self._refuse_groups(backend, listener.load_balancer_arn, wanted, actions or [])
        if wanted in _OF_CONNECTIONS:
            listener.protocol, protocol = wanted, None
            if certificates:
                listener.certificate = certificates[0]["CertificateArn"]
                listener.certificates = [certificate["CertificateArn"] for certificate in certificates]
        return original(backend, arn, port, protocol, ssl_policy, certificates, actions or [])

    def _create_target_group(self, original: Any, backend: Any, name: str, **named: Any) -> Any:
        if named.get("protocol") in _OF_CONNECTIONS and named.get("protocol_version"):
            raise ApiError("ValidationError", "Protocol version is only supported for HTTP and HTTPS target groups")
        group = original(backend, name, **named)
        if group.protocol in _OF_CONNECTIONS:
            for key in _OF_REQUESTS_ONLY:
                group.attributes.pop(key, None)
            kept = str(group.protocol in ("UDP", "TCP_UDP") or group.target_type == "instance").lower()
            group.attributes |= {"preserve_client_ip.enabled": kept, "proxy_protocol_v2.enabled": "false"}
        return group

    def _describe_target_groups(self, original: Any, backend: Any, *arguments: Any, **named: Any) -> Any:
        """moto remembers load balancers whose listeners and rules have gone."""
        for group in backend.target_groups.values():
            group.load_balancer_arns = self._targets.load_balancers_of(group.arn)
        return original(backend, *arguments, **named)


def _groups(actions: Iterable[Mapping[str, Any]]) -> list[str]:
    found = []
    for action in actions:
        forward = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
        found += [group["TargetGroupArn"] for group in forward]
        found += [action["TargetGroupArn"]] if action.get("TargetGroupArn") else []
    return found


def install(sandbox: Sandbox) -> None:
    NetworkCalls(sandbox).install()
