"""All services and tasks of the sandbox, and how a task is made from a service's wishes."""

from __future__ import annotations

import threading
from typing import Any

from .model import ContainerState, Deployment, Service, Task, new_id
from .network import Network

Key = tuple[str, str]


class Store:
    """Kept in memory. `lock` is the API process's one lock, so that no order of locks can be wrong."""

    def __init__(self, lock: threading.RLock) -> None:
        self.lock = lock
        self.definitions: dict[str, dict[str, Any]] = {}  # by ARN
        self.services: dict[Key, Service] = {}  # by cluster and name
        self.inactive: dict[Key, Service] = {}
        self.tasks: dict[str, Task] = {}

    def tasks_of(self, service: Service) -> list[Task]:
        return [
            task
            for task in self.tasks.values()
            if task.group == f"service:{service.name}" and task.cluster == service.cluster
        ]

    def service_of(self, task: Task) -> Service | None:
        return (
            self.services.get((task.cluster, task.group.removeprefix("service:")))
            if task.group.startswith("service:")
            else None
        )

    def definition(self, reference: str) -> dict[str, Any] | None:
        """A task definition by ARN, family:revision, or family (its latest ACTIVE revision)."""
        if reference in self.definitions:
            return self.definitions[reference]
        name = reference.rpartition("/")[2]
        family, _, revision = name.partition(":")
        found = [
            definition
            for definition in self.definitions.values()
            if definition["family"] == family
            and (str(definition["revision"]) == revision if revision else definition["status"] == "ACTIVE")
        ]
        return max(found, key=lambda definition: int(definition["revision"]), default=None)

    def new_task(self, service: Service, deployment: Deployment, network: Network) -> Task:
        """A task of a deployment, with an address of its own. Raises NoAddress."""
        settings = deployment.settings
        task = self.make_task(
            service.cluster,
            self.definitions[deployment.task_definition],
            settings["networkConfiguration"]["awsvpcConfiguration"],
            network,
            group=f"service:{service.name}",
            started_by=deployment.id,
        )
        task.deployment_id = deployment.id
        task.target_places = [
            (balancer["targetGroupArn"], int(balancer["containerPort"]))
            for balancer in settings.get("loadBalancers") or []
        ]
        strategy = settings.get("capacityProviderStrategy") or []
        if strategy:
            task.capacity_provider = _provider(strategy, len(self.tasks_of(service)))
        if settings.get("propagateTags") == "SERVICE":
            task.tags = list(service.tags)
        elif settings.get("propagateTags") == "TASK_DEFINITION":
            task.tags = list(self.definitions[deployment.task_definition].get("tags", []))
        if settings.get("enableECSManagedTags"):
            task.tags = [
                *task.tags,
                {"key": "aws:ecs:clusterName", "value": service.cluster},
                {"key": "aws:ecs:serviceName", "value": service.name},
            ]
        task.execute_command = bool(settings.get("enableExecuteCommand"))
        task.volumes = list(settings.get("volumeConfigurations") or [])
        return task

    def make_task(
        self,
        cluster: str,
        definition: dict[str, Any],
        vpc: dict[str, Any],
        network: Network,
        group: str,
        started_by: str,
    ) -> Task:
        alive = [task for task in self.tasks.values() if task.alive and (task.cluster, task.group) == (cluster, group)]
        subnet, zone, address = network.place(vpc["subnets"], [task.subnet_id for task in alive])
        return Task(
            id=new_id(),
            cluster=cluster,
            definition=definition,
            group=group,
            started_by=started_by,
            subnet_id=subnet,
            zone=zone,
            address=address,
            network=vpc,
            containers={
                container["name"]: ContainerState(container["name"], essential=container.get("essential", True))
                for container in definition["containerDefinitions"]
            },
        )


def _provider(strategy: list[dict[str, Any]], running: int) -> str:
    """Base first, then by weight."""
    for provider in strategy:
        if running < int(provider.get("base", 0)):
            return str(provider["capacityProvider"])
    wheel = [provider["capacityProvider"] for provider in strategy for _ in range(int(provider.get("weight", 0)))]
    return str(wheel[running % len(wheel)]) if wheel else str(strategy[0]["capacityProvider"])
