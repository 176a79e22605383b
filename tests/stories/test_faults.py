"""Calls that are lost, delayed, refused or garbled while a release runs: users notice none of it.

The default takes a sample; PEAR_FAULTS=all (`make faults`) takes every operation with every fault.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.fault_proxy import Fault, FaultProxy, Kind, fault_proxy

from .arcade import Arcade, arcade, end, finished
from .load import assert_not_one_failed

__all__ = ["arcade"]

LATE = "a write that arrived late"
OPERATIONS = (
    "ModifyRule",
    "UpdateService",
    "PutScheduledAction",
    "RegisterScalableTarget",
    "TransactWriteItems",
    "PutItem",
    "GetItem",
    "Query",
    "DescribeRules",
    "DescribeServices",
    "DescribeTargetHealth",
)
SINGLE = (Kind.DROP, Kind.LOSE, Kind.THROTTLE, Kind.ERROR, Kind.TRUNCATE, Kind.PAGE, Kind.DENY)
SAMPLE = (("ModifyRule", Kind.LOSE), ("TransactWriteItems", Kind.TRUNCATE), ("DescribeServices", Kind.PAGE))
CASES = [(operation, kind) for operation in OPERATIONS for kind in SINGLE]
TAKEN = CASES if os.environ.get("PEAR_FAULTS") == "all" else SAMPLE


@pytest.fixture
def proxy(arcade: Arcade) -> Iterator[FaultProxy]:
    with fault_proxy(arcade.stage.environment["AWS_ENDPOINT_URL"]) as made:
        yield made


def through(arcade: Arcade, proxy: FaultProxy) -> Arcade:
    """The same service, reached through the proxy."""
    made = Arcade(arcade.stage)
    made.player = replace(arcade.player, environment={**arcade.player.environment, "AWS_ENDPOINT_URL": proxy.url})
    return made


def test_a_shift_of_an_overtaken_release_that_arrives_after_the_rollback_is_undone(
    arcade: Arcade, proxy: FaultProxy
) -> None:
    before = arcade.live()
    options = {"steps": [{"weight": 30, "duration_seconds": 3}, {"weight": 100}]}
    with arcade.under_load(50, keep_alive=False) as running:
        process = through(arcade, proxy).begin("late", service_strategy="steps", service_strategy_options=options)
        rollback = None
        try:
            arcade.wait_for(lambda: arcade.weights()[before] == 70)
            held = proxy.add(Fault("ModifyRule", Kind.HOLD))
            assert held.met.wait(60)
            rollback = arcade.player.start("playbooks/rollback.yml", "-l", "arcade")
            arcade.wait_for(lambda: arcade.weights()[before] == 100)
            held.let_go.set()
            assert held.arrived.wait(20)
            arcade.wait_for(lambda: arcade.weights()[before] == 100, 15)
            returned = finished(rollback).succeeded()
            overtaken = finished(process).failed()
        finally:
            end(process)
            if rollback is not None:
                end(rollback)
        summary = running.stop()
    assert LATE in returned.output, returned.output
    assert "superseded" in overtaken.output, overtaken.output
    assert arcade.weights()[before] == 100
    assert_not_one_failed(summary, 500)


@pytest.mark.parametrize(("operation", "kind"), TAKEN, ids=lambda value: str(value))
def test_a_single_fault_costs_no_request_and_the_next_release_ends_well(
    arcade: Arcade, proxy: FaultProxy, operation: str, kind: Kind
) -> None:
    with arcade.under_load(50, keep_alive=False) as running:
        fault = proxy.add(Fault(operation, kind))
        version = f"{operation}-{kind}"
        ended = through(arcade, proxy).release(version)
        assert "Traceback" not in ended.output, ended.output
        assert fault.met.is_set(), f"{operation} was never called: {sorted(set(proxy.calls))}"
        if kind is not Kind.DENY:
            ended.succeeded()
        else:
            arcade.release(version).succeeded()
        summary = running.stop()
    assert sorted(arcade.weights().values()) == [0, 100]
    assert_not_one_failed(summary, 100)
