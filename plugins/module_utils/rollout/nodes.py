# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A changed listener rule reaches the load balancer's nodes one after the other: what waits until all have it."""

from __future__ import annotations

from .actions import Decision, Wait
from .model import Fleet, Release

# ELB answers ModifyRule before every node has the rule, and states no time for it: seconds, as far as is known.
NODES_SECONDS = 15.0
# Of a network load balancer it takes longer: ECS waits ten minutes after each change of weights.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/nlb-resources-for-blue-green.html
CONNECTIONS_NODES_SECONDS = 600.0
# Meanwhile the lease is renewed, and a person or a signal is heard.
_LOOK_SECONDS = 15.0


def in_force_at(fleet: Fleet, changed_at: float) -> float:
    """When every node has a rule, or a listener, that was changed at that time."""
    return changed_at + (CONNECTIONS_NODES_SECONDS if fleet.of_connections else NODES_SECONDS)


def await_nodes(release: Release, fleet: Fleet, changed_at: float, now: float, then: str) -> Decision | None:
    """The wait until every node has a rule as it was changed last; None once they have it."""
    left = in_force_at(fleet, changed_at) - now
    if left <= 0:
        return None
    said = f"{then} in {left:.0f} s, when every node of the load balancer has the changed {fleet.routing}"
    return Decision(Wait(min(_LOOK_SECONDS, left)), said, release)
