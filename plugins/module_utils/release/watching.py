# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Follow a deployment to its end: observe, say what changed, keep evidence, judge, wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from ..aws.errors import AwsError
from ..aws.tasks import TaskState
from ..common.clock import Clock, polling_intervals
from ..common.progress import Progress
from .evidence import Evidence, TaskFailure
from .rolling import Followed, Observation, Outcome, Verdict, failure_seen, judge

# Reading stopped tasks costs two calls: less often than the state, and once more at the end.
_TASKS_EVERY_SECONDS = 4.0
_LOGS_READ_OF = 3
# ECS answers reads for a moment as if the write had not happened yet.
_SHOWN_WITHIN_SECONDS = 30.0
# The deployment goes on whether we look or not: a read that fails in passing does not end the watch.
_FAILED_READS = 5


class DeploymentObserver(Protocol):
    """What a watcher can look at."""

    def observe(self) -> Observation: ...

    def stopped_tasks(self) -> Sequence[TaskState]: ...

    def log_lines(self, task: TaskState) -> Sequence[str]: ...


@dataclass
class Watcher:
    """Watches one deployment."""

    sight: DeploymentObserver
    clock: Clock
    progress: Progress
    evidence: Evidence
    followed: Followed
    # Ids, not times: this machine's clock and ECS's need not agree.
    known_events: set[str] = field(default_factory=set)
    _said: str = ""
    _shown: bool = False
    _failed_reads: int = 0
    # Targets that were sick before a task of ours can have been registered: somebody else's evidence.
    _sick_before: frozenset[str] | None = None
    _tasks_read: float = 0.0

    def follow(self, timeout_seconds: float) -> Verdict:
        began = self.clock.now()
        deadline = began + timeout_seconds
        # What is stable at once is seen at once; what takes minutes costs three reads more for it.
        for pause in polling_intervals(first=0.2, growth=1.5):
            verdict = self._verdict(self.clock.now() - began)
            if verdict.outcome is not None:
                if verdict.outcome is not Outcome.SUCCEEDED:
                    self._look_at_tasks()
                return verdict
            if self.clock.now() >= deadline:
                self._look_at_tasks()
                return Verdict(
                    Outcome.TIMED_OUT,
                    f"not done after {timeout_seconds:.0f} s: {verdict.reason}; wanted were all tasks running, their targets "
                    "healthy, and the rollout completed",
                )
            self._say(verdict.reason)
            self.clock.sleep(pause)
        raise AssertionError("polling intervals never end")

    def _verdict(self, waited: float) -> Verdict:
        try:
            seen = self.sight.observe()
            self.look(seen)
        except AwsError as failed:
            self._failed_reads += 1
            if not failed.transient or self._failed_reads >= _FAILED_READS:
                raise
            return Verdict(None, f"{failed} Reading again ({self._failed_reads} of {_FAILED_READS} tries).")
        self._failed_reads = 0
        return self._judge(seen, waited)

    def _judge(self, seen: Observation, waited: float) -> Verdict:
        self._shown = self._shown or seen.service.deployment(self.followed.deployment_id) is not None
        if not self._shown and waited < _SHOWN_WITHIN_SECONDS:
            return Verdict(None, f"waiting for ECS to show deployment {self.followed.deployment_id}")
        return judge(self.followed, seen)

    def look(self, seen: Observation) -> None:
        """Say what is new, and keep what explains a failure."""
        self.followed = replace(
            self.followed, seen_failed=self.followed.seen_failed or failure_seen(self.followed, seen)
        )
        for event in sorted(seen.service.events, key=lambda event: event.created_at):
            if event.id not in self.known_events:
                self.known_events.add(event.id)
                self.evidence.add_event(event)
                self.progress.line(event.short)
        if self._sick_before is None:
            new = self.followed.task_definition != self.followed.previous_task_definition
            self._sick_before = frozenset(target.address for target in seen.targets if new and target.sick)
        for news in self.evidence.add_targets([one for one in seen.targets if one.address not in self._sick_before]):
            self.progress.line(news)
        if self.clock.now() - self._tasks_read >= _TASKS_EVERY_SECONDS:
            self._look_at_tasks()

    def _look_at_tasks(self) -> None:
        self._tasks_read = self.clock.now()
        for task in self.sight.stopped_tasks():
            ours = task.deployment_id == self.followed.deployment_id
            if not ours or not task.ended_badly or task.id in self.evidence.failures:
                continue
            # Equal failures say the same: a crash loop is told once with its log, then counted.
            lines = self._log_lines(task) if len(self.evidence.failures) < _LOGS_READ_OF else ()
            self.evidence.add_failure(TaskFailure.of(task, lines))
            self.progress.line(f"task {task.id[:12]} stopped: {task.cause}")
            for line in lines[-3:]:
                self.progress.line(f"    {line}")

    def _log_lines(self, task: TaskState) -> Sequence[str]:
        """Logs that cannot be read must not hide why the task stopped."""
        try:
            return self.sight.log_lines(task)
        except AwsError as failed:
            return (f"(no log lines: {failed})",)

    def _say(self, reason: str) -> None:
        if reason == self._said:
            self.progress.heartbeat(reason)
        else:
            self._said = reason
            self.progress.line(reason)
