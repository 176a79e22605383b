# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure a network load balancer. Its listeners belong to the services whose target groups they lead to."""

from __future__ import annotations

from typing import Any

from ..aws import elbv2
from ..aws.errors import Failure
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim
from ..common.resource import put_tags_right
from .application_load_balancer import (
    absent_balancer,
    active,
    answer_of,
    create,
    in_place,
    put_attributes_right,
    tag_calls,
)


def run(call: Invocation) -> dict[str, Any]:
    """Create, change or remove it; return its ARN and DNS name, null in check mode where it would be created."""
    desired, aws, changes = call.params, call.aws, Changes(call.check_mode)
    name = desired["name"]
    found = elbv2.load_balancer(aws, name)
    if desired["state"] == "absent":
        return _answer(absent_balancer(call, found, run))
    if found is None:
        made: list[dict[str, Any]] = []
        changes.want("load_balancer", None, name, lambda: made.append(create(call, "network")))
        if not made:
            return _answer(answer_of(changes, None))
        (found,) = made
    else:
        known = elbv2.tags(aws, [found["LoadBalancerArn"]])[found["LoadBalancerArn"]]
        claim(call, run, desired["tags"], [Existing("load_balancer", name, known)])
        if found["Type"] != "network":
            raise Failure(
                f"Nothing was changed: load balancer {name} is of the type {found['Type']}, which ELB cannot change. Choose another name."
            )
        in_place(call, changes, found)
    arn = found["LoadBalancerArn"]
    wanted = {
        "deletion_protection.enabled": str(desired["deletion_protection"]).lower(),
        "load_balancing.cross_zone.enabled": str(desired["cross_zone"]).lower(),
    }
    put_attributes_right(call, changes, arn, wanted)
    put_tags_right(changes, desired, tag_calls(call, arn))
    return _answer(answer_of(changes, active(call, found)))


def _answer(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "listeners"}
