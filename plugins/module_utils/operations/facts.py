# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a triage reads of a service, as frozen values. What could not be read says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..aws.autoscaling import Bounds
from ..aws.cloudwatch import Series
from ..aws.ecs_states import ServiceState
from ..aws.elbv2_states import TargetState
from ..aws.logs import LogEvent
from ..aws.tasks import TaskState
from ..aws.xray import ServiceNode
from ..monitoring.alarm_parts import kind_of
from ..rollout.history import Target
from ..rollout.lease import Lease
from ..rollout.model import Colour, Release


@dataclass(frozen=True)
class Unread:
    """Facts that could not be read, and why."""

    why: str
    throttled: bool = False


@dataclass(frozen=True)
class Period:
    """One period of one colour: requests, how many of them failed, and the 99th percentile of the response time."""

    at: float
    requests: int
    errors: int
    p99: float | None = None


@dataclass(frozen=True)
class Certificate:
    """The certificate of the listener."""

    domain: str
    expires_at: float


@dataclass(frozen=True)
class Answers:
    """What users are answered: periods of each colour, oldest first; and 5xx that the load balancer answers itself."""

    colours: Mapping[Colour, tuple[Period, ...]] = field(default_factory=dict)
    balancer_errors: Series = ()
    certificate: Certificate | Unread | None = None
    # False of a worker, which no load balancer sends requests.
    routed: bool = True


@dataclass(frozen=True)
class ColourTasks:
    """One colour: its share of traffic in percent, where that is known, its ECS service, its tasks and its targets."""

    colour: Colour
    weight: int | None = None
    service: ServiceState | None = None
    running: tuple[TaskState, ...] = ()
    stopped: tuple[TaskState, ...] = ()
    targets: tuple[TargetState, ...] | Unread = ()
    # Of one task that is not healthy, oldest first.
    log_lines: tuple[str, ...] = ()
    # A worker has no targets: its tasks are healthy unless their own health check says otherwise.
    routed: bool = True

    @property
    def desired(self) -> int:
        return self.service.desired if self.service else 0

    @property
    def healthy(self) -> int | None:
        """Healthy targets, or tasks of a worker; None where they could not be read."""
        if not self.routed:
            return sum(task.status == "RUNNING" and task.health != "UNHEALTHY" for task in self.running)
        if isinstance(self.targets, Unread):
            return None
        return sum(target.state == "healthy" for target in self.targets)

    @property
    def serves(self) -> bool:
        """Whether users' requests are sent to it. Where the weights are unknown, whether it should run tasks."""
        return self.weight > 0 if self.weight is not None else self.desired > 0


@dataclass(frozen=True)
class Tasks:
    colours: tuple[ColourTasks, ...] = ()
    # The port that the load balancer asks, and how long a new task may take to answer.
    port: int = 0
    grace_seconds: int = 0
    health_check: str = ""


@dataclass(frozen=True)
class Releases:
    """The ledger: releases, newest first; who holds the service; what a rollback would return to, or why it cannot."""

    history: tuple[Release, ...] = ()
    lease: Lease | None = None
    rollback: Target | str = ""
    disagreements: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def newest(self) -> Release | None:
        return self.history[0] if self.history else None

    @property
    def under_way(self) -> Release | None:
        return next((release for release in self.history if not release.closed), None)


@dataclass(frozen=True)
class Usage:
    """A resource that can be used up: what it is, in which unit, and its data points."""

    points: Series = ()

    def last(self, count: int) -> tuple[float, ...]:
        return tuple(value for _time, value in self.points[-count:])


@dataclass(frozen=True)
class Saturation:
    """CPU and memory of each colour in percent; file systems by id; the database; bounds of autoscaling by colour."""

    cpu: Mapping[Colour, Usage] = field(default_factory=dict)
    memory: Mapping[Colour, Usage] = field(default_factory=dict)
    io_limit: Mapping[str, Usage] = field(default_factory=dict)
    burst_credits: Mapping[str, Usage] = field(default_factory=dict)
    database_cpu: Usage = Usage()
    database_storage: Usage = Usage()
    bounds: Mapping[Colour, Bounds] = field(default_factory=dict)


@dataclass(frozen=True)
class Logs:
    """Lines that look like errors, oldest first, and whether these are all."""

    group: str
    events: tuple[LogEvent, ...] = ()
    complete: bool = True


@dataclass(frozen=True)
class Traces:
    """The service as X-Ray has it, None where no trace names it; and traces in which it failed."""

    node: ServiceNode | None = None
    faulty: tuple[str, ...] = ()


@dataclass(frozen=True)
class Alarm:
    """An alarm of the service, or of what services share, that is firing."""

    name: str
    since: float
    reason: str = ""

    @property
    def kind(self) -> str:
        return kind_of(self.name)


@dataclass(frozen=True)
class Facts:
    """Everything that is known of a service at one moment, and of the minutes before."""

    service: str
    environment: str
    now: float
    minutes: int
    answers: Answers | Unread = Answers()
    tasks: Tasks | Unread = Tasks()
    releases: Releases | Unread = Releases()
    saturation: Saturation | Unread = Saturation()
    logs: Logs | Unread = Logs("")
    traces: Traces | Unread = Traces()
    alarms: tuple[Alarm, ...] | Unread = ()
    # On its health check of Route 53, which may be in another region.
    health_alarms: tuple[Alarm, ...] | Unread = ()

    @property
    def firing(self) -> tuple[Alarm, ...]:
        """All alarms that are known to be firing."""
        parts = (self.alarms, self.health_alarms)
        return tuple(alarm for part in parts if not isinstance(part, Unread) for alarm in part)

    @property
    def unread_alarms(self) -> tuple[Unread, ...]:
        return tuple(part for part in (self.alarms, self.health_alarms) if isinstance(part, Unread))

    @property
    def since(self) -> float:
        """The beginning of the minutes that are looked at."""
        return self.now - 60 * self.minutes

    @property
    def changed_by(self) -> Release | None:
        """The newest release, if it may explain what began within these minutes: it is under way, or ended within them."""
        newest = None if isinstance(self.releases, Unread) else self.releases.newest
        if newest is None or (newest.closed and (newest.ended_at or newest.started_at) < self.since):
            return None
        return newest
