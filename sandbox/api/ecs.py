"""ECS: what answers which call, and the clusters, which stay moto's."""

from __future__ import annotations

from typing import Any

from ..errors import ApiError
from .ecs_answers import Answers
from .ecs_definitions import DefinitionCalls
from .ecs_deployments import DeploymentCalls
from .ecs_lookup import Lookup
from .ecs_services import ServiceCalls
from .ecs_tags import TagCalls
from .ecs_tasks import TaskCalls
from .overlay import handle, patch
from .state import Sandbox


def install(sandbox: Sandbox) -> None:
    lookup, answers = Lookup(sandbox), Answers(sandbox.settings, sandbox.fargate.store)
    for group in (DefinitionCalls, ServiceCalls, DeploymentCalls, TaskCalls, TagCalls):
        handle("ecs", group(sandbox, lookup, answers).handlers())
    _count_in_clusters(sandbox)


def _count_in_clusters(sandbox: Sandbox) -> None:
    from moto.ecs.models import EC2ContainerServiceBackend

    @patch(EC2ContainerServiceBackend, "describe_clusters", ("self", "cluster_names"))
    def with_counts(original: Any, self: Any, *arguments: Any, **named: Any) -> Any:
        store = sandbox.fargate.store
        for cluster in self.clusters.values():
            tasks = [task for task in store.tasks.values() if task.cluster == cluster.name]
            cluster.active_services_count = sum(service.cluster == cluster.name for service in store.services.values())
            cluster.running_tasks_count = sum(task.status == "RUNNING" for task in tasks)
            cluster.pending_tasks_count = sum(task.status in {"PROVISIONING", "PENDING"} for task in tasks)
        return original(self, *arguments, **named)

    @patch(EC2ContainerServiceBackend, "delete_cluster", ("self", "cluster_str"))
    def only_an_empty_one(original: Any, self: Any, cluster_str: str) -> Any:
        name = cluster_str.rpartition("/")[2]
        if any(service.cluster == name for service in sandbox.fargate.store.services.values()):
            raise ApiError(
                "ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active."
            )
        return original(self, cluster_str)
