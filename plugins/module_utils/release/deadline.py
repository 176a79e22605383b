# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A deadline over a whole call, where the timeouts of its single reads bound nothing: an answer may drip for hours."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
_ASKED_EVERY_SECONDS = 2.0


class _Call(threading.Thread, Generic[T]):
    """Runs the call beside the thread that waits for it."""

    def __init__(self, call: Callable[[], T]) -> None:
        # A name that does not resolve holds its thread: that must not hold the process.
        super().__init__(daemon=True)
        self._call = call
        self.answers: list[T] = []
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            self.answers.append(self._call())
        except BaseException as failure:  # noqa: BLE001
            self.failure = failure


def within(
    call: Callable[[], T], seconds: float, abort: Callable[[], None], stopped: Callable[[], bool] | None = None
) -> T:
    """The call's answer; TimeoutError past the deadline, InterruptedError once `stopped` says so. `abort` ends the call."""
    running: _Call[T] = _Call(call)
    until = time.monotonic() + seconds
    running.start()
    try:
        _wait(running, seconds, until, stopped)
    finally:
        # Also where `stopped` itself fails, because another controller has the lease.
        if running.is_alive():
            abort()
    if running.failure is not None:
        raise running.failure
    return running.answers[0]


def _wait(running: _Call[T], seconds: float, until: float, stopped: Callable[[], bool] | None) -> None:
    while True:
        running.join(max(0.0, min(_ASKED_EVERY_SECONDS, until - time.monotonic())))
        if not running.is_alive():
            return
        if time.monotonic() >= until:
            raise TimeoutError(f"no whole answer within {seconds:g} seconds")
        if stopped is not None and stopped():
            raise InterruptedError("the release was stopped")
