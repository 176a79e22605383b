"""A candidate that answers with a flood or without an end, and refusals of AWS that pass: a release ends as it does for others."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.fault_proxy import Fault, FaultProxy, Kind
from tests.support.plays import PlayResult

from .arcade import LEDGER, Arcade, arcade, end, entries, finished
from .load import assert_not_one_failed
from .proxied import proxy, through

pytestmark = pytest.mark.long

__all__ = ["arcade", "proxy"]

CANDIDATE = Path(__file__).parent / "hostile" / "candidate.py"
# DynamoDB keeps no larger item.
ITEM_BYTES = 400_000
_NOT_FOR_A_TERMINAL = "\x1b\x07\x00"


def hostile(marker: Path, *arguments: str) -> list[str]:
    return ["python3", "-c", CANDIDATE.read_text().replace("MARKER", str(marker)), *arguments]


def check(name: str, **options: Any) -> dict[str, Any]:
    return {"service_checks": [{"name": name, "tries": 1, **options}]}


def assert_contained(arcade: Arcade, ended: PlayResult, marker: Path) -> None:
    """What a release was answered is bounded, named as data, and reaches neither a template nor a terminal."""
    assert not marker.exists(), "an answer was taken for a template"
    for playbook in ("status", "history", "report"):
        ended = PlayResult(0, ended.output + arcade.play(playbook).succeeded().output, {})
    assert [sign for sign in _NOT_FOR_A_TERMINAL if sign in ended.output] == []
    assert len(ended.output) < 200_000
    assert max(len(str(item)) for item in entries(arcade)) < ITEM_BYTES


def test_a_megabyte_of_hostile_answer_is_a_failed_check(arcade: Arcade, tmp_path: Path) -> None:
    before, marker = arcade.live(), tmp_path / "was-run"
    with arcade.under_load(50, keep_alive=False) as running:
        ended = arcade.release("flood", service_command=hostile(marker), **check("flood", path="/flood")).failed()
        summary = running.stop()
    assert "rolled_back" in ended.output and "answers 500, wanted 200" in ended.output, ended.output
    assert arcade.live() == before
    assert_contained(arcade, ended, marker)
    assert_not_one_failed(summary, 100)


def test_a_megabyte_of_a_tasks_hostile_log_is_a_failed_check(arcade: Arcade, tmp_path: Path) -> None:
    before, marker = arcade.live(), tmp_path / "was-run"
    migration = check("migrate", command=hostile(marker, "migrate"))
    ended = arcade.release("migrate", service_command=hostile(marker), **migration).failed()
    assert "rolled_back" in ended.output and "the migration failed" in ended.output, ended.output
    assert arcade.live() == before
    assert_contained(arcade, ended, marker)


def test_an_answer_that_drips_for_longer_than_a_lease_keeps_the_lease(arcade: Arcade, tmp_path: Path) -> None:
    before = arcade.live()
    command = hostile(tmp_path / "was-run")
    dripping = arcade.begin("drip", service_command=command, **check("drip", path="/drip", timeout_seconds=150))
    try:
        arcade.wait_for(lambda: expiry(arcade) > time.time())
        first = expiry(arcade)
        # Without renewal it would be free from here on.
        arcade.wait_for(lambda: time.time() > first + 5)
        beside = arcade.release("beside").failed()
        assert "refused" in beside.output and arcade.live() == before, beside.output
        ended = finished(dripping).failed()
    finally:
        end(dripping)
    assert "no whole answer within 150 seconds" in ended.output, ended.output
    assert arcade.live() == before


def expiry(arcade: Arcade) -> float:
    found = arcade.stage.client("dynamodb").get_item(
        TableName=LEDGER, Key={"service": {"S": "arcade"}, "entry": {"S": "lease"}}, ConsistentRead=True
    )
    return float(found["Item"]["expires_at"]["N"])


CANCELLED: dict[str, Any] = {
    "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
    "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ThrottlingError]",
    "CancellationReasons": [
        {"Code": "None"},
        {"Code": "ThrottlingError", "Message": "Throughput exceeds the current capacity"},
    ],
}
PASSING: dict[str, dict[str, Any]] = {
    "TransactWriteItems": CANCELLED,
    "PutItem": {
        "__type": "ProvisionedThroughputExceededException",
        "message": "The level of throughput was exceeded",
    },
    "RegisterScalableTarget": {
        "__type": "ConcurrentUpdateException",
        "Message": "Concurrent updates caused an exception",
    },
    "PutScheduledAction": {"__type": "ConcurrentUpdateException", "Message": "Concurrent updates caused an exception"},
    "UpdateService": {"__type": "ServerException", "message": "These errors are usually caused by a server issue"},
}


def test_refusals_that_pass_are_asked_again_and_the_release_ends_whole(arcade: Arcade, proxy: FaultProxy) -> None:
    """Each of them twice: without a repeat the release would be left open, or its old colour without a scale-in."""
    arcade.have_both_colours()
    with arcade.under_load(50, keep_alive=False) as running:
        faults = {
            operation: proxy.add(Fault(operation, Kind.REFUSE, times=2, error=error))
            for operation, error in PASSING.items()
        }
        through(arcade, proxy).release("refused").succeeded()
        summary = running.stop()
    assert [operation for operation, fault in faults.items() if fault.times] == []
    assert "under way" not in arcade.play("status").succeeded().output
    assert_not_one_failed(summary, 100)
