# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ECS clusters: one function per call."""

from __future__ import annotations

from typing import Any

from .errors import aws_call
from .session import Aws


@aws_call("read cluster {name}")
def describe(aws: Aws, name: str) -> dict[str, Any] | None:
    found = aws.client("ecs").describe_clusters(clusters=[name], include=["SETTINGS", "TAGS"])["clusters"]
    return next((one for one in found if one["status"] == "ACTIVE"), None)


@aws_call("create cluster {name}")
def create(
    aws: Aws, name: str, insights: str, providers: list[str], strategy: list[dict[str, Any]], tags: dict[str, str]
) -> dict[str, Any]:
    return aws.client("ecs").create_cluster(
        clusterName=name,
        settings=[{"name": "containerInsights", "value": insights}],
        capacityProviders=providers,
        defaultCapacityProviderStrategy=strategy,
        tags=[{"key": key, "value": value} for key, value in tags.items()],
    )["cluster"]


@aws_call("change Container Insights of cluster {name}")
def set_insights(aws: Aws, name: str, insights: str) -> None:
    aws.client("ecs").update_cluster(cluster=name, settings=[{"name": "containerInsights", "value": insights}])


@aws_call("change the capacity providers of cluster {name}")
def set_capacity(aws: Aws, name: str, providers: list[str], strategy: list[dict[str, Any]]) -> None:
    aws.client("ecs").put_cluster_capacity_providers(
        cluster=name, capacityProviders=providers, defaultCapacityProviderStrategy=strategy
    )


@aws_call("tag {arn}")
def tag(aws: Aws, arn: str, tags: dict[str, str]) -> None:
    aws.client("ecs").tag_resource(resourceArn=arn, tags=[{"key": key, "value": value} for key, value in tags.items()])
