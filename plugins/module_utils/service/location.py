# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The location of a service on AWS: its cluster, target groups and rules, found by the names of environment and service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..aws import ecs, elbv2
from ..aws.arns import load_balancer_of
from ..aws.elbv2_states import Conditions, Rule, TargetGroup, usual_listener
from ..aws.errors import Failure
from ..aws.naming import (
    TAG_CLUSTER,
    TAG_COMPONENT,
    TAG_ENVIRONMENT,
    TAG_LISTENER,
    TAG_LOG_GROUP,
    TAG_SERVICE,
    TAG_TEST_LISTENER,
    EnvironmentNames,
    ServiceNames,
)
from ..aws.session import Aws
from ..rollout.model import Colour, Weights
from .routing import TEST, find_rule, production_rules
from .rule_match import query_fits
from .rule_names import with_names

# A worker has no load balancer: no target groups, no rules, and one ECS service, that of the colour blue. A service of the kind network
# has two colours behind a listener of its own at a network load balancer, and no rules.
WEB, NETWORK, WORKER = "web", "network", "worker"
KIND: dict[str, Any] = {"type": "str", "choices": [WEB, NETWORK, WORKER], "default": WEB}
WORKER_COLOUR = Colour.BLUE
NO_RULE = Rule("", 0, Conditions(), {})


class NotProvisionedError(Failure):
    """The environment or the service is not provisioned yet."""


@dataclass(frozen=True)
class GivenNames:
    """Names of a service that others made: the collection derives none and makes nothing."""

    cluster: str
    ledger: str
    ecs_services: Mapping[Colour, str]


@dataclass(frozen=True)
class ListenerPort:
    """Where a rule's listener is reached at its load balancer."""

    port: int = 443
    tls: bool = True
    # UDP alone, where no request of a check arrives.
    datagrams: bool = False


@dataclass(frozen=True)
class ServiceLocation:
    environment: str
    service: str
    listener_arn: str
    load_balancer_host: str
    target_groups: Mapping[Colour, TargetGroup]
    production: Rule
    # Only a service that others made can lack a test rule.
    test: Rule | None
    # All rules of the listener, this service's and others'; and those of the test rule's listener.
    rules: tuple[Rule, ...] = ()
    test_rules: tuple[Rule, ...] = ()
    listener_port: ListenerPort = ListenerPort()
    test_listener_port: ListenerPort = ListenerPort()
    given: GivenNames | None = None
    # Production rules beside `production`, for other requests: all have the same weights.
    further: tuple[Rule, ...] = ()
    # What the target groups' tags say of a cluster, a listener and a log group that others made.
    tags: Mapping[str, str] = field(default_factory=dict)
    # Those of a release's options, by their names in the inventory: tasks of the live colour are registered in them too.
    further_target_groups: Mapping[str, TargetGroup] = field(default_factory=dict)

    @property
    def is_routed(self) -> bool:
        """Whether listener rules send it requests, by colour."""
        return bool(self.target_groups)

    @property
    def of_connections(self) -> bool:
        """Whether a network load balancer carries connections to it: no requests, so no conditions, codes or response times."""
        return self.production.is_listener

    @property
    def colours(self) -> tuple[Colour, ...]:
        """The colours that have an ECS service, or will have one."""
        return tuple(Colour) if self.is_routed else (WORKER_COLOUR,)

    @property
    def cluster(self) -> str:
        if self.given:
            return self.given.cluster
        return self.tags.get(TAG_CLUSTER) or EnvironmentNames(self.environment).cluster

    @property
    def log_group(self) -> str:
        return self.tags.get(TAG_LOG_GROUP) or self.names.log_group

    @property
    def task_tags(self) -> dict[str, str]:
        """Of a task that is run once: whose it is, so that who may stop tasks of the environment may stop it."""
        if self.given:
            return {}
        return {TAG_ENVIRONMENT: self.environment, TAG_SERVICE: self.service, TAG_COMPONENT: "service"}

    @property
    def ledger(self) -> str:
        return self.given.ledger if self.given else EnvironmentNames(self.environment).ledger

    @property
    def names(self) -> ServiceNames:
        return ServiceNames(self.environment, self.service)

    @property
    def ecs_services(self) -> Mapping[Colour, str]:
        if self.given:
            return self.given.ecs_services
        return {colour: self.names.ecs_service(colour) for colour in self.colours}

    @property
    def load_balancer_dimension(self) -> str:
        """The load balancer as CloudWatch names it: app/NAME/ID."""
        return "/".join(self.listener_arn.split("/")[1:4])

    @property
    def host(self) -> str:
        """A host name that the production rule matches; a wildcard gets a name that fits."""
        hosts = self.production.conditions.hosts
        return hosts[0].replace("*", "pear") if hosts else self.load_balancer_host

    @property
    def headers(self) -> dict[str, str]:
        """What a request needs to match the production rule."""
        return _headers(self.production)

    @property
    def test_headers(self) -> dict[str, str]:
        """What a request needs to match the test rule."""
        return _headers(self.test) if self.test else {}

    @property
    def own_path(self) -> str:
        """A path that the production rule matches."""
        return self.path(_plain(next(iter(self.production.conditions.paths), "/")))

    def path(self, path: str) -> str:
        """A path with the query that the rules ask for, unless it has one already that fits."""
        pairs = self.production.conditions.query
        if not pairs or query_fits(pairs, path):
            return path
        key, value = pairs[0]
        pair = f"{_plain(key) or 'pear'}={_plain(value)}"
        return f"{path}{'&' if '?' in path else '?'}{pair}"

    def target_group_dimension(self, colour: Colour) -> str:
        """A target group as CloudWatch names it: targetgroup/NAME/ID."""
        return self.target_groups[colour].arn.rpartition(":")[2]


def _headers(rule: Rule) -> dict[str, str]:
    return {name: _plain(values[0]) for name, values in rule.conditions.headers}


def _plain(pattern: str) -> str:
    """A text that the pattern matches."""
    return pattern.replace("*", "pear").replace("?", "x")


def locate(aws: Aws, environment_name: str, service: str, listener_arn: str | None = None) -> ServiceLocation:
    """Return the service's location, or raise NotProvisionedError."""
    names = ServiceNames(environment_name, service)
    group_names = {colour: names.target_group(colour) for colour in Colour}
    groups = elbv2.target_groups(aws, list(group_names.values()))
    tags = _tags(aws, groups)
    existing = tags.get(TAG_LISTENER) or ""
    balancer = (
        elbv2.load_balancer_of_arn(aws, load_balancer_of(existing))
        if existing
        else elbv2.load_balancer(aws, EnvironmentNames(environment_name).load_balancer)
    )
    listener = listener_arn or existing or (_https_listener(aws, balancer["LoadBalancerArn"]) if balancer else "")
    missing = [name for name in group_names.values() if name not in groups] + (
        [] if listener else ["an https listener"]
    )
    if missing:
        raise _not_provisioned(service, missing)
    arns = {colour: groups[name].arn for colour, name in group_names.items()}
    blue, green = arns[Colour.BLUE], arns[Colour.GREEN]
    rules = with_names(aws, elbv2.rules(aws, listener), blue, green)
    production, test = production_rules(rules, blue, green), find_rule(rules, TEST, blue, green)
    if not production or test is None:
        absent = {"the production rule": not production, "the test rule": test is None}
        raise _not_provisioned(service, [rule for rule, is_absent in absent.items() if is_absent])
    # Ours is on port 443; one of others may be on any port, and without TLS.
    port = port_of(elbv2.listener(aws, listener)) if existing else ListenerPort()
    return ServiceLocation(
        environment_name,
        service,
        listener,
        balancer["DNSName"] if balancer else "",
        {colour: groups[name] for colour, name in group_names.items()},
        production[0],
        test,
        tuple(rules),
        tuple(rules),
        port,
        port,
        further=tuple(production[1:]),
        tags=tags,
    )


def locate_network(aws: Aws, environment_name: str, service: str) -> ServiceLocation:
    """Return the location of a service behind a network load balancer, or raise NotProvisionedError."""
    names = ServiceNames(environment_name, service)
    group_names = {colour: names.target_group(colour) for colour in Colour}
    groups = elbv2.target_groups(aws, list(group_names.values()))
    tags = _tags(aws, groups)
    arn, test_arn = tags.get(TAG_LISTENER) or "", tags.get(TAG_TEST_LISTENER) or ""
    missing = [name for name in group_names.values() if name not in groups]
    missing += [] if arn else ["a listener of a network load balancer"]
    if missing:
        raise _not_provisioned(service, missing)
    balancer = elbv2.load_balancer_of_arn(aws, load_balancer_of(arn))
    port = port_of(elbv2.listener(aws, arn))
    return ServiceLocation(
        environment_name,
        service,
        arn,
        balancer["DNSName"] if balancer else "",
        {colour: groups[name] for colour, name in group_names.items()},
        elbv2.default_action(aws, arn),
        elbv2.default_action(aws, test_arn) if test_arn else None,
        listener_port=port,
        test_listener_port=port_of(elbv2.listener(aws, test_arn)) if test_arn else port,
        tags=tags,
    )


def locate_worker(aws: Aws, environment_name: str, service: str, cluster: str | None = None) -> ServiceLocation:
    """Return the location of a service without a load balancer, or raise NotProvisionedError."""
    name = cluster or EnvironmentNames(environment_name).cluster
    if ecs.cluster(aws, name) is None:
        raise _not_provisioned(service, [f"cluster {name}"])
    return ServiceLocation(environment_name, service, "", "", {}, NO_RULE, None, tags={TAG_CLUSTER: cluster or ""})


def locate_in_environment(aws: Aws, params: Mapping[str, Any], listener_arn: str | None = None) -> ServiceLocation:
    """The location of the service that the options environment, service, kind and cluster name."""
    if params.get("kind") == WORKER:
        found = locate_worker(aws, params["environment"], params["service"], params.get("cluster"))
    elif params.get("kind") == NETWORK:
        found = locate_network(aws, params["environment"], params["service"])
    else:
        found = locate(aws, params["environment"], params["service"], listener_arn)
    return _with_further_target_groups(
        aws, found, [group["name"] for group in params.get("further_target_groups") or []]
    )


def _with_further_target_groups(aws: Aws, location: ServiceLocation, names: Sequence[str]) -> ServiceLocation:
    own = {name: location.names.further_target_group(name) for name in names}
    groups = elbv2.target_groups(aws, list(own.values())) if own else {}
    missing = [f"target group {full}" for full in own.values() if full not in groups]
    if missing:
        raise _not_provisioned(location.service, missing)
    return replace(location, further_target_groups={name: groups[full] for name, full in own.items()})


def _tags(aws: Aws, groups: Mapping[str, TargetGroup]) -> dict[str, str]:
    first = next(iter(groups.values()), None)
    return elbv2.tags(aws, [first.arn])[first.arn] if first else {}


def current_rules(aws: Aws, location: ServiceLocation, known: Sequence[Rule] = ()) -> tuple[Rule, ...]:
    """The production rules as they are now, the first one first. One that was added since the service was located is among them.

    Rules that are known are read again alone: a listener's may be many. A service that others made has the rule that they named.
    """
    if not location.is_routed:
        return (NO_RULE,)
    if location.of_connections:
        return (elbv2.default_action(aws, location.production.arn),)
    if location.given:
        return (elbv2.rule(aws, location.production.arn),)
    again = elbv2.rules_by_arn(aws, [rule.arn for rule in known]) if known else None
    if again is not None:
        return tuple(again)
    blue, green = (location.target_groups[colour].arn for colour in (Colour.BLUE, Colour.GREEN))
    found = [
        rule
        for rule in production_rules(elbv2.rules(aws, location.listener_arn), blue, green)
        # Another rule that leads to one colour alone does not take its place.
        if len(rule.weights) == 2 or rule.arn == location.production.arn
    ]
    if not found:
        raise Failure(
            f"Service {location.service}: its production rule is not there any more. "
            f"playbooks/provision.yml -l {location.service} makes it."
        )
    # Names cost a call: the first rule is the one that it was.
    return tuple(sorted(found, key=lambda rule: rule.arn != location.production.arn))


def agreed_weights(location: ServiceLocation) -> Weights:
    """The weights of all production rules; Failure where they disagree, which a release would put right."""
    weights = weights_of(location.production, location)
    others = [rule for rule in location.further if weights_of(rule, location) != weights]
    if others:
        raise Failure(
            f"Service {location.service}: its listener rules disagree: {weights} for {location.production.conditions}, "
            f"{weights_of(others[0], location)} for {others[0].conditions}. The next release.yml or rollback.yml puts that right. "
            "Nothing was changed."
        )
    return weights


def weights_of(rule: Rule, place: ServiceLocation) -> Weights:
    """A rule's weights as percents. ALB takes any numbers; ours are percents already, a person's may not be."""
    if not place.is_routed:
        return Weights.all_to(WORKER_COLOUR)
    blue, green = (rule.weights.get(place.target_groups[colour].arn, 0) for colour in (Colour.BLUE, Colour.GREEN))
    if blue + green == 0:
        what, then = (
            ("its listener", "no connection is taken")
            if place.of_connections
            else ("its production rule", "it answers 503")
        )
        raise Failure(
            f"Service {place.service}: {what} gives weight to neither colour (blue 0, green 0), so {then}. "
            "Set the weight of the colour that should serve to 100, then run this again."
        )
    percent = round(100 * blue / (blue + green))
    # A share is never rounded to 0 or 100 percent: some requests go to each side.
    percent = min(max(percent, 1 if blue else 0), 99 if green else 100)
    return Weights(percent, 100 - percent)


def _https_listener(aws: Aws, load_balancer_arn: str) -> str:
    found = usual_listener(elbv2.listeners(aws, load_balancer_arn), "HTTPS")
    return str(found["ListenerArn"]) if found else ""


def port_of(listener: Mapping[str, Any]) -> ListenerPort:
    protocol = listener["Protocol"]
    return ListenerPort(int(listener["Port"]), protocol in ("HTTPS", "TLS"), protocol == "UDP")


def _not_provisioned(service: str, missing: list[str]) -> NotProvisionedError:
    return NotProvisionedError(
        f"Service {service} is not provisioned: missing {', '.join(missing)}. Run playbooks/provision.yml -l {service} "
        "(or deploy.yml, which does both) first."
    )
