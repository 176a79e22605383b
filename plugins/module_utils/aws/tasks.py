# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An ECS task, and why it stopped. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .naming import APP_CONTAINER

# Signals by exit status, as a shell counts them.
_SIGNALS = {137: "SIGKILL", 139: "SIGSEGV", 143: "SIGTERM"}
_KILLED, _TERMINATED = 137, 143
# Not a failure of the container itself: somebody had the task stopped.
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html
_STOPPED_FROM_OUTSIDE = {"ServiceSchedulerInitiated", "UserInitiated", "SpotInterruption", "TerminationNotice"}


def started_by(text: str) -> str:
    """A text as RunTask's startedBy accepts it: at most 128 letters, digits, hyphens, slashes and underscores."""
    return re.sub(r"[^A-Za-z0-9_/-]", "-", text)[:128]


@dataclass(frozen=True)
class ContainerState:
    name: str
    status: str = ""
    image: str = ""
    health: str = "UNKNOWN"
    exit_code: int | None = None
    reason: str = ""
    # State of the agent of ECS Exec; empty where the container has none.
    exec_agent: str = ""
    exec_agent_reason: str = ""

    @property
    def failed(self) -> bool:
        return self.exit_code not in (None, 0) or bool(self.reason) or self.is_sick

    @property
    def is_sick(self) -> bool:
        """ECS stops the whole task because of the health check of one container."""
        return self.health == "UNHEALTHY"

    @property
    def innocence(self) -> int:
        """Where one container of a task fails, ECS ends the others by signals: 0 for one that failed by itself."""
        if self.is_sick or self.reason or self.exit_code not in (_KILLED, _TERMINATED):
            return 0
        return 1 if self.exit_code == _KILLED else 2

    def ending(self, stop_code: str) -> str:
        """How it ended. The task's stop code tells who sent a signal; only ECS's own reason calls it out of memory."""
        said = []
        if self.exit_code is not None:
            signal = _SIGNALS.get(self.exit_code, "")
            if self.exit_code == _KILLED and stop_code in _STOPPED_FROM_OUTSIDE:
                signal += ": it did not end within its stop timeout"
            elif self.exit_code == _KILLED and not self.reason:
                signal += ": ECS gives no reason; it may have been out of memory"
            said.append(f"exit code {self.exit_code}" + (f" ({signal})" if signal else ""))
        if self.reason:
            said.append(self.reason)
        if self.is_sick:
            said.append("its health check failed")
        return f"container {self.name}: {', '.join(said) or self.status.lower()}"


@dataclass(frozen=True)
class TaskState:
    id: str
    task_definition: str
    deployment_id: str
    status: str
    health: str = "UNKNOWN"
    address: str = ""
    zone: str = ""
    stop_code: str = ""
    stopped_reason: str = ""
    # In seconds since 1970; None where it has not happened yet.
    created_at: float | None = None
    started_at: float | None = None
    stopped_at: float | None = None
    containers: tuple[ContainerState, ...] = ()
    # Whether it was started with ECS Exec.
    exec_enabled: bool = False

    @property
    def has_ended(self) -> bool:
        """Its containers have stopped; what may be left to do is to detach its network interface.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
        """
        return self.status in {"DEPROVISIONING", "STOPPED"}

    @property
    def ended_badly(self) -> bool:
        """Stopped because of a failure, not because the service was scaled in."""
        return self.stop_code in {"EssentialContainerExited", "TaskFailedToStart"} or (
            self.stop_code == "ServiceSchedulerInitiated"
            and any(word in self.stopped_reason.lower() for word in ("unhealthy", "health check"))
        )

    @property
    def cause(self) -> str:
        """Why it stopped: ECS's reason, and all containers that failed by themselves."""
        # If an image could not be pulled, task and container carry the same reason.
        own = [
            replace(container, reason="") if container.reason == self.stopped_reason else container
            for container in self._failed
        ]
        containers = [container.ending(self.stop_code) for container in own if container.failed]
        return "; ".join([without_arns(self.stopped_reason).rstrip(".") or "stopped", *containers])

    @property
    def culprits(self) -> tuple[ContainerState, ...]:
        """The containers whose logs are the most useful: all that failed by themselves, otherwise the service's own."""
        return self._failed or self.own[:1]

    @property
    def own(self) -> tuple[ContainerState, ...]:
        """The service's own container before the others: ECS answers with the containers of a task in any order."""
        return tuple(sorted(self.containers, key=lambda container: container.name != APP_CONTAINER))

    @property
    def _failed(self) -> tuple[ContainerState, ...]:
        failed = [container for container in self.containers if container.failed]
        least = min((container.innocence for container in failed), default=0)
        return tuple(container for container in failed if container.innocence == least)


def without_arns(text: str) -> str:
    """Return ECS's text with the names of target groups in place of their ARNs."""
    return re.sub(r"arn:\S+?:targetgroup/([^/\s)]+)/[0-9a-f]+", r"\1", text)
