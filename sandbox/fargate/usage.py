"""CPU and memory that tasks really use, from their containers' control groups, as metrics of AWS/ECS; and how many run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..core import Core
from ..laws.fargate import vcpus
from ..metrics.balancers import sampled
from ..metrics.store import Metric
from ..metrics.store import Store as Metrics
from ..periodic import Periodic
from .model import Service, Task
from .store import Store

NAMESPACE = "AWS/ECS"
INSIGHTS = "ECS/ContainerInsights"
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/monitoring-fargate-usage.html
USAGE = "AWS/Usage"
_VCPUS = {"Type": "Resource", "Resource": "vCPU", "Service": "Fargate", "Class": "Standard/OnDemand"}
_CGROUPS = Path("/sys/fs/cgroup")
_SAMPLE_SECONDS = 20  # of CloudWatch's time
_CPU_UNITS = 1024


@dataclass(frozen=True)
class Used:
    """What the containers of a task have used: seconds of CPU since they began, bytes of memory now."""

    cpu_seconds: float
    memory_bytes: int


class Processes(Protocol):
    """Who knows the first process of each container of a task."""

    def processes(self, task: Task) -> list[int]: ...


class UsageSampler:
    """Samples every running task of every service, three times a minute of CloudWatch's time."""

    def __init__(self, core: Core, store: Store, processes: Processes) -> None:
        self._core = core
        self._store = store
        self._processes = processes
        self._before: dict[str, tuple[float, Used]] = {}
        pause = max(1.0, self._metrics.seconds(_SAMPLE_SECONDS))
        self._loop = Periodic("usage", pause, lambda: self.sample(time.time()))

    @property
    def _metrics(self) -> Metrics:
        """Looked up for each sample: restoring a snapshot replaces the store."""
        return self._core.metrics.of(self._core.settings.region)

    def start(self) -> None:
        self._loop.start(self._core.stopping)

    def sample(self, now: float) -> None:
        with self._store.lock:
            tasks = [(task, self._store.service_of(task)) for task in self._store.tasks.values() if task.running]
            services = list(self._store.services.values())
            # Others are counted by nobody: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cloudwatch-container-insights.html
            counted = {
                name for name, cluster in self._core.backend("ecs").clusters.items() if has_insights(cluster.settings)
            }
        observed = [service for service in services if service.cluster in counted]
        self._count(observed, [service for _, service in tasks], now)
        on_demand = [task.definition for task, _ in tasks if task.on_demand]
        self._metrics.add(Metric.of(USAGE, "ResourceCount", _VCPUS), now, sampled(vcpus(on_demand)), "None")
        self._metrics.told_until(USAGE, now)
        seen = {}
        for task, service in tasks:
            used = used_by(self._processes.processes(task))
            if service is None or used is None:
                continue
            seen[task.id] = (now, used)
            dimensions = {"ClusterName": task.cluster, "ServiceName": service.name}
            for name, value in utilization(task.definition, seen[task.id], self._before.get(task.id)).items():
                self._metrics.add(Metric.of(NAMESPACE, name, dimensions), now, sampled(value), "Percent")
        self._before = seen
        self._metrics.told_until(NAMESPACE, now)

    def _count(self, services: list[Service], running: list[Service | None], now: float) -> None:
        for service in services:
            dimensions = {"ClusterName": service.cluster, "ServiceName": service.name}
            counts = {
                "RunningTaskCount": sum(found is service for found in running),
                "DesiredTaskCount": service.desired,
                "DeploymentCount": len(service.deployments),
            }
            for name, count in counts.items():
                self._metrics.add(Metric.of(INSIGHTS, name, dimensions), now, sampled(count), "Count")


def has_insights(settings: list[dict[str, str]]) -> bool:
    """Whether a cluster has Container Insights on, by its settings."""
    return any(
        setting["name"] == "containerInsights" and setting["value"] in {"enabled", "enhanced"} for setting in settings
    )


def utilization(
    definition: Mapping[str, str], now: tuple[float, Used], before: tuple[float, Used] | None
) -> dict[str, float]:
    """Percent of what the task definition reserves; CPU only once there is a sample to compare with."""
    found = {"MemoryUtilization": 100 * now[1].memory_bytes / (int(definition["memory"]) * 1024 * 1024)}
    if before is not None and now[0] > before[0]:
        busy = max(0.0, now[1].cpu_seconds - before[1].cpu_seconds) / (now[0] - before[0])
        found["CPUUtilization"] = 100 * busy / (int(definition["cpu"]) / _CPU_UNITS)
    return found


def used_by(processes: list[int]) -> Used | None:
    """The sum over containers; None where one is gone, or the machine keeps no such accounts."""
    cpu, memory = 0.0, 0
    try:
        for pid in processes:
            groups = control_groups(Path(f"/proc/{pid}/cgroup").read_text())
            if "cpuacct" in groups and "memory" in groups:
                cpu += int((groups["cpuacct"] / "cpuacct.usage").read_text()) / 1e9
                memory += int((groups["memory"] / "memory.usage_in_bytes").read_text())
            elif "" in groups:
                lines = (groups[""] / "cpu.stat").read_text().splitlines()
                cpu += int(dict(line.split() for line in lines)["usage_usec"]) / 1e6
                memory += int((groups[""] / "memory.current").read_text())
            else:
                return None
    except (FileNotFoundError, ProcessLookupError):
        return None
    return Used(cpu, memory) if processes else None


def control_groups(listing: str) -> dict[str, Path]:
    """Folders by controller from /proc/PID/cgroup; the unified hierarchy's is under the empty name."""
    found: dict[str, Path] = {}
    for line in listing.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            found[controller] = _CGROUPS / controllers / path.lstrip("/")
    return found
