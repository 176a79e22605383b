"""ECS tasks: one that is run once, one that is stopped, and what is said of any."""

from __future__ import annotations

from typing import Any

from ..errors import ApiError
from ..fargate.model import Task
from ..fargate.network import NoAddress
from .ecs_calls import EcsCalls
from .ecs_services import refuse_volumes
from .overlay import Context, Handler


class TaskCalls(EcsCalls):
    """The calls about tasks."""

    def handlers(self) -> dict[str, Handler]:
        return {
            "RunTask": self.run,
            "StopTask": self.stop,
            "DescribeTasks": self.describe,
            "ListTasks": self.list_arns,
        }

    def run(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        with self._store.lock:
            cluster = self._lookup.cluster(request)
            launched = self._launched(cluster, request)
            if launched:
                return {"tasks": [self._answers.task(task) for task in launched], "failures": []}
            definition = self._store.definitions[self._lookup.definition_arn(request["taskDefinition"])]
            vpc = (request.get("networkConfiguration") or {}).get("awsvpcConfiguration")
            if vpc is None:
                raise ApiError(
                    "InvalidParameterException",
                    "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
                )
            volumes = request.get("volumeConfigurations") or []
            refuse_volumes(volumes, definition, request.get("platformVersion") or "")
            group = request.get("group") or f"family:{definition['family']}"
            tasks: list[Task] = []
            failures = []
            for _ in range(int(request.get("count", 1))):
                try:
                    task = self._store.make_task(
                        cluster, definition, vpc, self._fargate.network, group, request.get("startedBy", "")
                    )
                except NoAddress as none:
                    failures.append({"reason": f"RESOURCE:ENI {none}"})
                    continue
                task.overrides = request.get("overrides") or {}
                task.tags = request.get("tags") or []
                task.volumes = list(volumes)
                task.launch = dict(request)
                self._fargate.scheduler.start_task(task)
                tasks.append(task)
            return {"tasks": [self._answers.task(task) for task in tasks], "failures": failures}

    def _launched(self, cluster: str, request: dict[str, Any]) -> list[Task]:
        """The tasks that a request with this client token has started in the cluster already.

        https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
        """
        token = request.get("clientToken")
        tasks = [task for task in self._store.tasks.values() if task.cluster == cluster and token]
        found = [task for task in tasks if task.launch.get("clientToken") == token]
        if any(task.launch != request for task in found):
            raise ApiError(
                "ConflictException",
                "The provided clientToken is already in use with a different RunTask request.",
            )
        return found

    def stop(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        with self._store.lock:
            self._lookup.cluster(request)
            task = self._store.tasks.get(str(request["task"]).rpartition("/")[2])
            if task is None:
                raise ApiError("InvalidParameterException", "The referenced task was not found.")
            self._fargate.scheduler.stop_task(task, "UserInitiated", request.get("reason") or "Task stopped by user")
            return {"task": self._answers.task(task)}

    def describe(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        with self._store.lock:
            self._lookup.cluster(request)
            found, failures = [], []
            for reference in request["tasks"]:
                task = self._store.tasks.get(str(reference).rpartition("/")[2])
                if task is None:
                    failures.append({"arn": reference, "reason": "MISSING"})
                else:
                    found.append(self._answers.task(task, "TAGS" in request.get("include", [])))
            return {"tasks": found, "failures": failures}

    def list_arns(self, request: dict[str, Any], context: Context) -> dict[str, Any]:
        with self._store.lock:
            cluster, wanted = self._lookup.cluster(request), request.get("desiredStatus", "RUNNING")
            name = str(request.get("serviceName") or "").rpartition("/")[2]
            found = [
                task
                for task in self._store.tasks.values()
                if task.cluster == cluster
                and task.desired == wanted
                and (not name or task.group == f"service:{name}")
                and request.get("family") in (None, task.definition["family"])
                and request.get("startedBy") in (None, task.started_by)
            ]
            ordered = sorted(found, key=lambda task: task.created_at, reverse=True)
            return {"taskArns": [self._answers.arn("task", f"{task.cluster}/{task.id}") for task in ordered]}
