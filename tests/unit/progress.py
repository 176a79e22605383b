"""Progress for tests: keeps what was reported."""

from __future__ import annotations


class Lines:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.heartbeats: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)

    def heartbeat(self, text: str) -> None:
        self.heartbeats.append(text)
