# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure the table of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..aws import dynamodb
from ..aws.errors import Failure
from ..aws.session import Aws
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim
from ..common.resource import TagCalls, put_tags_right, remove
from ..common.waiting import Retry, Wait, retry, wait_until

# One partition per service; leases and releases are its entries.
KEYS = {"service": "HASH", "entry": "RANGE"}
_ACTIVE_SECONDS = 120


def run(call: Invocation) -> dict[str, Any]:
    """Create, change or remove the table; entries are never touched while it exists."""
    aws, name, tags = call.aws, call.params["name"], call.params["tags"]
    _refuse_other_words_for_a_key(call.params["kms_key_arn"])
    changes = Changes(call.check_mode)
    found = dynamodb.table(aws, name)
    if found is not None:
        _refuse_other_tables(name, found)
        known = dynamodb.table_tags(aws, found["TableArn"]) if tags else {}
        claim(call, run, tags, [Existing("ledger", name, known)])
    protected, key = call.params["deletion_protection"], call.params["kms_key_arn"]
    if call.params["state"] == "absent":
        _refuse_protected(name, found)
        remove(changes, "table", found is not None, partial(dynamodb.delete_table, aws, name))
        return _answer(changes, found["TableArn"] if found else None)
    if found is None:
        new = dynamodb.NewTable(bool(protected), key or "")
        changes.want("table", None, name, partial(dynamodb.create_table, aws, name, KEYS, tags, new))
        if call.check_mode:
            return _answer(changes, None)
        found = _active(call)
    else:
        billing = found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
        changes.want("billing_mode", billing, "PAY_PER_REQUEST", partial(dynamodb.pay_per_request, aws, name))
        if protected is not None:
            current = bool(found.get("DeletionProtectionEnabled"))
            write = partial(dynamodb.set_protected, aws, name, protected)
            changes.want("deletion_protection", current, protected, partial(_once_active, call, write))
        if key is not None:
            write = partial(dynamodb.set_key, aws, name, key)
            changes.want("kms_key_arn", dynamodb.key_of(found), key, partial(_once_active, call, write))
        put_tags_right(changes, call.params, _tag_calls(aws, found["TableArn"]))
    desired = call.params["point_in_time_recovery"]
    changes.want(
        "point_in_time_recovery",
        dynamodb.recoverable(aws, name),
        desired,
        partial(_set_recoverable, call, desired),
    )
    return _answer(changes, found["TableArn"])


def _tag_calls(aws: Aws, arn: str) -> TagCalls:
    return TagCalls(
        partial(dynamodb.table_tags, aws, arn),
        partial(dynamodb.tag_table, aws, arn),
        partial(dynamodb.untag_table, aws, arn),
    )


def _refuse_other_words_for_a_key(key: str | None) -> None:
    """DynamoDB answers a key's ARN, whatever it was given by: an alias would be a difference for ever."""
    if key and ":key/" not in key:
        raise Failure(f"Nothing was changed: kms_key_arn is {key!r}; it must be the ARN of a key, arn:aws:kms:…:key/…")


def _refuse_protected(name: str, found: dict[str, Any] | None) -> None:
    if found and found.get("DeletionProtectionEnabled"):
        raise Failure(
            f"Nothing was changed: the deletion protection of table {name} is on, and it holds all releases on record. "
            "Set deletion_protection to false first, and remove it then."
        )


def _once_active(call: Invocation, write: Callable[[], None]) -> None:
    """DynamoDB changes one property at a time, and refuses the next until the table is active again."""
    changing = Retry(
        passes=lambda error: error.code == "ResourceInUseException",
        seconds=_ACTIVE_SECONDS,
        line=lambda _error, _pause: "waiting for the table's last change",
    )
    retry(call.clock, call.progress, changing, write)


def _refuse_other_tables(name: str, found: dict[str, Any]) -> None:
    keys = {key["AttributeName"]: key["KeyType"] for key in found["KeySchema"]}
    if keys != KEYS:
        raise Failure(
            f"Nothing was changed: table {name} has the keys {keys}, and a ledger has {KEYS}. It is not a ledger: "
            "rename it, or give the environment another name."
        )


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
