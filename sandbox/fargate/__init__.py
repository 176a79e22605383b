"""Fargate: services become deployments, deployments become tasks, tasks become real containers."""

from __future__ import annotations

from ..api.server import Sandbox
from .network import Network
from .runtime import ContainerRuntime
from .scheduler import Scheduler
from .store import Store
from .usage import UsageSampler


class Fargate:
    """The scheduler with its runtime, as the API process starts and stops it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.store = Store(sandbox.lock)
        self.network = Network(sandbox)
        self.runtime = ContainerRuntime(sandbox)
        self.scheduler = Scheduler(
            self.store, self.runtime, sandbox.targets, self.network, sandbox.settings.time_factor
        )
        self.usage = UsageSampler(self.store, self.runtime, sandbox.metrics, sandbox.stopping)

    def start(self) -> None:
        self.runtime.start()
        self.usage.start()
        self.scheduler.start()

    def stop(self) -> None:
        self.scheduler.stop()

    def addresses(self) -> dict[str, str]:
        """A task's address in the VPC → where its containers really listen."""
        found = ((task.address, self.runtime.address(task)) for task in list(self.store.tasks.values()))
        return {address: real for address, real in found if real}
