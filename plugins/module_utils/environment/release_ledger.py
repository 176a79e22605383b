# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure the table of the ledger."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..aws import dynamodb
from ..aws.errors import Failure
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim
from ..common.waiting import Retry, Wait, retry, wait_until

# One partition per service; leases and releases are its entries.
KEYS = {"service": "HASH", "entry": "RANGE"}
_ACTIVE_SECONDS = 120


def run(call: Invocation) -> dict[str, Any]:
    """Create or change the table; entries are never touched."""
    aws, name, tags = call.aws, call.params["name"], call.params["tags"]
    changes = Changes(call.check_mode)
    found = dynamodb.table(aws, name)
    if found is None:
        changes.want("table", None, name, partial(dynamodb.create_table, aws, name, KEYS, tags))
        if call.check_mode:
            return _answer(changes, None)
        found = _active(call)
    else:
        keys = {key["AttributeName"]: key["KeyType"] for key in found["KeySchema"]}
        if keys != KEYS:
            raise Failure(
                f"Nothing was changed: table {name} has the keys {keys}, and a ledger has {KEYS}. It is not a ledger: "
                "rename it, or give the environment another name."
            )
        known = dynamodb.table_tags(aws, found["TableArn"]) if tags else {}
        claim(call, run, tags, [Existing("ledger", name, known)])
        billing = found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
        changes.want("billing_mode", billing, "PAY_PER_REQUEST", partial(dynamodb.pay_per_request, aws, name))
        differ = {key: value for key, value in tags.items() if known.get(key) != value}
        changes.want(
            "tags",
            {key: known.get(key) for key in differ},
            differ,
            partial(dynamodb.tag_table, aws, found["TableArn"], differ),
        )
    desired = call.params["point_in_time_recovery"]
    changes.want(
        "point_in_time_recovery",
        dynamodb.recoverable(aws, name),
        desired,
        partial(_set_recoverable, call, desired),
    )
    return _answer(changes, found["TableArn"])


def _active(call: Invocation) -> dict[str, Any]:
    name = call.params["name"]
    table = wait_until(
        call.clock,
        call.progress,
        Wait(
            what=f"table {name}",
            observe=partial(dynamodb.table, call.aws, name),
            done=lambda found: found is not None and found["TableStatus"] == "ACTIVE",
            seconds=_ACTIVE_SECONDS,
            state=lambda found: found["TableStatus"] if found else "not there yet",
        ),
    )
    return table or {}


def _set_recoverable(call: Invocation, desired: bool) -> None:
    """DynamoDB refuses this for a while after the creation of a table."""
    unavailable = Retry(
        passes=lambda error: error.code == "ContinuousBackupsUnavailableException",
        seconds=_ACTIVE_SECONDS,
        line=lambda error, _pause: f"waiting for point-in-time recovery: {error.code}",
    )
    set_recoverable = partial(dynamodb.set_recoverable, call.aws, call.params["name"], desired)
    retry(call.clock, call.progress, unavailable, set_recoverable)


def _answer(changes: Changes, arn: str | None) -> dict[str, Any]:
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "table_arn": arn,
    }
