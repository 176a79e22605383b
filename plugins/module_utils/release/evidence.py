# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What tells why a deployment fails: stopped tasks with their last log lines, sick targets, what ECS complains of. Pure.

It is collected while the deployment runs, because ECS forgets stopped tasks and the load balancer forgets targets.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..aws.ecs_states import Event
from ..aws.elbv2_states import TargetState
from ..aws.tasks import TaskState

# Events that say that ECS cannot do what it wants, as against what it does.
_COMPLAINT = re.compile(r"unable to|unhealthy|failed|rolling back|is in .*error|insufficient|not enough", re.IGNORECASE)
_TASKS_SHOWN = 3


@dataclass(frozen=True)
class ContainerLog:
    """The last lines of one container."""

    container: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class TaskFailure:
    """A task that stopped, with each of its containers that failed."""

    task_id: str
    cause: str
    logs: tuple[ContainerLog, ...] = ()

    @classmethod
    def of(cls, task: TaskState, log_lines: Callable[[str], Sequence[str]] = lambda container: ()) -> TaskFailure:
        """The log lines are asked for container by container."""
        logs = (ContainerLog(container.name, tuple(log_lines(container.name))) for container in task.culprits)
        return cls(task.id, task.cause, tuple(logs))

    @property
    def has_lines(self) -> bool:
        return any(log.lines for log in self.logs)

    def as_dict(self) -> dict[str, Any]:
        """`container` and `log_lines` are those of the first that failed."""
        first = self.logs[0] if self.logs else ContainerLog("")
        return {
            "task": self.task_id,
            "cause": self.cause,
            "container": first.container,
            "log_lines": list(first.lines),
            "containers": [{"container": log.container, "log_lines": list(log.lines)} for log in self.logs],
        }


@dataclass
class Evidence:
    """Grows while a deployment is watched."""

    health_check: str = ""
    failures: dict[str, TaskFailure] = field(default_factory=dict)
    unhealthy_targets: dict[str, TargetState] = field(default_factory=dict)
    complaints: dict[str, str] = field(default_factory=dict)

    def add_failure(self, failure: TaskFailure) -> None:
        self.failures[failure.task_id] = failure

    def add_targets(self, targets: Sequence[TargetState]) -> list[str]:
        """Keep what sick targets answer; return a sentence for each that is new or says something new."""
        news = []
        for target in targets:
            known = self.unhealthy_targets.get(target.address)
            if target.unhealthy and (known is None or known.description != target.description):
                self.unhealthy_targets[target.address] = target
                news.append(self._target(target))
        return news

    def add_event(self, event: Event) -> None:
        if _COMPLAINT.search(event.message):
            self.complaints[event.id] = event.short

    def causes(self) -> list[str]:
        """Return the causes, the most frequent first, equal ones counted once."""
        counted = Counter(failure.cause for failure in self.failures.values())
        sentences = [
            f"{count} task{'s' if count > 1 else ''} stopped: {cause}" for cause, count in counted.most_common()
        ]
        targets = Counter(target.explanation for target in self.unhealthy_targets.values())
        sentences += [
            f"{count} target{'s' if count > 1 else ''} unhealthy: {cause}{self._health_check_suffix}"
            for cause, count in targets.most_common()
        ]
        return sentences

    def logs(self) -> list[str]:
        """Return the last lines of failed containers, each under a heading; of tasks that ended alike, of one only."""
        by_cause = {failure.cause: failure for failure in self.failures.values() if failure.has_lines}
        sentences = []
        for failure in list(by_cause.values())[:_TASKS_SHOWN]:
            for log in failure.logs:
                if log.lines:
                    sentences.append(f"last log lines of {log.container}, task {failure.task_id[:12]}:")
                    sentences += [f"  {line}" for line in log.lines]
        return sentences

    def as_dict(self) -> dict[str, Any]:
        return {
            "tasks": [failure.as_dict() for failure in self.failures.values()],
            "targets": [self._target(target) for target in self.unhealthy_targets.values()],
            "events": list(self.complaints.values()),
        }

    @property
    def _health_check_suffix(self) -> str:
        return f" ({self.health_check})" if self.health_check else ""

    def _target(self, target: TargetState) -> str:
        return f"target {target.address}:{target.port} {target.state}: {target.explanation}{self._health_check_suffix}"


def sentence(reason: str, evidence: Evidence) -> str:
    """Return why a deployment failed as a message: the verdict, the causes, then the logs."""
    causes = evidence.causes() or list(dict.fromkeys(evidence.complaints.values()))[:_TASKS_SHOWN]
    first = " ".join(f"{sentences.rstrip('.')}." for sentences in [reason, *causes])
    return "\n".join([first, *evidence.logs()])
