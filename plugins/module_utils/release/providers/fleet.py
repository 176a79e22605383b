# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A service on AWS as one run sees it: both colours and the weights, read in one go. What the providers share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from ...aws import autoscaling, ecs, elbv2, task_definition
from ...aws.autoscaling import ScaleIn
from ...aws.ecs_states import ServiceState, short
from ...aws.elbv2_states import Rule, TargetState
from ...aws.errors import Failure
from ...aws.session import Aws
from ...aws.tasks import TaskState
from ...common.clock import Clock, SystemClock
from ...rollout.lease import WRITE_CONNECT_SECONDS, WRITE_READ_SECONDS
from ...rollout.model import Colour, Release
from ...service.location import ServiceLocation
from ...service.specification import Specification
from ..ports import Progress
from .colour_state import Reading, needs_stopped_tasks

_AT_ONCE = 4
_SCALE_INS_SECONDS = 5.0


@dataclass(frozen=True)
class FleetReading:
    """The production rule, and what was read of each colour."""

    rule: Rule
    colours: dict[Colour, Reading]


@dataclass
class ServiceFleet:
    """Reads a service, and keeps what was read last. A rollback has no specification: it uses what is registered."""

    aws: Aws
    location: ServiceLocation
    progress: Progress
    spec: Specification | None = None
    services: dict[Colour, ServiceState] = field(default_factory=dict)
    # Scheduled scale-ins change by this run, which reads them again, or by a write that arrived late.
    scale_ins: dict[str, tuple[ScaleIn, ...]] | None = None
    clock: Clock = field(default_factory=SystemClock)
    # No write is sent after this time.
    write_until: float = 0.0
    _scale_ins_read_at: float = 0.0
    _production: Rule | None = None
    _writing: Aws | None = None

    def read(self, count_unended: bool = False) -> FleetReading:
        aws, location = self.aws, self.location
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            services = pool.submit(ecs.services, aws, location.cluster, list(location.ecs_services.values()))
            rule = pool.submit(elbv2.rule, aws, location.production.arn)
            targets = {
                colour: pool.submit(elbv2.target_health, aws, location.target_groups[colour].arn) for colour in Colour
            }
            scheduled = pool.submit(self._scale_ins)
            found = services.result()
            self.services = {colour: found[name] for colour, name in location.ecs_services.items() if name in found}
            readings = {
                colour: self._reading(colour, targets[colour].result(), scheduled.result()) for colour in Colour
            }
            if count_unended:
                readings = {
                    colour: replace(reading, unended=self._unended(colour)) for colour, reading in readings.items()
                }
            self._production = rule.result()
            return FleetReading(self._production, readings)

    @property
    def production(self) -> Rule:
        """The production rule as it was read last: what others added to it since the run began is kept by the next write."""
        return self._production or self.location.production

    def _unended(self, colour: Colour) -> int:
        """Tasks whose program may still run. ECS does not count a task as running any more once it is to stop."""
        service = self.services.get(colour)
        if service is None or service.desired:
            return service.running + service.pending if service else 0
        # In this order no task is missed that is told to stop between the two calls.
        tasks = {
            task.id: task
            for status in ("RUNNING", "STOPPED")
            for task in ecs.tasks(self.aws, self.location.cluster, service.name, status)
        }
        return sum(not task.has_ended for task in tasks.values())

    def _reading(
        self, colour: Colour, targets: tuple[TargetState, ...], scheduled: dict[str, tuple[ScaleIn, ...]]
    ) -> Reading:
        name = self.location.ecs_services[colour]
        return Reading(colour, self.services.get(colour), targets, self._stopped(colour), scheduled.get(name, ()))

    def _stopped(self, colour: Colour) -> list[TaskState]:
        if not needs_stopped_tasks(self.services.get(colour)):
            return []
        return ecs.tasks(self.aws, self.location.cluster, self.location.ecs_services[colour], "STOPPED")

    def _scale_ins(self) -> dict[str, tuple[ScaleIn, ...]]:
        now = self.clock.now()
        if self.scale_ins is None or now - self._scale_ins_read_at >= _SCALE_INS_SECONDS:
            self._scale_ins_read_at = now
            names = list(self.location.ecs_services.values())
            cluster = self.location.cluster
            self.scale_ins = {name: autoscaling.scale_ins(self.aws, cluster, name) for name in names}
        return self.scale_ins

    def register(self, release: Release) -> str:
        """Return a revision that is as specified: one that is known already, or a new one."""
        spec = self.specification()
        if spec.registered:
            return spec.registered
        definition = spec.task_definition()
        candidate = self.services.get(release.candidate)
        for reference in (candidate.task_definition if candidate else "", spec.names.family):
            known = ecs.task_definition(self.aws, reference) if reference else None
            if known and known.get("status", "ACTIVE") == "ACTIVE" and task_definition.same(known, definition):
                return str(known["taskDefinitionArn"])
        arn = ecs.register_task_definition(self.aws, spec.names.family, definition, spec.tags)
        self.progress.line(f"registered {short(arn)}")
        return arn

    def specification(self) -> Specification:
        if self.spec is None:
            raise Failure(
                f"Service {self.location.service} has no ECS service to return to, and a rollback makes none. "
                "Run playbooks/release.yml with the version that should serve."
            )
        return self.spec

    @property
    def writing(self) -> Aws:
        """For writes: each request is sent once, and only while the lease was just renewed."""
        if self._writing is None:
            self._writing = self.aws.fenced(WRITE_CONNECT_SECONDS, WRITE_READ_SECONDS, self._may_write)
        return self._writing

    def _may_write(self) -> bool:
        return self.clock.now() <= self.write_until

    def update(self, colour: Colour, request: dict[str, Any]) -> None:
        ecs.update_service(self.writing, self.location.cluster, self.location.ecs_services[colour], request)

    def create(self, colour: Colour, request: dict[str, Any]) -> None:
        name = self.location.ecs_services[colour]
        ecs.create_service(self.writing, self.location.cluster, name, request, self.specification().tags)
