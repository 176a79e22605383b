# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A service on AWS as one run sees it: both colours and the weights, read in one go. What the providers share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ...aws import ecs, elbv2, task_definition
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
from .scaling_reader import Scaling, ScalingReader

_AT_ONCE = 4


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
    clock: Clock = field(default_factory=SystemClock)
    # No write is sent after this time.
    write_until: float = 0.0
    scaling: ScalingReader = field(init=False)
    _writing: Aws | None = None

    def __post_init__(self) -> None:
        self.scaling = ScalingReader(self.aws, self.location, self.clock)

    def read(self) -> FleetReading:
        aws, location = self.aws, self.location
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            services = pool.submit(ecs.services, aws, location.cluster, list(location.ecs_services.values()))
            rule = pool.submit(elbv2.rule, aws, location.production.arn)
            targets = {
                colour: pool.submit(elbv2.target_health, aws, location.target_groups[colour].arn) for colour in Colour
            }
            scaling = pool.submit(self.scaling.read)
            found = services.result()
            self.services = {colour: found[name] for colour, name in location.ecs_services.items() if name in found}
            readings = {colour: self._reading(colour, targets[colour].result(), scaling.result()) for colour in Colour}
            return FleetReading(rule.result(), readings)

    def _reading(self, colour: Colour, targets: tuple[TargetState, ...], scaling: Scaling) -> Reading:
        name, state = self.location.ecs_services[colour], self.services.get(colour)
        at, suspended = scaling.scale_ins.get(name), scaling.suspended(name)
        return Reading(colour, state, targets, self._stopped(colour), at, suspended)

    def _stopped(self, colour: Colour) -> list[TaskState]:
        if not needs_stopped_tasks(self.services.get(colour)):
            return []
        return ecs.tasks(self.aws, self.location.cluster, self.location.ecs_services[colour], "STOPPED")

    def register(self, release: Release) -> str:
        """Return a revision that is as specified: one that is known already, or a new one."""
        spec = self.specification()
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
