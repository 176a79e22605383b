"""ECS task definitions: validated as Fargate does, kept as given, answered with the defaults that ECS fills in."""

from __future__ import annotations

import copy
import time
from typing import Any

from ..errors import ApiError
from ..laws.block_storage import launch_volumes
from .ecs_calls import EcsCalls
from .overlay import Context, Handler

_GIB = 1024


def _range(first: int, last: int, step: int = 1) -> set[int]:
    return {gib * _GIB for gib in range(first, last + 1, step)}


# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
FARGATE_SIZES = {
    256: {512, *_range(1, 2)},
    512: _range(1, 4),
    1024: _range(2, 8),
    2048: _range(4, 16),
    4096: _range(8, 30),
    8192: _range(16, 60, 4),
    16384: _range(32, 120, 8),
}
_KEPT = (
    "family",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "volumes",
    "placementConstraints",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "pidMode",
    "ipcMode",
    "runtimePlatform",
    "ephemeralStorage",
    "proxyConfiguration",
    "enableFaultInjection",
)


def refuse(message: str) -> ApiError:
    return ApiError("ClientException", message)


class DefinitionCalls(EcsCalls):
    """The calls about task definitions."""

    def handlers(self) -> dict[str, Handler]:
        return {
            "RegisterTaskDefinition": self.register,
            "DescribeTaskDefinition": self.describe,
            "DeregisterTaskDefinition": self.deregister,
            "DeleteTaskDefinitions": self.delete,
            "ListTaskDefinitions": self.list_definitions,
            "ListTaskDefinitionFamilies": self.list_families,
        }

    def register(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        _check(request)
        with self._store.lock:
            family = request["family"]
            revision = 1 + max(
                (
                    int(registered["revision"])
                    for registered in self._store.definitions.values()
                    if registered["family"] == family
                ),
                default=0,
            )
            arn = f"arn:aws:ecs:{context.region}:{self._settings.account}:task-definition/{family}:{revision}"
            definition = {key: copy.deepcopy(request[key]) for key in _KEPT if request.get(key) is not None}
            definition |= {
                "taskDefinitionArn": arn,
                "revision": revision,
                "status": "ACTIVE",
                "volumes": definition.get("volumes", []),
                "placementConstraints": definition.get("placementConstraints", []),
                "compatibilities": ["EC2", "FARGATE"],
                "registeredAt": time.time(),
                "registeredBy": f"arn:aws:iam::{self._settings.account}:user/{context.access_key}",
                "containerDefinitions": [_filled_in(container) for container in request["containerDefinitions"]],
                "tags": request.get("tags", []),
            }
            self._store.definitions[arn] = definition
            return {"taskDefinition": _public(definition), "tags": definition["tags"]}

    def describe(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        found = self._store.definition(request["taskDefinition"])
        if found is None:
            raise refuse("Unable to describe task definition.")
        answer: dict[str, Any] = {"taskDefinition": _public(found)}
        if "TAGS" in request.get("include", []):
            answer["tags"] = found["tags"]
        return answer

    def deregister(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        found = self._store.definition(request["taskDefinition"])
        if found is None:
            raise refuse("Unable to describe task definition.")
        found["status"], found["deregisteredAt"] = "INACTIVE", time.time()
        return {"taskDefinition": _public(found)}

    def delete(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        deleted, failures = [], []
        for reference in request["taskDefinitions"]:
            found = self._store.definition(reference)
            if found is None or found["status"] == "ACTIVE":
                reason = (
                    "The specified task definition is still in ACTIVE status. Deregister it first."
                    if found
                    else "MISSING"
                )
                failures.append({"arn": reference, "reason": reason})
                continue
            del self._store.definitions[found["taskDefinitionArn"]]
            deleted.append(_public({**found, "status": "DELETE_IN_PROGRESS"}))
        return {"taskDefinitions": deleted, "failures": failures}

    def list_definitions(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        wanted, status = request.get("familyPrefix"), request.get("status", "ACTIVE")
        found = [
            registered
            for registered in self._store.definitions.values()
            if registered["status"] == status and wanted in (None, registered["family"])
        ]
        ordered = sorted(
            found,
            key=lambda definition: (definition["family"], definition["revision"]),
            reverse=request.get("sort") == "DESC",
        )
        return {"taskDefinitionArns": [definition["taskDefinitionArn"] for definition in ordered]}

    def list_families(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        prefix = request.get("familyPrefix", "")
        families = {
            registered["family"] for registered in self._store.definitions.values() if registered["status"] == "ACTIVE"
        }
        return {"families": sorted(family for family in families if family.startswith(prefix))}


def _public(definition: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in definition.items() if key != "tags"}


def _check(request: dict[str, Any]) -> None:
    if "FARGATE" in request.get("requiresCompatibilities", []):
        cpu, memory = request.get("cpu"), request.get("memory")
        if not cpu or not memory:
            raise refuse(
                "Task definition does not support launch type FARGATE: it must define 'cpu' and 'memory' at the task level."
            )
        if int(memory) not in FARGATE_SIZES.get(int(cpu), set()):
            raise refuse(f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory.")
        if request.get("networkMode") != "awsvpc":
            raise refuse("Fargate only supports network mode 'awsvpc'.")
        if any(
            container.get("secrets") or _logs(container) for container in request["containerDefinitions"]
        ) and not request.get("executionRoleArn"):
            raise refuse("Fargate requires task definition to have execution role ARN to support log driver awslogs.")
    names = [container["name"] for container in request["containerDefinitions"]]
    if len(set(names)) != len(names):
        raise refuse("Container.name should be unique within a task definition.")
    if len(launch_volumes(request)) > 1:
        raise refuse("Only one volume can be configured at launch.")
    volumes = {volume["name"] for volume in request.get("volumes") or []}
    for container in request["containerDefinitions"]:
        for point in container.get("mountPoints") or []:
            if point["sourceVolume"] not in volumes:
                raise refuse(f"Unknown volume '{point['sourceVolume']}'.")
        _check_linux(container)
    _check_dependencies({container["name"]: container for container in request["containerDefinitions"]})


def _check_linux(container: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinuxParameters.html and API_KernelCapabilities.html"""
    linux = container.get("linuxParameters") or {}
    added = set((linux.get("capabilities") or {}).get("add") or [])
    if added - {"SYS_PTRACE"}:
        raise refuse(f"Tasks using the Fargate launch type do not support adding the capabilities {sorted(added)}.")
    if linux.get("sharedMemorySize"):
        raise refuse("Tasks using the Fargate launch type do not support the parameter sharedMemorySize.")
    driver = (container.get("logConfiguration") or {}).get("logDriver", "awslogs")
    if driver not in {"awslogs", "awsfirelens", "splunk"}:
        raise refuse(f"Log driver {driver} is not supported by the Fargate launch type.")


def _check_dependencies(containers: dict[str, dict[str, Any]]) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html"""
    waiting: dict[str, set[str]] = {}
    for name, container in containers.items():
        waiting[name] = {needed["containerName"] for needed in container.get("dependsOn") or []}
        for needed in container.get("dependsOn") or []:
            other = containers.get(needed["containerName"])
            if other is None:
                raise refuse(f"Container {name} depends on unknown container {needed['containerName']}.")
            if needed["condition"] in {"COMPLETE", "SUCCESS"} and other.get("essential", True):
                raise refuse(
                    f"The condition {needed['condition']} can't be set on the essential container {other['name']}."
                )
            if needed["condition"] == "HEALTHY" and not other.get("healthCheck"):
                raise refuse(f"The condition HEALTHY needs a health check of container {other['name']}.")
    while waiting:
        ready = [name for name, needs in waiting.items() if not needs & set(waiting)]
        if not ready:
            raise refuse(f"Containers depend on each other in a circle: {', '.join(sorted(waiting))}.")
        for name in ready:
            del waiting[name]


def _logs(container: dict[str, Any]) -> bool:
    return (container.get("logConfiguration") or {}).get("logDriver") == "awslogs"


def _filled_in(container: dict[str, Any]) -> dict[str, Any]:
    filled = {
        "cpu": 0,
        "essential": True,
        "environment": [],
        "mountPoints": [],
        "volumesFrom": [],
        "systemControls": [],
        "portMappings": [],
        **copy.deepcopy(container),
    }
    for port in filled["portMappings"]:
        port.setdefault("hostPort", port["containerPort"])
        port.setdefault("protocol", "tcp")
    if filled.get("healthCheck"):
        filled["healthCheck"] = {"interval": 30, "timeout": 5, "retries": 3, **filled["healthCheck"]}
    return filled
