# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules of a service that forward to its target groups alone, and their removal together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..aws import ecs, elbv2
from ..aws.elbv2_states import Rule, TargetGroup
from ..aws.errors import Failure
from ..aws.naming import COLOURS, TAG_CLUSTER, EnvironmentNames, ServiceNames
from ..aws.session import Aws
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.removal import SECONDS, delete


def rules_to(aws: Aws, listeners: Sequence[str], target_groups: set[str]) -> list[Rule]:
    """Rules of these listeners that forward to these target groups alone."""
    found = [rule for listener in listeners for rule in elbv2.rules(aws, listener)] if target_groups else []
    return [rule for rule in found if rule.weights and set(rule.weights) <= target_groups]


def remove(call: Invocation, groups: Mapping[str, TargetGroup], tags: Mapping[str, Mapping[str, str]]) -> Changes:
    """Remove the rules first: AWS refuses to delete a target group that a rule refers to."""
    _refuse_running(call, tags)
    changes, aws = Changes(call.check_mode), call.aws
    balancers = sorted({arn for group in groups.values() for arn in group.load_balancer_arns})
    listeners = [listener["ListenerArn"] for arn in balancers for listener in elbv2.listeners(aws, arn)]
    for rule in rules_to(aws, listeners, {group.arn for group in groups.values()}):
        what = f"listener rule {rule.conditions}"
        request = partial(elbv2.delete_rule, aws, rule.arn)
        changes.want(what, "present", "absent", partial(delete, call, what, SECONDS, request))
    for name, group in groups.items():
        what = f"target group {name}"
        request = partial(elbv2.delete_target_group, aws, group.arn)
        changes.want(what, "present", "absent", partial(delete, call, what, SECONDS, request))
    return changes


def _refuse_running(call: Invocation, tags: Mapping[str, Mapping[str, Any]]) -> None:
    """Without its rules and target groups an ECS service has no traffic, and cannot start a task any more."""
    names = ServiceNames(call.params["environment"], call.params["service"])
    others = next((known[TAG_CLUSTER] for known in tags.values() if known.get(TAG_CLUSTER)), "")
    cluster = others or EnvironmentNames(names.environment).cluster
    running = sorted(ecs.services(call.aws, cluster, [names.ecs_service(colour) for colour in COLOURS]))
    if running:
        raise Failure(
            f"Nothing was removed: the ECS services {', '.join(running)} in cluster {cluster} use the target groups. "
            f"playbooks/destroy.yml -l {names.service} -e confirm={names.service} removes the whole service in order."
        )
