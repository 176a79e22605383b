"""What a careful person would type: the five calls of a rolling release, with boto3 alone.

usage: python -m bench.boto3_release CLUSTER SERVICE NAME=VALUE
"""

from __future__ import annotations

import sys
import time

import boto3

_REGISTERED = (
    "family",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "containerDefinitions",
    "volumes",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "runtimePlatform",
)


def main(cluster: str, service: str, setting: str) -> None:
    ecs = boto3.client("ecs")
    (found,) = ecs.describe_services(cluster=cluster, services=[service])["services"]
    live = ecs.describe_task_definition(taskDefinition=found["taskDefinition"])["taskDefinition"]
    wanted = {key: live[key] for key in _REGISTERED if key in live}
    name, _, value = setting.partition("=")
    container = wanted["containerDefinitions"][0]
    others = [variable for variable in container.get("environment", []) if variable["name"] != name]
    container["environment"] = [*others, {"name": name, "value": value}]
    arn = ecs.register_task_definition(**wanted)["taskDefinition"]["taskDefinitionArn"]
    ecs.update_service(cluster=cluster, service=service, taskDefinition=arn)
    while True:
        (found,) = ecs.describe_services(cluster=cluster, services=[service])["services"]
        if found["deployments"][0]["rolloutState"] == "COMPLETED" and len(found["deployments"]) == 1:
            return
        time.sleep(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
