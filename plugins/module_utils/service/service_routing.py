# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure both colours' target groups and the two rules of a service; never write a weight twice."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ..aws import elbv2
from ..aws.elbv2_states import Conditions, HealthCheck, Rule, TargetGroup
from ..aws.errors import Failure
from ..aws.naming import COLOURS, TAG_CLUSTER, TAG_LISTENER, TAG_LOG_GROUP, ServiceNames
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim
from . import routing_removal
from .routing import PRODUCTION, TEST, DesiredRules, RuleChange, conflicts, find_rule, plan, test_value

_LOCATION = {TAG_CLUSTER: "cluster", TAG_LISTENER: "listener_arn", TAG_LOG_GROUP: "log_group"}
_SECRET_BYTES = 16
# In check mode a target group that would be created has no ARN yet.
_NOT_YET = "(to be created: {name})"


def run(call: Invocation) -> dict[str, Any]:
    """Return the ARNs of target groups and rules by colour and kind, and the weights of the production rule."""
    changes = Changes(call.check_mode)
    absent = call.params["state"] == "absent"
    if not absent:
        _refuse_missing(call)
    names = ServiceNames(call.params["environment"], call.params["service"])
    found = elbv2.target_groups(call.aws, [names.target_group(colour) for colour in COLOURS])
    tags = elbv2.tags(call.aws, [group.arn for group in found.values()]) if found else {}
    claim(
        call,
        run,
        call.params["tags"],
        [Existing("target_group", name, tags[group.arn]) for name, group in found.items()],
    )
    if absent:
        changes = routing_removal.remove(call, found, tags)
        return _answer(changes, {colour: found.get(names.target_group(colour)) for colour in COLOURS}, {}, {})
    listener = call.params["listener_arn"]
    there = elbv2.rules(call.aws, listener) if listener else []
    # Before the first write: without the rule a target group is useless.
    _refuse_conflicts(call, there, _desired(call, {name: group.arn for name, group in found.items()}, names))
    groups = {
        colour: _target_group(call, changes, names.target_group(colour), found.get(names.target_group(colour)))
        for colour in COLOURS
    }
    desired = _with_test_value(call, _desired(call, {group.name: group.arn for group in groups.values()}, names), there)
    rules = _rules(call, changes, there, desired)
    _tags(call, changes, [group.arn for group in groups.values()] + [rule.arn for rule in rules.values() if rule])
    _location(call, changes, [group.arn for group in groups.values()])
    production = rules[PRODUCTION]
    weights = production.weights if production else desired.first_weights(PRODUCTION)
    return _answer(changes, groups, rules, weights)


def _answer(
    changes: Changes,
    groups: Mapping[str, TargetGroup | None],
    rules: Mapping[str, Rule | None],
    weights: Mapping[str, int],
) -> dict[str, Any]:
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "target_groups": {colour: group.arn if group else None for colour, group in groups.items()},
        "rules": {kind: rule.arn if rule else None for kind, rule in rules.items()},
        "weights": {colour: weights.get(group.arn, 0) for colour, group in groups.items() if group},
    }


def _refuse_missing(call: Invocation) -> None:
    """On an environment that does not exist yet, check mode still predicts what would be made."""
    missing = [option for option in ("vpc_id", "listener_arn") if not call.params[option]]
    if missing and not call.check_mode:
        raise Failure(
            f"{' and '.join(missing)} must not be empty: the environment {call.params['environment']} has no network or no "
            "https listener yet. Run playbooks/provision.yml for it first."
        )


def _desired(call: Invocation, arns: Mapping[str, str], names: ServiceNames) -> DesiredRules:
    blue, green = (names.target_group(colour) for colour in COLOURS)
    return DesiredRules(
        Conditions.of(call.params["hosts"], call.params["paths"]),
        call.params["priority"],
        blue=arns.get(blue, _NOT_YET.format(name=blue)),
        green=arns.get(green, _NOT_YET.format(name=green)),
    )


def _with_test_value(call: Invocation, desired: DesiredRules, there: Sequence[Rule]) -> DesiredRules:
    current = find_rule(there, TEST, desired.blue, desired.green)
    value = test_value(current, call.params["test_secret"], lambda: secrets.token_hex(_SECRET_BYTES))
    return replace(desired, test_value=value)


def _refuse_conflicts(call: Invocation, rules: Sequence[Rule], desired: DesiredRules) -> None:
    taken = conflicts(rules, desired)
    if taken:
        raise Failure(
            f"Service {call.params['service']}: {'; '.join(taken)}. Set service_priority to a free one.",
            conflicts=taken,
        )


def _target_group(call: Invocation, changes: Changes, name: str, found: TargetGroup | None) -> TargetGroup:
    check = _health_check(call.params)
    desired = TargetGroup(
        name, call.params["vpc_id"] or "", call.params["port"], protocol_version=call.params["protocol_version"]
    )
    if found is None:
        changes.want(f"target group {name}", None, f"health check {check}", lambda: None)
        if call.check_mode:
            found = TargetGroup(name, desired.vpc_id, desired.port, arn=_NOT_YET.format(name=name), health_check=check)
        else:
            found = elbv2.create_target_group(call.aws, name, desired, check, call.params["tags"])
            call.progress.line(f"target group {name} created")
    _refuse_what_cannot_change(desired, found)
    changes.want(
        f"health check of {name}",
        _as_dict(found.health_check),
        _as_dict(check),
        lambda: elbv2.set_health_check(call.aws, found.arn, check),
    )
    if not found.arn.startswith("arn:"):
        return found
    attributes = {
        "deregistration_delay_seconds": call.params["deregistration_delay_seconds"],
        "slow_start_seconds": call.params["slow_start_seconds"],
        "algorithm": call.params["algorithm"],
        # Sticky sessions would keep users on the old colour during a shift.
        "stickiness": False,
    }
    current = elbv2.target_group_attributes(call.aws, found.arn)
    differ = {key: value for key, value in attributes.items() if current.get(key, value) != value}
    changes.want(
        f"attributes of {name}",
        {key: current.get(key) for key in differ},
        differ,
        lambda: elbv2.set_target_group_attributes(call.aws, found.arn, differ),
    )
    return found


def _refuse_what_cannot_change(desired: TargetGroup, found: TargetGroup) -> None:
    for what in ("vpc_id", "protocol", "protocol_version", "target_type"):
        current, expected = getattr(found, what), getattr(desired, what)
        if expected and current != expected:
            raise Failure(
                f"Target group {desired.name} has {what} {current!r}; the inventory says {expected!r}, which AWS cannot change. Remove the "
                "service with its target groups first, or give the service another name."
            )


def _rules(call: Invocation, changes: Changes, found: Sequence[Rule], desired: DesiredRules) -> dict[str, Rule | None]:
    planned = plan(found, desired)
    moved = {change.rule.arn: desired.priority_of(change.kind) for change in planned if change.rule and change.priority}
    if moved:
        before = {change.rule.arn: change.rule.priority for change in planned if change.rule and change.priority}
        changes.want("rule priorities", before, moved, partial(elbv2.set_priorities, call.aws, moved))
    return {change.kind: _rule(call, changes, desired, change) for change in planned}


def _rule(call: Invocation, changes: Changes, desired: DesiredRules, change: RuleChange) -> Rule | None:
    conditions, priority = desired.conditions_of(change.kind), desired.priority_of(change.kind)
    if change.rule is None:
        first = desired.first_weights(change.kind)
        changes.want(f"{change.kind} rule", None, f"priority {priority}: {conditions} → {_shares(first)}", lambda: None)
        if call.check_mode:
            return None
        call.progress.line(f"{change.kind} rule created with priority {priority}: {conditions}")
        return elbv2.create_rule(
            call.aws, call.params["listener_arn"], priority, conditions, first, call.params["tags"]
        )
    rule = change.rule
    if change.conditions:
        changes.want(
            f"conditions of the {change.kind} rule",
            str(rule.conditions),
            str(conditions),
            lambda: elbv2.set_conditions(call.aws, rule.arn, conditions),
        )
    if change.weights is not None:
        joined = change.weights
        changes.want(
            f"target groups of the {change.kind} rule",
            _shares(rule.weights),
            _shares(joined),
            lambda: elbv2.set_weights(call.aws, rule, joined),
        )
    return rule


def _location(call: Invocation, changes: Changes, groups: Sequence[str]) -> None:
    """What of others the service uses. An empty value says that it is ours again."""
    existing = call.params["existing"] or {}
    known = [arn for arn in groups if arn.startswith("arn:")]
    current = elbv2.tags(call.aws, known) if known else {}
    for arn, tags in current.items():
        desired = {tag: existing.get(key) or "" for tag, key in _LOCATION.items() if existing.get(key) or tags.get(tag)}
        changes.want(
            f"location of {arn.split('/')[1]}",
            {tag: tags.get(tag) for tag in desired},
            desired,
            partial(elbv2.add_tags, call.aws, [arn], desired),
        )


def _tags(call: Invocation, changes: Changes, arns: Sequence[str]) -> None:
    known = [arn for arn in arns if arn.startswith("arn:")]
    desired, purge = call.params["tags"], call.params["purge_tags"]
    current = elbv2.tags(call.aws, known) if (desired or purge) and known else {}
    differ = [arn for arn, tags in current.items() if any(tags.get(key) != value for key, value in desired.items())]
    before = {arn: {key: current[arn].get(key) for key in desired} for arn in differ}
    changes.want("tags", before, dict.fromkeys(differ, desired), lambda: elbv2.add_tags(call.aws, differ, desired))
    if purge:
        _purge(call, changes, {arn: [key for key in tags if key not in desired] for arn, tags in current.items()})


def _purge(call: Invocation, changes: Changes, unlisted: Mapping[str, Sequence[str]]) -> None:
    """Remove tags that are not listed, but for AWS's own and those that say where the service runs."""
    for arn, keys in unlisted.items():
        surplus = [key for key in sorted(keys) if key not in _LOCATION and not key.startswith("aws:")]
        if surplus:
            remove = partial(elbv2.remove_tags, call.aws, [arn], surplus)
            changes.want(f"unlisted tags of {arn.partition('/')[2]}", surplus, [], remove)


def _health_check(params: Mapping[str, Any]) -> HealthCheck:
    options = {**params["health_check"], "port": str(params["health_check"]["port"] or "traffic-port")}
    return HealthCheck(**options, grpc=params["protocol_version"] == "GRPC")


def _as_dict(check: HealthCheck | None) -> dict[str, Any]:
    return {key: value for key, value in vars(check).items() if key != "grpc"} if check else {}


def _shares(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{arn.split('/')[1] if '/' in arn else arn} {weight}" for arn, weight in weights.items())
