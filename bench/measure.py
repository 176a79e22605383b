"""Interleaved runs of two commands on one endpoint, and what their ratio is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """One figure: ours divided by theirs, wall time or calls; `low` and `high` are the extremes over the pairs of runs."""

    name: str
    ratio: float
    goal: float | None
    low: float
    high: float
    runs: int
    command: str

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    def __str__(self) -> str:
        goal = "" if self.goal is None else f"goal ≤ {self.goal:g}, "
        met = "" if self.goal is None else ("met" if self.ratio <= self.goal else "NOT MET")
        return f"{self.name:<68} {self.ratio:6.2f}  ({goal}{self.low:.2f} to {self.high:.2f} in {self.runs} runs) {met}"


def wall(action: Callable[[], object]) -> float:
    """Seconds that an action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def ratio_row(
    name: str, goal: float | None, command: str, ours: Callable[[], float], theirs: Callable[[], float], runs: int
) -> Row:
    """Measure both in turn, `runs` times; the ratio is that of the medians."""
    pairs: list[tuple[float, float]] = [(ours(), theirs()) for _run in range(runs)]
    return row(name, goal, command, pairs)


def row(name: str, goal: float | None, command: str, pairs: Sequence[tuple[float, float]]) -> Row:
    mine, other = ([pair[side] for pair in pairs] for side in (0, 1))
    ratios = [a / b for a, b in pairs]
    return Row(
        name,
        round(statistics.median(mine) / statistics.median(other), 3),
        goal,
        round(min(ratios), 3),
        round(max(ratios), 3),
        len(pairs),
        command,
    )
