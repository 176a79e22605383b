"""Damaged entries of the ledger on a real table: status and rollback go on with what can be read, a release refuses in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .arcade import LEDGER, Arcade, arcade, entries

pytestmark = pytest.mark.long

__all__ = ["arcade"]

Item = dict[str, Any]


def put(arcade: Arcade, entry: str, attributes: Item) -> None:
    item = {"service": {"S": "arcade"}, "entry": {"S": entry}, **attributes}
    arcade.stage.client("dynamodb").put_item(TableName=LEDGER, Item=item)


def changed(**values: Any) -> Callable[[Arcade], Item]:
    """The newest release as if it were under way, with values that nobody knows."""

    def damaged(arcade: Arcade) -> Item:
        newest = [item for item in entries(arcade) if item["entry"]["S"].startswith("release/2")][-1]
        record = {**json.loads(newest["record"]["S"]), "closed": False, **values}
        kept = {name: value for name, value in newest.items() if name not in ("service", "entry", "outcome", "reason")}
        return {**kept, "record": {"S": json.dumps(record)}}

    return damaged


RECORDS: dict[str, Callable[[Arcade], Item]] = {
    "unknown outcome": changed(outcome="glorious"),
    "unknown phase": changed(phase="levitating"),
    "a step that its plan does not have": changed(step=7),
    "no record": lambda arcade: {"kind": {"S": "deploy"}},
}
BESIDE: dict[str, tuple[str, Item]] = {
    "lease without fence": ("lease", {"owner": {"S": "ada"}}),
    "request that is no JSON": ("request", {"record": {"S": "no JSON"}}),
}


def entry_of(damage: str) -> str:
    return f"release/20990101T000000Z-deploy-{damage.replace(' ', '-')}"


def named(damage: str) -> str:
    return f"arcade {entry_of(damage)} of the ledger cannot be read"


@pytest.fixture
def repaired(arcade: Arcade) -> Iterator[None]:
    """Afterwards the damaged entries are deleted, as the message says."""
    yield
    for entry in (*map(entry_of, RECORDS), "request"):
        key = {"service": {"S": "arcade"}, "entry": {"S": entry}}
        arcade.stage.client("dynamodb").delete_item(TableName=LEDGER, Key=key)


@pytest.mark.parametrize("damage", RECORDS)
def test_a_damaged_record_is_named_by_status_and_a_release_refuses_and_says_how_to_repair_it(
    arcade: Arcade, repaired: None, damage: str
) -> None:
    before = arcade.live()
    put(arcade, entry_of(damage), RECORDS[damage](arcade))
    assert named(damage) in arcade.play("status").succeeded().output
    for check in (True, False):
        refused = arcade.release("refused", check=check).failed()
        assert named(damage) in refused.output and "delete this item" in refused.output, refused.output
    assert arcade.live() == before


def test_damaged_records_are_named_by_a_rollback_and_keep_it_from_nothing(arcade: Arcade, repaired: None) -> None:
    arcade.release("one").succeeded()
    arcade.release("two").succeeded()
    before = arcade.live()
    for damage, damaged in RECORDS.items():
        put(arcade, entry_of(damage), damaged(arcade))
    returned = arcade.play("rollback").succeeded()
    assert [damage for damage in RECORDS if named(damage) not in returned.output] == [], returned.output
    assert arcade.live() != before


@pytest.mark.parametrize("damage", BESIDE)
def test_a_damaged_lease_or_request_keeps_neither_status_nor_a_release_nor_a_rollback_from_anything(
    arcade: Arcade, repaired: None, damage: str
) -> None:
    before = arcade.live()
    put(arcade, *BESIDE[damage])
    assert "Traceback" not in arcade.play("status").succeeded().output
    arcade.release(damage.replace(" ", "-")).succeeded()
    assert arcade.live() != before
    put(arcade, *BESIDE[damage])
    assert "Traceback" not in arcade.play("rollback").succeeded().output
    assert arcade.live() == before
