# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure a group of X-Ray: traces that a filter expression finds."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..aws import xray
from ..aws.errors import Failure
from ..aws.xray import DEFAULT_NAME, TraceGroup
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim
from ..common.resource import TagCalls, put_tags_right, remove

_LONGEST_NAME = 32


def run(call: Invocation) -> dict[str, Any]:
    """Create, change or remove the group."""
    aws, params, changes = call.aws, call.params, Changes(call.check_mode)
    group = TraceGroup(
        params["name"], params["filter_expression"] or "", params["insights"], params["insights_notifications"]
    )
    _check(group)
    found = xray.trace_groups(aws).get(group.name)
    arn = found.arn if found else ""
    if found is not None and params["tags"]:
        claim(call, run, params["tags"], [Existing("trace_group", group.name, xray.tags(aws, arn))])
    if params["state"] == "absent":
        remove(changes, "group", found is not None, partial(xray.delete_trace_group, aws, arn))
        return _answer(group.name, changes, "")
    if found is None:
        changes.want("group", None, _shown(group), lambda: None)
        arn = "" if call.check_mode else xray.create_trace_group(aws, group, params["tags"])
        return _answer(group.name, changes, arn)
    changes.want("group", _shown(found), _shown(group), partial(xray.update_trace_group, aws, arn, group))
    calls = TagCalls(partial(xray.tags, aws, arn), partial(xray.tag, aws, arn), partial(xray.untag, aws, arn))
    put_tags_right(changes, params, calls)
    return _answer(group.name, changes, arn)


def _check(group: TraceGroup) -> None:
    if not group.name or group.name == DEFAULT_NAME or len(group.name) > _LONGEST_NAME:
        raise Failure(
            f"name is {group.name!r}; valid: 1 to {_LONGEST_NAME} characters, and not {DEFAULT_NAME!r}, which is X-Ray's own. "
            "Nothing was changed."
        )
    if group.notifications and not group.insights:
        raise Failure("insights_notifications needs insights: X-Ray notifies of insights only. Nothing was changed.")


def _answer(name: str, changes: Changes, arn: str) -> dict[str, Any]:
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "name": name,
        "arn": arn,
    }


def _shown(group: TraceGroup) -> dict[str, Any]:
    return {
        "filter_expression": group.filter_expression,
        "insights": group.insights,
        "insights_notifications": group.notifications,
    }
