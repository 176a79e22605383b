# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure a set of saved queries of Logs Insights. They carry no tags: a comment at their beginning says whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..aws import logs
from ..aws.errors import Failure
from ..aws.logs import SavedQuery
from ..aws.naming import TAG_ENVIRONMENT
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim


def run(call: Invocation) -> dict[str, Any]:
    """Save the queries that are listed and differ, and delete the others below the prefix."""
    prefix, groups, environment = call.params["prefix"], tuple(call.params["log_groups"]), call.params["environment"]
    names = [query["name"] for query in call.params["queries"]]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Failure(f"queries has {', '.join(twice)} more than once. Nothing was changed.")
    present = call.params["state"] == "present"
    desired = {
        prefix + query["name"]: SavedQuery(prefix + query["name"], query["query"], groups).owned_by(environment)
        for query in (call.params["queries"] if present else ())
    }
    there: dict[str, SavedQuery] = {}
    stale: list[SavedQuery] = []
    # Of two with one name, which AWS allows, one of ours stays.
    for found in sorted(logs.saved_queries(call.aws, prefix), key=lambda query: query.owner != environment):
        if found.name in desired and found.name not in there:
            there[found.name] = found
        elif found.owner == environment or not environment:
            stale.append(found)
    _claim(call, there, desired)
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


def _claim(call: Invocation, there: Mapping[str, SavedQuery], desired: Mapping[str, SavedQuery]) -> None:
    """One that asks the same of the same log groups loses nothing by our line."""
    environment = call.params["environment"]
    foreign = [
        Existing("saved_query", name, {TAG_ENVIRONMENT: found.owner} if found.owner else {}, mark="first line")
        for name, found in there.items()
        if _shown(found.owned_by(environment)) != _shown(desired[name])
    ]
    claim(call, run, {TAG_ENVIRONMENT: environment} if environment else {}, foreign)


def _shown(query: SavedQuery | None) -> dict[str, Any] | None:
    return {"query": query.query, "log_groups": sorted(query.log_groups)} if query else None
