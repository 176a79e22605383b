# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules, target groups and targets of a load balancer, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

# The header that test rules want, and its value where that is no secret.
TEST_HEADER, TEST_VALUE = "x-release", "candidate"
# The default rule comes after every other; 50000 is the last priority that a rule can be given.
DEFAULT_PRIORITY = 50001
_LOGINS = ("AuthenticateOidcConfig", "AuthenticateCognitoConfig")
USUAL_PORTS = {"HTTP": 80, "HTTPS": 443}


def usual_listener(listeners: Sequence[Mapping[str, Any]], protocol: str) -> Mapping[str, Any] | None:
    """The listener on the protocol's own port, or else the only one of the protocol. None where there is none, or several are as good."""
    found = [listener for listener in listeners if listener["Protocol"] == protocol]
    own = next((listener for listener in found if listener["Port"] == USUAL_PORTS[protocol]), None)
    return own or (found[0] if len(found) == 1 else None)


@dataclass(frozen=True)
class Conditions:
    """The conditions of a rule. `others` lists kinds of conditions that the collection never writes.

    Values of one condition are alternatives; the conditions of a rule have to hold together.
    """

    hosts: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    headers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    source_ips: tuple[str, ...] = ()
    # Key and value; an empty key stands for every key.
    query: tuple[tuple[str, str], ...] = ()
    others: tuple[str, ...] = ()

    @classmethod
    def of(cls, hosts: Sequence[str], paths: Sequence[str]) -> Conditions:
        return cls(tuple(sorted(hosts)), tuple(sorted(paths)))

    def under_test(self, value: str = TEST_VALUE, source_ips: Sequence[str] = ()) -> Conditions:
        """The conditions of the test rule, which may be open to fewer clients than the production rule."""
        headers = tuple(sorted((*self.headers, (TEST_HEADER, (value,)))))
        return replace(self, headers=headers, source_ips=tuple(sorted(source_ips)) or self.source_ips)

    @property
    def test_value(self) -> str | None:
        """The value of the header that leads to the candidate; None in a rule that does not want it."""
        return next((values[0] for name, values in self.headers if name == TEST_HEADER and values), None)

    @property
    def count(self) -> int:
        """Values, of which ELB allows five in a rule."""
        named = sum(len(values) for _name, values in self.headers)
        return len(self.hosts) + len(self.paths) + named + len(self.source_ips) + len(self.query)

    @property
    def wildcards(self) -> int:
        """Signs * and ?, of which ELB allows five in a rule."""
        values = [*self.hosts, *self.paths, *(value for _name, listed in self.headers for value in listed)]
        values += [part for pair in self.query for part in pair]
        return sum(value.count("*") + value.count("?") for value in values)

    def __str__(self) -> str:
        said = [f"host {' or '.join(self.hosts)}"] if self.hosts else []
        said += [f"path {' or '.join(self.paths)}"] if self.paths else []
        said += [f"header {name}: {_shown(name, values)}" for name, values in self.headers]
        said += [f"source address {' or '.join(self.source_ips)}"] if self.source_ips else []
        pairs = [f"{key}={value}" if key else value for key, value in self.query]
        said += [f"query {' or '.join(pairs)}"] if pairs else []
        return " and ".join([*said, *self.others]) or "every request"


def _shown(name: str, values: Sequence[str]) -> str:
    """A test rule's value may be a secret, and this is printed."""
    return " or ".join("(a secret value)" if name == TEST_HEADER and value != TEST_VALUE else value for value in values)


@dataclass(frozen=True)
class HealthCheck:
    path: str
    matcher: str
    interval_seconds: int
    timeout_seconds: int
    healthy_threshold: int
    unhealthy_threshold: int
    port: str = "traffic-port"
    grpc: bool = False
    # TCP has neither a path nor a matcher: a connection is all that is asked for.
    protocol: str = "HTTP"

    def __str__(self) -> str:
        return f"GET {self.path} expecting {self.matcher}" if self.path else f"{self.protocol} connection"


@dataclass(frozen=True)
class TargetGroup:
    name: str
    vpc_id: str
    port: int
    protocol: str = "HTTP"
    protocol_version: str = "HTTP1"
    target_type: str = "ip"
    arn: str = ""
    health_check: HealthCheck | None = None
    # The load balancers whose rules refer to it.
    load_balancer_arns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    arn: str
    priority: int
    conditions: Conditions
    weights: Mapping[str, int] = field(default_factory=dict)
    # As ELB answered, for the next write: what stands before the forward action, and its stickiness, may be others'.
    actions: tuple[Mapping[str, Any], ...] = field(default=(), compare=False, repr=False)
    # Of a further rule of a service, by its tag; DescribeRules does not answer it.
    name: str = field(default="", compare=False)
    # Whether the collection made it, by its tags. Only looked at where a service has several.
    marked: bool = field(default=True, compare=False)

    @property
    def is_default(self) -> bool:
        return self.priority == DEFAULT_PRIORITY

    @property
    def is_listener(self) -> bool:
        """Whether it stands for the default action of a network load balancer's listener, which has no rule that could be changed."""
        return ":listener/net/" in self.arn

    @property
    def title(self) -> str:
        return "The default action of the listener" if self.is_listener else f"The production rule ({self.conditions})"

    @property
    def asks_for_login(self) -> bool:
        """Whether a request without a session is kept back: by the load balancer itself, before it forwards anything."""
        configs = [action.get(key, {}) for action in self.actions for key in _LOGINS]
        return any(config and config.get("OnUnauthenticatedRequest") != "allow" for config in configs)

    @property
    def owner(self) -> str:
        """The rule's owner for messages: the names of its target groups."""
        names = sorted(arn.split("/")[1] if "/" in arn else arn for arn in self.weights)
        return " and ".join(names) or "an action that forwards nothing"


@dataclass(frozen=True)
class TargetState:
    """A target of a target group, with the reason if it is not healthy."""

    address: str
    port: int
    state: str
    reason: str = ""
    description: str = ""

    @property
    def unhealthy(self) -> bool:
        # `unavailable` says that the load balancer does not know (Elb.InternalError), not that the target is ill.
        return self.state in {"unhealthy", "unhealthy.draining"}

    @property
    def explanation(self) -> str:
        """The reason code and what the load balancer says about it."""
        return ": ".join(part for part in (self.reason, self.description.rstrip(".")) if part) or self.state


@dataclass(frozen=True)
class LoadBalancerSettings:
    """Settings of a load balancer that is created."""

    scheme: str
    address_type: str
    subnet_ids: Sequence[str]
    security_group_ids: Sequence[str]
    type: str = "application"
