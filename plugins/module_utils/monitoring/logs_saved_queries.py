# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure a set of saved queries of Logs Insights. They carry no tags: a comment at their beginning says whose they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ..aws import logs
from ..aws.errors import Failure
from ..aws.logs import SavedQuery
from ..aws.naming import TAG_ENVIRONMENT
from ..aws.session import Aws
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim


def run(call: Invocation) -> dict[str, Any]:
    """Save the queries that are listed and differ, and delete the others below the prefix."""
    prefix, environment = call.params["prefix"], call.params["environment"]
    names = [query["name"] for query in call.params["queries"]]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Failure(f"queries has {', '.join(twice)} more than once. Nothing was changed.")
    queries = call.params["queries"] if call.params["state"] == "present" else ()
    desired = _desired(environment, prefix, queries, call.params["log_groups"])
    there, others = _there(call.aws, environment, prefix, desired)
    stale = [found for found in others if found.owner == environment or not environment]
    mark = {TAG_ENVIRONMENT: environment} if environment else {}
    claim(call, run, mark, _to_be_changed(environment, there, desired))
    changes = Changes(call.check_mode)
    for name, query in desired.items():
        known = there.get(name)
        request = SavedQuery(name, query.query, query.log_groups, known.id if known else "")
        apply = partial(logs.put_saved_query, call.aws, request)
        changes.want(name, _shown(known), _shown(query), apply)
    for query in stale:
        # Another one may stay under the same name.
        what = f"{query.name} ({query.id})" if query.name in desired else query.name
        changes.want(what, _shown(query), None, partial(logs.delete_saved_query, call.aws, query))
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "queries": list(desired),
    }


def taken(
    aws: Aws, environment: str, prefix: str, queries: Sequence[Mapping[str, str]], log_groups: Sequence[str]
) -> Iterator[Existing]:
    """The queries that exist under these names and would be changed, each with its owner."""
    desired = _desired(environment, prefix, queries, log_groups)
    yield from _to_be_changed(environment, _there(aws, environment, prefix, desired)[0], desired)


def _desired(
    environment: str, prefix: str, queries: Sequence[Mapping[str, str]], log_groups: Sequence[str]
) -> dict[str, SavedQuery]:
    named = {prefix + query["name"]: query["query"] for query in queries}
    return {name: SavedQuery(name, query, tuple(log_groups)).owned_by(environment) for name, query in named.items()}


def _there(
    aws: Aws, environment: str, prefix: str, desired: Mapping[str, SavedQuery]
) -> tuple[dict[str, SavedQuery], list[SavedQuery]]:
    """Those with a name of `desired`, by name, and the others. Of two with one name, which AWS allows, one of ours is taken."""
    there: dict[str, SavedQuery] = {}
    others: list[SavedQuery] = []
    for found in sorted(logs.saved_queries(aws, prefix), key=lambda query: query.owner != environment):
        if found.name in desired and found.name not in there:
            there[found.name] = found
        else:
            others.append(found)
    return there, others


def _to_be_changed(
    environment: str, there: Mapping[str, SavedQuery], desired: Mapping[str, SavedQuery]
) -> list[Existing]:
    """One that asks the same of the same log groups loses nothing by our line."""
    return [
        Existing("saved_query", name, {TAG_ENVIRONMENT: found.owner} if found.owner else {}, mark="first line")
        for name, found in there.items()
        if _shown(found.owned_by(environment)) != _shown(desired[name])
    ]


def _shown(query: SavedQuery | None) -> dict[str, Any] | None:
    return {"query": query.query, "log_groups": sorted(query.log_groups)} if query else None
