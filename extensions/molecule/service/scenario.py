"""The service as ECS and the load balancer report it, and its answers; the manual change: a task stopped."""

from __future__ import annotations

import http.client
import ssl
import time
from typing import Any

import boto3


def _healthy(elbv2: Any) -> int:
    groups = elbv2.describe_target_groups(Names=["local-website-blue"])["TargetGroups"]
    health = elbv2.describe_target_health(TargetGroupArn=groups[0]["TargetGroupArn"])["TargetHealthDescriptions"]
    return sum(target["TargetHealth"]["State"] == "healthy" for target in health)


def verify() -> None:
    ecs, elbv2 = boto3.client("ecs"), boto3.client("elbv2")
    deadline = time.monotonic() + 60
    while _healthy(elbv2) != 2:
        assert time.monotonic() < deadline, "two targets should be healthy"
        time.sleep(1)
    (blue,) = ecs.describe_services(cluster="local", services=["website-blue"])["services"]
    assert (blue["desiredCount"], blue["deployments"][0]["rolloutState"]) == (2, "COMPLETED")
    definition = ecs.describe_task_definition(taskDefinition=blue["taskDefinition"])["taskDefinition"]
    assert "@sha256:" in definition["containerDefinitions"][0]["image"]
    (balancer,) = elbv2.describe_load_balancers(Names=["local"])["LoadBalancers"]
    # The certificate is of the environment's own making; who speaks is not in question here.
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(balancer["DNSName"], timeout=10, context=context)
    connection.request("GET", "/health", headers={"Host": "www.local.example.test"})
    assert connection.getresponse().status == 200
    connection.close()


def side_effect() -> None:
    ecs = boto3.client("ecs")
    task = ecs.list_tasks(cluster="local", serviceName="website-blue")["taskArns"][0]
    ecs.stop_task(cluster="local", task=task, reason="manual change")
    deadline = time.monotonic() + 60
    while ecs.describe_tasks(cluster="local", tasks=[task])["tasks"][0]["lastStatus"] != "STOPPED":
        assert time.monotonic() < deadline
        time.sleep(1)
