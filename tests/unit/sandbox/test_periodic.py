"""The common loop of the API process's threads."""

from __future__ import annotations

import threading
import time

import pytest

from sandbox.lateness import Lateness
from sandbox.periodic import Periodic


def test_an_error_is_printed_and_the_next_round_follows(capfd: pytest.CaptureFixture[str]) -> None:
    stopping, rounds = threading.Event(), iter([ValueError("broken"), None])

    def work() -> None:
        error = next(rounds)
        if error is not None:
            raise error
        stopping.set()

    loop = Periodic("alarms", 0.001, work)
    loop.start(stopping)
    assert stopping.wait(30)
    loop.join(30)
    printed = capfd.readouterr().err
    assert "alarms: this round failed" in printed and "ValueError: broken" in printed


def test_it_ends_when_it_is_told_to() -> None:
    stopping, loop = threading.Event(), Periodic("ended", 3600, lambda: None)
    before = threading.active_count()
    loop.start(stopping)
    assert threading.active_count() == before + 1
    stopping.set()
    loop.join(30)
    assert threading.active_count() == before


@pytest.mark.parametrize("counted", [pytest.param(True, id="counted"), pytest.param(False, id="not counted")])
def test_only_a_loop_that_is_given_the_machines_lateness_adds_to_it(counted: bool) -> None:
    stopping, lateness = threading.Event(), Lateness()

    def work() -> None:
        time.sleep(0.5)  # five times what the loop may be late
        stopping.set()

    loop = Periodic("slow", 0.001, work, lateness if counted else None)
    loop.start(stopping)
    assert stopping.wait(30)
    loop.join(30)
    assert ("slow" in lateness._loops) == counted
    assert not counted or lateness._loops["slow"][1] > 2


def test_work_that_takes_long_is_done_less_often_where_its_share_is_limited() -> None:
    loop = Periodic("snapshots", 5.0, lambda: None, share=0.05)
    assert (loop.pause_after(0.1), loop.pause_after(2.0)) == (5.0, 40.0)
    assert Periodic("alarms", 5.0, lambda: None).pause_after(2.0) == 5.0
