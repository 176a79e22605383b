# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure both colours' target groups of a service of the kind network, and its listeners; never write a weight twice."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..aws import elbv2, rule_actions
from ..aws.elbv2_states import TargetGroup
from ..aws.errors import Failure
from ..aws.naming import (
    COLOURS,
    TAG_CLUSTER,
    TAG_ENVIRONMENT,
    TAG_LISTENER,
    TAG_LOG_GROUP,
    TAG_SERVICE,
    TAG_TARGET_GROUP,
    TAG_TEST_LISTENER,
    ServiceNames,
)
from ..aws.session import Aws
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim
from ..common.removal import SECONDS, delete
from . import further_places
from .further_places import Place
from .network_listener import OPTION, PRODUCTION, TEST, filled, ports
from .service_further_target_groups import (
    Work,
    ensure_tags,
    ensure_target_group,
    listener_settings,
    missing_place,
    refuse_what_cannot_change,
    settings_now,
)

# Blue is live first, so green is the candidate.
_FIRST_WEIGHTS = {PRODUCTION: (100, 0), TEST: (0, 100)}


class _Colours(Work):
    """The target groups of the two colours, which have names of their own."""

    @property
    def instead(self) -> str:
        return "remove the service first, or give it another name"

    def full_name(self, name: str) -> str:
        return self.names.target_group(name)

    def option(self, name: str) -> str:
        return OPTION

    def tags_of(self, name: str) -> dict[str, str]:
        return {
            **self.call.params["tags"],
            TAG_ENVIRONMENT: self.names.environment,
            TAG_SERVICE: self.names.service,
        }

    def listener_tags(self, kind: str) -> dict[str, str]:
        return {**self.tags_of(kind), TAG_TARGET_GROUP: kind}


def run(call: Invocation) -> dict[str, Any]:
    """Return the ARNs of target groups and listeners, and the weights of the production listener."""
    names = ServiceNames(call.params["environment"], call.params["service"])
    work = _Colours(call, names, Changes(call.check_mode))
    options = filled(call.params["network_listener"], call.params["port"])
    options["deregistration_delay_seconds"] = call.params["deregistration_delay_seconds"]
    _read(work)
    place = further_places.find(call.aws, names.environment, options)
    ours = of_service(call.aws, names, place)
    # Before the first write: a target group that nothing leads to is useless.
    _refuse(work, options, place, ours)
    for colour in COLOURS:
        work.groups[colour] = ensure_target_group(work, {**options, "name": colour})
    listeners = {
        kind: _listener(work, options, place, kind, ours.get(kind), port) for kind, port in ports(options).items()
    }
    _location(work, listeners)
    if TEST in ours and TEST not in listeners:
        what = f"listener {further_places.described(ours[TEST])}"
        gone = partial(elbv2.delete_listener, call.aws, ours[TEST]["ListenerArn"])
        work.changes.want(what, "present", "absent", partial(delete, call, what, SECONDS, gone))
    weights = rule_actions.weights(ours[PRODUCTION]["DefaultActions"]) if PRODUCTION in ours else {}
    first = dict(zip(COLOURS, _FIRST_WEIGHTS[PRODUCTION], strict=True))
    return {
        "changed": bool(work.changes.after),
        "diff": {"before": work.changes.before, "after": work.changes.after},
        "target_groups": {colour: work.groups[colour].arn for colour in COLOURS},
        "listener_arn": listeners[PRODUCTION] or None,
        "test_listener_arn": listeners.get(TEST) or None,
        "weights": {
            colour: weights.get(work.groups[colour].arn, 0) if weights else first[colour] for colour in COLOURS
        },
    }


def _read(work: _Colours) -> None:
    found = elbv2.target_groups(work.aws, [work.full_name(colour) for colour in COLOURS])
    tags = elbv2.tags(work.aws, [group.arn for group in found.values()]) if found else {}
    existing = [Existing("target_group", name, tags[group.arn]) for name, group in found.items()]
    claim(work.call, run, {TAG_ENVIRONMENT: work.names.environment}, existing)
    for colour in COLOURS:
        group = found.get(work.full_name(colour))
        if group:
            work.groups[colour], work.tags[colour] = group, tags[group.arn]


def of_service(aws: Aws, names: ServiceNames, place: Place) -> dict[str, Mapping[str, Any]]:
    """The listeners of the service at this load balancer, by their kind."""
    tags = elbv2.tags(aws, [found["ListenerArn"] for found in place.listeners]) if place.listeners else {}
    return {
        kind: listener
        for kind in (PRODUCTION, TEST)
        for listener in place.listeners
        if further_places.is_ours(tags[listener["ListenerArn"]], names.environment, names.service, kind)
    }


def _refuse(work: _Colours, options: Mapping[str, Any], place: Place, ours: Mapping[str, Mapping[str, Any]]) -> None:
    missing = missing_place(options, place)
    if missing and not work.call.check_mode:
        raise Failure(f"{OPTION}: {missing}. Nothing was changed.")
    for colour, group in work.groups.items():
        refuse_what_cannot_change(work, {**options, "name": colour}, group)
        elsewhere = sorted(set(group.load_balancer_arns) - {place.balancer_arn})
        if elsewhere:
            raise Failure(
                f"{OPTION}.load_balancer: target group {group.name} is behind {elsewhere[0].partition(':loadbalancer/')[2]}, and a target "
                "group has one load balancer. Nothing was changed: remove the service first, or give it another name."
            )
    for kind, port in ports(options).items():
        taken = port_taken(place, port, {listener["ListenerArn"] for listener in ours.values()})
        if taken:
            raise Failure(f"{OPTION}: {taken}. Nothing was changed.", conflicts=[taken])
        other = next((found for name, found in ours.items() if name != kind and found["Port"] == port), None)
        if other:
            raise Failure(
                f"{OPTION}: port {port} is that of the service's other listener, {further_places.described(other)}: the two cannot change "
                "places in one run. Nothing was changed."
            )
    if not work.call.params["vpc_id"] and not work.call.check_mode:
        raise Failure(
            f"vpc_id must not be empty: the environment {work.names.environment} has no network yet. Run playbooks/provision.yml "
            "for it first."
        )


def port_taken(place: Place, port: int, ours: set[str]) -> str:
    """A sentence where the port has a listener that is not the service's."""
    found = place.at(port)
    if found is None or found["ListenerArn"] in ours:
        return ""
    return (
        f"the listener {further_places.described(found)} is not this service's, and stays as it is: choose another port"
    )


def _listener(
    work: _Colours,
    options: Mapping[str, Any],
    place: Place,
    kind: str,
    found: Mapping[str, Any] | None,
    port: int,
) -> str:
    """Weights are written once, when the listener is made, and where a target group is missing, which joins with weight 0."""
    settings, arns = listener_settings(options, port), [work.groups[colour].arn for colour in COLOURS]
    what = f"{kind.partition('.')[0]} listener {settings['Protocol']} {port}"
    if found is None:
        first = dict(zip(arns, _FIRST_WEIGHTS[kind], strict=True))
        work.changes.want(
            what, None, {**settings, "weights": dict(zip(COLOURS, _FIRST_WEIGHTS[kind], strict=True))}, lambda: None
        )
        if work.call.check_mode:
            return ""
        actions = rule_actions.with_weights([], first, unless_said=None)
        made = elbv2.create_listener(
            work.aws, place.balancer_arn, {**settings, "DefaultActions": actions}, work.listener_tags(kind)
        )
        return str(made["ListenerArn"])
    arn, now = str(found["ListenerArn"]), settings_now(found)
    differ = {key: value for key, value in settings.items() if now[key] != value}
    work.changes.want(
        what, {key: now[key] for key in differ}, differ, lambda: elbv2.modify_listener(work.aws, arn, differ)
    )
    held = rule_actions.weights(found["DefaultActions"])
    if set(held) != set(arns):
        joined = {**dict.fromkeys(arns, 0), **{group: weight for group, weight in held.items() if group in arns}}
        joined = joined if any(joined.values()) else dict(zip(arns, _FIRST_WEIGHTS[kind], strict=True))
        actions = rule_actions.with_weights(found["DefaultActions"], joined, unless_said=None)
        work.changes.want(
            f"target groups of the {what}",
            sorted(held),
            sorted(joined),
            lambda: elbv2.modify_listener(work.aws, arn, {"DefaultActions": actions}),
        )
    ensure_tags(work, what, arn, elbv2.tags(work.aws, [arn])[arn], work.listener_tags(kind))
    return arn


def _location(work: _Colours, listeners: Mapping[str, str]) -> None:
    """Every playbook finds the service's listeners, and the cluster and the log group of others, by its target groups."""
    existing = work.call.params["existing"] or {}
    said = {
        TAG_LISTENER: listeners[PRODUCTION],
        TAG_TEST_LISTENER: listeners.get(TEST, ""),
        TAG_CLUSTER: existing.get("cluster") or "",
        TAG_LOG_GROUP: existing.get("log_group") or "",
    }
    for colour in COLOURS:
        group: TargetGroup = work.groups[colour]
        if group.arn.startswith("arn:"):
            known = elbv2.tags(work.aws, [group.arn])[group.arn]
            desired = {tag: value for tag, value in said.items() if value or known.get(tag)}
            ensure_tags(work, f"{group.name}: where it is", group.arn, known, desired)
