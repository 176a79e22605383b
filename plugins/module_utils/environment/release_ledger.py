# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure the table of the ledger."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..aws import dynamodb
from ..aws.errors import AwsError, Failure
from ..common.changes import Changes
from ..common.invocation import Invocation

# One partition per service; leases and releases are its entries.
KEYS = {"service": "HASH", "entry": "RANGE"}
_ACTIVE_SECONDS = 120
_POLL_SECONDS = 1.0


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
        billing = found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
        changes.want("billing_mode", billing, "PAY_PER_REQUEST", partial(dynamodb.pay_per_request, aws, name))
        known = dynamodb.table_tags(aws, found["TableArn"]) if tags else {}
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
    name, began = call.params["name"], call.clock.now()
    while True:
        found = dynamodb.table(call.aws, name)
        if found is not None and found["TableStatus"] == "ACTIVE":
            return found
        if call.clock.now() - began > _ACTIVE_SECONDS:
            raise Failure(f"Table {name} is not ready after {_ACTIVE_SECONDS} seconds. Run the playbook again.")
        call.progress.heartbeat(f"table {name} is being created")
        call.clock.sleep(_POLL_SECONDS)


def _set_recoverable(call: Invocation, desired: bool) -> None:
    """DynamoDB refuses this for a while of a table that it has just made."""
    began = call.clock.now()
    while True:
        try:
            dynamodb.set_recoverable(call.aws, call.params["name"], desired)
        except AwsError as refused:
            late = call.clock.now() - began > _ACTIVE_SECONDS
            if refused.code != "ContinuousBackupsUnavailableException" or late:
                raise
            call.clock.sleep(_POLL_SECONDS)
        else:
            return


def _answer(changes: Changes, arn: str | None) -> dict[str, Any]:
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "table_arn": arn,
    }
