"""Stand-ins for time and progress in tests: a wait is over at once, and its seconds have gone by."""

from __future__ import annotations


class QuickClock:
    seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class RecordedProgress:
    """What a run says: lines, without the heartbeats."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)

    def heartbeat(self, text: str) -> None:
        return
