"""A task specification as a request that botocore accepts, and what counts as the same when ECS describes it."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.task_definition import same, text
from ansible_collections.pear.fargate.plugins.module_utils.service.specification import SERVICE_ARGUMENTS, Specification
from botocore.validate import ParamValidator

FULL: dict[str, Any] = {
    "environment": "local",
    "service": "app",
    "subnet_ids": ["subnet-1"],
    "security_group_ids": ["sg-1"],
    "port": 8080,
    "cpu": 256,
    "memory": 512,
    "architecture": "ARM64",
    "ephemeral_storage_gib": 30,
    "execution_role_arn": "arn:aws:iam::123456789012:role/execution",
    "task_role_arn": "arn:aws:iam::123456789012:role/task",
    "desired_count": 2,
    "containers": [
        {
            "name": "app",
            "image": "app@sha256:1",
            "ports": [8080],
            "environment": {"B": True, "A": 1, "C": {"x": [1]}},
            "secrets": {"KEY": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:key-AbCdEf"},
            "user": "1000:1000",
            "read_only_root": True,
            "scratch_paths": ["/tmp"],
            "mounts": [{"volume": "data", "path": "/data"}],
            "stop_timeout_seconds": 45,
            "ulimits": [{"name": "nofile", "soft": 1024, "hard": 4096}],
            "depends_on": [{"container": "collector", "condition": "HEALTHY"}],
            "health_check": {"command": "wget -q localhost:8080/healthz"},
        },
        {
            "name": "collector",
            "image": "collector:1",
            "essential": False,
            "health_check": {"command": ["/healthcheck"]},
        },
    ],
    "volumes": [{"name": "data", "file_system_id": "fs-1", "access_point_id": "fsap-1"}],
}


def request(**changes: Any) -> dict[str, Any]:
    validated = ArgumentSpecValidator(SERVICE_ARGUMENTS).validate({**FULL, **changes})
    assert not validated.error_messages
    return Specification(validated.validated_parameters, "eu-central-1").task_definition()


def with_app(**changes: Any) -> dict[str, Any]:
    app, collector = FULL["containers"]
    return request(containers=[{**app, **changes}, collector])


def as_described(requested: dict[str, Any]) -> dict[str, Any]:
    """What DescribeTaskDefinition makes of a request: read-only fields, defaults filled in, order of its own."""
    containers = [
        {
            "cpu": 0,
            "volumesFrom": [],
            "systemControls": [],
            "mountPoints": [],
            "environment": [],
            **container,
            "portMappings": [{**port, "hostPort": port["containerPort"]} for port in container.get("portMappings", [])],
        }
        for container in requested["containerDefinitions"]
    ]
    containers[0]["environment"] = list(reversed(containers[0]["environment"]))
    return {
        **requested,
        "containerDefinitions": containers,
        "volumes": [{"host": {}, **volume} for volume in reversed(requested["volumes"])],
        "taskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:task-definition/local-app:3",
        "revision": 3,
        "status": "ACTIVE",
        "placementConstraints": [],
        "requiresAttributes": [{"name": "ecs.capability.execution-role-ecr-pull"}],
        "compatibilities": ["EC2", "FARGATE"],
        "registeredAt": 1.0,
        "registeredBy": "arn:aws:iam::123456789012:root",
        "enableFaultInjection": False,
    }


def test_the_request_is_one_that_ecs_takes() -> None:
    shape = boto3.client("ecs", "eu-central-1").meta.service_model.operation_model("RegisterTaskDefinition").input_shape
    report = ParamValidator().validate(request(), shape)
    assert not report.has_errors(), report.generate_report()


def test_values_reach_the_container_as_strings() -> None:
    environment = {
        variable["name"]: variable["value"] for variable in request()["containerDefinitions"][0]["environment"]
    }
    assert environment == {"A": "1", "B": "true", "C": '{"x":[1]}'}


@pytest.mark.parametrize(
    ("command", "executed"),
    [
        ("curl -f localhost", ["CMD-SHELL", "curl -f localhost"]),
        (["/check", "--now"], ["CMD", "/check", "--now"]),
        (["CMD-SHELL", "true"], ["CMD-SHELL", "true"]),
    ],
)
def test_a_health_command(command: Any, executed: list[str]) -> None:
    check = with_app(health_check={"command": command})["containerDefinitions"][0]["healthCheck"]
    assert check == {"command": executed, "interval": 30, "timeout": 5, "retries": 3, "startPeriod": 0}


def test_a_volume_on_efs_is_encrypted_and_reached_by_its_access_point() -> None:
    (efs,) = [volume["efsVolumeConfiguration"] for volume in request()["volumes"] if "efsVolumeConfiguration" in volume]
    assert efs == {
        "fileSystemId": "fs-1",
        "transitEncryption": "ENABLED",
        "authorizationConfig": {"accessPointId": "fsap-1", "iam": "ENABLED"},
    }


def test_what_ecs_describes_is_the_same_as_what_was_asked_for() -> None:
    assert same(request(), as_described(request()))
    assert text(request()) == text(as_described(request()))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(request(cpu=512), id="size"),
        pytest.param(request(architecture="X86_64"), id="architecture"),
        pytest.param(with_app(image="app@sha256:2"), id="image"),
        pytest.param(with_app(environment={"A": 2}), id="environment"),
        pytest.param(with_app(secrets={}), id="secrets"),
        pytest.param(with_app(stop_timeout_seconds=60), id="stop timeout"),
        pytest.param(with_app(read_only_root=False), id="read-only root"),
        pytest.param(with_app(scratch_paths=["/tmp", "/run"]), id="scratch paths"),
        pytest.param(with_app(entry_point=["/bin/sh"]), id="entry point"),
        pytest.param(with_app(user="0"), id="user"),
        pytest.param(request(volumes=[{"name": "data"}]), id="volume"),
        pytest.param(request(task_role_arn=None), id="task role"),
    ],
)
def test_every_setting_that_differs_is_seen(other: dict[str, Any]) -> None:
    assert not same(other, as_described(request()))
