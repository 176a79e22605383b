"""Damaged entries of the ledger on a real table: status and rollback go on with what can be read, a release refuses in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .arcade import Arcade, arcade

__all__ = ["arcade"]

TABLE = "local-releases"
ENTRY = "release/20990101T000000Z-deploy-dead"
Item = dict[str, Any]


def entries(arcade: Arcade) -> list[Item]:
    dynamodb = arcade.stage.client("dynamodb")
    found: list[Item] = dynamodb.query(
        TableName=TABLE,
        KeyConditionExpression="service = :service",
        ExpressionAttributeValues={":service": {"S": "arcade"}},
    )["Items"]
    return found


def put(arcade: Arcade, entry: str, attributes: Item) -> None:
    item = {"service": {"S": "arcade"}, "entry": {"S": entry}, **attributes}
    arcade.stage.client("dynamodb").put_item(TableName=TABLE, Item=item)


def changed(**values: Any) -> Callable[[Arcade], None]:
    """A copy of the newest release, with values that nobody knows; as if it were under way."""

    def damage(arcade: Arcade) -> None:
        newest = [item for item in entries(arcade) if item["entry"]["S"].startswith("release/")][-1]
        record = {**json.loads(newest["record"]["S"]), "id": "20990101T000000Z-deploy-dead", "closed": False, **values}
        kept = {name: value for name, value in newest.items() if name not in ("service", "entry", "outcome", "reason")}
        put(arcade, ENTRY, {**kept, "record": {"S": json.dumps(record)}})

    return damage


RECORDS = {
    "unknown outcome": changed(outcome="glorious"),
    "unknown phase": changed(phase="levitating"),
    "a step that its plan does not have": changed(step=7),
    "no record": lambda arcade: put(arcade, ENTRY, {"kind": {"S": "deploy"}}),
}
BESIDE = {
    "lease without fence": lambda arcade: put(arcade, "lease", {"owner": {"S": "ada"}}),
    "request that is no JSON": lambda arcade: put(arcade, "request", {"record": {"S": "no JSON"}}),
}


@pytest.fixture
def repaired(arcade: Arcade) -> Iterator[None]:
    """Two releases, so that there is one to return to; afterwards the damaged entries are deleted, as the message says."""
    arcade.release("ledger-1").succeeded()
    arcade.release("ledger-2").succeeded()
    yield
    for entry in (ENTRY, "request"):
        key = {"service": {"S": "arcade"}, "entry": {"S": entry}}
        arcade.stage.client("dynamodb").delete_item(TableName=TABLE, Key=key)


@pytest.mark.parametrize("damage", RECORDS)
def test_a_damaged_record_is_named_by_status_refused_by_a_release_and_no_obstacle_for_a_rollback(
    arcade: Arcade, repaired: None, damage: str
) -> None:
    before = arcade.live()
    RECORDS[damage](arcade)
    named = f"arcade {ENTRY} of the ledger cannot be read"
    assert named in arcade.play("status").succeeded().output
    refused = arcade.release("ledger-3").failed()
    assert named in refused.output and "delete this item" in refused.output, refused.output
    returned = arcade.play("rollback").succeeded()
    assert named in returned.output, returned.output
    assert arcade.live() != before


@pytest.mark.parametrize("damage", BESIDE)
def test_a_damaged_lease_or_request_keeps_neither_status_nor_a_release_nor_a_rollback_from_anything(
    arcade: Arcade, repaired: None, damage: str
) -> None:
    before = arcade.live()
    BESIDE[damage](arcade)
    assert "Traceback" not in arcade.play("status").succeeded().output
    arcade.release("ledger-3").succeeded()
    assert arcade.live() != before
    BESIDE[damage](arcade)
    assert "Traceback" not in arcade.play("rollback").succeeded().output
    assert arcade.live() == before
