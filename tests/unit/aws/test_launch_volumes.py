"""EBS volumes of tasks: what a version says of them, what ECS is sent, and what is read back."""

from __future__ import annotations

from typing import Any

from ansible_collections.pear.fargate.plugins.module_utils.aws import (
    launch_volumes,
    service_definition,
    task_definition,
)
from botocore.session import get_session
from botocore.validate import ParamValidator

ROLE = "arn:aws:iam::123456789012:role/production-eu-central-1-web-infrastructure"
VOLUME = {"name": "work", "ebs": {"size_gib": 200, "type": "gp3", "iops": 6000, "file_system": "xfs", "role_arn": ROLE}}
SPEC: dict[str, Any] = {
    "family": "production-web",
    "log_group": "/pear/production/web",
    "region": "eu-central-1",
    "container": "app",
    "containers": [
        {"name": "app", "image": "web:1", "mounts": [{"volume": "work", "path": "/work"}]},
        {"name": "proxy", "image": "proxy:1"},
    ],
    "cpu": 256,
    "memory": 512,
    "architecture": "X86_64",
    "ephemeral_storage_gib": 20,
    "volumes": [VOLUME, {"name": "scratch"}],
    "tags": {},
    "subnet_ids": ["subnet-a"],
    "security_group_ids": ["sg-a"],
    "minimum_healthy_percent": 100,
    "maximum_percent": 200,
    "availability_zone_rebalancing": True,
    "health_check_grace_seconds": 30,
    "platform_version": "LATEST",
    "port": 8080,
}
GROUP = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/t/1"


def takes(operation: str, request: dict[str, Any]) -> None:
    shape = get_session().get_service_model("ecs").operation_model(operation).input_shape
    report = ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()


def test_a_version_says_what_it_was_released_with() -> None:
    definition = task_definition.register_request(SPEC)
    takes("RegisterTaskDefinition", definition)
    assert definition["volumes"][0] == {"name": "work", "configuredAtLaunch": True}
    assert launch_volumes.LABEL in definition["containerDefinitions"][0]["dockerLabels"]
    assert "dockerLabels" not in definition["containerDefinitions"][1]
    assert launch_volumes.of_definition(definition) == launch_volumes.wanted([VOLUME])
    larger = {**SPEC, "volumes": [{**VOLUME, "ebs": {**VOLUME["ebs"], "size_gib": 300}}]}
    assert not task_definition.same(definition, task_definition.register_request(larger)), (
        "another size is another version"
    )


def test_a_version_without_one_says_nothing_and_that_of_others_is_unknown() -> None:
    plain = task_definition.register_request({**SPEC, "volumes": [{"name": "work"}]})
    assert "dockerLabels" not in plain["containerDefinitions"][0]
    assert launch_volumes.of_definition(plain) == launch_volumes.of_definition(None) == []
    theirs = {"volumes": [{"name": "work", "configuredAtLaunch": True}], "containerDefinitions": [{"name": "app"}]}
    assert launch_volumes.of_definition(theirs) is None


def test_what_ecs_describes_is_what_it_was_sent() -> None:
    settings = service_definition.wanted(SPEC, GROUP)
    request = service_definition.create_request(settings, "task:1", 2)
    takes("CreateService", {"serviceName": "web-blue", **request})
    (sent,) = request["volumeConfigurations"]
    managed = sent["managedEBSVolume"]
    assert (managed["sizeInGiB"], managed["iops"], managed["encrypted"], managed["roleArn"]) == (200, 6000, True, ROLE)
    assert managed["tagSpecifications"] == [{"resourceType": "volume", "propagateTags": "SERVICE"}]
    raw = {"deployments": [{"status": "ACTIVE"}, {"status": "PRIMARY", "volumeConfigurations": [sent]}]}
    assert service_definition.described(raw)["volumes"] == settings["volumes"]


def test_a_service_without_one_is_created_without_and_one_that_lost_it_is_told() -> None:
    settings = service_definition.wanted({**SPEC, "volumes": []}, GROUP)
    assert "volumeConfigurations" not in service_definition.create_request(settings, "task:1", 2)
    assert service_definition.update_request(settings, {"volumes"}) == {"volumeConfigurations": []}
    assert "volumes" in service_definition.REDEPLOYING


def test_a_task_that_runs_by_itself_leaves_no_volume() -> None:
    request = launch_volumes.task_request(launch_volumes.wanted([VOLUME]))
    takes("RunTask", {"taskDefinition": "web:1", "volumeConfigurations": request})
    managed = request[0]["managedEBSVolume"]
    assert managed["terminationPolicy"] == {"deleteOnTermination": True}
    assert managed["tagSpecifications"][0]["propagateTags"] == "TASK_DEFINITION", "it is no service's"
