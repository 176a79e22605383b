# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure a CloudWatch dashboard, comparing what it shows and not how its text is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from ..aws import cloudwatch
from ..aws.errors import Failure
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.resource import remove


def run(call: Invocation) -> dict[str, Any]:
    """Write the dashboard where it shows something else than it should, or remove it."""
    name, desired = call.params["name"], call.params["body"]
    written = cloudwatch.dashboard(call.aws, name)
    changes = Changes(call.check_mode)
    if call.params["state"] == "absent":
        remove(changes, name, written is not None, partial(cloudwatch.delete_dashboards, call.aws, [name]))
        return _answer(changes, name)
    current = _parsed(written)
    warnings: list[str] = []
    changes.want(
        name,
        None if current is None else normal(current),
        normal(desired),
        lambda: warnings.extend(cloudwatch.put_dashboard(call.aws, name, json.dumps(desired, sort_keys=True))),
    )
    if warnings:
        # CloudWatch keeps such a dashboard, and shows the widget in question as broken.
        raise Failure(f"CloudWatch keeps dashboard {name}, but complains: {'; '.join(warnings)}. Correct the body.")
    return _answer(changes, name)


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
