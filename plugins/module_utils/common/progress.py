# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Progress lines of a long task: one per change, and a heartbeat while nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .clock import Clock
from .text import one_line


class Progress(Protocol):
    def line(self, text: str) -> None:
        """Report a change."""

    def heartbeat(self, text: str) -> None:
        """Report the state, if no line was written for a while."""


class SilentProgress:
    """For an ordinary module, whose only output is its result."""

    def line(self, text: str) -> None:
        return

    def heartbeat(self, text: str) -> None:
        return


class WrittenProgress:
    """Hands lines to a writer, each with the seconds since the task began."""

    def __init__(self, write: Callable[[str], None], clock: Clock, quiet_seconds: float = 10.0) -> None:
        self._write = write
        self._clock = clock
        self._quiet_seconds = quiet_seconds
        self._began = self._last = clock.now()

    def line(self, text: str) -> None:
        self._last = self._clock.now()
        self._write(f"{self._last - self._began:6.1f} s  {one_line(text)}")

    def heartbeat(self, text: str) -> None:
        if self._clock.now() - self._last >= self._quiet_seconds:
            self.line(text)
