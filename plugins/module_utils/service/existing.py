# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Services that others made, by names of their own: their options, their location, and the version that is to be released."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..aws import dynamodb, ecs, elbv2
from ..aws.ecs_states import ServiceState
from ..aws.elbv2_states import Rule, TargetGroup
from ..aws.errors import AwsError, Failure
from ..aws.session import Aws
from ..rollout.model import Colour
from .location import KIND, GivenNames, ServiceLocation, locate_in_environment, port_of
from .specification import Specification

_COLOUR = {
    "name": {"type": "str", "required": True},
    "target_group_arn": {"type": "str", "required": True},
}
# Documented by the fragment pear.fargate.bluegreen.existing.
EXISTING_ARGUMENTS: dict[str, Any] = {
    "services": {
        "type": "dict",
        "options": {str(colour): {"type": "dict", "required": True, "options": _COLOUR} for colour in Colour},
    },
    "rule_arn": {"type": "str"},
    "test_rule_arn": {"type": "str"},
    "production_listener_arn": {"type": "str"},
    "test_listener_arn": {"type": "str"},
    "cluster": {"type": "str"},
    "kind": KIND,
    "ledger_table": {"type": "str"},
}
# Where weights are, for clients and for testers: in rules, or in the default actions of a network load balancer's listeners.
_RULES, _LISTENERS = ("rule_arn", "test_rule_arn"), ("production_listener_arn", "test_listener_arn")
_BY_SERVICES = (*_RULES, *_LISTENERS, "ledger_table")
EXISTING_CONSTRAINTS: dict[str, Any] = {
    # One of the ways to say where the traffic is, with services.
    "required_one_of": [("environment", "services"), ("environment", "rule_arn", "production_listener_arn")],
    "mutually_exclusive": [
        ("environment", "services"),
        ("rule_arn", "production_listener_arn"),
        ("rule_arn", "test_listener_arn"),
        ("test_rule_arn", "production_listener_arn"),
    ],
    "required_by": {
        "services": ("cluster", "ledger_table"),
        **dict.fromkeys(_BY_SERVICES, ("services",)),
        "test_rule_arn": ("services", "rule_arn"),
        "test_listener_arn": ("services", "production_listener_arn"),
    },
}


def locate_by(aws: Aws, params: Mapping[str, Any], listener_arn: str | None = None) -> ServiceLocation:
    """The location of the service that the options name: by environment, or by the names that others gave."""
    if params.get("services"):
        return locate_existing(aws, params)
    return locate_in_environment(aws, params, listener_arn)


def locate_existing(aws: Aws, params: Mapping[str, Any]) -> ServiceLocation:
    """The location, or a Failure with everything that keeps traffic from being shifted there. Only reads."""
    names = GivenNames(
        params["cluster"],
        params["ledger_table"],
        {colour: params["services"][colour]["name"] for colour in Colour},
    )
    arns = {colour: params["services"][colour]["target_group_arn"] for colour in Colour}
    options = _LISTENERS if params["production_listener_arn"] else _RULES
    read = elbv2.default_action if options is _LISTENERS else elbv2.rule
    production, test = read(aws, params[options[0]]), (read(aws, params[options[1]]) if params[options[1]] else None)
    services = ecs.services(aws, names.cluster, list(names.ecs_services.values()))
    findings = [
        *_rule_findings(options[0], production, set(arns.values())),
        *(_rule_findings(options[1], test, set(arns.values())) if test else ()),
        *(["test_listener_arn is the production listener: name another one, or none"] if test == production else ()),
        *(
            finding
            for colour, name in names.ecs_services.items()
            for finding in _service_findings(name, services.get(name), arns[colour], names.cluster)
        ),
    ]
    # A return to a named colour is ordered because the ledger is away.
    if not params.get("to_colour") and _is_missing(aws, names.ledger):
        findings.append(f"ledger_table {names.ledger} does not exist: make it once, with pear.fargate.release_ledger")
    if findings:
        raise Failure(f"Nothing was changed: {'; '.join(findings)}.", findings=findings, changed=False)
    groups = elbv2.target_groups_by_arn(aws, list(arns.values()))
    return _location(
        aws, params["service"], names, {colour: groups[arn] for colour, arn in arns.items()}, (production, test)
    )


def _is_missing(aws: Aws, table: str) -> bool:
    try:
        return dynamodb.table(aws, table) is None
    except AwsError:
        # Whoever reads the ledger next meets the same, and knows what else can be done.
        return False


def _location(
    aws: Aws,
    service: str,
    names: GivenNames,
    groups: Mapping[Colour, TargetGroup],
    rules: tuple[Rule, Rule | None],
) -> ServiceLocation:
    production, test = rules
    listener_arn = listener_of(production)
    test_listener_arn = listener_of(test) if test else listener_arn
    listener = elbv2.listener(aws, listener_arn)
    same = test_listener_arn == listener_arn
    test_listener = listener if same else elbv2.listener(aws, test_listener_arn)
    all_rules = _all_rules(aws, production)
    balancer = elbv2.load_balancer_of_arn(aws, listener["LoadBalancerArn"])
    return ServiceLocation(
        environment="",
        service=service,
        listener_arn=listener_arn,
        load_balancer_host=balancer["DNSName"] if balancer else "",
        target_groups=groups,
        production=production,
        test=test,
        rules=all_rules,
        test_rules=all_rules if same or test is None else _all_rules(aws, test),
        listener_port=port_of(listener),
        test_listener_port=port_of(test_listener),
        given=names,
    )


def _all_rules(aws: Aws, rule: Rule) -> tuple[Rule, ...]:
    """Those of the rule's listener; a network load balancer has none."""
    return () if rule.is_listener else tuple(elbv2.rules(aws, listener_of(rule)))


def listener_of(rule: Rule) -> str:
    """The ARN of a rule is that of its listener with an id behind it."""
    return rule.arn if rule.is_listener else rule.arn.rpartition("/")[0].replace(":listener-rule/", ":listener/", 1)


def _rule_findings(option: str, rule: Rule, groups: set[str]) -> Iterator[str]:
    if option in _LISTENERS and not rule.is_listener:
        yield (
            f"{option} {rule.arn} is no listener of a network load balancer: of an application load balancer, name a rule with conditions "
            "in rule_arn"
        )
    elif rule.is_default and not rule.is_listener:
        yield f"{option} {rule.arn} is the default rule of its listener: traffic is shifted in a rule with conditions"
    if set(rule.weights) != groups:
        yield (
            f"{option} {rule.arn} has to forward to both target groups of services and to no other, such as with the weights 100 "
            f"and 0; it forwards to {', '.join(sorted(rule.weights)) or 'none'}"
        )


def _service_findings(name: str, state: ServiceState | None, group: str, cluster: str) -> Iterator[str]:
    if state is None:
        yield f"ECS service {name} does not exist in cluster {cluster}"
        return
    if state.deployment_controller != "ECS" or state.deployment_strategy != "ROLLING":
        yield (
            f"ECS service {name} is deployed by {state.deployment_controller} with the strategy {state.deployment_strategy}: two "
            "controllers would shift its traffic. It needs the deployment controller ECS and the strategy ROLLING"
        )
    if group not in [balancer["target_group_arn"] for balancer in state.settings["load_balancers"]]:
        yield f"ECS service {name} does not register its tasks in target group {group}"


@dataclass(frozen=True)
class RegisteredVersion(Specification):
    """A version that others registered: its task definition as ECS describes it. Settings of its ECS service stay as they are."""

    definition: Mapping[str, Any]

    @property
    def registered(self) -> str:
        return str(self.definition["taskDefinitionArn"])

    def task_definition(self) -> dict[str, Any]:
        return dict(self.definition)


def registered_version(aws: Aws, params: Mapping[str, Any], location: ServiceLocation) -> RegisteredVersion:
    """The version to release, with the options that a specification has read from the task definition and the service."""
    reference = params["task_definition"]
    definition = ecs.task_definition(aws, reference)
    if definition is None or definition.get("status", "ACTIVE") != "ACTIVE":
        raise Failure(
            f"Nothing was changed: task_definition {reference} does not exist, or is not active.", changed=False
        )
    names = location.ecs_services
    services = ecs.services(aws, location.cluster, list(names.values()))
    settings = services[names[Colour.BLUE]].settings
    (container,) = {
        balancer["container"]
        for balancer in settings["load_balancers"]
        if balancer["target_group_arn"] == location.target_groups[Colour.BLUE].arn
    }
    containers = [{"name": entry["name"], "image": entry["image"]} for entry in definition["containerDefinitions"]]
    if container not in [entry["name"] for entry in containers]:
        raise Failure(
            f"Nothing was changed: task_definition {reference} has no container {container}, which the load balancer sends "
            f"requests to; it has {', '.join(entry['name'] for entry in containers)}.",
            changed=False,
        )
    read = {
        "containers": containers,
        "container": container,
        "cpu": int(definition["cpu"]),
        "memory": int(definition["memory"]),
        "architecture": definition.get("runtimePlatform", {}).get("cpuArchitecture", "X86_64"),
        "execution_role_arn": definition.get("executionRoleArn"),
        "task_role_arn": definition.get("taskRoleArn"),
        "subnet_ids": settings["subnets"],
        "security_group_ids": settings["security_groups"],
        "assign_public_ip": settings["assign_public_ip"],
        "capacity_providers": settings["capacity_providers"],
        "desired_count": max(1, *(state.desired for state in services.values())),
        "tags": {},
    }
    return RegisteredVersion({**params, **read}, aws.region, definition)
