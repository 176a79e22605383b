"""How late this machine is, measured by a process's own heartbeat; and a clock that slows down as the machine does.

On a machine with more to run than it has cores, everything takes longer: a healthy task answers late, and whoever waits
for it would call it dead. So what limits a wait here counts machine seconds. They pass like seconds on a machine that
keeps up; where R processes want to run on C cores they pass C / R as fast, and while this process does not run at all
they do not pass. What takes too many of them is broken, not late.
"""

from __future__ import annotations

import asyncio
import bisect
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from types import TracebackType

BEAT_SECONDS = 0.2
# Waking a little late is not lateness.
_TOLERANCE_SECONDS = 0.1
# How fast a measurement follows: after a second, two thirds of a change.
_WEIGHT = 0.2
_KEEP_BEATS = 3000  # ten minutes
# What is said of "now" is of the last seconds.
_RECENT_SECONDS = 10.0
# What a loop said of itself holds until it should have come round again.
_LOOP_TELLS_SECONDS = 2.0
LATE = 1.25
_LOAD = Path("/proc/loadavg")


class Lateness:
    """Seconds of this machine by the clock it is given. Until the first beat it is taken to keep up."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        began = clock()
        # Moments and the machine seconds that had passed by then.
        self._moments = [began]
        self._passed = [0.0]
        self._beating = False
        self._crowd = self._pace = 1.0
        self._loops: dict[str, tuple[float, float]] = {}

    def beat(self, crowd: float) -> None:
        """A sleep of BEAT_SECONDS has ended; `crowd` is how many want to run for each core."""
        now = self._clock()
        with self._lock:
            passed = self._at(now)
            self._moments.append(now)
            self._passed.append(passed)
            if len(self._moments) > _KEEP_BEATS:
                del self._moments[: _KEEP_BEATS // 3], self._passed[: _KEEP_BEATS // 3]
            self._beating = True
            self._crowd += _WEIGHT * (max(1.0, crowd) - self._crowd)
            self._pace = max(self._crowd, self._slowest_loop(now))

    def loop_ran(self, name: str, planned: float, took: float) -> None:
        """A loop that is to come round each `planned` seconds has needed `took`."""
        with self._lock:
            self._loops[name] = (self._clock(), max(1.0, took / (planned + _TOLERANCE_SECONDS)))

    def now(self) -> float:
        """Machine seconds since the beginning."""
        with self._lock:
            return self._at(self._clock())

    def elapsed(self, since: float) -> float:
        """Machine seconds from a moment of the clock until now."""
        with self._lock:
            return self._at(self._clock()) - self._at(since)

    def stretch(self, since: float | None = None) -> float:
        """How many seconds a machine second took since a moment, by default over the last ten seconds."""
        now = self._clock()
        began = max(now - _RECENT_SECONDS, self._moments[0]) if since is None else since
        passed = self.elapsed(began)
        return max(1.0, (now - began) / passed) if passed > 0 else 1.0

    def late(self, since: float | None = None) -> bool:
        """Whether the machine did not keep up from a moment until now, by default over the last ten seconds."""
        return self.stretch(since) > LATE

    def _at(self, moment: float) -> float:
        place = bisect.bisect_right(self._moments, moment)
        if place == 0:
            return self._passed[0] - (self._moments[0] - moment)
        if place < len(self._moments):
            whole = self._moments[place] - self._moments[place - 1]
            share = (moment - self._moments[place - 1]) / whole if whole else 0.0
            return self._passed[place - 1] + share * (self._passed[place] - self._passed[place - 1])
        passed = moment - self._moments[-1]
        if self._beating:
            # Beyond this the heart should have beaten: this process did not run.
            passed = min(passed, BEAT_SECONDS + _TOLERANCE_SECONDS)
        return self._passed[-1] + passed / self._pace

    def _slowest_loop(self, now: float) -> float:
        return max((ratio for at, ratio in self._loops.values() if now - at < _LOOP_TELLS_SECONDS), default=1.0)


def crowd() -> float:
    """How many processes want to run for each core, this one not counted; 1 where the kernel does not tell."""
    try:
        running = int(_LOAD.read_text().split()[3].partition("/")[0]) - 1
    except (OSError, IndexError, ValueError):
        return 1.0
    return running / len(os.sched_getaffinity(0))


def start_heart(lateness: Lateness, stopping: threading.Event) -> None:
    """Beat in a thread of its own until `stopping` is set."""

    def run() -> None:
        while not stopping.wait(BEAT_SECONDS):
            lateness.beat(crowd())

    threading.Thread(target=run, name="heart", daemon=True).start()


@contextmanager
def measured() -> Iterator[Lateness]:
    """The lateness of this machine while a command works."""
    lateness, stopping = Lateness(), threading.Event()
    start_heart(lateness, stopping)
    try:
        yield lateness
    finally:
        stopping.set()


async def beat_for_ever(lateness: Lateness) -> None:
    """Beat in the event loop: what holds the loop up is lateness as well."""
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        lateness.beat(crowd())


class Timeout(AbstractAsyncContextManager["Timeout"]):
    """asyncio.timeout() in machine seconds."""

    def __init__(self, lateness: Lateness, seconds: float) -> None:
        self._lateness = lateness
        self._seconds = seconds
        self._limit = asyncio.timeout(None)

    async def __aenter__(self) -> Timeout:
        await self._limit.__aenter__()
        self._began = self._lateness.now()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await self._limit.__aexit__(kind, error, trace)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        left = self._seconds - (self._lateness.now() - self._began)
        if left > 1e-3:
            self._timer = loop.call_later(left, self._look)
        else:
            self._limit.reschedule(loop.time())


def wait(event: threading.Event, lateness: Lateness, seconds: float) -> bool:
    """Wait for an event at most so many machine seconds; whether it came."""
    began = lateness.now()
    while (left := seconds - (lateness.now() - began)) > 1e-3:
        if event.wait(left):
            return True
    return event.is_set()


def keeps_up(slower: Mapping[str, float]) -> str:
    """One sentence on whether the machine keeps up; `slower` is how many times longer a second of work takes, by process."""
    worst = max(slower.values())
    if worst <= LATE:
        return "This machine keeps up."
    return (
        f"This machine is overloaded by {worst:.1f}: what should take 1 s takes {worst:.1f} s. Health checks and timeouts "
        "wait longer accordingly, and containers start one by one."
    )
