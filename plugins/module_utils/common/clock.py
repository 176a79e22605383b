# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The clock is a parameter, so that no test sleeps."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def polling_intervals(first: float = 0.6, longest: float = 1.8, growth: float = 1.3) -> Iterator[float]:
    """Yield pauses between polls, growing to `longest`, with 10 % jitter so that many pollers do not synchronise.

    A change is noticed within two seconds.
    """
    pause = first
    while True:
        yield pause * random.uniform(0.9, 1.1)
        pause = min(longest, pause * growth)
