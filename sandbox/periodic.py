"""A thread that does one thing at an interval, and goes on after an error."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable

from .lateness import Lateness


class Periodic:
    """Calls `work` each `seconds` until the event given to `start` is set.

    An error of `work` goes to the log, and the next call is made all the same: what is broken for one service must not
    stop all the others. With `lateness`, the delay of this loop counts as lateness of the machine. With `share`, the pauses
    grow where the work takes so long that it would take more than this share of the time.
    """

    def __init__(
        self,
        name: str,
        seconds: float,
        work: Callable[[], None],
        lateness: Lateness | None = None,
        share: float = 1.0,
    ) -> None:
        self._name = name
        self._seconds = seconds
        self._work = work
        self._lateness = lateness
        self._share = share
        self._thread: threading.Thread | None = None

    def start(self, stopping: threading.Event) -> None:
        self._thread = threading.Thread(target=self._run, args=(stopping,), name=self._name, daemon=True)
        self._thread.start()

    def join(self, timeout: float) -> None:
        """Wait for the call that is being made, once the event is set."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self, stopping: threading.Event) -> None:
        before, pause = time.monotonic(), self._seconds
        while not stopping.wait(pause):
            began = time.monotonic()
            try:
                self._work()
            except Exception:  # noqa: BLE001 - printed; see the class
                print(f"{self._name}: this round failed, the next one follows", file=sys.stderr, flush=True)
                traceback.print_exc(file=sys.stderr)
            pause = max(self._seconds, (time.monotonic() - began) / self._share) if self._share < 1 else self._seconds
            if self._lateness is not None:
                self._lateness.loop_ran(self._name, self._seconds, time.monotonic() - before)
            before = time.monotonic()
