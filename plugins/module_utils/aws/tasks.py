# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A task as ECS describes it, and the sentence that says why it ended. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

# Signals by exit status, as a shell counts them.
_SIGNALS = {137: "SIGKILL: out of memory, or not stopped in time", 139: "SIGSEGV", 143: "SIGTERM"}


def started_by(text: str) -> str:
    """As much of a text as RunTask's startedBy takes: 128 letters, digits, hyphens, slashes and underscores."""
    return re.sub(r"[^A-Za-z0-9_/-]", "-", text)[:128]


@dataclass(frozen=True)
class ContainerState:
    name: str
    status: str = ""
    image: str = ""
    health: str = "UNKNOWN"
    exit_code: int | None = None
    reason: str = ""

    @property
    def failed(self) -> bool:
        return self.exit_code not in (None, 0) or bool(self.reason)

    def __str__(self) -> str:
        said = []
        if self.exit_code is not None:
            signal = _SIGNALS.get(self.exit_code)
            said.append(f"exit code {self.exit_code}" + (f" ({signal})" if signal else ""))
        if self.reason:
            said.append(self.reason)
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
    containers: tuple[ContainerState, ...] = ()

    @property
    def ended_badly(self) -> bool:
        """Ended by itself or by what it ran into, not because the service needed fewer tasks."""
        return self.stop_code in {"EssentialContainerExited", "TaskFailedToStart"} or (
            self.stop_code == "ServiceSchedulerInitiated"
            and any(word in self.stopped_reason.lower() for word in ("unhealthy", "health check"))
        )

    @property
    def cause(self) -> str:
        """Why it ended: ECS's reason, and each container that has something to say."""
        # Of a container that could not be pulled, task and container say the same.
        own = [replace(one, reason="") if one.reason == self.stopped_reason else one for one in self.containers]
        containers = [str(container) for container in own if container.failed]
        return "; ".join([without_arns(self.stopped_reason).rstrip(".") or "stopped", *containers])

    @property
    def culprit(self) -> ContainerState | None:
        """The container whose last log lines tell most: one that failed, otherwise the first."""
        failed = [container for container in self.containers if container.failed]
        return next(iter(failed or self.containers), None)


def without_arns(text: str) -> str:
    """Return what ECS says with the names of target groups in place of their ARNs."""
    return re.sub(r"arn:\S+?:targetgroup/([^/\s)]+)/[0-9a-f]+", r"\1", text)
