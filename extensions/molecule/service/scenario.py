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


def _weights(elbv2: Any, balancer: str) -> dict[str, int]:
    """Of the production rule, by target group: the test rule asks for a header."""
    groups = elbv2.describe_target_groups(Names=["local-website-blue", "local-website-green"])["TargetGroups"]
    names = {group["TargetGroupArn"]: group["TargetGroupName"] for group in groups}
    listeners = elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
    (https,) = [listener["ListenerArn"] for listener in listeners if listener["Protocol"] == "HTTPS"]
    (production,) = [
        rule
        for rule in elbv2.describe_rules(ListenerArn=https)["Rules"]
        if not rule["IsDefault"] and "http-header" not in {condition["Field"] for condition in rule["Conditions"]}
    ]
    (action,) = production["Actions"]
    return {names[group["TargetGroupArn"]]: group["Weight"] for group in action["ForwardConfig"]["TargetGroups"]}


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
    assert _weights(elbv2, balancer["LoadBalancerArn"]) == {"local-website-blue": 100, "local-website-green": 0}
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
