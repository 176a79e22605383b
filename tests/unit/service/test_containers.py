"""Containers: what ECS on Fargate refuses or never starts is found first; what is right becomes the request that ECS takes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.command_words import command_problem, words
from ansible_collections.pear.fargate.plugins.module_utils.aws.task_definition import register_request, same
from ansible_collections.pear.fargate.plugins.module_utils.service.containers import CONTAINER, findings
from ansible_collections.pear.fargate.plugins.module_utils.service.values import container_health_check
from ansible_collections.pear.fargate.plugins.module_utils.service.variables import findings as variable_findings
from ansible_collections.pear.fargate.plugins.plugin_utils import nested_options
from botocore.session import get_session
from botocore.validate import ParamValidator

from .given import GOOD

SHAPE = get_session().get_service_model("ecs").operation_model("RegisterTaskDefinition").input_shape
APP: dict[str, Any] = {"name": "app", "image": "registry/app:1"}
INIT: dict[str, Any] = {"name": "init", "image": "registry/init:1", "essential": False}
ROUTER: dict[str, Any] = {"name": "router", "image": "fluent-bit:1", "firelens": {"type": "fluentbit"}}


def request(*containers: dict[str, Any]) -> dict[str, Any]:
    checked = []
    for container in containers:
        result = ArgumentSpecValidator(CONTAINER).validate(container)
        assert not result.error_messages, result.error_messages
        checked.append(result.validated_parameters)
    assert list(findings(checked)) == []
    place = {"family": "f", "cpu": 256, "memory": 512, "log_group": "/pear/e/s", "region": "eu-central-1"}
    made = register_request({**place, "containers": checked})
    report = ParamValidator().validate(made, SHAPE)
    assert not report.has_errors(), report.generate_report()
    return made


def only(container: dict[str, Any], *others: dict[str, Any]) -> dict[str, Any]:
    return request({**APP, **container}, *others)["containerDefinitions"][0]


@pytest.mark.parametrize(
    ("option", "registered"),
    [
        (
            {"depends_on": [{"container": "init", "condition": "SUCCESS"}]},
            {"dependsOn": [{"containerName": "init", "condition": "SUCCESS"}]},
        ),
        (
            {"restart_policy": {"ignored_exit_codes": [0]}},
            {"restartPolicy": {"enabled": True, "ignoredExitCodes": [0], "restartAttemptPeriod": 300}},
        ),
        (
            {"restart_policy": {"after_seconds": 60}},
            {"restartPolicy": {"enabled": True, "restartAttemptPeriod": 60}},
        ),
        ({"start_timeout_seconds": 90, "stop_timeout_seconds": 120}, {"startTimeout": 90, "stopTimeout": 120}),
        (
            {"repository_credentials": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:hub-AbCdEf"},
            {
                "repositoryCredentials": {
                    "credentialsParameter": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:hub-AbCdEf"
                }
            },
        ),
        (
            {"environment_files": ["arn:aws:s3:::corp/app.env"]},
            {"environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::corp/app.env"}]},
        ),
        (
            {
                "init_process": True,
                "capabilities_add": ["SYS_PTRACE"],
                "capabilities_drop": ["ALL"],
                "tmpfs": [{"path": "/dev/shm", "size_mib": 64}],
            },
            {
                "linuxParameters": {
                    "initProcessEnabled": True,
                    "capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]},
                    "tmpfs": [{"containerPath": "/dev/shm", "size": 64}],
                }
            },
        ),
        (
            {"ulimits": [{"name": "nofile", "soft": 4096, "hard": 8192}]},
            {"ulimits": [{"name": "nofile", "softLimit": 4096, "hardLimit": 8192}]},
        ),
        (
            {
                "log": {
                    "driver": "splunk",
                    "options": {"splunk-url": "https://s"},
                    "secret_options": {"splunk-token": "/t"},
                }
            },
            {
                "logConfiguration": {
                    "logDriver": "splunk",
                    "options": {"splunk-url": "https://s"},
                    "secretOptions": [{"name": "splunk-token", "valueFrom": "/t"}],
                }
            },
        ),
        (
            {"log": {"driver": "awsfirelens", "options": {"Name": "cloudwatch"}}},
            {"logConfiguration": {"logDriver": "awsfirelens", "options": {"Name": "cloudwatch"}}},
        ),
        (
            {
                "health_check": {
                    "command": ["pgrep", "worker"],
                    "interval_seconds": 20,
                    "timeout_seconds": 10,
                    "retries": 5,
                    "start_period_seconds": 60,
                }
            },
            {
                "healthCheck": {
                    "command": ["CMD", "pgrep", "worker"],
                    "interval": 20,
                    "timeout": 10,
                    "retries": 5,
                    "startPeriod": 60,
                }
            },
        ),
        ({"command": "python -m worker --name 'a b'"}, {"command": ["python", "-m", "worker", "--name", "a b"]}),
        ({"command": ["sh", "-c", "a && b"]}, {"command": ["sh", "-c", "a && b"]}),
    ],
)
def test_each_option_becomes_what_ecs_takes(option: dict[str, Any], registered: dict[str, Any]) -> None:
    made = only(option, INIT, ROUTER)
    assert {key: made[key] for key in registered} == registered


def test_a_log_router_is_registered_and_keeps_its_own_log_in_cloudwatch() -> None:
    router = request(APP, ROUTER)["containerDefinitions"][1]
    assert router["firelensConfiguration"] == {"type": "fluentbit"}
    assert router["logConfiguration"]["logDriver"] == "awslogs"
    assert "firelensConfiguration" not in request(APP, ROUTER)["containerDefinitions"][0]


def test_options_of_cloudwatch_logs_are_added_to_the_services_own() -> None:
    options = only({"log": {"options": {"awslogs-multiline-pattern": "^{"}}})["logConfiguration"]["options"]
    assert options["awslogs-group"] == "/pear/e/s"
    assert options["awslogs-multiline-pattern"] == "^{"


def test_a_log_that_may_block_has_no_buffer() -> None:
    options = only({"log": {"options": {"mode": "blocking"}}})["logConfiguration"]["options"]
    assert options["mode"] == "blocking" and "max-buffer-size" not in options


def test_what_ecs_adds_to_a_restart_policy_is_no_difference() -> None:
    made = request({**APP, "restart_policy": {}, "capabilities_drop": ["ALL"]})
    described = {**made, "containerDefinitions": [dict(made["containerDefinitions"][0])]}
    described["containerDefinitions"][0]["restartPolicy"] = {
        "enabled": True,
        "ignoredExitCodes": [],
        "restartAttemptPeriod": 300,
    }
    described["containerDefinitions"][0]["linuxParameters"] = {
        "capabilities": {"add": [], "drop": ["ALL"]},
        "devices": [],
        "tmpfs": [],
    }
    assert same(made, described)


@pytest.mark.parametrize(
    ("containers", "message"),
    [
        ([APP, APP], "app is the name of 2 containers"),
        ([{**APP, "depends_on": [{"container": "gone"}]}], "depends_on gone: there is no such container"),
        (
            [{**APP, "depends_on": [{"container": "init", "condition": "HEALTHY"}]}, INIT],
            "HEALTHY needs a health_check of init",
        ),
        (
            [{**APP, "depends_on": [{"container": "init", "condition": "SUCCESS"}]}, {**INIT, "essential": True}],
            "SUCCESS waits until init has ended, which ends the task: set its option essential to false",
        ),
        (
            [{**APP, "depends_on": [{"container": "init"}]}, {**INIT, "depends_on": [{"container": "app"}]}],
            "depends_on goes in a circle: app → init → app",
        ),
        ([{**APP, "depends_on": [{"container": "app"}]}], "in a circle: app → app"),
        (
            [{**APP, "health_check": {"command": ["x"], "interval_seconds": 1}}],
            "interval_seconds is 1; valid: 5 to 300",
        ),
        ([{**APP, "health_check": {"command": {"test": "x"}}}], "health_check.command is {'test': 'x'}"),
        ([{**APP, "stop_timeout_seconds": 300}], "stop_timeout_seconds is 300; valid: 2 to 120"),
        ([{**APP, "restart_policy": {"after_seconds": 5}}], "restart_policy.after_seconds is 5; valid: 60 to 1800"),
        ([{**APP, "log": {"driver": "awsfirelens"}}], "no container is the log router"),
        ([ROUTER, {**ROUTER, "name": "second"}], "a task has one log router"),
        ([{**APP, "capabilities_add": ["NET_ADMIN"]}], "Fargate adds SYS_PTRACE only"),
        ([{**APP, "environment_files": ["s3://corp/app.env"]}], "the ARN of an S3 object that ends in .env"),
        ([{**APP, "repository_credentials": "user:password"}], "repository_credentials is no ARN"),
        ([{**APP, "ulimits": [{"name": "files", "soft": 1, "hard": 1}]}], "ulimits: files is none"),
        ([{**APP, "ulimits": [{"name": "nofile", "soft": 2, "hard": 1}]}], "soft is 2, above hard 1"),
        ([{**APP, "secrets": {"A": "hunter2!"}}], "container app: secrets.A is neither an ARN"),
        ([{**APP, "secrets": {"A": "/a"}, "environment": {"A": "b"}}], "ECS takes a name once"),
        ([{**APP, "command": "a && b"}], "container app: command is 'a && b': && is for a shell"),
    ],
)
def test_what_would_be_refused_or_never_start_is_named(containers: list[dict[str, Any]], message: str) -> None:
    (found,) = findings(containers)
    assert message in found
    assert "hunter2" not in found


@pytest.mark.parametrize(
    ("command", "split"),
    [
        ("python -m worker", ["python", "-m", "worker"]),
        ("worker 'a; b' \"c|d\"", ["worker", "a; b", "c|d"]),
        ("printf '$5 `x`' \"it's\"", ["printf", "$5 `x`", "it's"]),
        (
            "find . -exec rm {} ';' -o -name \";\" \\; \\$5",
            [*("find", ".", "-exec", "rm", "{}"), *(";", "-o", "-name", ";", ";", "$5")],
        ),
        (["python", "-m", "worker"], ["python", "-m", "worker"]),
        (["/srv/worker"], ["/srv/worker"]),
        (None, None),
    ],
)
def test_a_command_is_split_as_a_shell_splits_it(command: Any, split: list[str] | None) -> None:
    assert command_problem(command) == ""
    assert words(command) == split


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("migrate && serve", "&& is for a shell, which ECS does not start"),
        ("serve > /dev/null", "> is for a shell"),
        ("serve --port $PORT", "$ is for a shell"),
        ("serve \"it's $PORT\" 'x'", "$ is for a shell"),
        ("serve `hostname`", "` is for a shell"),
        ("serve 'a' && b 'c'", "&& is for a shell"),
        ("serve 'it", "cannot be split into words"),
        (["python -m worker"], "one word with spaces"),
        ({"test": "x"}, "must be a list of words"),
    ],
)
def test_a_command_that_needs_a_shell_or_is_one_word_is_refused(command: Any, problem: str) -> None:
    assert problem in command_problem(command)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"service_command": "a | b"}, "container app: command is 'a | b'"),
        ({"service_health_command": {"command": "x", "retries": 50}}, "health_check.retries is 50"),
        ({"service_container": {"depends_on": [{"container": "init"}]}}, "there is no such container"),
        ({"service_sidecars": [{"name": "p", "image": "i", "secrets": {"K": "no secret!"}}]}, "container p: secrets.K"),
        ({"service_checks": [{"name": "migrate", "command": ["manage.py migrate"]}]}, "service_checks: migrate"),
        ({"service_schedules": [{"name": "clean", "command": "a;b"}]}, "service_schedules: clean"),
    ],
)
def test_the_preflight_looks_at_every_container_of_the_service(change: dict[str, Any], message: str) -> None:
    (found,) = variable_findings({**GOOD, **change})
    assert message in found


def test_the_app_may_wait_for_the_collector() -> None:
    waits = {"depends_on": [{"container": "collector", "condition": "HEALTHY"}]}
    collector = {"enabled": True, "image": "public.example/collector:1.2.3"}
    assert variable_findings({**GOOD, "service_container": waits, "service_collector": collector}) == []


def test_a_sidecar_s_misspelled_option_is_named() -> None:
    sidecar = {"name": "proxy", "image": "i", "dependson": []}
    assert "did you mean depends_on?" in str(nested_options.findings({"service_sidecars": [sidecar]}))
    assert "service_container.image is no option" in str(nested_options.findings({"service_container": {"image": "i"}}))


def test_a_health_check_has_a_short_and_a_long_form() -> None:
    assert container_health_check("curl x") == {"command": "curl x"}
    assert container_health_check(["pgrep", "x"]) == {"command": ["pgrep", "x"]}
    assert container_health_check({"command": "x", "retries": 2}) == {"command": "x", "retries": 2}
    assert container_health_check(None) is None
