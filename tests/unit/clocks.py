"""A clock for tests: a wait is over at once, and its seconds have gone by."""

from __future__ import annotations


class QuickClock:
    seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
