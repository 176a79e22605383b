# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Further target groups of a service: what the inventory says of them, and what ELB or ECS would refuse in it. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/register-multiple-targetgroups.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-target-groups.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..aws.elbv2_states import HealthCheck
from ..aws.naming import APP_CONTAINER, COLOURS
from ..aws.task_definition import TRANSPORTS
from . import rule_conditions
from .location import WORKER

OPTION = "service_further_target_groups"
OF_REQUESTS = ("HTTP", "HTTPS")
# By the protocol of a network load balancer's listener: the target groups that it may forward to.
OF_CONNECTIONS: Mapping[str, tuple[str, ...]] = {
    "TCP": ("TCP", "TCP_UDP"),
    "TLS": ("TCP", "TLS"),
    "UDP": ("UDP", "TCP_UDP"),
    "TCP_UDP": ("TCP_UDP",),
}
PROTOCOLS = (*OF_REQUESTS, *OF_CONNECTIONS)
# Of one ECS service, the one of the live colour among them.
MOST = 5
_NAME = re.compile(r"^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$")
_MATCHER = re.compile(r"^[2-5]\d\d(-[2-5]\d\d)?(,[2-5]\d\d(-[2-5]\d\d)?)*$")
_HEALTH_RANGES = {
    "port": (1, 65535),
    "interval_seconds": (5, 300),
    "timeout_seconds": (2, 120),
    "healthy_threshold": (2, 10),
    "unhealthy_threshold": (2, 10),
}
_HEALTH_CHECK: dict[str, Any] = {
    "protocol": {"type": "str", "choices": ["HTTP", "HTTPS", "TCP"]},
    "path": {"type": "str", "default": "/"},
    "matcher": {"type": "str"},
    "port": {"type": "int"},
    "interval_seconds": {"type": "int", "default": 10},
    "timeout_seconds": {"type": "int", "default": 5},
    "healthy_threshold": {"type": "int", "default": 2},
    "unhealthy_threshold": {"type": "int", "default": 3},
}
_QUERY: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    # The name of a parameter, and no secret.
    "options": {"key": {"type": "str", "no_log": False}, "value": {"type": "str", "required": True}},
}
# Documented by the module service_further_target_groups.
ARGUMENTS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "container": {"type": "str"},
    "port": {"type": "int", "required": True},
    "protocol": {"type": "str", "choices": [*PROTOCOLS], "default": "HTTP"},
    "protocol_version": {"type": "str", "choices": ["HTTP1", "HTTP2", "GRPC"], "default": "HTTP1"},
    "listener_arn": {"type": "str"},
    "load_balancer": {"type": "str"},
    "listener_port": {"type": "int"},
    "listener_protocol": {"type": "str", "choices": [*OF_CONNECTIONS]},
    "certificate_arn": {"type": "str"},
    "tls_policy": {"type": "str", "default": "ELBSecurityPolicy-TLS13-1-2-2021-06"},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "paths": {"type": "list", "elements": "str", "default": []},
    "headers": {"type": "dict", "default": {}},
    "query_strings": _QUERY,
    "source_ips": {"type": "list", "elements": "str", "default": []},
    "priority": {"type": "int"},
    "names": {"type": "list", "elements": "str", "default": []},
    # Without a default: Ansible would share it, filled in for the first target group, with the others.
    "health_check": {"type": "dict", "options": _HEALTH_CHECK},
    "deregistration_delay_seconds": {"type": "int", "default": 30},
    "preserve_client_ip": {"type": "bool"},
    "proxy_protocol": {"type": "bool"},
    "cross_zone": {"type": "bool"},
}
# What a release needs of one: where its tasks are registered. Documented by the fragment pear.fargate.service.
REGISTERED: dict[str, Any] = {name: ARGUMENTS[name] for name in ("name", "container", "port", "protocol")}


def is_network(options: Mapping[str, Any]) -> bool:
    """Whether it is behind a network load balancer."""
    return options.get("protocol") in OF_CONNECTIONS


def health_check(options: Mapping[str, Any]) -> HealthCheck:
    given = {key: value for key, value in (options.get("health_check") or {}).items() if value is not None}
    protocol = _checked_by(options, given)
    grpc = options.get("protocol_version") == "GRPC" and not is_network(options)
    asks = protocol != "TCP"
    return HealthCheck(
        path=str(given.get("path", "/")) if asks else "",
        matcher=str(given.get("matcher") or ("0" if grpc else "200")) if asks else "",
        port=str(given.get("port") or "traffic-port"),
        grpc=grpc,
        protocol=protocol,
        **{
            key: int(given.get(key, _HEALTH_CHECK[key]["default"]))
            for key in ("interval_seconds", "timeout_seconds", "healthy_threshold", "unhealthy_threshold")
        },
    )


def _checked_by(options: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    own = str(options.get("protocol") or "HTTP")
    return str(given.get("protocol") or (own if own in OF_REQUESTS else "TCP"))


def listener_protocol(options: Mapping[str, Any]) -> str:
    return str(options.get("listener_protocol") or options["protocol"])


def given(values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Those of a service's variables that have a name; what else is in the list the specification refuses."""
    found = values.get(OPTION) or []
    named = found if isinstance(found, list) else []
    return [
        group
        for group in named
        if isinstance(group, Mapping) and group.get("name") and isinstance(group.get("port"), int)
    ]


def with_ports(container: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A container with the ports that further target groups send traffic to besides its own."""
    serving = values.get("service_target_container") or APP_CONTAINER
    further = [group["port"] for group in given(values) if (group.get("container") or serving) == container.get("name")]
    return {**container, "ports": [*dict.fromkeys([*(container.get("ports") or []), *further])]}


def release_findings(options: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """What a release with further target groups cannot be; with the prefix service_ of a service's variables."""
    strategy = options.get(f"{prefix}strategy") or "rolling"
    if options.get(f"{prefix}further_target_groups") and strategy != "rolling":
        yield (
            f"{prefix}strategy is {strategy}, and {prefix}further_target_groups has target groups whose traffic no weight of a listener "
            "rule moves: both versions would answer there at once. Valid is rolling"
        )


def findings(values: Mapping[str, Any]) -> Iterator[str]:
    """By a service's variables."""
    listed = given(values)
    yield from release_findings({**values, "service_further_target_groups": listed}, "service_")
    yield from _together(values, listed)
    for options in listed:
        where = f"{OPTION}.{options['name']}"
        yield from _of_one(options, where, values)


def _together(values: Mapping[str, Any], listed: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = [str(group["name"]) for group in listed]
    yield from (f"{OPTION} holds two target groups named {name}" for name in sorted({*names}) if names.count(name) > 1)
    room = MOST if values.get("service_kind") == WORKER else MOST - 1
    if len(listed) > room:
        yield f"{OPTION} holds {len(listed)} target groups; ECS registers a task in {MOST} at most, so valid are {room}"
    places: dict[tuple[Any, Any], str] = {}
    for group in listed:
        if is_network(group):
            place = (group.get("load_balancer"), group.get("listener_port"))
            if place in places:
                yield (
                    f"{OPTION}.{group['name']}.listener_port is {place[1]}, and so is that of {places[place]} at the same load balancer: a "
                    "port has one listener"
                )
            places.setdefault(place, str(group["name"]))


def _of_one(options: Mapping[str, Any], where: str, values: Mapping[str, Any]) -> Iterator[str]:
    name = str(options["name"])
    if not _NAME.match(name) or name in COLOURS:
        yield f"{where}: a name has small letters, digits and hyphens, at most 20, and is neither {' nor '.join(COLOURS)}"
    if not 1 <= options["port"] <= 65535:
        yield f"{where}.port is {options['port']}; valid: 1 to 65535"
    yield from _container(options, where, values)
    delay = options.get("deregistration_delay_seconds")
    if isinstance(delay, int) and not 0 <= delay <= 3600:
        yield f"{where}.deregistration_delay_seconds is {delay}; valid: 0 to 3600"
    yield from health_findings(options, where)
    yield from place_findings(options, where)
    yield from names_findings(options, where, values)
    yield from (network_findings(options, where) if is_network(options) else _requests(options, where))


def _container(options: Mapping[str, Any], where: str, values: Mapping[str, Any]) -> Iterator[str]:
    sidecars = [sidecar for sidecar in values.get("service_sidecars") or [] if isinstance(sidecar, Mapping)]
    there = {
        APP_CONTAINER: True,
        **{str(sidecar.get("name")): sidecar.get("essential", True) is not False for sidecar in sidecars},
    }
    name = options.get("container")
    if name and name not in there:
        yield f"{where}.container is {name!r}; there is {', '.join(there)}"
    elif name and not there[name]:
        yield f"{where}.container is {name}, whose option essential is false: once it has ended, the task would go on without it"


def place_findings(options: Mapping[str, Any], where: str) -> Iterator[str]:
    listener, balancer = str(options.get("listener_arn") or ""), str(options.get("load_balancer") or "")
    if bool(listener) == bool(balancer):
        yield (
            f"{where}: name either listener_arn, a listener of an application load balancer, or load_balancer, from where its traffic "
            "comes"
        )
    if ":listener/net/" in listener:
        yield (
            f"{where}.listener_arn is a listener of a network load balancer, which has one action and is its owner's: name the load "
            "balancer in load_balancer, and a port of our own in listener_port"
        )
    elif listener and ":listener/app/" not in listener:
        yield f"{where}.listener_arn is {listener!r}; valid: the ARN of a listener of an application load balancer"
    if balancer.startswith("arn:"):
        prefix = "net" if is_network(options) else "app"
        if f":loadbalancer/{prefix}/" not in balancer:
            kind = "a network" if is_network(options) else "an application"
            yield f"{where}.load_balancer is {balancer!r}; the protocol {options.get('protocol') or 'HTTP'} needs {kind} load balancer"


def names_findings(options: Mapping[str, Any], where: str, values: Mapping[str, Any]) -> Iterator[str]:
    zone = str(values.get("dns_zone") or "").rstrip(".").lower()
    names = options.get("names")
    for name in names if isinstance(names, list) else []:
        if not zone:
            yield f"{where}.names holds {name}, and dns_zone is empty: no record would be made"
        elif not f".{str(name).lower()}".endswith(f".{zone}"):
            yield f"{where}.names holds {name}, which does not lie in zone {zone} (dns_zone)"


def network_findings(options: Mapping[str, Any], where: str) -> Iterator[str]:
    protocol, port = str(options["protocol"]), options.get("listener_port")
    if options.get("listener_arn") and ":listener/app/" in str(options["listener_arn"]):
        yield f"{where}.protocol is {protocol}, and listener_arn is a listener of an application load balancer, which takes HTTP and HTTPS"
    of_requests = [
        name for name in ("hosts", "paths", "headers", "query_strings", "source_ips", "priority") if options.get(name)
    ]
    if of_requests:
        yield f"{where}: {' and '.join(of_requests)} speak of requests, and a network load balancer has none: leave them out"
    if not isinstance(port, int):
        yield f"{where}.listener_port is missing: the port of the network load balancer that clients connect to"
    elif not 1 <= port <= 65535:
        yield f"{where}.listener_port is {port}; valid: 1 to 65535"
    own = listener_protocol(options)
    if protocol not in OF_CONNECTIONS.get(own, (protocol,)):
        yield (
            f"{where}.listener_protocol is {own}, and the target group's protocol is {protocol}; a {own} listener forwards to "
            f"{' or '.join(OF_CONNECTIONS[own])}"
        )
    certificate = options.get("certificate_arn")
    if own == "TLS" and not certificate:
        yield f"{where}.certificate_arn is missing: a TLS listener ends the encryption of its clients"
    if own != "TLS" and certificate:
        yield f"{where}.certificate_arn is set, and the listener's protocol is {own}: only TLS has a certificate"
    if protocol in TRANSPORTS and options.get("preserve_client_ip") is False:
        yield f"{where}.preserve_client_ip is false; a target group of {protocol} always keeps the addresses of clients"


def _requests(options: Mapping[str, Any], where: str) -> Iterator[str]:
    names = ("listener_port", "listener_protocol", "certificate_arn", "preserve_client_ip", "proxy_protocol")
    given = [name for name in names if options.get(name) is not None]
    if given:
        yield f"{where}: {' and '.join(given)} is of network load balancers, and its protocol is {options.get('protocol') or 'HTTP'}"
    try:
        conditions = rule_conditions.of_options({"hosts": [], "paths": [], **options})
    except (AttributeError, KeyError, TypeError, ValueError):
        return
    yield from rule_conditions.further_findings(conditions, where, options)
    priority = options.get("priority")
    if isinstance(priority, int) and not 1 <= priority <= 50000:
        yield f"{where}.priority is {priority}; valid: 1 to 50000"


def health_findings(options: Mapping[str, Any], where: str) -> Iterator[str]:
    check = options.get("health_check") or {}
    if not isinstance(check, Mapping):
        return
    protocol = _checked_by(options, check)
    where = f"{where}.health_check"
    if protocol == "TCP" and not is_network(options):
        yield f"{where}.protocol is TCP; a target group of HTTP or HTTPS is checked by a request"
    path = check.get("path")
    if protocol != "TCP" and isinstance(path, str) and not path.startswith("/"):
        yield f"{where}.path is {path!r}; it must begin with /"
    matcher = check.get("matcher")
    if protocol != "TCP" and matcher and options.get("protocol_version") != "GRPC" and not _MATCHER.match(str(matcher)):
        yield f"{where}.matcher is {matcher!r}; valid: codes such as 200, 200,204 or 200-299"
    if options.get("protocol") == "UDP" and not check.get("port"):
        yield f"{where}.port is missing: UDP has no health check, so name a port on which the program takes {protocol} connections"
    for key, (lowest, highest) in _HEALTH_RANGES.items():
        value = check.get(key)
        if isinstance(value, int) and not lowest <= value <= highest:
            yield f"{where}.{key} is {value}; valid: {lowest} to {highest}"
    interval, timeout = check.get("interval_seconds") or 10, check.get("timeout_seconds") or 5
    if isinstance(interval, int) and isinstance(timeout, int) and timeout >= interval:
        yield f"{where}.timeout_seconds is {timeout} and interval_seconds is {interval}; the timeout must be shorter than the interval"
