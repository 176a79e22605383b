"""The machine's lateness, with a clock that the test moves: no heartbeat is real here."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from sandbox.lateness import BEAT_SECONDS, Lateness, Timeout, beat_for_ever, wait
from sandbox.status import keeps_up


class Clock:
    def __init__(self) -> None:
        self.moment = 1000.0

    def __call__(self) -> float:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lateness(clock: Clock) -> Lateness:
    return Lateness(clock)


@pytest.fixture
def beats(clock: Clock, lateness: Lateness) -> Callable[..., None]:
    def beat(seconds: float, crowd: float = 0.5, each: float = BEAT_SECONDS) -> None:
        for _beat in range(round(seconds / each)):
            clock.moment += each
            lateness.beat(crowd)

    return beat


def test_on_a_machine_that_keeps_up_machine_seconds_are_seconds(lateness: Lateness, beats: Callable[..., None]) -> None:
    beats(60)
    assert lateness.now() == pytest.approx(60)
    assert lateness.stretch() == pytest.approx(1)
    assert not lateness.late()


def test_a_crowd_makes_machine_seconds_longer(clock: Clock, lateness: Lateness, beats: Callable[..., None]) -> None:
    beats(20)
    began = clock()
    beats(20, crowd=4)
    assert lateness.elapsed(began) == pytest.approx(5, rel=0.2)
    assert lateness.stretch() == pytest.approx(4, rel=0.1)
    assert lateness.late(began)
    beats(20)
    assert not lateness.late()
    assert lateness.elapsed(began) == pytest.approx(25, rel=0.1)


def test_time_in_which_the_process_did_not_run_does_not_pass(
    clock: Clock, lateness: Lateness, beats: Callable[..., None]
) -> None:
    beats(20)
    began = clock()
    clock.moment += 30
    assert lateness.elapsed(began) < 0.5, "seen before the late beat itself"
    assert lateness.late(began)
    beats(1)
    assert lateness.elapsed(began) == pytest.approx(1, abs=0.5)


def test_a_little_late_is_not_late(lateness: Lateness, beats: Callable[..., None]) -> None:
    beats(60, each=BEAT_SECONDS + 0.05)
    assert lateness.stretch() == pytest.approx(1)


def test_a_loop_that_comes_round_late_is_lateness(lateness: Lateness, beats: Callable[..., None]) -> None:
    beats(20)
    for _second in range(20):
        lateness.loop_ran("scheduler", 0.2, 0.9)
        beats(1)
    assert lateness.stretch() == pytest.approx(3, rel=0.1)
    beats(20)
    assert not lateness.late(), "what a loop said long ago says nothing of now"


def test_without_a_heart_the_machine_is_taken_to_keep_up(clock: Clock, lateness: Lateness) -> None:
    clock.moment += 100
    assert lateness.now() == pytest.approx(100)
    assert not lateness.late()


def test_moments_before_the_first_beat_and_old_ones_are_known(
    clock: Clock, lateness: Lateness, beats: Callable[..., None]
) -> None:
    beats(3600)
    assert lateness.elapsed(clock() - 7200) == pytest.approx(7200, rel=0.01)


def test_a_wait_ends_after_its_machine_seconds(lateness: Lateness, clock: Clock) -> None:
    class Event(threading.Event):
        """Nobody sets it; waiting moves the clock and, at the third time, the machine has kept up again."""

        waits = 0

        def wait(self, timeout: float | None = None) -> bool:
            self.waits += 1
            clock.moment += timeout or 0
            lateness.beat(1.0 if self.waits >= 3 else 10.0)
            return False

    lateness.beat(1.0)
    event = Event()
    assert not wait(event, lateness, 5.0)
    assert event.waits > 3, "seconds in which nothing was beaten did not count"


def test_a_timeout_counts_machine_seconds() -> None:
    async def hung(lateness: Lateness) -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        heart = asyncio.create_task(beat_for_ever(lateness))
        try:
            async with Timeout(lateness, 0.05):
                await asyncio.wait([heart], timeout=60)
        except TimeoutError:
            return loop.time() - began
        finally:
            heart.cancel()
        raise AssertionError("it never timed out")

    punctual, late = Lateness(), Lateness()
    late.loop_ran("tests", 0.0, 1.0)
    late.beat(1.0)
    assert asyncio.run(hung(punctual)) >= 0.05
    # Ten times slower at least: the loop said so itself.
    assert asyncio.run(hung(late)) >= 0.4


def test_status_says_in_a_line_whether_the_machine_keeps_up() -> None:
    assert keeps_up({"api": 1.0, "edge": 1.1}) == "This machine keeps up."
    told = keeps_up({"api": 3.41, "edge": 2.0})
    assert told.startswith("This machine is overloaded by 3.4: what should take 1 s takes 3.4 s.")
