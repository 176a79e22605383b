"""Fargate: services become deployments, deployments become tasks, tasks become real containers."""

from __future__ import annotations

from ..core import Core
from ..errors import ApiError
from .model import TargetHealth
from .network import Network
from .runtime import ContainerRuntime
from .scheduler import Scheduler
from .store import Store
from .timers import Timers
from .usage import UsageSampler


class Fargate:
    """The scheduler with its runtime, as the API process starts and stops it."""

    def __init__(self, core: Core, targets: TargetHealth) -> None:
        self.store = Store(core.lock)
        self.network = Network(core)
        self.runtime = ContainerRuntime(core)
        self.scheduler = Scheduler(
            self.store,
            self.runtime,
            targets,
            self.network,
            Timers(core.settings.time_factor, core.lateness),
        )
        self.usage = UsageSampler(core, self.store, self.runtime)
        core.keep("store", self.store, "definitions", "services", "inactive", "tasks")
        self.scheduler.changed = lambda: core.after_change("ecs", "Tick")

    def adopt(self) -> None:
        """Take up the containers that an API process before this one has started, and remove those it lost count of."""
        self.runtime.adopt(list(self.store.tasks.values()))

    def start(self) -> None:
        self.runtime.start()
        self.usage.start()
        self.scheduler.start()

    def stop(self) -> None:
        self.scheduler.stop()

    def kill(self, subject: str) -> list[str]:
        """Kill a task by its id, or the oldest running task of a service by its name; returns the task's id."""
        with self.store.lock:
            named = self.store.tasks.get(subject.rpartition("/")[2])
            group = f"service:{subject.rpartition('/')[2]}"
            found = [task for task in self.store.tasks.values() if task.group == group] if named is None else [named]
            running = sorted((task for task in found if task.running), key=lambda task: task.created_at)
        if not running:
            raise ApiError("TaskNotFound", f"No task and no service that runs one is named {subject!r}.")
        self.runtime.kill(running[0])
        return [running[0].id]

    def lose_zone(self, zone: str) -> list[str]:
        """Every task of a zone dies, the starting ones too; returns their ids. Placement asks the faults."""
        with self.store.lock:
            lost = [task for task in self.store.tasks.values() if task.zone == zone and task.alive]
            for task in lost:
                if not task.running:
                    self.scheduler.stop_task(task, "TaskFailedToStart", "The availability zone is not available.")
        for task in lost:
            if task.running:
                self.runtime.kill(task)
        return [task.id for task in lost]

    def addresses(self) -> dict[str, str]:
        """A task's address in the VPC → where its containers really listen."""
        found = ((task.address, self.runtime.address(task)) for task in list(self.store.tasks.values()))
        return {address: real for address, real in found if real}
