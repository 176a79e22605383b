"""What the edge knows of load balancers: the API's snapshot, parsed once and then only read."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from . import spoils
from .spoils import Spoils


@dataclass(slots=True)
class RequestView:
    """The part of a request that rules look at."""

    method: str
    host: str
    path: str
    query: str
    source: str
    fields: Mapping[str, str]

    def query_pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)


Condition = Callable[[RequestView], bool]
# Protocols of listeners of network load balancers.
CONNECTIONS = ("TCP", "TLS", "UDP", "TCP_UDP")


@dataclass(frozen=True, slots=True)
class Forward:
    weights: tuple[tuple[str, int], ...]
    stickiness_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Redirect:
    status: int
    protocol: str
    host: str
    port: str
    path: str
    query: str


@dataclass(frozen=True, slots=True)
class FixedResponse:
    status: int
    content_type: str
    body: str


Action = Forward | Redirect | FixedResponse


@dataclass(frozen=True, slots=True)
class Login:
    """What a request without a session meets. No login is ever completed here, so no request has one."""

    unauthenticated: str
    endpoint: str
    client_id: str
    scope: str


@dataclass(frozen=True, slots=True)
class Rule:
    arn: str
    priority: int
    conditions: tuple[Condition, ...]
    action: Action
    login: Login | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    arn: str
    port: int
    protocol: str
    tls_protocols: tuple[str, ...]
    certificates: tuple[str, ...]
    attributes: Mapping[str, str]
    rules: tuple[Rule, ...]
    said: str  # as the API said it: conditions cannot be compared


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    arn: str
    address: str
    dimension: str
    attributes: Mapping[str, str]
    listeners: tuple[Listener, ...]
    active_at: float  # until then it is being set up, and carries nothing

    @property
    def idle_seconds(self) -> float:
        return float(self.attributes.get("idle_timeout.timeout_seconds", "60"))

    @property
    def keep_alive_seconds(self) -> float:
        return float(self.attributes.get("client_keep_alive.seconds", "3600"))


@dataclass(frozen=True, slots=True)
class Target:
    address: str
    port: int
    registered_at: float
    draining: bool


@dataclass(frozen=True, slots=True)
class HealthCheck:
    enabled: bool
    protocol: str
    port: int | None  # None: the port that receives traffic
    path: str
    interval_seconds: float
    timeout_seconds: float
    healthy_threshold: int
    unhealthy_threshold: int
    matcher: str


@dataclass(frozen=True, slots=True)
class TargetGroup:
    arn: str
    dimension: str
    protocol: str
    attributes: Mapping[str, str]
    health_check: HealthCheck
    targets: tuple[Target, ...]

    @property
    def sticky_seconds(self) -> int | None:
        if self.attributes.get("stickiness.enabled") != "true":
            return None
        if self.attributes.get("stickiness.type", "lb_cookie") != "lb_cookie":
            return None
        return int(self.attributes.get("stickiness.lb_cookie.duration_seconds", "86400"))

    @property
    def algorithm(self) -> str:
        return self.attributes.get("load_balancing.algorithm.type", "round_robin")

    @property
    def slow_start_seconds(self) -> float:
        return float(self.attributes.get("slow_start.duration_seconds", "0"))


@dataclass(frozen=True, slots=True)
class Certificate:
    arn: str
    chain: str
    key: str = field(repr=False)
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    version: str
    load_balancers: Mapping[str, LoadBalancer]
    target_groups: Mapping[str, TargetGroup]
    certificates: Mapping[str, Certificate]
    addresses: Mapping[str, str]  # a task's address in the VPC → where its container listens
    spoils: Spoils = field(default_factory=Spoils)

    def target_groups_of(self, load_balancer: LoadBalancer) -> frozenset[str]:
        return frozenset(
            arn
            for listener in load_balancer.listeners
            for rule in listener.rules
            if isinstance(rule.action, Forward)
            for arn, _ in rule.action.weights
        )

    @property
    def used_by(self) -> dict[str, list[LoadBalancer]]:
        """Target group ARN → the load balancers whose rules name it."""
        users: dict[str, list[LoadBalancer]] = {}
        for balancer in self.load_balancers.values():
            for arn in self.target_groups_of(balancer):
                users.setdefault(arn, []).append(balancer)
        return users


EMPTY = State("", {}, {}, {}, {})


def wildcard(pattern: str, *, ignore_case: bool) -> Callable[[str], object]:
    """ALB's patterns: `*` any run, `?` one character, a backslash takes the next character literally."""
    parts: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            parts.append(re.escape(next(characters, "\\")))
        else:
            parts.append({"*": ".*", "?": "."}.get(character) or re.escape(character))
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0)).fullmatch


def parse_condition(condition: Mapping[str, Any]) -> Condition:
    name = condition["Field"]
    if name == "host-header":
        return _any_of(_values(condition, "HostHeaderConfig"), lambda request: request.host, ignore_case=True)
    if name == "path-pattern":
        return _any_of(_values(condition, "PathPatternConfig"), lambda request: request.path, ignore_case=False)
    if name == "http-header":
        header = condition["HttpHeaderConfig"]["HttpHeaderName"].lower()
        patterns = [wildcard(value, ignore_case=True) for value in condition["HttpHeaderConfig"]["Values"]]

        def header_matches(request: RequestView) -> bool:
            value = request.fields.get(header)
            return value is not None and any(matches(value) for matches in patterns)

        return header_matches
    if name == "http-request-method":
        methods = frozenset(condition["HttpRequestMethodConfig"]["Values"])
        return lambda request: request.method in methods
    if name == "query-string":
        return _query_condition(condition["QueryStringConfig"]["Values"])
    if name == "source-ip":
        networks = [ipaddress.ip_network(value, strict=False) for value in condition["SourceIpConfig"]["Values"]]
        return lambda request: any(ipaddress.ip_address(request.source) in network for network in networks)
    raise ValueError(f"a rule has a condition on {name!r}, which the edge does not know")


def _values(condition: Mapping[str, Any], config: str) -> list[str]:
    return list(condition.get(config, {}).get("Values") or condition.get("Values") or [])


def _any_of(values: list[str], read: Callable[[RequestView], str], *, ignore_case: bool) -> Condition:
    patterns = [wildcard(value, ignore_case=ignore_case) for value in values]
    return lambda request: any(matches(read(request)) for matches in patterns)


def _query_condition(values: list[Mapping[str, str]]) -> Condition:
    pairs = [
        (wildcard(value.get("Key") or "*", ignore_case=True), wildcard(value["Value"], ignore_case=True))
        for value in values
    ]
    return lambda request: any(
        key_matches(key) and value_matches(value)
        for key, value in request.query_pairs()
        for key_matches, value_matches in pairs
    )


def parse_action(actions: list[Mapping[str, Any]]) -> Action:
    """The routing action: the last of a rule's actions."""
    if not actions:
        return FixedResponse(503, "text/plain", "")
    action = max(actions, key=lambda other: int(other.get("Order") or 0))
    if action["Type"] == "redirect":
        config = action["RedirectConfig"]
        return Redirect(
            status=int(config["StatusCode"].removeprefix("HTTP_")),
            protocol=config.get("Protocol") or "#{protocol}",
            host=config.get("Host") or "#{host}",
            port=str(config.get("Port") or "#{port}"),
            path=config.get("Path") or "/#{path}",
            query=config["Query"] if config.get("Query") is not None else "#{query}",
        )
    if action["Type"] == "fixed-response":
        config = action["FixedResponseConfig"]
        return FixedResponse(
            int(config["StatusCode"]), config.get("ContentType") or "text/plain", config.get("MessageBody") or ""
        )
    if action["Type"] == "forward":
        config = action.get("ForwardConfig") or {}
        groups = config.get("TargetGroups") or [{"TargetGroupArn": action["TargetGroupArn"]}]
        weights = tuple((group["TargetGroupArn"], int(group.get("Weight", 1))) for group in groups)
        sticky = config.get("TargetGroupStickinessConfig") or {}
        seconds = int(sticky.get("DurationSeconds") or 3600) if _true(sticky.get("Enabled")) else None
        return Forward(weights, seconds)
    raise ValueError(f"a rule has the action {action['Type']!r}, which the edge does not know")


def parse_login(actions: list[Mapping[str, Any]]) -> Login | None:
    for action in actions:
        config = action.get("AuthenticateOidcConfig") or action.get("AuthenticateCognitoConfig")
        if config:
            domain = config.get("UserPoolDomain", "")
            own = domain if "." in domain else f"{domain}.auth.amazoncognito.com"
            return Login(
                config.get("OnUnauthenticatedRequest") or "authenticate",
                config.get("AuthorizationEndpoint") or f"https://{own}/oauth2/authorize",
                config.get("ClientId") or config["UserPoolClientId"],
                config.get("Scope") or "openid",
            )
    return None


def _true(value: object) -> bool:
    return str(value).lower() == "true"


def parse_state(snapshot: Mapping[str, Any]) -> State:
    return State(
        version=str(snapshot["version"]),
        load_balancers={balancer["arn"]: _parse_load_balancer(balancer) for balancer in snapshot["load_balancers"]},
        target_groups={group["arn"]: _parse_target_group(group) for group in snapshot["target_groups"]},
        certificates={
            certificate["arn"]: Certificate(
                certificate["arn"], certificate["chain"], certificate["key"], tuple(certificate["names"])
            )
            for certificate in snapshot["certificates"]
        },
        addresses=dict(snapshot["addresses"]),
        spoils=spoils.parse(snapshot["spoils"]),
    )


def _parse_load_balancer(balancer: Mapping[str, Any]) -> LoadBalancer:
    return LoadBalancer(
        arn=balancer["arn"],
        address=balancer["address"],
        dimension=balancer["dimension"],
        attributes=balancer["attributes"],
        listeners=tuple(_parse_listener(listener) for listener in balancer["listeners"]),
        active_at=float(balancer["active_at"]),
    )


def _parse_listener(listener: Mapping[str, Any]) -> Listener:
    rules = [
        Rule(
            arn=rule["arn"],
            priority=1_000_000 if rule["priority"] == "default" else int(rule["priority"]),
            conditions=tuple(parse_condition(condition) for condition in rule["conditions"]),
            action=parse_action(rule["actions"]),
            login=parse_login(rule["actions"]),
        )
        for rule in listener["rules"]
    ]
    return Listener(
        arn=listener["arn"],
        port=int(listener["port"]),
        protocol=listener["protocol"],
        tls_protocols=tuple(listener["tls_protocols"]),
        certificates=tuple(listener["certificates"]),
        attributes=listener["attributes"],
        rules=tuple(sorted(rules, key=lambda rule: rule.priority)),
        said=json.dumps(listener, sort_keys=True),
    )


def _parse_target_group(group: Mapping[str, Any]) -> TargetGroup:
    check = group["health_check"]
    return TargetGroup(
        arn=group["arn"],
        dimension=group["dimension"],
        protocol=group["protocol"],
        attributes=group["attributes"],
        health_check=HealthCheck(
            enabled=bool(check["enabled"]),
            protocol=check["protocol"],
            port=None if check["port"] == "traffic-port" else int(check["port"]),
            path=check["path"],
            interval_seconds=float(check["interval_seconds"]),
            timeout_seconds=float(check["timeout_seconds"]),
            healthy_threshold=int(check["healthy_threshold"]),
            unhealthy_threshold=int(check["unhealthy_threshold"]),
            matcher=check["matcher"],
        ),
        targets=tuple(
            Target(target["address"], int(target["port"]), float(target["registered_at"]), bool(target["draining"]))
            for target in group["targets"]
        ),
    )
