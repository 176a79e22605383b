# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure a CloudWatch dashboard, comparing what it shows and not how its text is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from ..aws import cloudwatch
from ..aws.cloudwatch import Dashboard
from ..aws.errors import Failure
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim
from ..common.resource import TagCalls, put_tags_right, remove
from .release_markers import marked, markers_in, unmarked


def run(call: Invocation) -> dict[str, Any]:
    """Write the dashboard where it shows something else than it should, or remove it."""
    name, desired = call.params["name"], call.params["body"]
    written = cloudwatch.dashboard(call.aws, name)
    current = _parsed(written.body if written else None)
    if written:
        _claim(call, written, current)
    changes = Changes(call.check_mode)
    if call.params["state"] == "absent":
        remove(changes, name, written is not None, partial(cloudwatch.delete_dashboards, call.aws, [name]))
        return _answer(changes, name)
    warnings: list[str] = []
    # Markers of releases are not of the inventory: they are no difference, and stay.
    body = json.dumps(marked(desired, markers_in(current or {})), sort_keys=True)
    changes.want(
        name,
        None if current is None else normal(unmarked(current)),
        normal(desired),
        lambda: warnings.extend(cloudwatch.put_dashboard(call.aws, name, body)),
    )
    if warnings:
        # CloudWatch keeps such a dashboard, and shows the widget in question as broken.
        raise Failure(f"CloudWatch keeps dashboard {name}, but complains: {'; '.join(warnings)}. Correct the body.")
    _tags(call, changes, written)
    return _answer(changes, name)


def _claim(call: Invocation, written: Dashboard, current: dict[str, Any] | None) -> None:
    """One that shows the same needs no word: a run that ended between the dashboard and its tags left such a one."""
    desired = call.params["body"]
    if call.params["state"] == "present" and current is not None and normal(unmarked(current)) == normal(desired):
        return
    if call.params["tags"]:
        known = cloudwatch.tags(call.aws, written.arn)
        claim(call, run, call.params["tags"], [Existing("dashboard", call.params["name"], known)])


def _tags(call: Invocation, changes: Changes, written: Dashboard | None) -> None:
    """A new one is tagged by a call of its own: not every boto3 has tags in PutDashboard."""
    aws, name = call.aws, call.params["name"]
    if written is None:
        made = None if call.check_mode or not call.params["tags"] else cloudwatch.dashboard(aws, name)
        if made:
            cloudwatch.tag(aws, made.arn, call.params["tags"])
        return
    arn = written.arn
    calls = TagCalls(
        partial(cloudwatch.tags, aws, arn), partial(cloudwatch.tag, aws, arn), partial(cloudwatch.untag, aws, arn)
    )
    put_tags_right(changes, call.params, calls)


def _answer(changes: Changes, name: str) -> dict[str, Any]:
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "name": name,
    }


def normal(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body in one order: widgets by their place, numbers and texts as they are."""
    widgets = sorted(
        body.get("widgets", []),
        key=lambda widget: (widget.get("y", 0), widget.get("x", 0), json.dumps(widget, sort_keys=True)),
    )
    return {**json.loads(json.dumps(body)), "widgets": json.loads(json.dumps(widgets))}


def _parsed(written: str | None) -> dict[str, Any] | None:
    if written is None:
        return None
    try:
        parsed = json.loads(written)
    except json.JSONDecodeError:
        # A body that is not JSON differs from the desired one: it is shown in the diff and overwritten.
        return {"widgets": [], "unreadable": written}
    return parsed if isinstance(parsed, dict) else {"widgets": [], "unreadable": written}
