# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure both colours' target groups and the two rules of a service; never write a weight twice."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ..aws import elbv2
from ..aws.elbv2_states import HealthCheck, Rule, TargetGroup
from ..aws.errors import Failure
from ..aws.naming import COLOURS, TAG_CLUSTER, TAG_LISTENER, TAG_LOG_GROUP, TAG_LOGIN_SECRET, TAG_RULE, ServiceNames
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim
from . import listener_protocol, routing_removal, rule_writer
from .routing import PRODUCTION, TEST, DesiredRules, find_rule, test_value
from .rule_conditions import desired_rules
from .rule_names import with_names
from .rule_priorities import conflicts

_LOCATION = {TAG_CLUSTER: "cluster", TAG_LISTENER: "listener_arn", TAG_LOG_GROUP: "log_group"}
# Tags that say what a resource is, and are no option.
_KEPT_TAGS = (*_LOCATION, TAG_RULE, TAG_LOGIN_SECRET)
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
    # Before the first write: without the rule a target group is useless.
    known = {name: group.arn for name, group in found.items()}
    there = with_names(call.aws, elbv2.rules(call.aws, listener), *_arns(names, known)) if listener else []
    _refuse_conflicts(call, there, desired_rules(call.params, _arns(names, known), there))
    _refuse_without_https(call, listener)
    groups = {
        colour: _target_group(call, changes, names.target_group(colour), found.get(names.target_group(colour)))
        for colour in COLOURS
    }
    arns = _arns(names, {group.name: group.arn for group in groups.values()})
    # ELB refuses stickiness of a target group behind a rule that has none.
    _stickiness(call, changes, groups.values(), False)
    rules = rule_writer.write(
        call, changes, there, lambda rules: _with_test_value(call, desired_rules(call.params, arns, rules), rules)
    )
    _stickiness(call, changes, groups.values(), True)
    desired = desired_rules(call.params, arns, [rule for rule in rules.values() if rule])
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
        "rules": {kind: rule.arn if rule else None for kind, rule in rules.items() if kind in (PRODUCTION, TEST)},
        "further_rules": {
            kind: rule.arn if rule else None for kind, rule in rules.items() if kind not in (PRODUCTION, TEST)
        },
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


def _arns(names: ServiceNames, known: Mapping[str, str]) -> tuple[str, str]:
    blue, green = (names.target_group(colour) for colour in COLOURS)
    return known.get(blue, _NOT_YET.format(name=blue)), known.get(green, _NOT_YET.format(name=green))


def _refuse_without_https(call: Invocation, listener: str | None) -> None:
    params = call.params
    found = (
        listener_protocol.findings(call.aws, listener, params["login"], params["protocol_version"]) if listener else ()
    )
    if refused := [*found]:
        raise Failure(f"{'; '.join(refused)}.", findings=refused)


def _with_test_value(call: Invocation, desired: DesiredRules, there: Sequence[Rule]) -> DesiredRules:
    current = find_rule(there, TEST, desired.blue, desired.green)
    value = test_value(current, call.params["test_secret"], lambda: secrets.token_hex(_SECRET_BYTES))
    return replace(desired, test_value=value)


def _refuse_conflicts(call: Invocation, rules: Sequence[Rule], desired: DesiredRules) -> None:
    taken = conflicts(rules, desired)
    if taken:
        raise Failure(f"Service {call.params['service']}: {'; '.join(taken)}.", conflicts=taken)


def _target_group(call: Invocation, changes: Changes, name: str, found: TargetGroup | None) -> TargetGroup:
    check = _health_check(call.params)
    desired = TargetGroup(
        name, call.params["vpc_id"] or "", call.params["port"], protocol_version=call.params["protocol_version"]
    )
    if found is None:
        changes.want(f"target group {name}", None, f"health check {check}", lambda: None)
        if call.check_mode:
            found = replace(desired, arn=_NOT_YET.format(name=name), health_check=check)
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
    }
    _attributes(call, changes, f"attributes of {name}", found, attributes)
    return found


def _attributes(
    call: Invocation, changes: Changes, what: str, group: TargetGroup, attributes: Mapping[str, Any]
) -> None:
    current = elbv2.target_group_attributes(call.aws, group.arn)
    differ = {key: value for key, value in attributes.items() if current.get(key) != value}
    changes.want(
        what,
        {key: current.get(key) for key in differ},
        differ,
        lambda: elbv2.set_target_group_attributes(call.aws, group.arn, differ),
    )


def _stickiness(call: Invocation, changes: Changes, groups: Iterable[TargetGroup], on: bool) -> None:
    """How long a client stays with a task. On after the rules, off before them. Left as it is where the option is omitted."""
    sticky = call.params["stickiness"]
    if sticky is None or bool(sticky["seconds"]) is not on:
        return
    more = {"stickiness_type": "lb_cookie", "stickiness_seconds": sticky["seconds"]} if on else {}
    for group in groups:
        if group.arn.startswith("arn:"):
            _attributes(call, changes, f"stickiness of {group.name}", group, {"stickiness": on, **more})


def _refuse_what_cannot_change(desired: TargetGroup, found: TargetGroup) -> None:
    for what in ("vpc_id", "protocol", "protocol_version", "target_type"):
        current, expected = getattr(found, what), getattr(desired, what)
        if expected and current != expected:
            raise Failure(
                f"Target group {desired.name} has {what} {current!r}; the inventory says {expected!r}, which AWS cannot change. Remove the "
                "service with its target groups first, or give the service another name."
            )


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
        surplus = [key for key in sorted(keys) if key not in _KEPT_TAGS and not key.startswith("aws:")]
        if surplus:
            remove = partial(elbv2.remove_tags, call.aws, [arn], surplus)
            changes.want(f"unlisted tags of {arn.partition('/')[2]}", surplus, [], remove)


def _health_check(params: Mapping[str, Any]) -> HealthCheck:
    given, grpc = params["health_check"], params["protocol_version"] == "GRPC"
    defaults = {"port": given["port"] or "traffic-port", "matcher": given["matcher"] or ("0" if grpc else "200")}
    return HealthCheck(**{**given, **{key: str(value) for key, value in defaults.items()}}, grpc=grpc)


def _as_dict(check: HealthCheck | None) -> dict[str, Any]:
    return {key: value for key, value in vars(check).items() if key != "grpc"} if check else {}
