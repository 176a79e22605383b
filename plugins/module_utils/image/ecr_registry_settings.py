# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replication of repositories to other regions, and pull-through caches. Rules that others own are preserved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..aws import ecr
from ..aws.errors import Failure
from ..common.changes import Changes
from ..common.invocation import Invocation

# Quotas of a registry.
_RULES = 10
_DESTINATIONS = 25


def run(call: Invocation) -> dict[str, Any]:
    """Ensure one rule of replication and some caches."""
    changes = Changes(call.check_mode)
    _replication(call, changes)
    desired = {cache["prefix"]: cache for cache in call.params["pull_through_caches"]}
    there = ecr.pull_through_caches(call.aws, list(desired)) if desired else {}
    moved = [
        f"{prefix} is a cache of {there[prefix]['upstreamRegistryUrl']}"
        for prefix in sorted(set(desired) & set(there))
        if there[prefix]["upstreamRegistryUrl"] != desired[prefix]["upstream"]
    ]
    if moved:
        raise Failure(
            f"ECR cannot change what a pull-through cache is of, and {'; '.join(moved)}. Take another prefix, or delete that rule first."
        )
    for prefix, cache in desired.items():
        upstream, secret = cache["upstream"], cache["credential_arn"]
        if prefix not in there:
            create = partial(ecr.create_pull_through_cache, call.aws, prefix, upstream, secret)
            changes.want(f"pull-through cache {prefix}", None, upstream, create)
        elif secret:
            changes.want(
                f"credentials of pull-through cache {prefix}",
                there[prefix].get("credentialArn"),
                secret,
                partial(ecr.set_pull_through_credential, call.aws, prefix, secret),
            )
    return {"changed": bool(changes.after), "diff": {"before": changes.before, "after": changes.after}}


def _replication(call: Invocation, changes: Changes) -> None:
    prefix, regions = call.params["repository_prefix"], call.params["replication_regions"]
    if regions is None:
        return
    registry, rules = ecr.registry(call.aws)
    here = sorted(set(regions) & {call.aws.region})
    # Copies for another account are others': the inventory has no word for them.
    kept = [dict(destination) for destination in _destinations(rules, prefix) if destination["registryId"] != registry]
    merged = with_rule(rules, prefix, [*({"region": region, "registryId": registry} for region in regions), *kept])
    destinations = {
        (destination["region"], destination["registryId"]) for rule in merged for destination in rule["destinations"]
    }
    if here or len(merged) > _RULES or len(destinations) > _DESTINATIONS:
        why = (
            f"{here[0]} is where the repository is"
            if here
            else f"a registry has {_RULES} rules to {_DESTINATIONS} places at most"
        )
        raise Failure(f"Repositories {prefix}* cannot be copied to {', '.join(regions)}: {why}. Nothing was changed.")
    changes.want(
        f"replication of {prefix}*",
        sorted(place["region"] for place in _destinations(rules, prefix) if place["registryId"] == registry),
        sorted(regions),
        partial(ecr.set_replication, call.aws, merged),
    )


def with_rule(
    rules: Sequence[Mapping[str, Any]], prefix: str, destinations: Sequence[Mapping[str, str]]
) -> list[dict[str, Any]]:
    """The registry's rules with ours among them, or without it where it has nowhere to copy to."""
    others = [dict(rule) for rule in rules if not _is_ours(rule, prefix)]
    if not destinations:
        return others
    ours = {
        "destinations": [dict(destination) for destination in destinations],
        "repositoryFilters": [{"filter": prefix, "filterType": "PREFIX_MATCH"}],
    }
    return [*others, ours]


def _is_ours(rule: Mapping[str, Any], prefix: str) -> bool:
    return [repository_filter["filter"] for repository_filter in rule.get("repositoryFilters", [])] == [prefix]


def _destinations(rules: Sequence[Mapping[str, Any]], prefix: str) -> list[Mapping[str, str]]:
    return [destination for rule in rules if _is_ours(rule, prefix) for destination in rule["destinations"]]
