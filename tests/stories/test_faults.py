"""Calls that are lost, refused or garbled while a release runs: users notice none of it.

The default takes a sample of single faults. PEAR_FAULTS=all (`make faults`) takes every operation with every fault: those that a
release makes good by itself together, each at the first call of every operation; those that end it one by one.
PEAR_FAULTS=single takes each alone, which lasts some hours. Both print the table of what they saw, and go on where an earlier run
of the same code stopped.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest

from tests.support.cases import first_of
from tests.support.fault_proxy import FaultProxy, Kind
from tests.support.fault_table import OPERATIONS, SINGLE, fault, promised
from tests.support.observed import Observed
from tests.support.plays import PlayResult

from .arcade import Arcade, arcade
from .load import assert_not_one_failed
from .proxied import proxy, through

__all__ = ["arcade", "proxy"]

SAMPLE = (("ModifyRule", Kind.LOSE), ("TransactWriteItems", Kind.TRUNCATE), ("DescribeServices", Kind.PAGE))
CASES = [(operation, kind) for operation in OPERATIONS for kind in SINGLE]
ENDING = [(operation, Kind.DENY) for operation in OPERATIONS]
RUN = os.environ.get("PEAR_FAULTS", "")
TAKEN = first_of({"single": CASES, "all": ENDING}.get(RUN, SAMPLE))
TOGETHER = [kind for kind in SINGLE if kind is not Kind.DENY] if RUN == "all" else []
OUTCOME = re.compile(r": (rolled_back|interrupted|refused|failed|inconclusive|superseded): ")


@pytest.fixture(scope="module")
def observed() -> Iterator[Observed]:
    """How releases ended that were as promised, by call and fault; printed at the end."""
    kept = Observed(resumes=bool(RUN))
    yield kept
    found = kept.cases()
    for title, name in (("alone", alone), ("together with the other calls", together)):
        seen = [found[name(operation, kind)] for operation, kind in CASES if name(operation, kind) in found]
        print(f"\n{len(seen)} of {len(CASES)} cases of a call and a fault, {title}")
        for operation in OPERATIONS:
            cells = [f"{kind}: {found[name(operation, kind)]}" for kind in SINGLE if name(operation, kind) in found]
            if cells:
                print(f"{operation:24} {'; '.join(cells)}")


def alone(operation: str, kind: Kind) -> str:
    return f"{kind} at {operation}"


def together(operation: str, kind: Kind) -> str:
    return f"{kind} at {operation} among all"


def outcome_of(ended: PlayResult) -> str:
    """A release that a call keeps from beginning has no outcome: nothing was changed."""
    if ended.status == 0:
        return "succeeded"
    said = OUTCOME.search(ended.output)
    return said[1] if said else "not begun" if ended.changed == 0 else "no outcome"


@pytest.mark.parametrize(("operation", "kind"), TAKEN, ids=lambda value: str(value))
def test_a_single_fault_costs_no_request_and_the_next_release_ends_well(
    arcade: Arcade, proxy: FaultProxy, observed: Observed, operation: str, kind: Kind
) -> None:
    if observed.has(alone(operation, kind)):
        pytest.skip("seen by an earlier run of the same code")
    with arcade.under_load(50, keep_alive=False) as running:
        placed = proxy.add(fault(operation, kind))
        version = f"{operation}-{kind}"
        ended = through(arcade, proxy).release(version)
        assert "Traceback" not in ended.output, ended.output
        assert placed.met.is_set(), f"{operation} was never called: {sorted(set(proxy.calls))}"
        outcome = outcome_of(ended)
        print(f"{alone(operation, kind)}: {outcome}")
        if ended.status != 0:
            arcade.release(version).succeeded()
        summary = running.stop()
    assert outcome == promised(operation, kind), ended.output
    assert sorted(arcade.weights().values()) == [0, 100]
    assert_not_one_failed(summary, 100)
    observed.keep(alone(operation, kind), outcome)


@pytest.mark.parametrize("kind", TOGETHER, ids=str)
def test_a_fault_at_the_first_call_of_every_operation_costs_no_request_and_ends_no_release(
    arcade: Arcade, proxy: FaultProxy, observed: Observed, kind: Kind
) -> None:
    if all(observed.has(together(operation, kind)) for operation in OPERATIONS):
        pytest.skip("seen by an earlier run of the same code")
    arcade.have_both_colours()
    with arcade.under_load(50, keep_alive=False) as running:
        faults = {operation: proxy.add(fault(operation, kind)) for operation in OPERATIONS}
        ended = through(arcade, proxy).release(f"every-{kind}")
        assert "Traceback" not in ended.output, ended.output
        print(f"{kind} at every operation: {outcome_of(ended)}")
        # A marker on a dashboard that could not be read back is a warning.
        assert ended.status == 0, ended.output
        missed = [operation for operation in faults if not faults[operation].met.is_set()]
        # Where the answer to DeleteScheduledAction is lost, the next look may find nothing that needs DeregisterScalableTarget.
        assert missed in ([], ["DeregisterScalableTarget"])
        if missed:
            ended = through(arcade, proxy).release(f"every-{kind}-again").succeeded()
            assert faults["DeregisterScalableTarget"].met.is_set(), sorted(set(proxy.calls))
        summary = running.stop()
    assert {promised(operation, kind) for operation in OPERATIONS} == {"succeeded"}
    assert sorted(arcade.weights().values()) == [0, 100]
    assert_not_one_failed(summary, 100)
    for operation in OPERATIONS:
        observed.keep(together(operation, kind), outcome_of(ended))
