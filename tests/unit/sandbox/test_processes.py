"""A process of the sandbox has its time to start by a clock that is slower on a machine that does not keep up."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox import processes
from sandbox.config import Settings
from sandbox.processes import NotStarted, Program


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    home = tmp_path / "home"
    home.mkdir()
    settings = Settings(home=home, prefix="127.77", engine="docker", network="pear-00000000")
    yield settings
    processes.stop(settings, "late")


def late(ready: Callable[[], bool]) -> Program:
    return Program("late", (sys.executable, "-c", "import time; time.sleep(600)"), ready)


def test_a_process_that_answers_late_on_a_late_machine_has_started(settings: Settings) -> None:
    began = time.monotonic()
    # No machine second passes meanwhile, however long it takes.
    processes.start(settings, late(lambda: time.monotonic() - began > 0.3), lambda: 0.0, timeout=0.1)
    assert processes.alive(settings, "late")


def test_a_process_that_never_answers_is_given_up(settings: Settings) -> None:
    seconds = iter(range(1000))
    with pytest.raises(NotStarted, match=r"late did not answer within 60 s"):
        processes.start(settings, late(lambda: False), lambda: float(next(seconds)) * 10)
