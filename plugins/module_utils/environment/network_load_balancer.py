# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure a network load balancer. Its listeners belong to the services whose target groups they lead to."""

from __future__ import annotations

from typing import Any

from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.resource import put_tags_right
from .load_balancers import NETWORK, absent, active, answer_of, ensured, put_attributes_right, tag_calls


def run(call: Invocation) -> dict[str, Any]:
    """Create, change or remove it; return its ARN and DNS name, null in check mode where it would be created."""
    desired, changes = call.params, Changes(call.check_mode)
    if desired["state"] == "absent":
        return absent(call, run)
    found = ensured(call, run, changes, NETWORK)
    if found is None:
        return answer_of(changes, None)
    arn = found["LoadBalancerArn"]
    wanted = {
        "deletion_protection.enabled": str(desired["deletion_protection"]).lower(),
        "load_balancing.cross_zone.enabled": str(desired["cross_zone"]).lower(),
    }
    put_attributes_right(call, changes, arn, wanted)
    put_tags_right(changes, desired, tag_calls(call, arn))
    return answer_of(changes, active(call, found))
