"""What an ECS request names: its cluster, its service, its task definition."""

from __future__ import annotations

from typing import Any

from ..errors import ApiError
from ..fargate.model import Service
from .state import Sandbox


class Lookup:
    """Finds what a request names; raises ApiError in ECS's words for what is not there."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._store = sandbox.fargate.store

    def cluster(self, request: dict[str, Any]) -> str:
        name = str(request.get("cluster") or "default").rpartition("/")[2]
        with self._sandbox.lock:
            if name not in self._sandbox.backend("ecs").clusters:
                raise ApiError("ClusterNotFoundException", "Cluster not found.")
        return name

    def service(self, request: dict[str, Any]) -> Service:
        key = (self.cluster(request), str(request["service"]).rpartition("/")[2])
        service = self._store.services.get(key)
        if service is None:
            kind = "ServiceNotActiveException" if key in self._store.inactive else "ServiceNotFoundException"
            raise ApiError(kind, "Service was not ACTIVE." if key in self._store.inactive else "Service not found.")
        return service

    def definition_arn(self, reference: str) -> str:
        found = self._store.definition(reference)
        if found is None or found["status"] != "ACTIVE":
            raise ApiError("ClientException", "TaskDefinition is inactive" if found else "TaskDefinition not found.")
        return str(found["taskDefinitionArn"])
