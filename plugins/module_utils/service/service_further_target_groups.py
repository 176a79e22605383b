# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure the further target groups of a service, and the rule or the listener that leads to each. Releases register tasks in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ..aws import ecs, elbv2
from ..aws.elbv2_states import Rule, TargetGroup
from ..aws.errors import AwsError, Failure
from ..aws.naming import COLOURS, TAG_ENVIRONMENT, TAG_SERVICE, TAG_TARGET_GROUP, EnvironmentNames, ServiceNames
from ..aws.session import Aws
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim
from ..common.removal import SECONDS, delete
from . import further_places, rule_conditions
from .further_places import Place
from .further_target_rule import DesiredRule, conflicts, find, with_priority
from .further_targets import OPTION, health_check, is_network, listener_protocol

# In check mode a target group that would be created has no ARN yet.
_NOT_YET = "(to be created: {name})"
_FIXED = ("vpc_id", "protocol", "protocol_version", "target_type")
_ATTRIBUTES = ("deregistration_delay_seconds", "preserve_client_ip", "proxy_protocol", "cross_zone")
# Services of one run that look for a free priority at once find the same; each round one of them has got it.
_ROUNDS = 50


@dataclass
class Work:
    """One run: what is there, by the names in the inventory, and what differs."""

    call: Invocation
    names: ServiceNames
    changes: Changes
    groups: dict[str, TargetGroup] = field(default_factory=dict)
    tags: dict[str, Mapping[str, str]] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    @property
    def aws(self) -> Aws:
        return self.call.aws

    @property
    def instead(self) -> str:
        """What can be done where AWS cannot change a target group."""
        return "give it another name; the one before goes once no task is registered in it"

    def full_name(self, name: str) -> str:
        return self.names.further_target_group(name)

    def option(self, name: str) -> str:
        """How the inventory names it, for messages."""
        return f"{OPTION}.{name}"

    def tags_of(self, name: str) -> dict[str, str]:
        return {
            **self.call.params["tags"],
            TAG_ENVIRONMENT: self.names.environment,
            TAG_SERVICE: self.names.service,
            TAG_TARGET_GROUP: name,
        }


def run(call: Invocation) -> dict[str, Any]:
    """Return the ARNs of the target groups by name, and the names of those that are kept because tasks are registered in them."""
    names = ServiceNames(call.params["environment"], call.params["service"])
    work = Work(call, names, Changes(call.check_mode))
    listed = {options["name"]: options for options in call.params["target_groups"]}
    _read(work, listed)
    for name, options in listed.items():
        work.places[name] = further_places.find(call.aws, names.environment, options)
    # Before the first write: a target group that nothing leads to is useless.
    for name, options in listed.items():
        _refuse(work, name, options)
    kept = _remove_unlisted(work, listed)
    for name, options in listed.items():
        group = ensure_target_group(work, options)
        _remove_other_ways(work, options, group)
        (_listener if is_network(options) else _rule)(work, options, group)
        work.groups[name] = group
    return {
        "changed": bool(work.changes.after),
        "diff": {"before": work.changes.before, "after": work.changes.after},
        "target_groups": {name: work.groups[name].arn for name in listed},
        "kept": kept,
    }


def _read(work: Work, listed: Mapping[str, Any]) -> None:
    """Those that the inventory names, and those that were made for the service and are listed no longer."""
    names, aws = work.names, work.aws
    by_name = {names.further_target_group(name): name for name in listed}
    every = elbv2.target_groups_by_arn(aws, elbv2.target_group_arns(aws, names.further_target_group_prefix))
    tags = elbv2.tags(aws, list(every)) if every else {}
    claimed = [Existing("target_group", group.name, tags[arn]) for arn, group in every.items() if group.name in by_name]
    claim(work.call, run, {TAG_ENVIRONMENT: names.environment}, claimed)
    for arn, group in every.items():
        name = by_name.get(group.name)
        if name is None and _is_ours(work, tags[arn]):
            name = tags[arn].get(TAG_TARGET_GROUP)
        if name is not None:
            work.groups[name], work.tags[name] = group, tags[arn]


def _is_ours(work: Work, tags: Mapping[str, str]) -> bool:
    return tags.get(TAG_ENVIRONMENT) == work.names.environment and tags.get(TAG_SERVICE) == work.names.service


def _refuse(work: Work, name: str, options: Mapping[str, Any]) -> None:
    """What is another's, and what is not there."""
    group, place = work.groups.get(name), work.places[name]
    if group:
        owner, known = work.tags[name].get(TAG_SERVICE), work.tags[name].get(TAG_TARGET_GROUP)
        if owner and (owner, known) != (work.names.service, name):
            raise Failure(
                f"{OPTION}.{name}: target group {group.name} is the service {owner}'s. Nothing was changed: give this one another name."
            )
        refuse_what_cannot_change(work, options, group)
    missing = missing_place(options, place)
    if missing and not work.call.check_mode:
        raise Failure(f"{OPTION}.{name}: {missing}. Nothing was changed.")
    if is_network(options):
        taken = port_taken(work.aws, work.names, options, place)
    else:
        rules = elbv2.rules(work.aws, place.listener_arn) if place.listener else []
        taken = "; ".join(rule_conflicts(rules, options, group.arn if group else ""))
    if taken:
        raise Failure(f"Service {work.names.service}: {taken}. Nothing was changed.", conflicts=[taken])
    if not work.call.params["vpc_id"] and not work.call.check_mode:
        raise Failure(
            f"vpc_id must not be empty: the environment {work.names.environment} has no network yet. Run playbooks/provision.yml "
            "for it first."
        )


def missing_place(options: Mapping[str, Any], place: Place) -> str:
    """A sentence where the load balancer or its listener is not there."""
    if place.balancer is None:
        named = options.get("load_balancer") or options.get("listener_arn")
        return f"there is no load balancer {named!r} in this account and region"
    if is_network(options) or place.listener:
        return ""
    if options.get("listener_arn"):
        return f"load balancer {place.balancer['LoadBalancerName']} has no listener {options['listener_arn']!r}"
    return f"load balancer {place.balancer['LoadBalancerName']} has no HTTPS listener: name one in listener_arn"


def port_taken(aws: Aws, names: ServiceNames, options: Mapping[str, Any], place: Place) -> str:
    """A sentence where the port of a network load balancer has a listener that is not ours."""
    found = place.at(options["listener_port"])
    if found is None:
        return ""
    tags = elbv2.tags(aws, [found["ListenerArn"]])[found["ListenerArn"]]
    if further_places.is_ours(tags, names.environment, names.service, options["name"]):
        return ""
    other = tags.get(TAG_TARGET_GROUP, "")
    if other and further_places.is_ours(tags, names.environment, names.service, other):
        return (
            f"{OPTION}.{options['name']}: the listener {further_places.described(found)} is that of {OPTION}.{other}: choose another "
            f"listener_port, or first have {other} removed: a release without it, then provision.yml"
        )
    listed = ", ".join(f"{key}={value}" for key, value in sorted(tags.items())) or "none"
    return (
        f"{OPTION}.{options['name']}: the listener {further_places.described(found)} is not of our making (its tags: {listed}), and stays "
        "as it is: choose another listener_port"
    )


def rule_conflicts(rules: Sequence[Rule], options: Mapping[str, Any], target_group: str) -> list[str]:
    return conflicts(rules, with_priority(rules, _desired_rule(options, target_group or _NOT_YET)))


def _desired_rule(options: Mapping[str, Any], target_group: str) -> DesiredRule:
    conditions = rule_conditions.of_options({"hosts": [], "paths": [], **options})
    return DesiredRule(target_group, conditions, options.get("priority") or 0, f"{OPTION}.{options['name']}")


def _desired_group(work: Work, options: Mapping[str, Any]) -> TargetGroup:
    return TargetGroup(
        work.full_name(options["name"]),
        work.call.params["vpc_id"] or "",
        options["port"],
        options["protocol"],
        # What ELB answers for a target group without one is read as HTTP1.
        "HTTP1" if is_network(options) else options["protocol_version"],
    )


def refuse_what_cannot_change(work: Work, options: Mapping[str, Any], found: TargetGroup) -> None:
    desired = _desired_group(work, options)
    for what in _FIXED:
        current, expected = getattr(found, what), getattr(desired, what)
        if expected and current != expected:
            raise Failure(
                f"{work.option(options['name'])}: target group {found.name} has {what} {current!r}; the inventory says {expected!r}, which "
                f"AWS cannot change. Nothing was changed: {work.instead}."
            )


def ensure_target_group(work: Work, options: Mapping[str, Any]) -> TargetGroup:
    name, check, desired = options["name"], health_check(options), _desired_group(work, options)
    found, changes, aws = work.groups.get(name), work.changes, work.aws
    if found is None:
        changes.want(
            f"target group {desired.name}",
            None,
            f"{desired.protocol} {desired.port}, health check {check}",
            lambda: None,
        )
        if work.call.check_mode:
            return replace(desired, arn=_NOT_YET.format(name=desired.name), health_check=check)
        found = elbv2.create_target_group(aws, desired.name, desired, check, work.tags_of(name))
        work.call.progress.line(f"target group {desired.name} created")
        known: Mapping[str, str] = work.tags_of(name)
    else:
        known = work.tags[name]
    current = found.health_check
    changes.want(
        f"health check of {found.name}",
        _shown(current) if current else None,
        _shown(check),
        lambda: elbv2.set_health_check(aws, found.arn, check),
    )
    settings = {key: options[key] for key in _ATTRIBUTES if options[key] is not None}
    now = elbv2.target_group_attributes(aws, found.arn)
    differ = {key: value for key, value in settings.items() if now.get(key) != value}
    changes.want(
        f"attributes of {found.name}",
        {key: now.get(key) for key in differ},
        differ,
        lambda: elbv2.set_target_group_attributes(aws, found.arn, differ),
    )
    ensure_tags(work, f"target group {found.name}", found.arn, known, work.tags_of(name))
    return found


def _shown(check: Any) -> dict[str, Any]:
    return {key: value for key, value in vars(check).items() if key != "grpc"}


def ensure_tags(work: Work, what: str, arn: str, known: Mapping[str, str], desired: dict[str, str]) -> None:
    differ = {key: value for key, value in desired.items() if known.get(key) != value}
    work.changes.want(
        f"tags of {what}",
        {key: known.get(key) for key in differ},
        differ,
        lambda: elbv2.add_tags(work.aws, [arn], differ),
    )


def _remove_other_ways(work: Work, options: Mapping[str, Any], group: TargetGroup) -> None:
    """What led to the target group before: ELB takes a target group behind one load balancer alone, and a port may have changed."""
    if not group.load_balancer_arns:
        return
    place = work.places[options["name"]]
    ways = further_places.ways_to(work.aws, group.load_balancer_arns, {group.arn})
    port = options.get("listener_port")
    for listener in ways.listeners:
        if (listener["LoadBalancerArn"], listener["Port"]) != (place.balancer_arn, port):
            _gone(
                work,
                f"listener {further_places.described(listener)}",
                partial(elbv2.delete_listener, work.aws, listener["ListenerArn"]),
            )
    # The one rule that is kept is of the listener that is named.
    here = {rule.arn for rule in elbv2.rules(work.aws, place.listener_arn)} if place.listener else set()
    for rule in ways.rules:
        if rule.arn not in here:
            _gone(work, f"listener rule {rule.conditions}", partial(elbv2.delete_rule, work.aws, rule.arn))


def _gone(work: Work, what: str, request: Any) -> None:
    work.changes.want(what, "present", "absent", partial(delete, work.call, what, SECONDS, request))


def _rule(work: Work, options: Mapping[str, Any], group: TargetGroup) -> None:
    """The rule of an application load balancer."""
    place, what = work.places[options["name"]], f"rule of {group.name}"
    rules = elbv2.rules(work.aws, place.listener_arn) if place.listener else []
    found = find(rules, group.arn)
    desired = with_priority(rules, _desired_rule(options, group.arn))
    if found is None:
        work.changes.want(what, None, f"priority {desired.priority}: {desired.conditions}", lambda: None)
        if not work.call.check_mode:
            _new_rule(work, options, desired)
        return
    arn = found.arn
    work.changes.want(
        f"conditions of the {what}",
        str(found.conditions),
        str(desired.conditions),
        lambda: elbv2.set_conditions(work.aws, arn, desired.conditions),
    )
    work.changes.want(
        f"priority of the {what}",
        found.priority,
        desired.priority,
        lambda: elbv2.set_priorities(work.aws, {arn: desired.priority}),
    )
    ensure_tags(work, what, arn, elbv2.tags(work.aws, [arn])[arn], work.tags_of(options["name"]))


def _new_rule(work: Work, options: Mapping[str, Any], desired: DesiredRule) -> None:
    """A priority that another run took meanwhile is looked for again, unless the inventory names it."""
    listener, tags = work.places[options["name"]].listener_arn, work.tags_of(options["name"])
    actions = [{"Type": "forward", "TargetGroupArn": desired.target_group}]
    for left in reversed(range(_ROUNDS)):
        try:
            elbv2.create_rule(work.aws, listener, desired.priority, desired.conditions, actions, tags)
        except AwsError as failed:
            if failed.code != "PriorityInUse" or options.get("priority") or not left:
                raise
            work.call.progress.line("a priority was taken meanwhile: looking for another one")
            desired = with_priority(elbv2.rules(work.aws, listener), _desired_rule(options, desired.target_group))
            continue
        work.call.progress.line(
            f"rule of {options['name']} created with priority {desired.priority}: {desired.conditions}"
        )
        return


def _listener(work: Work, options: Mapping[str, Any], group: TargetGroup) -> None:
    """The listener of a network load balancer: of our making, so that its one action is ours too."""
    place, port = work.places[options["name"]], options["listener_port"]
    protocol = listener_protocol(options)
    settings = listener_settings(options, port) | {"DefaultActions": [{"Type": "forward", "TargetGroupArn": group.arn}]}
    what, found = f"listener {protocol} {port} of {group.name}", place.at(port)
    if found is None:
        work.changes.want(
            what,
            None,
            {key: value for key, value in settings.items() if key != "DefaultActions"},
            lambda: elbv2.create_listener(work.aws, place.balancer_arn, settings, work.tags_of(options["name"])),
        )
        return
    now = settings_now(found) | {"DefaultActions": _forward(found)}
    differ = {key: value for key, value in settings.items() if now[key] != value}
    arn = str(found["ListenerArn"])
    work.changes.want(
        what, {key: now[key] for key in differ}, differ, lambda: elbv2.modify_listener(work.aws, arn, differ)
    )
    ensure_tags(work, what, arn, elbv2.tags(work.aws, [arn])[arn], work.tags_of(options["name"]))


def listener_settings(options: Mapping[str, Any], port: int) -> dict[str, Any]:
    """What CreateListener takes, but for the actions."""
    settings: dict[str, Any] = {"Protocol": listener_protocol(options), "Port": port}
    if settings["Protocol"] == "TLS":
        settings |= {
            "SslPolicy": options["tls_policy"],
            "Certificates": [{"CertificateArn": options["certificate_arn"]}],
        }
    return settings


def settings_now(listener: Mapping[str, Any]) -> dict[str, Any]:
    """The same, as ELB answers it."""
    certificates = [{"CertificateArn": found["CertificateArn"]} for found in listener.get("Certificates", [])]
    return {
        "Protocol": listener["Protocol"],
        "Port": listener["Port"],
        "SslPolicy": listener.get("SslPolicy"),
        "Certificates": certificates,
    }


def _forward(listener: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The action as we write it; ELB adds its order, and the same once more as a list of one target group."""
    return [{key: action.get(key) for key in ("Type", "TargetGroupArn")} for action in listener["DefaultActions"]]


def _remove_unlisted(work: Work, listed: Mapping[str, Any]) -> list[str]:
    """Those that are listed no longer go, with what leads to them; while tasks are registered in one it stays, or ECS could start none."""
    unlisted = {name: group for name, group in work.groups.items() if name not in listed}
    if not unlisted:
        return []
    names, kept = work.names, []
    cluster = work.call.params["cluster"] or EnvironmentNames(names.environment).cluster
    services = ecs.services(work.aws, cluster, [names.ecs_service(colour) for colour in COLOURS])
    registered = {
        entry["target_group_arn"] for state in services.values() for entry in state.settings.get("load_balancers", [])
    }
    for name, group in unlisted.items():
        if group.arn in registered:
            kept.append(name)
            work.call.progress.line(
                f"target group {group.name} is listed no longer, and tasks are registered in it: the next release takes them out, and "
                "provision.yml after that removes it"
            )
            continue
        ways = further_places.ways_to(work.aws, group.load_balancer_arns, {group.arn})
        for rule in ways.rules:
            _gone(work, f"listener rule {rule.conditions}", partial(elbv2.delete_rule, work.aws, rule.arn))
        for listener in ways.listeners:
            _gone(
                work,
                f"listener {further_places.described(listener)}",
                partial(elbv2.delete_listener, work.aws, listener["ListenerArn"]),
            )
        _gone(work, f"target group {group.name}", partial(elbv2.delete_target_group, work.aws, group.arn))
    return kept
