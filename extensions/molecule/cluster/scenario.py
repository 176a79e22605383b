"""The cluster as ECS reports it, and the ledger's table; the manual change: Container Insights off."""

from __future__ import annotations

import boto3


def verify() -> None:
    (cluster,) = boto3.client("ecs").describe_clusters(clusters=["local"], include=["SETTINGS"])["clusters"]
    assert cluster["status"] == "ACTIVE"
    assert set(cluster["capacityProviders"]) == {"FARGATE", "FARGATE_SPOT"}
    assert {"name": "containerInsights", "value": "enabled"} in cluster["settings"]
    table = boto3.client("dynamodb").describe_table(TableName="local-releases")["Table"]
    assert table["TableStatus"] == "ACTIVE"
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["service", "entry"]


def side_effect() -> None:
    off = [{"name": "containerInsights", "value": "disabled"}]
    boto3.client("ecs").update_cluster(cluster="local", settings=off)
