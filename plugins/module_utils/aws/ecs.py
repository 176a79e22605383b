# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon ECS: one function per call. Services, deployments and tasks are returned as dataclasses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from . import service_definition
from .ecs_states import Deployment, Event, ServiceState
from .errors import Failure, aws_call, is_code
from .session import Aws
from .tags import lower_case_tag_list, tags_of
from .tasks import ContainerState, TaskState

# Limits of DescribeServices and DescribeTasks.
_SERVICES_PER_CALL = 10
_TASKS_PER_CALL = 100


@aws_call("read cluster {name}")
def cluster(aws: Aws, name: str) -> dict[str, Any] | None:
    found = aws.client("ecs").describe_clusters(clusters=[name], include=["SETTINGS", "TAGS"])["clusters"]
    return next((cluster for cluster in found if cluster["status"] == "ACTIVE"), None)


@aws_call("create cluster {name}")
def create_cluster(
    aws: Aws, name: str, insights: str, providers: list[str], strategy: list[dict[str, Any]], tags: Mapping[str, str]
) -> dict[str, Any]:
    return aws.client("ecs").create_cluster(
        clusterName=name,
        settings=[{"name": "containerInsights", "value": insights}],
        capacityProviders=providers,
        defaultCapacityProviderStrategy=strategy,
        tags=lower_case_tag_list(tags),
    )["cluster"]


@aws_call("change Container Insights of cluster {name}")
def set_insights(aws: Aws, name: str, insights: str) -> None:
    aws.client("ecs").update_cluster(cluster=name, settings=[{"name": "containerInsights", "value": insights}])


@aws_call("change the capacity providers of cluster {name}")
def set_capacity(aws: Aws, name: str, providers: list[str], strategy: list[dict[str, Any]]) -> None:
    aws.client("ecs").put_cluster_capacity_providers(
        cluster=name, capacityProviders=providers, defaultCapacityProviderStrategy=strategy
    )


@aws_call("delete cluster {arn}")
def delete_cluster(aws: Aws, arn: str) -> None:
    aws.client("ecs").delete_cluster(cluster=arn)


@aws_call("read the ECS services of cluster {cluster}")
def service_names(aws: Aws, cluster: str) -> list[str]:
    pages = aws.client("ecs").get_paginator("list_services").paginate(cluster=cluster)
    return [arn.rpartition("/")[2] for page in pages for arn in page["serviceArns"]]


@aws_call("read the ECS services of cluster {cluster}")
def services(aws: Aws, cluster: str, names: Sequence[str]) -> dict[str, ServiceState]:
    """Services by name; one that does not exist, or was deleted, is missing."""
    found: dict[str, ServiceState] = {}
    client = aws.client("ecs")
    try:
        for some in _chunks(names, _SERVICES_PER_CALL):
            answer = client.describe_services(cluster=cluster, services=some, include=["TAGS"])
            states = (service_state(raw) for raw in answer["services"])
            found |= {state.name: state for state in states if state.status != "INACTIVE"}
    except client.exceptions.ClusterNotFoundException:
        return {}
    return found


@aws_call("read the network of ECS service {service}")
def service_network(aws: Aws, cluster: str, service: str) -> dict[str, Any]:
    """Subnets, security groups and public addresses of a service's tasks, as RunTask takes them."""
    (found,) = aws.client("ecs").describe_services(cluster=cluster, services=[service])["services"]
    return found["networkConfiguration"]


@aws_call("create ECS service {service}")
def create_service(
    aws: Aws, cluster: str, service: str, request: Mapping[str, Any], tags: Mapping[str, str]
) -> ServiceState:
    answer = aws.client("ecs").create_service(
        cluster=cluster, serviceName=service, tags=lower_case_tag_list(tags), **request
    )
    return service_state(answer["service"])


@aws_call("update ECS service {service}")
def update_service(aws: Aws, cluster: str, service: str, request: Mapping[str, Any]) -> ServiceState:
    return service_state(aws.client("ecs").update_service(cluster=cluster, service=service, **request)["service"])


@aws_call("delete ECS service {service}")
def delete_service(aws: Aws, cluster: str, service: str, force: bool = False) -> None:
    aws.client("ecs").delete_service(cluster=cluster, service=service, force=force)


@aws_call("read task definition {reference}")
def task_definition(aws: Aws, reference: str) -> dict[str, Any] | None:
    """A task definition by ARN, or the latest active revision by family."""
    client = aws.client("ecs")
    try:
        return client.describe_task_definition(taskDefinition=reference)["taskDefinition"]
    except client.exceptions.ClientException as cause:
        if _is_without_revisions(cause):
            return None
        raise


def _is_without_revisions(cause: Exception) -> bool:
    """ECS has no specific error code for a family without active revisions."""
    return is_code(cause, "ClientException") and "Unable to describe task definition" in str(cause)


@aws_call("read the tags of task definition {reference}")
def revision_tags(aws: Aws, reference: str) -> dict[str, str] | None:
    """Of a revision by ARN, or of the latest active one by family; None for a family without one."""
    client = aws.client("ecs")
    try:
        return tags_of(client.describe_task_definition(taskDefinition=reference, include=["TAGS"]))
    except client.exceptions.ClientException as cause:
        if _is_without_revisions(cause):
            return None
        raise


@aws_call("register a revision of task definition {family}")
def register_task_definition(aws: Aws, family: str, request: Mapping[str, Any], tags: Mapping[str, str]) -> str:
    answer = aws.client("ecs").register_task_definition(**{**request, "family": family}, tags=lower_case_tag_list(tags))
    return str(answer["taskDefinition"]["taskDefinitionArn"])


@aws_call("read the revisions of task definition {family}")
def task_definition_revisions(aws: Aws, family: str) -> list[str]:
    """ARNs of the active revisions of a family."""
    pages = aws.client("ecs").get_paginator("list_task_definitions").paginate(familyPrefix=family, status="ACTIVE")
    arns = [arn for page in pages for arn in page["taskDefinitionArns"]]
    # familyPrefix is documented as the whole name; other families are filtered out in case it matches as a prefix.
    return [arn for arn in arns if arn.rpartition("/")[2].partition(":")[0] == family]


@aws_call("deregister task definition {arn}")
def deregister_task_definition(aws: Aws, arn: str) -> None:
    aws.client("ecs").deregister_task_definition(taskDefinition=arn)


@aws_call("read the {status} tasks of ECS service {service}")
def tasks(aws: Aws, cluster: str, service: str, status: str = "RUNNING") -> list[TaskState]:
    """Tasks of a service whose desired status is RUNNING or STOPPED; ECS forgets stopped ones within the hour."""
    client = aws.client("ecs")
    pages = client.get_paginator("list_tasks").paginate(cluster=cluster, serviceName=service, desiredStatus=status)
    arns = [arn for page in pages for arn in page["taskArns"]]
    answers = (client.describe_tasks(cluster=cluster, tasks=some) for some in _chunks(arns, _TASKS_PER_CALL))
    return [_task(raw) for answer in answers for raw in answer["tasks"]]


@aws_call("find the task that {started_by} started")
def task_started_by(aws: Aws, cluster: str, started_by: str) -> str | None:
    """Id of the task, running or stopped; None if there is none or it stopped over an hour ago."""
    client = aws.client("ecs")
    for status in ("RUNNING", "STOPPED"):
        found = client.list_tasks(cluster=cluster, startedBy=started_by, desiredStatus=status)["taskArns"]
        if found:
            return str(found[0]).rpartition("/")[2]
    return None


@aws_call("run a task of {request[taskDefinition]}")
def run_task(aws: Aws, cluster: str, request: Mapping[str, Any]) -> str:
    """Return the id of the task; raise Failure if ECS placed none."""
    answer = aws.client("ecs").run_task(cluster=cluster, count=1, **request)
    if not answer["tasks"]:
        why = "; ".join(
            f"{failure.get('arn', '')} {failure.get('reason', '')}".strip() for failure in answer.get("failures", [])
        )
        raise Failure(f"Failed to run a task of {request['taskDefinition']}: {why or 'ECS gave no reason'}.")
    return str(answer["tasks"][0]["taskArn"]).rpartition("/")[2]


@aws_call("read task {task_id}")
def task(aws: Aws, cluster: str, task_id: str) -> TaskState | None:
    found = aws.client("ecs").describe_tasks(cluster=cluster, tasks=[task_id])["tasks"]
    return _task(found[0]) if found else None


@aws_call("stop task {task_id}")
def stop_task(aws: Aws, cluster: str, task_id: str, reason: str) -> None:
    aws.client("ecs").stop_task(cluster=cluster, task=task_id, reason=reason[:1024])


@aws_call("tag {arn}")
def tag(aws: Aws, arn: str, tags: Mapping[str, str]) -> None:
    aws.client("ecs").tag_resource(resourceArn=arn, tags=lower_case_tag_list(tags))


@aws_call("remove tags of {arn}")
def untag(aws: Aws, arn: str, keys: list[str]) -> None:
    aws.client("ecs").untag_resource(resourceArn=arn, tagKeys=keys)


def _watched_by(raw: Mapping[str, Any]) -> tuple[str, ...]:
    alarms = raw.get("deploymentConfiguration", {}).get("alarms", {})
    return tuple(sorted(alarms.get("alarmNames", []))) if alarms.get("enable") else ()


def service_state(raw: Mapping[str, Any]) -> ServiceState:
    return ServiceState(
        name=raw["serviceName"],
        arn=raw["serviceArn"],
        status=raw["status"],
        task_definition=raw.get("taskDefinition", ""),
        desired=raw["desiredCount"],
        running=raw["runningCount"],
        pending=raw["pendingCount"],
        deployments=tuple(_deployment(deployment) for deployment in raw.get("deployments", [])),
        events=tuple(
            Event(event["id"], event["createdAt"].timestamp(), event["message"].strip())
            for event in raw.get("events", [])
        ),
        deployment_controller=raw.get("deploymentController", {}).get("type", "ECS"),
        deployment_strategy=raw.get("deploymentConfiguration", {}).get("strategy", "ROLLING"),
        settings=service_definition.described(raw),
        watched_by=_watched_by(raw),
        tags=tags_of(raw),
    )


def _deployment(raw: Mapping[str, Any]) -> Deployment:
    return Deployment(
        id=raw["id"],
        status=raw["status"],
        task_definition=raw["taskDefinition"],
        desired=raw["desiredCount"],
        running=raw["runningCount"],
        pending=raw["pendingCount"],
        failed_tasks=raw.get("failedTasks", 0),
        rollout_state=raw.get("rolloutState", ""),
        reason=raw.get("rolloutStateReason", ""),
        created_at=_moment(raw.get("createdAt")),
    )


def _task(raw: Mapping[str, Any]) -> TaskState:
    return TaskState(
        id=raw["taskArn"].rpartition("/")[2],
        task_definition=raw["taskDefinitionArn"],
        deployment_id=raw.get("startedBy", ""),
        status=raw["lastStatus"],
        health=raw.get("healthStatus", "UNKNOWN"),
        address=_address(raw),
        zone=raw.get("availabilityZone", ""),
        stop_code=raw.get("stopCode", ""),
        stopped_reason=raw.get("stoppedReason", ""),
        created_at=_moment(raw.get("createdAt")),
        started_at=_moment(raw.get("startedAt")),
        stopped_at=_moment(raw.get("stoppedAt") or raw.get("stoppingAt")),
        containers=tuple(_container(container) for container in raw.get("containers", [])),
        exec_enabled=raw.get("enableExecuteCommand", False),
    )


def _container(raw: Mapping[str, Any]) -> ContainerState:
    agents = (agent for agent in raw.get("managedAgents", []) if agent["name"] == "ExecuteCommandAgent")
    agent: Mapping[str, Any] = next(agents, {})
    return ContainerState(
        name=raw["name"],
        status=raw.get("lastStatus", ""),
        image=raw.get("image", ""),
        health=raw.get("healthStatus", "UNKNOWN"),
        exit_code=raw.get("exitCode"),
        reason=raw.get("reason", ""),
        exec_agent=agent.get("lastStatus", ""),
        exec_agent_reason=agent.get("reason", ""),
    )


def _moment(at: datetime | None) -> float | None:
    return at.timestamp() if at is not None else None


def _address(raw: Mapping[str, Any]) -> str:
    details = (
        detail
        for attachment in raw.get("attachments", [])
        if attachment["type"] == "ElasticNetworkInterface"
        for detail in attachment.get("details", [])
    )
    return next((detail["value"] for detail in details if detail["name"] == "privateIPv4Address"), "")


def _chunks(items: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
