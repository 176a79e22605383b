"""Each line of docs/what-to-write.md is accepted by the specifications and the preflight, and becomes requests that ECS takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible_collections.pear.fargate.plugins.filter.service import picked
from ansible_collections.pear.fargate.plugins.module_utils.aws import service_definition
from ansible_collections.pear.fargate.plugins.module_utils.monitoring import alarms
from ansible_collections.pear.fargate.plugins.module_utils.release.options import order
from ansible_collections.pear.fargate.plugins.module_utils.service import step_scaling
from ansible_collections.pear.fargate.plugins.module_utils.service.further_targets import REGISTERED
from ansible_collections.pear.fargate.plugins.module_utils.service.scaling import Scaled, policy, problems, schedule
from ansible_collections.pear.fargate.plugins.module_utils.service.specification import Specification
from ansible_collections.pear.fargate.plugins.module_utils.service.values import (
    container_health_check,
    task_volumes,
    volume_mounts,
)
from ansible_collections.pear.fargate.plugins.module_utils.service.variables import findings
from ansible_collections.pear.fargate.plugins.modules.autoscaling_service import ARGUMENT_SPEC as AUTOSCALING
from ansible_collections.pear.fargate.plugins.modules.service_release import ARGUMENT_SPEC as RELEASE
from ansible_collections.pear.fargate.plugins.plugin_utils import nested_options
from ansible_collections.pear.fargate.plugins.plugin_utils.role_variables import read_roles, validate
from botocore.session import get_session
from botocore.validate import ParamValidator

PAGE = Path(__file__).resolve().parents[2] / "docs/what-to-write.md"
ROLES = read_roles(DataLoader())
BASE = {
    "environment_name": "production",
    "environment_region": "eu-central-1",
    "environment_tags": {},
    "service_name": "scoreboard",
}
# Variables of the role that become an option of the app's container under the same name.
APP = ("command", "entry_point", "environment", "secrets", "user", "read_only_root", "scratch_paths", "ulimits")


def rows() -> Iterator[Any]:
    for line in PAGE.read_text().splitlines():
        if line.startswith("| ") and "`" in line and not line.startswith("|---"):
            have, written = (cell.strip() for cell in line.strip("|").split(" | ", 1))
            yield pytest.param(yaml.safe_load(written.strip(" `")), id=have)


def checked(spec: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    result = ArgumentSpecValidator(spec).validate(options)
    assert not result.error_messages, result.error_messages
    return result.validated_parameters


def takes(service: str, operation: str, request: dict[str, Any]) -> None:
    shape = get_session().get_service_model(service).operation_model(operation).input_shape
    report = ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize("variables", list(rows()))
def test_what_the_page_says_is_accepted_and_becomes_what_ecs_takes(variables: dict[str, Any]) -> None:
    values: dict[str, Any] = {}
    for name in ("service", "autoscaling"):
        role = ROLES[name]
        own = {key: value for key, value in {**role.defaults, **BASE, **variables}.items() if key in role.options}
        # Templates of other variables: what they become says nothing about the page.
        own = {key: value for key, value in own.items() if key in variables or "{{" not in str(value)}
        typed, mistyped = validate(role, own)
        assert mistyped == []
        values |= {key: value for key, value in typed.items() if key in own}
    assert set(variables) <= set(values), "a variable that no role has"
    assert nested_options.findings(values) == []
    assert findings(values) == []
    release = checked(RELEASE, _release(values))
    ordered = {**release, "plan": {**release["plan"], "strategy": release["strategy"]}}
    spec = Specification(ordered, "eu-central-1")
    order(ordered, spec, 1_700_000_000.0)
    takes("ecs", "RegisterTaskDefinition", spec.task_definition())
    further = {
        one["name"]: f"arn:aws:elasticloadbalancing:e:1:targetgroup/{one['name']}/1"
        for one in release["further_target_groups"]
    }
    settings = spec.settings(
        "" if release["kind"] == "worker" else "arn:aws:elasticloadbalancing:e:1:targetgroup/t/1", further
    )
    assert len(settings["load_balancers"]) == len(further) + (release["kind"] != "worker")
    request = service_definition.create_request(settings, "task:1", spec.desired_count)
    takes("ecs", "CreateService", {"serviceName": "scoreboard-blue", **request})
    # A role hands variables on as they were written.
    _scales(variables)


def _release(values: dict[str, Any]) -> dict[str, Any]:
    app = {
        "name": "app",
        "image": "registry.example.com/app@sha256:" + "a" * 64,
        "health_check": container_health_check(values.get("service_health_command")),
        "init_process": values["service_init_process"],
        "stop_timeout_seconds": values["service_stop_timeout_seconds"],
        **{option: values.get(f"service_{option}") for option in APP if values.get(f"service_{option}") is not None},
        **values["service_container"],
    }
    if values.get("service_volumes"):
        app["mounts"] = volume_mounts(values["service_volumes"])
    if values["service_kind"] != "worker" and not values["service_target_container"]:
        app["ports"] = [values["service_port"]]
    taken = ("kind", "port", "cpu", "memory", "desired_count", "single_writer", "checks", "strategy", "restart")
    role = "arn:aws:iam::123456789012:role/production-eu-central-1-scoreboard-infrastructure"
    return {
        "volumes": task_volumes(values.get("service_volumes") or [], None, infrastructure_role=role),
        "environment": "production",
        "service": "scoreboard",
        "subnet_ids": ["subnet-a"],
        "security_group_ids": ["sg-a"],
        "containers": [app, *values["service_sidecars"]],
        "capacity_providers": values["service_capacity_providers"],
        "target_container": values["service_target_container"] or None,
        "plan": values["service_strategy_options"],
        "schedules": values.get("service_schedules"),
        "service_connect": values["service_connect"] or None,
        "service_registries": values["service_registries"],
        "further_target_groups": picked(values.get("service_further_target_groups") or [], *REGISTERED),
        **{option: values[f"service_{option}"] for option in taken},
    }


def _scales(values: dict[str, Any]) -> None:
    names = ("minimum", "maximum", "policies", "step_policies", "schedules")
    given = {name: values.get(f"autoscaling_{name}") for name in names}
    given["kind"] = values.get("service_kind")
    given = {name: value for name, value in given.items() if value is not None}
    options = checked(AUTOSCALING, {"environment": "production", "service": "scoreboard", **given})
    assert problems(options) == []
    named = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/production/scoreboard-blue",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    for option in options["policies"]:
        body = {
            "TargetTrackingScalingPolicyConfiguration": policy(option, Scaled("production", "scoreboard-blue", "a/b"))
        }
        takes("application-autoscaling", "PutScalingPolicy", {**named, "PolicyName": "p", **body})
    for option in options["step_policies"]:
        settings = step_scaling.policy(option)
        request = {"PolicyType": settings.pop("PolicyType"), "StepScalingPolicyConfiguration": settings}
        takes("application-autoscaling", "PutScalingPolicy", {**named, "PolicyName": "p", **request})
        metrics = step_scaling.metrics(option, Scaled("production", "scoreboard-blue"))
        alarm = alarms.request(
            step_scaling.alarm(option, "a", metrics, "arn:aws:autoscaling:eu-central-1:123456789012:x")
        )
        takes("cloudwatch", "PutMetricAlarm", alarm)
    for option in options["schedules"]:
        takes(
            "application-autoscaling", "PutScheduledAction", {**named, "ScheduledActionName": "s", **schedule(option)}
        )


def test_the_page_has_lines() -> None:
    assert len(list(rows())) > 20
