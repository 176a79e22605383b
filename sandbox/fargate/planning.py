"""How many tasks to start and which to stop: ECS's rolling update as a pure function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .model import Task


@dataclass(frozen=True)
class Plan:
    start: int
    stop: tuple[Task, ...]


def plan(
    desired: int,
    limits: tuple[int, int],
    new: Sequence[Task],
    old: Sequence[Task],
    healthy: Callable[[Task], bool],
    may_start: bool,
) -> Plan:
    """Return what to do now.

    new and old are the living tasks of the PRIMARY deployment and of all others. Of new ones as many are started as are
    missing and as the maximum allows; old ones are stopped as far as the minimum of healthy tasks stays.
    """
    least, most = limits
    missing = max(0, desired - len(new))
    room = max(0, max(most, 1 if desired and not old else 0) - len(new) - len(old))
    start = min(missing, room) if may_start else 0
    stop: list[Task] = []
    surplus = len(new) - desired
    if surplus > 0:
        # Scaling in: the unhealthy first, then the youngest.
        ordered = sorted(new, key=lambda task: (healthy(task), -task.created_at))
        stop += ordered[:surplus]
    staying_healthy = sum(healthy(task) for task in [*new, *old] if task not in stop)
    if may_start or sum(map(healthy, new)) >= desired:
        for task in sorted(old, key=lambda task: (healthy(task), task.created_at)):
            if not healthy(task):
                stop.append(task)
            elif staying_healthy > least:
                staying_healthy -= 1
                stop.append(task)
    return Plan(start, tuple(stop))
