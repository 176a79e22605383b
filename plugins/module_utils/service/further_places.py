# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the traffic of further target groups comes from: load balancers and listeners, read, and what leads to a target group of ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..aws import elbv2, rule_actions
from ..aws.arns import load_balancer_of
from ..aws.elbv2_states import Rule, usual_listener
from ..aws.naming import TAG_ENVIRONMENT, TAG_LISTENER, TAG_SERVICE, TAG_TARGET_GROUP, EnvironmentNames
from ..aws.session import Aws
from .further_targets import OF_CONNECTIONS, OF_REQUESTS, is_network
from .routing_removal import rules_to


@dataclass(frozen=True)
class Place:
    """A load balancer, and of an application load balancer the listener that gets a rule. None: not there."""

    balancer: Mapping[str, Any] | None
    listener: Mapping[str, Any] | None
    # Of a network load balancer, whose ports are taken one by one.
    listeners: tuple[Mapping[str, Any], ...] = ()

    @property
    def balancer_arn(self) -> str:
        return str(self.balancer["LoadBalancerArn"]) if self.balancer else ""

    @property
    def listener_arn(self) -> str:
        return str(self.listener["ListenerArn"]) if self.listener else ""

    def at(self, port: int) -> Mapping[str, Any] | None:
        return next((listener for listener in self.listeners if listener["Port"] == port), None)


def find(aws: Aws, environment: str, options: Mapping[str, Any]) -> Place:
    """The place that the options of a further target group name."""
    found = balancer(aws, environment, options)
    if found is None:
        return Place(None, None)
    listeners = elbv2.listeners(aws, found["LoadBalancerArn"])
    if is_network(options):
        return Place(found, None, tuple(listeners))
    if options.get("listener_arn"):
        named = options["listener_arn"]
        return Place(found, next((listener for listener in listeners if listener["ListenerArn"] == named), None))
    return Place(found, usual_listener(listeners, "HTTPS"))


def balancer(aws: Aws, environment: str, options: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The load balancer that they name: by its ARN, by that of its listener, or by its name in the environment."""
    listener, named = str(options.get("listener_arn") or ""), str(options.get("load_balancer") or "")
    arn = load_balancer_of(listener) if listener else named
    if arn.startswith("arn:"):
        return elbv2.load_balancer_of_arn(aws, arn)
    return elbv2.load_balancer(aws, EnvironmentNames(environment).further_load_balancer(named))


def is_ours(tags: Mapping[str, str], environment: str, service: str, name: str) -> bool:
    """Whether a listener was made for this target group: its one action leads to it, so tags alone say whose it is."""
    mark = {TAG_ENVIRONMENT: environment, TAG_SERVICE: service, TAG_TARGET_GROUP: name}
    return all(tags.get(key) == value for key, value in mark.items())


def has_own_listener(tags: Mapping[str, str]) -> bool:
    """Whether a target group, by its tags, is one that a listener of ours may lead to: a further one, or a colour's of the kind network."""
    return bool(tags.get(TAG_TARGET_GROUP)) or ":listener/net/" in (tags.get(TAG_LISTENER) or "")


@dataclass(frozen=True)
class Ways:
    """What leads to target groups: rules of application load balancers, and listeners of network load balancers that we made."""

    rules: tuple[Rule, ...] = ()
    listeners: tuple[Mapping[str, Any], ...] = ()


def ways_to(aws: Aws, balancers: Collection[str], target_groups: Collection[str]) -> Ways:
    """Of these load balancers: what forwards to these target groups alone. A listener of others is not among them."""
    groups = set(target_groups)
    every = [listener for arn in sorted(balancers) for listener in elbv2.listeners(aws, arn)] if groups else []
    of_requests = [listener["ListenerArn"] for listener in every if listener["Protocol"] in OF_REQUESTS]
    direct = [listener for listener in every if listener["Protocol"] in OF_CONNECTIONS and _leads_to(listener, groups)]
    tags = elbv2.tags(aws, [listener["ListenerArn"] for listener in direct]) if direct else {}
    made = tuple(listener for listener in direct if tags[listener["ListenerArn"]].get(TAG_TARGET_GROUP))
    return Ways(tuple(rules_to(aws, of_requests, groups)), made)


def _leads_to(listener: Mapping[str, Any], target_groups: set[str]) -> bool:
    found = forwards_to(listener)
    return bool(found) and found <= target_groups


def forwards_to(listener: Mapping[str, Any]) -> set[str]:
    """The target groups of a listener's own action."""
    return set(rule_actions.weights(listener.get("DefaultActions", [])))


def described(listener: Mapping[str, Any]) -> str:
    """A listener for messages."""
    return f"{listener['Protocol']} {listener['Port']} of {listener['LoadBalancerArn'].split('/')[2]}"
