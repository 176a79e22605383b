# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why tasks of a service stopped, as symptoms: ECS's words, exit codes, zones and ages. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from ..aws.tasks import TaskState
from .findings import Symptom

# ECS's reasons of tasks that stopped.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
_REASONS = (
    (Symptom.OUT_OF_MEMORY, re.compile(r"OutOfMemory", re.IGNORECASE)),
    (Symptom.IMAGE_NOT_PULLED, re.compile(r"CannotPullContainer|CannotPullImage|pull image", re.IGNORECASE)),
    (Symptom.SECRETS_NOT_READ, re.compile(r"secret|ssm parameter|registry auth", re.IGNORECASE)),
    (Symptom.VOLUME_NOT_MOUNTED, re.compile(r"\bEFS\b|mount\.nfs|EFS utils|file system|access point", re.IGNORECASE)),
    (Symptom.NOT_PLACED, re.compile(r"capacity is unavailable|RESOURCE:|ENI\b", re.IGNORECASE)),
)
# Calls that nobody answers, before a task has its secrets and its image. A file system is mounted after them.
_UNANSWERED = re.compile(r"i/o timeout|timed? ?out|deadline exceeded|connection issue|no route to host", re.IGNORECASE)
_KILLED = 137
# A version of which so many tasks ended will not run; one or two may have been killed.
CRASHES = 3
# Tasks of one zone that end within so many seconds ended together.
_TOGETHER_SECONDS = 120.0
_PORT = re.compile(r"(?:\bport\b\W{1,4}|listen\w*\b[^\n]{0,40}?:)(\d{2,5})\b", re.IGNORECASE)


def known_reason(task: TaskState) -> Symptom | None:
    """What ECS itself says of it, where it does."""
    said = " ".join([task.stopped_reason, *(container.reason for container in task.containers)])
    return next((symptom for symptom, pattern in _REASONS if pattern.search(said)), None)


def was_killed(task: TaskState) -> bool:
    """By SIGKILL, from outside or for its memory, or by a person who stopped it."""
    if task.stop_code == "UserInitiated":
        return True
    # A task that ECS scales in is killed too if it does not end within its stop timeout.
    ended_by_itself = task.stop_code == "EssentialContainerExited" and known_reason(task) is None
    return ended_by_itself and any(container.exit_code == _KILLED for container in task.containers)


def crashed(task: TaskState) -> bool:
    """Its program ended by itself."""
    return (
        task.stop_code == "EssentialContainerExited"
        and known_reason(task) is None
        and not was_killed(task)
        and task.ended_badly
    )


def failed_health_check(task: TaskState) -> bool:
    return task.stop_code == "ServiceSchedulerInitiated" and task.ended_badly


def lost_zone(stopped: Sequence[TaskState], running: Iterable[TaskState]) -> str:
    """The zone that lost all its tasks at once while other zones kept theirs; empty where there is none."""
    ended = [task for task in stopped if was_killed(task) or task.ended_badly]
    by_zone: dict[str, list[TaskState]] = {}
    for task in ended:
        by_zone.setdefault(task.zone, []).append(task)
    still = {task.zone for task in running if task.status == "RUNNING"}
    for zone, tasks in by_zone.items():
        times = [task.stopped_at for task in tasks if task.stopped_at is not None]
        at_once = bool(times) and max(times) - min(times) <= _TOGETHER_SECONDS
        if zone and at_once and zone not in still and still and len(tasks) >= 2 and len(tasks) == len(ended):
            return zone
    return ""


def unreachable_zone(stopped: Sequence[TaskState], running: Iterable[TaskState]) -> str:
    """The zone in which all tasks end that end, because it reaches nothing and nothing reaches it, while other zones go on.

    A network failure kills no task: those that run fail their health checks, those that start get no answer.
    """
    ended = [task for task in stopped if task.ended_badly]
    fetching = (Symptom.SECRETS_NOT_READ, Symptom.IMAGE_NOT_PULLED)
    cut_off = [task for task in ended if known_reason(task) in fetching and _UNANSWERED.search(task.stopped_reason)]
    zones = {task.zone for task in ended}
    still = {task.zone for task in running if task.status == "RUNNING"} - zones
    only = len(zones) == 1 and all(task in cut_off or failed_health_check(task) for task in ended)
    return zones.pop() if cut_off and only and still else ""


def causes(tasks: Sequence[TaskState]) -> list[str]:
    """How tasks ended, the most frequent first."""
    counted = Counter(re.sub(r"\b[0-9a-f]{32}\b", "…", task.cause) for task in tasks)
    return [f"{count} {'task' if count == 1 else 'tasks'} stopped: {cause}" for cause, count in counted.most_common(3)]


def listening_port(lines: Sequence[str]) -> int | None:
    """The port that a program says it listens on, in its log."""
    for line in reversed(lines):
        if "listen" in line.lower() or "port" in line.lower():
            match = _PORT.search(line.replace('"', " "))
            if match:
                return int(match[1])
    return None
