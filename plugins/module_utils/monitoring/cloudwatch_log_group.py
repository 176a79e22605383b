# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure a log group: retention, key, tags."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..aws import logs
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim
from ..common.resource import TagCalls, put_tags_right, remove


def run(call: Invocation) -> dict[str, Any]:
    """Create, change or remove the log group."""
    name, days, key = (call.params[option] for option in ("name", "retention_days", "kms_key_arn"))
    aws, changes = call.aws, Changes(call.check_mode)
    found = logs.log_group(call.aws, name)
    # The ARN of DescribeLogGroups ends in :*, which the calls for tags do not take.
    arn = found["arn"].removesuffix(":*") if found else ""
    if found and call.params["tags"]:
        claim(call, run, call.params["tags"], [Existing("log_group", name, logs.tags(aws, arn))])
    if call.params["state"] == "absent":
        remove(changes, f"log group {name}", found is not None, partial(logs.delete_log_group, call.aws, name))
    elif found is None:
        changes.want(f"log group {name}", None, {"retention_days": days}, lambda: _create(call))
    else:
        changes.want(
            "retention_days", found.get("retentionInDays", 0), days, lambda: logs.set_retention(call.aws, name, days)
        )
        if key is not None:
            # Rules of an organisation give log groups a key: that one stays unless another is asked for.
            changes.want("kms_key_arn", found.get("kmsKeyId", ""), key, lambda: logs.set_key(call.aws, name, key))
        put_tags_right(
            changes,
            call.params,
            TagCalls(partial(logs.tags, aws, arn), partial(logs.tag, aws, arn), partial(logs.untag, aws, arn)),
        )
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
