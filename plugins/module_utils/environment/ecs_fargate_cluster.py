# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure an ECS cluster: Container Insights, capacity providers, default strategy, tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..aws import ecs
from ..aws.tags import tags_of
from ..common.changes import Changes
from ..common.eventual import ECS_ROLE, once_ready
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim
from ..common.resource import TagCalls, put_tags_right, remove

PROVIDERS = ["FARGATE", "FARGATE_SPOT"]


def run(call: Invocation) -> dict[str, Any]:
    """Create, change or remove the cluster; return its ARN, null in check mode where it would be created."""
    desired, aws, changes = call.params, call.aws, Changes(call.check_mode)
    name, insights, tags = desired["name"], desired["container_insights"], dict(desired["tags"])
    strategy = _strategy(desired["capacity_provider_strategy"])
    found = ecs.cluster(aws, name)
    known = tags_of(found or {})
    claim(call, run, tags, [Existing("cluster", name, known)] if found else [])
    if desired["state"] == "absent":
        remove(changes, "cluster", found is not None, partial(ecs.delete_cluster, aws, name))
        return _answer(changes, found)
    if found is None:
        create = partial(ecs.create_cluster, aws, name, insights, PROVIDERS, strategy, tags)
        changes.want("cluster", None, name, lambda: once_ready(call, ECS_ROLE, create))
        found = None if call.check_mode else ecs.cluster(aws, name)
        return _answer(changes, found)
    settings = {setting["name"]: setting["value"] for setting in found.get("settings", [])}
    changes.want(
        "container_insights",
        settings.get("containerInsights", "disabled"),
        insights,
        partial(ecs.set_insights, aws, name, insights),
    )
    there = found.get("capacityProviders", [])
    # The call replaces them all. Those of others, with instances of their own, stay.
    providers = [*PROVIDERS, *(provider for provider in there if provider not in PROVIDERS)]
    changes.want(
        "capacity",
        _capacity(there, found.get("defaultCapacityProviderStrategy", [])),
        _capacity(providers, strategy),
        partial(ecs.set_capacity, aws, name, providers, strategy),
    )
    arn = found["clusterArn"]
    put_tags_right(changes, desired, TagCalls(lambda: known, partial(ecs.tag, aws, arn), partial(ecs.untag, aws, arn)))
    return _answer(changes, found)


def _strategy(desired: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"capacityProvider": item["capacity_provider"], "weight": item["weight"], "base": item["base"]}
        for item in desired
    ]


def _capacity(providers: Sequence[str], strategy: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Normalised: sorted, and with the defaults that ECS omits."""
    normal = [
        {"capacityProvider": item["capacityProvider"], "weight": item.get("weight", 0), "base": item.get("base", 0)}
        for item in strategy
    ]
    return {"providers": sorted(providers), "strategy": sorted(normal, key=lambda item: item["capacityProvider"])}


def _answer(changes: Changes, found: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "cluster_arn": found["clusterArn"] if found else None,
    }
