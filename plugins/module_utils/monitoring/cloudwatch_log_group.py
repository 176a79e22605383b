# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure a log group: retention, key, tags."""

from __future__ import annotations

from typing import Any

from ..aws import logs
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim


def run(call: Invocation) -> dict[str, Any]:
    """Create or change the log group; other tags are left alone."""
    name, days, key, desired = (call.params[option] for option in ("name", "retention_days", "kms_key_arn", "tags"))
    changes = Changes(call.check_mode)
    found = logs.log_group(call.aws, name)
    if found is None:
        changes.want(f"log group {name}", None, {"retention_days": days}, lambda: _create(call))
    else:
        # The ARN of DescribeLogGroups ends in :*, which the calls for tags do not take.
        arn = found["arn"].removesuffix(":*")
        current = logs.tags(call.aws, arn) if desired else {}
        claim(call, run, desired, [Existing("log_group", name, current)])
        changes.want(
            "retention_days", found.get("retentionInDays", 0), days, lambda: logs.set_retention(call.aws, name, days)
        )
        changes.want("kms_key_arn", found.get("kmsKeyId"), key, lambda: logs.set_key(call.aws, name, key))
        differ = {tag: value for tag, value in desired.items() if current.get(tag) != value}
        changes.want("tags", {tag: current.get(tag) for tag in differ}, differ, lambda: logs.tag(call.aws, arn, differ))
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "name": name,
    }


def _create(call: Invocation) -> None:
    name, days = call.params["name"], call.params["retention_days"]
    logs.create_log_group(call.aws, name, call.params["kms_key_arn"], call.params["tags"])
    if days:
        logs.set_retention(call.aws, name, days)
