# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads what the report of a release shows: ledger, CloudWatch, ECS. What cannot be read is named, and hides nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from ...aws import ecs
from ...aws.ecs_states import short
from ...aws.errors import Failure
from ...aws.session import Aws
from ...aws.tasks import TaskState
from ...common.clock import Clock
from ...rollout.model import Colour, Release
from ...service.location import ServiceLocation
from ..journal import Moment
from ..ledger import DynamoLedger
from ..ports import PortError
from . import traffic
from .facts import ColourTraffic, Facts, TaskRow

T = TypeVar("T")
# A task that the release started may be stopped some time after its end.
_AFTER_SECONDS = 600.0


@dataclass
class Reader:
    aws: Aws
    location: ServiceLocation
    clock: Clock
    unread: list[str] = field(default_factory=list)

    def facts(self, begun: Facts) -> Facts:
        """The facts of a release with all that can be read about it; the same where none was begun."""
        release = begun.release
        if release is None:
            return begun
        location = self.location
        ledger = DynamoLedger(self.aws, location.ledger, location.service)
        nothing: tuple[list[Moment], list[str]] = ([], [])
        moments, unread = self._read(lambda: ledger.moments(release.id), nothing)
        self.unread += unread
        if not begun.evidence:
            kept: dict[str, Any] = self._read(lambda: ledger.evidence(release.id) or {}, {})
            begun = replace(begun, evidence=kept)
        return self.measured(replace(begun, moments=tuple(moments)), release.started_at, self._end(release))

    def measured(self, begun: Facts, start: float, end: float) -> Facts:
        """With the traffic and the tasks of a time."""
        location = self.location
        shown = traffic.window(start, end, self.clock.now())
        routed = location.is_routed
        # A network load balancer does not count requests.
        is_counted = routed and not location.of_connections
        none: dict[Colour, ColourTraffic] = {}
        found = self._read(lambda: traffic.read(self.aws, location, shown), none) if is_counted else none
        return replace(
            begun,
            routed=routed,
            traffic=found,
            period_seconds=shown.period_seconds,
            tasks=tuple(self._tasks(start, end)),
            unread=(*begun.unread, *self.unread),
        )

    def _end(self, release: Release) -> float:
        return release.ended_at or self.clock.now()

    def _tasks(self, start: float, end: float) -> list[TaskRow]:
        """Tasks that ran during that time, as far as ECS still knows them."""
        found: list[TaskRow] = []
        for colour, name in self.location.ecs_services.items():
            for status in ("RUNNING", "STOPPED"):
                none: list[TaskState] = []
                tasks = self._read(partial(ecs.tasks, self.aws, self.location.cluster, name, status), none)
                found += [_row(colour, task) for task in tasks if self._ran_during(start, end, task)]
        return sorted(found, key=lambda row: (row.started_at or self.clock.now(), row.id))

    def _ran_during(self, start: float, end: float, task: TaskState) -> bool:
        created, stopped = task.created_at or 0.0, task.stopped_at or self.clock.now()
        return created <= end + _AFTER_SECONDS and stopped >= start

    def _read(self, call: Callable[[], T], otherwise: T) -> T:
        try:
            return call()
        except (Failure, PortError) as failed:
            self.unread.append(str(failed))
            return otherwise


def _row(colour: Colour, task: TaskState) -> TaskRow:
    return TaskRow(
        colour,
        task.id,
        short(task.task_definition),
        task.zone,
        task.status.lower(),
        task.started_at,
        task.stopped_at,
        task.cause if task.ended_badly else "",
    )
