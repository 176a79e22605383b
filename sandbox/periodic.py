"""A thread that does one thing at an interval, and goes on after an error."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from .lateness import Lateness


@dataclass
class Periodic:
    """Calls `work` each `seconds` until the event given to `start` is set.

    An error of `work` goes to the log, and the next call is made all the same: what is broken for one service must not
    stop all the others. With `lateness`, the delay of this loop counts as lateness of the machine. `work` takes no more
    than `share` of the time: after a long call the pause is longer.
    """

    name: str
    seconds: float
    work: Callable[[], None]
    lateness: Lateness | None = None
    share: float = 1.0
    _thread: threading.Thread | None = field(default=None, init=False)

    def start(self, stopping: threading.Event) -> None:
        self._thread = threading.Thread(target=self._run, args=(stopping,), name=self.name, daemon=True)
        self._thread.start()

    def join(self, timeout: float) -> None:
        """Wait for the call that is being made, once the event is set."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self, stopping: threading.Event) -> None:
        before, pause = time.monotonic(), self.seconds
        while not stopping.wait(pause):
            began = time.monotonic()
            try:
                self.work()
            except Exception:  # noqa: BLE001 - printed; see the class
                print(f"{self.name}: this round failed, the next one follows", file=sys.stderr, flush=True)
                traceback.print_exc(file=sys.stderr)
            ended = time.monotonic()
            if self.lateness is not None:
                self.lateness.loop_ran(self.name, pause, ended - before)
            before, pause = ended, self.pause_after(ended - began)

    def pause_after(self, took: float) -> float:
        """How long to wait after a call that took so long."""
        return self.seconds if self.share >= 1 else max(self.seconds, took / self.share)
