# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says what is new about a deployment while it goes on, and keeps what would explain its failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from ...aws.errors import AwsError
from ...aws.tasks import TaskState
from ...rollout.model import Colour
from ..evidence import Evidence, TaskFailure
from ..ports import Progress
from .colour_state import Reading

# Equal failures say the same: a crash loop is shown with its log, then counted.
_LOGS_READ_OF = 3
_LINES_SHOWN = 3


def _no_lines(container: str) -> Sequence[str]:
    return ()


@dataclass
class Narrator:
    """Follows both colours of one service: events, unhealthy targets and stopped tasks, each said once."""

    progress: Progress
    # Of a task's container, by its name.
    log_lines: Callable[[TaskState, str], Sequence[str]]
    evidence: dict[Colour, Evidence]
    # Ids, not times: this machine's clock and ECS's need not agree.
    _known_events: set[str] = field(default_factory=set)
    # Targets that were unhealthy before this run changed anything are no evidence against it.
    _unhealthy_before: dict[Colour, frozenset[str]] = field(default_factory=dict)
    _failures: dict[str, str] = field(default_factory=dict)

    def look(self, reading: Reading) -> None:
        state, evidence = reading.state, self.evidence[reading.colour]
        if reading.colour not in self._unhealthy_before:
            self._begin(reading)
            return
        name = state.name if state else str(reading.colour)
        for event in sorted(state.events if state else (), key=lambda event: event.created_at):
            if event.id not in self._known_events:
                self._known_events.add(event.id)
                evidence.add_event(event)
                self.progress.line(f"{name}: {event.short}")
        new = [target for target in reading.targets if target.address not in self._unhealthy_before[reading.colour]]
        for sentence in evidence.add_targets(new):
            self.progress.line(f"{name}: {sentence}")
        self._look_at_tasks(reading, name)
        for deployment in state.deployments if state else ():
            if deployment.rollout_state == "FAILED":
                self._failures[deployment.task_definition] = deployment.reason.rstrip(".")

    def rollback_cause(self, reading: Reading) -> str:
        """Why ECS put the version before the present deployment back; empty where the deployment is no such return."""
        primary = reading.state.primary if reading.state else None
        if primary is None or not primary.returns_to_an_earlier_one:
            return ""
        failed = [cause for definition, cause in self._failures.items() if definition != primary.task_definition]
        return (failed[-1] if failed and failed[-1] else primary.reason).rstrip(".")

    def _begin(self, reading: Reading) -> None:
        """What is there at the first look is not news."""
        state = reading.state
        self._known_events |= {event.id for event in state.events} if state else set()
        self._unhealthy_before[reading.colour] = frozenset(
            target.address for target in reading.targets if target.unhealthy
        )
        for deployment in state.deployments if state else ():
            if deployment.rollout_state == "FAILED":
                self._failures[deployment.task_definition] = deployment.reason.rstrip(".")

    def _look_at_tasks(self, reading: Reading, name: str) -> None:
        evidence = self.evidence[reading.colour]
        primary = reading.state.primary if reading.state else None
        for task in reading.stopped:
            own = primary is not None and task.deployment_id == primary.id
            if not own or not task.ended_badly or task.id in evidence.failures:
                continue
            read = partial(self._lines, task) if len(evidence.failures) < _LOGS_READ_OF else _no_lines
            failure = TaskFailure.of(task, read)
            evidence.add_failure(failure)
            self.progress.line(f"{name}: task {task.id[:12]} stopped: {task.cause}")
            for log in failure.logs:
                for line in log.lines[-_LINES_SHOWN:]:
                    whose = f"{log.container}: " if len(failure.logs) > 1 else ""
                    self.progress.line(f"    {whose}{line}")

    def _lines(self, task: TaskState, container: str) -> Sequence[str]:
        """Logs that cannot be read must not hide why the task stopped."""
        try:
            return self.log_lines(task, container)
        except AwsError as failed:
            return (f"(no log lines: {failed})",)
