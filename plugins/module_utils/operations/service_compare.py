# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare a service of this environment with that of another one, as both run now. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..aws import autoscaling, ecs
from ..aws.errors import Failure
from ..aws.session import Aws
from ..common.invocation import Invocation
from ..common.text import harmless
from ..release.ledger import DynamoLedger
from ..release.ports import PortError
from ..rollout.history import good_releases
from ..service.location import locate_in_environment, weights_of
from .compared import ComparedService, differences, same_count, table


def run(call: Invocation) -> dict[str, Any]:
    """Return the differences, and how much is the same."""
    params, other = call.params, call.params["other"]
    # The name of a cluster is its environment's own.
    theirs = {**params, "cluster": None, **{key: value for key, value in other.items() if value is not None}}
    if all(params.get(key) == theirs.get(key) for key in ("environment", "service", "region", "profile")):
        raise Failure(f"other is {params['environment']} too: name another environment.")
    here = read(call.aws, params)
    # Without a profile of its own the other environment is read with the same credentials.
    there = read(Aws(theirs) if other["region"] or other["profile"] else call.aws, theirs)
    found = differences(here, there)
    count = same_count(here, there, found)
    headline = (
        f"{here.service}: {len(found)} differences between {here.environment} and {there.environment}, {count} values are the same"
        if found
        else f"{here.service}: no difference between {here.environment} and {there.environment} ({count} values compared)"
    )
    answer: dict[str, Any] = harmless(
        {
            "changed": False,
            "differences": [asdict(difference) for difference in found],
            "same": count,
            "headline": headline,
            "table": table(here, there, found) if found else [],
        }
    )
    return answer


def read(aws: Aws, params: Mapping[str, Any]) -> ComparedService:
    """A service as it runs; its live colour where traffic is shared."""
    location = locate_in_environment(aws, params)
    weights = weights_of(location.production, location)
    name = location.ecs_services[max(location.colours, key=weights.of)]
    state = ecs.services(aws, location.cluster, [name]).get(name)
    if state is None:
        raise Failure(
            f"Service {location.service} has no release in {location.environment} yet: there is nothing to compare with."
        )
    try:
        good = good_releases(DynamoLedger(aws, location.ledger, location.service).history().releases)
    except PortError as failed:
        raise Failure(str(failed)) from failed
    return ComparedService(
        location.environment,
        location.service,
        aws.region,
        state.arn.split(":")[4],
        state,
        ecs.task_definition(aws, state.task_definition) or {},
        good[-1] if good else None,
        autoscaling.scalable_targets(aws, location.cluster, [name]).get(name),
    )
