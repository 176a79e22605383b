"""What the scheduler keeps: task definitions, tasks, deployments and services. Values and small rules, no I/O."""

from __future__ import annotations

import math
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol

EVENTS_KEPT = 100


def new_id() -> str:
    return secrets.token_hex(16)


@dataclass
class ContainerState:
    """One container of a task, as it really is."""

    name: str
    essential: bool
    status: str = "PENDING"  # PENDING, RUNNING, STOPPED
    exit_code: int | None = None
    reason: str = ""
    health: str = "UNKNOWN"  # UNKNOWN, HEALTHY, UNHEALTHY
    checked: bool = False  # has a health check
    runtime_id: str = ""
    image_digest: str = ""
    started_at: float | None = None


@dataclass
class Task:
    """One task. `desired` is what the scheduler wants; `status` is what is true."""

    id: str
    cluster: str
    definition: dict[str, Any]
    group: str
    started_by: str
    subnet_id: str
    zone: str
    address: str
    network: dict[str, Any]
    created_at: float = field(default_factory=time.time)
    status: str = "PROVISIONING"
    desired: str = "RUNNING"
    containers: dict[str, ContainerState] = field(default_factory=dict)
    target_places: list[tuple[str, int]] = field(default_factory=list)  # target group, container port
    registered: bool = False
    been_healthy: bool = False
    counted: bool = False  # its failure was counted by the circuit breaker
    started_at: float | None = None
    stopping_at: float | None = None
    stopped_at: float | None = None
    stop_code: str = ""
    stopped_reason: str = ""
    deployment_id: str = ""
    overrides: dict[str, Any] = field(default_factory=dict)
    tags: list[dict[str, str]] = field(default_factory=list)
    launch_type: str = "FARGATE"
    capacity_provider: str = ""
    platform_version: str = "1.4.0"
    execute_command: bool = False
    volumes: list[dict[str, Any]] = field(default_factory=list)  # volumeConfigurations that it was started with
    volume_ids: dict[str, str] = field(default_factory=dict)  # EBS volumes by their names in the task definition
    launch: dict[str, Any] = field(
        default_factory=dict
    )  # the request of RunTask that started it, with its client token

    @property
    def eni(self) -> str:
        return f"eni-{self.id[:17]}"

    @property
    def on_demand(self) -> bool:
        return self.capacity_provider != "FARGATE_SPOT"

    @property
    def alive(self) -> bool:
        """Started or starting, and meant to go on."""
        return self.desired == "RUNNING" and self.status != "STOPPED"

    @property
    def running(self) -> bool:
        return self.alive and self.status == "RUNNING"

    @property
    def health(self) -> str:
        """Health of the task by its essential containers that have a check."""
        checked = [
            container.health for container in self.containers.values() if container.checked and container.essential
        ]
        if "UNHEALTHY" in checked:
            return "UNHEALTHY"
        return "HEALTHY" if checked and all(health == "HEALTHY" for health in checked) else "UNKNOWN"


@dataclass(frozen=True)
class Limit:
    """How many failed tasks are too many: half of the desired count within 3 and 200, where nothing else is said.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ThresholdConfiguration.html
    """

    type: str = "BOUNDED_PERCENT"  # COUNT, UNBOUNDED_PERCENT
    value: int = 50

    def of(self, desired: int) -> int:
        if self.type == "COUNT":
            return self.value
        share = math.ceil(self.value * desired / 100)
        return max(share, 1) if self.type == "UNBOUNDED_PERCENT" else min(max(share, 3), 200)


@dataclass
class Breaker:
    """ECS's deployment circuit breaker: failed tasks of a deployment against a limit."""

    enabled: bool
    rollback: bool
    failures: int = 0
    limit: Limit = Limit()
    resets: bool = True  # by a task that becomes healthy

    def threshold(self, desired: int) -> int:
        return self.limit.of(desired)

    def tripped(self, desired: int) -> bool:
        return self.enabled and self.failures >= self.threshold(desired)

    def saw_healthy_task(self) -> None:
        if self.resets:
            self.failures = 0


@dataclass
class Deployment:
    """One attempt to have a service run one task definition with one configuration."""

    task_definition: str
    settings: dict[str, Any]
    breaker: Breaker
    id: str = field(default_factory=lambda: f"ecs-svc/{secrets.randbits(63)}")
    revision: str = field(default_factory=lambda: str(secrets.randbits(63)))
    record: str = field(default_factory=lambda: secrets.token_urlsafe(16).replace("-", "x").replace("_", "y"))
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)
    finished_at: float | None = None
    status: str = "PRIMARY"  # PRIMARY, ACTIVE, INACTIVE
    rollout_state: str = "IN_PROGRESS"  # IN_PROGRESS, COMPLETED, FAILED
    reason: str = ""
    record_status: str = "IN_PROGRESS"
    record_reason: str = ""
    rollback: dict[str, Any] | None = None
    triggered_alarms: list[str] = field(default_factory=list)
    # Alarms that fired already when it began, once that is known: they say nothing about it.
    unwatched_alarms: list[str] | None = None
    # When its tasks had replaced all others: what its alarms look back on begins there.
    replaced_at: float | None = None
    rolls_back: str = ""  # id of the deployment that this one returns from
    failed_tasks: int = 0
    retry_at: float = 0.0
    source_revisions: list[str] = field(default_factory=list)
    events_said: set[str] = field(default_factory=set)

    @property
    def alarms(self) -> dict[str, Any]:
        """Its deployment alarms, where they are enabled. ECS's own return is not watched."""
        alarms: dict[str, Any] = self.settings.get("deploymentConfiguration", {}).get("alarms") or {}
        return alarms if alarms.get("enable") and not self.rolls_back else {}

    def finish(self, state: str, record_status: str, reason: str) -> None:
        self.rollout_state, self.record_status, self.reason = state, record_status, reason
        self.updated_at = self.finished_at = time.time()


@dataclass
class Event:
    id: str
    created_at: float
    message: str


@dataclass
class Service:
    """An ECS service: what was asked for, and its deployments, the PRIMARY one first."""

    cluster: str
    name: str
    arn: str
    settings: dict[str, Any]
    desired: int
    deployments: list[Deployment] = field(default_factory=list)
    history: list[Deployment] = field(default_factory=list)
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    status: str = "ACTIVE"
    tags: list[dict[str, str]] = field(default_factory=list)
    created_at: float = field(default_factory=time.time)
    created_by: str = ""

    @property
    def primary(self) -> Deployment:
        return self.deployments[0]

    def say(self, message: str) -> None:
        text = f"(service {self.name}) {message}"
        self.events.appendleft(Event(new_id(), time.time(), text))

    def begin(self, deployment: Deployment) -> None:
        """The deployment becomes PRIMARY; the one that was goes on as ACTIVE until its tasks are gone."""
        if self.deployments:
            before = self.primary
            before.status = "ACTIVE"
            deployment.source_revisions = [before.revision]
            if before.rollout_state == "IN_PROGRESS":
                before.finish("IN_PROGRESS", "STOPPED", f"replaced by {deployment.id}")
        self.deployments.insert(0, deployment)
        self.history.append(deployment)

    def last_completed(self) -> Deployment | None:
        return next(
            (deployment for deployment in reversed(self.history) if deployment.record_status == "SUCCESSFUL"), None
        )

    @property
    def limits(self) -> tuple[int, int]:
        """Fewest healthy and most running tasks during a deployment, rounded as ECS rounds."""
        configuration = self.settings.get("deploymentConfiguration", {})
        least = math.ceil(self.desired * configuration.get("minimumHealthyPercent", 100) / 100)
        most = math.floor(self.desired * configuration.get("maximumPercent", 200) / 100)
        return least, most


class StartFailed(Exception):
    """A task that could not be brought up, in AWS's words."""

    def __init__(self, stop_code: str, reason: str, container: str = "") -> None:
        super().__init__(reason)
        self.stop_code = stop_code
        self.reason = reason
        self.container = container


class Runtime(Protocol):
    """What makes a task real."""

    def launch(self, task: Task) -> None:
        """Bring up every container of the task, in order; blocks. Raises StartFailed."""

    def poll(self, task: Task) -> None:
        """Update the task's containers from what really runs; cheap."""

    def stop(self, task: Task) -> None:
        """SIGTERM, SIGKILL after the stop timeout, remove; blocks."""

    def address(self, task: Task) -> str:
        """Where the task's containers really listen; empty while they do not."""


class TargetHealth(Protocol):
    """The load balancer, as the scheduler uses it."""

    def register(self, target_group_arn: str, address: str, port: int) -> None: ...

    def deregister(self, target_group_arn: str, address: str, port: int) -> None: ...

    def health(self, target_group_arn: str, address: str, port: int) -> tuple[str, str, str] | None: ...
