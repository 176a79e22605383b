"""ECS services and tasks: wishes go to the scheduler, answers come from what really runs. Clusters stay moto's."""

from __future__ import annotations

import copy
from typing import Any

from ..errors import ApiError
from ..fargate.model import Breaker, Deployment, Service, Task
from ..fargate.network import NoAddress
from . import ecs_definitions
from .ecs_answers import Answers
from .overlay import Context, handler, patch
from .state import Sandbox

_DEFAULTS: dict[str, Any] = {
    "deploymentConfiguration": {},
    "schedulingStrategy": "REPLICA",
    "enableECSManagedTags": False,
    "enableExecuteCommand": False,
    "propagateTags": "NONE",
    "availabilityZoneRebalancing": "DISABLED",
    "loadBalancers": [],
    "serviceRegistries": [],
    "platformVersion": "1.4.0",
    "healthCheckGracePeriodSeconds": 0,
}
_NOT_SETTINGS = {
    "cluster",
    "service",
    "serviceName",
    "desiredCount",
    "clientToken",
    "tags",
    "forceNewDeployment",
    "launchType",
}
# A change of one of these starts a deployment, as on ECS; the others take effect at once.
_DEPLOYS = {
    "taskDefinition",
    "networkConfiguration",
    "loadBalancers",
    "platformVersion",
    "capacityProviderStrategy",
    "serviceRegistries",
}


def install(sandbox: Sandbox) -> None:
    fargate = sandbox.fargate
    store, scheduler = fargate.store, fargate.scheduler
    answers = Answers(sandbox.settings, store)
    ecs_definitions.install(sandbox, store)

    def cluster_of(request: dict[str, Any]) -> str:
        name = str(request.get("cluster") or "default").rpartition("/")[2]
        with sandbox.lock:
            if name not in sandbox.backend("ecs").clusters:
                raise ApiError("ClusterNotFoundException", "Cluster not found.")
        return name

    def service_of(request: dict[str, Any]) -> Service:
        key = (cluster_of(request), str(request["service"]).rpartition("/")[2])
        service = store.services.get(key)
        if service is None:
            kind = "ServiceNotActiveException" if key in store.inactive else "ServiceNotFoundException"
            raise ApiError(kind, "Service was not ACTIVE." if key in store.inactive else "Service not found.")
        return service

    def definition_arn(reference: str) -> str:
        found = store.definition(reference)
        if found is None or found["status"] != "ACTIVE":
            raise ApiError("ClientException", "TaskDefinition is inactive" if found else "TaskDefinition not found.")
        return str(found["taskDefinitionArn"])

    def check(settings: dict[str, Any]) -> None:
        vpc = (settings.get("networkConfiguration") or {}).get("awsvpcConfiguration")
        if vpc is None:
            raise ApiError(
                "InvalidParameterException",
                "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
            )
        for subnet in vpc["subnets"]:
            fargate.network.subnet(subnet)
        containers = {one["name"]: one for one in store.definitions[settings["taskDefinition"]]["containerDefinitions"]}
        for one in settings.get("loadBalancers") or []:
            arn, name, port = one["targetGroupArn"], one["containerName"], one["containerPort"]
            ports = [mapping["containerPort"] for mapping in containers.get(name, {}).get("portMappings", [])]
            if port not in ports:
                raise ApiError(
                    "InvalidParameterException", f"The container {name} did not have a container port {port} defined."
                )
            if not sandbox.targets.load_balancers_of(arn):
                raise ApiError(
                    "InvalidParameterException",
                    f"The target group with targetGroupArn {arn} does not have an associated load balancer.",
                )

    def deployment_for(settings: dict[str, Any]) -> Deployment:
        breaker = settings["deploymentConfiguration"].get("deploymentCircuitBreaker") or {}
        return Deployment(
            task_definition=settings["taskDefinition"],
            settings=copy.deepcopy(settings),
            breaker=Breaker(bool(breaker.get("enable")), bool(breaker.get("rollback"))),
        )

    @handler("ecs", "CreateService")
    def create_service(request: dict[str, Any], context: Context) -> dict[str, Any]:
        with store.lock:
            cluster, name = cluster_of(request), request["serviceName"]
            settings = copy.deepcopy(_DEFAULTS) | {k: v for k, v in request.items() if k not in _NOT_SETTINGS}
            settings["taskDefinition"] = definition_arn(request["taskDefinition"])
            settings["deploymentConfiguration"] = _deployment_configuration(settings["deploymentConfiguration"])
            known = store.services.get((cluster, name))
            if known is not None:
                if known.settings == settings and known.desired == request.get("desiredCount", 0):
                    return {"service": answers.service(known, with_tags=True)}
                raise ApiError("InvalidParameterException", "Creation of service was not idempotent.")
            check(settings)
            service = Service(
                cluster=cluster,
                name=name,
                arn=answers.arn("service", f"{cluster}/{name}"),
                settings=settings,
                desired=int(request.get("desiredCount", 0)),
                tags=list(request.get("tags", [])),
                created_by=f"arn:aws:iam::{sandbox.settings.account}:user/{context.access_key}",
            )
            service.begin(deployment_for(settings))
            store.services[cluster, name] = service
            store.inactive.pop((cluster, name), None)
            return {"service": answers.service(service, with_tags=True)}

    @handler("ecs", "UpdateService")
    def update_service(request: dict[str, Any], context: Context) -> dict[str, Any]:
        with store.lock:
            service = service_of(request)
            changed = {key: value for key, value in request.items() if key not in _NOT_SETTINGS and value is not None}
            if "taskDefinition" in changed:
                changed["taskDefinition"] = definition_arn(changed["taskDefinition"])
            if "deploymentConfiguration" in changed:
                merged = {**service.settings["deploymentConfiguration"], **changed["deploymentConfiguration"]}
                changed["deploymentConfiguration"] = _deployment_configuration(merged)
            settings = {**service.settings, **changed}
            check(settings)
            deploys = request.get("forceNewDeployment") or any(
                service.settings.get(key) != settings.get(key) for key in _DEPLOYS
            )
            service.settings = settings
            if request.get("desiredCount") is not None:
                service.desired = int(request["desiredCount"])
            if deploys:
                service.begin(deployment_for(settings))
            return {"service": answers.service(service)}

    @handler("ecs", "DeleteService")
    def delete_service(request: dict[str, Any], context: Context) -> dict[str, Any]:
        with store.lock:
            service = service_of(request)
            if service.desired > 0 and not request.get("force"):
                raise ApiError("InvalidParameterException", "The service cannot be stopped while it is scaled above 0.")
            service.status, service.desired = "DRAINING", 0
            return {"service": answers.service(service)}

    @handler("ecs", "DescribeServices")
    def describe_services(request: dict[str, Any], context: Context) -> dict[str, Any]:
        with store.lock:
            cluster = cluster_of(request)
            found, failures = [], []
            for reference in request["services"]:
                key = (cluster, str(reference).rpartition("/")[2])
                service = store.services.get(key) or store.inactive.get(key)
                if service is None:
                    failures.append({"arn": answers.arn("service", "/".join(key)), "reason": "MISSING"})
                else:
                    found.append(answers.service(service, "TAGS" in request.get("include", [])))
            return {"services": found, "failures": failures}

    @handler("ecs", "ListServices")
    def list_services(request: dict[str, Any], context: Context) -> dict[str, Any]:
        with store.lock:
            cluster = cluster_of(request)
            return {"serviceArns": sorted(one.arn for one in store.services.values() if one.cluster == cluster)}

    @handler("ecs", "ListServiceDeployments")
    def list_service_deployments(request: dict[str, Any], context: Context) -> dict[str, Any]:
        with store.lock:
            service = service_of(request)
            wanted = request.get("status") or []
            kept = (
                "serviceDeploymentArn",
                "serviceArn",
                "clusterArn",
                "startedAt",
                "createdAt",
                "finishedAt",
                "status",
                "statusReason",
            )
            found = [answers.service_deployment(service, one) for one in reversed(service.history)]
            return {
                "serviceDeployments": [
                    {key: one[key] for key in kept if key in one}
                    | {"targetServiceRevisionArn": one["targetServiceRevision"]["arn"]}
                    for one in found
                    if not wanted or one["status"] in wanted
                ]
            }

    @handler("ecs", "DescribeServiceDeployments")
    def describe_service_deployments(request: dict[str, Any], context: Context) -> dict[str, Any]:
        with store.lock:
            found, failures = [], []
            for arn in request["serviceDeploymentArns"]:
                cluster, name, record = arn.rpartition("service-deployment/")[2].split("/")
                service = store.services.get((cluster, name))
                one = next((d for d in service.history if d.record == record), None) if service else None
                if service is None or one is None:
                    failures.append({"arn": arn, "reason": "MISSING"})
                else:
                    found.append(answers.service_deployment(service, one))
            return {"serviceDeployments": found, "failures": failures}

    @handler("ecs", "RunTask")
    def run_task(request: dict[str, Any], context: Context) -> dict[str, Any]:
        with store.lock:
            cluster = cluster_of(request)
            definition = store.definitions[definition_arn(request["taskDefinition"])]
            vpc = (request.get("networkConfiguration") or {}).get("awsvpcConfiguration")
            if vpc is None:
                raise ApiError(
                    "InvalidParameterException",
                    "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
                )
            group = request.get("group") or f"family:{definition['family']}"
            tasks: list[Task] = []
            failures = []
            for _ in range(int(request.get("count", 1))):
                try:
                    task = store.make_task(
                        cluster, definition, vpc, fargate.network, group, request.get("startedBy", "")
                    )
                except NoAddress as none:
                    failures.append({"reason": f"RESOURCE:ENI {none}"})
                    continue
                task.overrides = request.get("overrides") or {}
                task.tags = request.get("tags") or []
                scheduler.start_task(task)
                tasks.append(task)
            return {"tasks": [answers.task(task) for task in tasks], "failures": failures}

    @handler("ecs", "StopTask")
    def stop_task(request: dict[str, Any], context: Context) -> dict[str, Any]:
        with store.lock:
            cluster_of(request)
            task = store.tasks.get(str(request["task"]).rpartition("/")[2])
            if task is None:
                raise ApiError("InvalidParameterException", "The referenced task was not found.")
            scheduler.stop_task(task, "UserInitiated", request.get("reason") or "Task stopped by user")
            return {"task": answers.task(task)}

    @handler("ecs", "DescribeTasks")
    def describe_tasks(request: dict[str, Any], context: Context) -> dict[str, Any]:
        with store.lock:
            cluster_of(request)
            found, failures = [], []
            for reference in request["tasks"]:
                task = store.tasks.get(str(reference).rpartition("/")[2])
                if task is None:
                    failures.append({"arn": reference, "reason": "MISSING"})
                else:
                    found.append(answers.task(task, "TAGS" in request.get("include", [])))
            return {"tasks": found, "failures": failures}

    @handler("ecs", "ListTasks")
    def list_tasks(request: dict[str, Any], context: Context) -> dict[str, Any]:
        with store.lock:
            cluster, wanted = cluster_of(request), request.get("desiredStatus", "RUNNING")
            name = str(request.get("serviceName") or "").rpartition("/")[2]
            found = [
                task
                for task in store.tasks.values()
                if task.cluster == cluster
                and task.desired == wanted
                and (not name or task.group == f"service:{name}")
                and request.get("family") in (None, task.definition["family"])
                and request.get("startedBy") in (None, task.started_by)
            ]
            ordered = sorted(found, key=lambda task: task.created_at, reverse=True)
            return {"taskArns": [answers.arn("task", f"{task.cluster}/{task.id}") for task in ordered]}

    @handler("ecs", "ListTagsForResource")
    def list_tags(request: dict[str, Any], context: Context) -> dict[str, Any]:
        with store.lock:
            return {"tags": list(_tagged(sandbox, request["resourceArn"]))}

    @handler("ecs", "TagResource")
    def tag(request: dict[str, Any], context: Context) -> dict[str, Any]:
        with store.lock:
            tags = _tagged(sandbox, request["resourceArn"])
            new = {one["key"] for one in request["tags"]}
            tags[:] = [one for one in tags if one["key"] not in new] + request["tags"]
            return {}

    @handler("ecs", "UntagResource")
    def untag(request: dict[str, Any], context: Context) -> dict[str, Any]:
        with store.lock:
            tags = _tagged(sandbox, request["resourceArn"])
            tags[:] = [one for one in tags if one["key"] not in request["tagKeys"]]
            return {}

    _count_in_clusters(sandbox)


def _count_in_clusters(sandbox: Sandbox) -> None:
    from moto.ecs.models import EC2ContainerServiceBackend

    @patch(EC2ContainerServiceBackend, "describe_clusters", ("self", "cluster_names"))
    def with_counts(original: Any, self: Any, *arguments: Any, **named: Any) -> Any:
        store = sandbox.fargate.store
        for cluster in self.clusters.values():
            tasks = [task for task in store.tasks.values() if task.cluster == cluster.name]
            cluster.active_services_count = sum(one.cluster == cluster.name for one in store.services.values())
            cluster.running_tasks_count = sum(task.status == "RUNNING" for task in tasks)
            cluster.pending_tasks_count = sum(task.status in {"PROVISIONING", "PENDING"} for task in tasks)
        return original(self, *arguments, **named)

    @patch(EC2ContainerServiceBackend, "delete_cluster", ("self", "cluster_str"))
    def only_an_empty_one(original: Any, self: Any, cluster_str: str) -> Any:
        name = cluster_str.rpartition("/")[2]
        if any(one.cluster == name for one in sandbox.fargate.store.services.values()):
            raise ApiError(
                "ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active."
            )
        return original(self, cluster_str)


def _deployment_configuration(given: dict[str, Any]) -> dict[str, Any]:
    breaker = {"enable": False, "rollback": False, **(given.get("deploymentCircuitBreaker") or {})}
    defaults = {"maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING", "bakeTimeInMinutes": 0}
    return {**defaults, **given, "deploymentCircuitBreaker": breaker}


def _tagged(sandbox: Sandbox, arn: str) -> list[dict[str, str]]:
    """The list of tags of a resource, itself: to read and to change."""
    store = sandbox.fargate.store
    kind, _, rest = arn.rpartition(":")[2].partition("/")
    if ":task-definition/" in arn:
        found = store.definition(arn.partition(":task-definition/")[2])
        if found is not None:
            return found["tags"]
    elif kind == "service":
        cluster_name, _, name = rest.rpartition("/")
        service = store.services.get((cluster_name, name))
        if service is not None:
            return service.tags
    elif kind == "task":
        task = store.tasks.get(rest.rpartition("/")[2])
        if task is not None:
            return task.tags
    elif kind == "cluster":
        cluster = sandbox.backend("ecs").clusters.get(rest)
        if cluster is not None:
            cluster.tags = cluster.tags if cluster.tags is not None else []
            return cluster.tags
    raise ApiError("InvalidParameterException", "The specified resource is not found.")
