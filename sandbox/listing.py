"""Services and tasks of every cluster, as an ECS client finds them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# What the two calls take: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/
_SERVICES_PER_CALL, _TASKS_PER_CALL = 10, 100


def services(ecs: Any) -> Iterator[dict[str, Any]]:
    for cluster in ecs.list_clusters()["clusterArns"]:
        pages = ecs.get_paginator("list_services").paginate(cluster=cluster)
        arns = [arn for page in pages for arn in page["serviceArns"]]
        for start in range(0, len(arns), _SERVICES_PER_CALL):
            some = arns[start : start + _SERVICES_PER_CALL]
            yield from ecs.describe_services(cluster=cluster, services=some)["services"]


def tasks(ecs: Any) -> Iterator[dict[str, Any]]:
    for cluster in ecs.list_clusters()["clusterArns"]:
        pages = ecs.get_paginator("list_tasks").paginate(cluster=cluster)
        arns = [arn for page in pages for arn in page["taskArns"]]
        for start in range(0, len(arns), _TASKS_PER_CALL):
            yield from ecs.describe_tasks(cluster=cluster, tasks=arns[start : start + _TASKS_PER_CALL])["tasks"]


def rollout(service: Mapping[str, Any]) -> str:
    """How far the newest deployment of a service is."""
    return next((d.get("rolloutState", "") for d in service["deployments"] if d["status"] == "PRIMARY"), "")


def address(task: Mapping[str, Any]) -> str:
    details = {detail["name"]: detail["value"] for part in task.get("attachments", []) for detail in part["details"]}
    return str(details.get("privateIPv4Address", ""))
