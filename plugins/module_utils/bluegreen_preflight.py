# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What would make a release fail later, found before anything is changed: all of it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from .aws import cloudwatch, quotas
from .aws.errors import AwsError
from .invocation import Invocation
from .place import Place
from .rollout.begin import Order
from .rollout.history import live_colour
from .rollout.model import Fleet
from .specification import Specification

# Rights that a release does not need, and a region that has no such quota: said, and gone on.
_UNREADABLE = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NoSuchResourceException"}
Findings = Callable[[], Iterator[str]]


def preflight(call: Invocation, place: Place, spec: Specification, order: Order, fleet: Fleet) -> list[str]:
    """A sentence per finding. What the caller may not read is said, and is no finding: a release needs not that right."""
    tasks = max(order.desired_count, fleet.blue.running, fleet.green.running)
    checks: list[Findings] = [
        partial(_alarms, call, order),
        partial(_addresses, call, spec, tasks),
        partial(_quota, call, spec, tasks),
        partial(_fleet, place, fleet),
    ]
    found: list[str] = []
    for check in checks:
        try:
            found += check()
        except AwsError as failed:
            if failed.code not in _UNREADABLE:
                raise
            call.progress.line(f"not looked at before the release: {failed}")
    return found


def _alarms(call: Invocation, order: Order) -> Iterator[str]:
    states = cloudwatch.alarm_states(call.aws, order.gates.alarms) if order.gates.alarms else {}
    for name in order.gates.alarms:
        if name not in states:
            yield f"alarm {name} of the gates does not exist: it could never pass"
        elif states[name] == "ALARM":
            yield f"alarm {name} of the gates is firing already: the release would be returned at once"


def _addresses(call: Invocation, spec: Specification, tasks: int) -> Iterator[str]:
    """Each task takes an address; for a while there are twice as many tasks."""
    free = quotas.free_addresses(call.aws, list(spec.params["subnets"]))
    if sum(free.values()) < tasks:
        told = ", ".join(f"{subnet} {count}" for subnet, count in sorted(free.items()))
        yield f"{tasks} more tasks need as many addresses; the subnets have {sum(free.values())} left ({told})"


def _quota(call: Invocation, spec: Specification, tasks: int) -> Iterator[str]:
    if any(one["capacity_provider"] != "FARGATE" for one in spec.params["capacity_providers"]):
        # Spot has a quota of its own; what goes where is ECS's to decide.
        return
    needed = tasks * spec.params["cpu"] / 1024
    allowed, used = quotas.vcpus_allowed(call.aws), quotas.vcpus_used(call.aws)
    if used + needed > allowed:
        yield (
            f"{tasks} more tasks need {needed:g} vCPUs; the account uses {used:g} of its {allowed:g} on Fargate. "
            "Ask for more in Service Quotas (Fargate On-Demand vCPU resource count)"
        )


def _fleet(place: Place, fleet: Fleet) -> Iterator[str]:
    live = live_colour(fleet, [])
    if live is None or fleet.weights.of(live) != 100:
        return
    side = fleet.side(live)
    if not side.steady and side.desired:
        yield (
            f"{place.ecs_services[live]}, which is live, is in the middle of a deployment ({side}): somebody else is releasing, "
            "or the last release is not over"
        )
