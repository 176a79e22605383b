# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The containers of a task: their options, and what ECS on Fargate would refuse about them or never start. Pure.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..aws.command_words import command_problem

HEALTH_CHECK: dict[str, Any] = {
    "command": {"type": "raw", "required": True},
    "interval_seconds": {"type": "int"},
    "timeout_seconds": {"type": "int"},
    "retries": {"type": "int"},
    "start_period_seconds": {"type": "int"},
}
CONTAINER: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "image": {"type": "str", "required": True},
    "repository_credentials": {"type": "str"},
    "essential": {"type": "bool", "default": True},
    "cpu": {"type": "int"},
    "memory": {"type": "int"},
    "memory_reservation": {"type": "int"},
    "ports": {"type": "list", "elements": "int", "default": []},
    "entry_point": {"type": "raw"},
    "command": {"type": "raw"},
    "environment": {"type": "dict", "default": {}},
    "environment_files": {"type": "list", "elements": "str", "default": []},
    # ARNs and names of secrets, never their values.
    "secrets": {"type": "dict", "default": {}, "no_log": False},
    "user": {"type": "str"},
    "working_directory": {"type": "str"},
    "read_only_root": {"type": "bool", "default": False},
    "scratch_paths": {"type": "list", "elements": "str", "default": []},
    "tmpfs": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "str", "required": True},
            "size_mib": {"type": "int", "required": True},
            "mount_options": {"type": "list", "elements": "str", "default": []},
        },
    },
    "mounts": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "volume": {"type": "str", "required": True},
            "path": {"type": "str", "required": True},
            "read_only": {"type": "bool", "default": False},
        },
    },
    "start_timeout_seconds": {"type": "int"},
    "stop_timeout_seconds": {"type": "int"},
    "ulimits": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "soft": {"type": "int", "required": True},
            "hard": {"type": "int", "required": True},
        },
    },
    "depends_on": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "container": {"type": "str", "required": True},
            "condition": {"type": "str", "choices": ["START", "COMPLETE", "SUCCESS", "HEALTHY"], "default": "START"},
        },
    },
    "health_check": {"type": "dict", "options": HEALTH_CHECK},
    "restart_policy": {
        "type": "dict",
        "options": {
            "after_seconds": {"type": "int", "default": 300},
            "ignored_exit_codes": {"type": "list", "elements": "int", "default": []},
        },
    },
    "labels": {"type": "dict", "default": {}},
    "init_process": {"type": "bool", "default": False},
    "capabilities_add": {"type": "list", "elements": "str", "default": []},
    "capabilities_drop": {"type": "list", "elements": "str", "default": []},
    "log": {
        "type": "dict",
        "options": {
            "driver": {"type": "str", "choices": ["awslogs", "awsfirelens", "splunk"], "default": "awslogs"},
            "options": {"type": "dict", "default": {}},
            "secret_options": {"type": "dict", "default": {}, "no_log": False},
        },
    },
    "firelens": {
        "type": "dict",
        "options": {
            "type": {"type": "str", "choices": ["fluentbit", "fluentd"], "default": "fluentbit"},
            "options": {"type": "dict", "default": {}},
        },
    },
}
# Options of the app's container that have no variable of their own.
APP_OPTIONS = {
    name: CONTAINER[name]
    for name in (
        *("capabilities_add", "capabilities_drop", "cpu", "depends_on", "environment_files", "labels", "log", "memory"),
        *("memory_reservation", "repository_credentials", "restart_policy", "start_timeout_seconds", "tmpfs"),
    )
}
_NAME = re.compile(r"^[A-Za-z0-9_-]{1,255}$")
_ENVIRONMENT_FILE = re.compile(r"^arn:[a-z-]+:s3:::[^/]+/.+\.env$")
_CREDENTIALS = re.compile(r"^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+$")
_SECRET = re.compile(r"^(arn:[a-z-]+:(secretsmanager|ssm):[a-z0-9-]+:\d{12}:.+|/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*)$")
_RANGES = {"start_timeout_seconds": (2, 120), "stop_timeout_seconds": (2, 120)}
_HEALTH_RANGES = {
    "interval_seconds": (5, 300),
    "timeout_seconds": (2, 60),
    "retries": (1, 10),
    "start_period_seconds": (0, 300),
}
_RESTART_RANGE = (60, 1800)
_ENVIRONMENT_FILES = 10
_ULIMITS = frozenset(
    (
        *("core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio"),
        *("rttime", "sigpending", "stack"),
    )
)
_ADDABLE = ("SYS_PTRACE",)


def is_sound(container: Any) -> bool:
    """Whether its options have the types that are looked into; what has another one is found by the specifications."""
    if not isinstance(container, Mapping):
        return False
    given = ((value, CONTAINER[name]) for name, value in container.items() if name in CONTAINER and value is not None)
    return all(_fits(value, option) for value, option in given)


def _fits(value: Any, option: Mapping[str, Any]) -> bool:
    if option["type"] == "dict":
        return isinstance(value, Mapping)
    if option["type"] != "list":
        return True
    return isinstance(value, (list, tuple)) and (
        "options" not in option or all(isinstance(element, Mapping) for element in value)
    )


def findings(containers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Sentences about containers whose options have the right types, each with the container's name."""
    names = [str(container.get("name")) for container in containers]
    yield from (
        f"{name} is the name of {names.count(name)} containers" for name in sorted(set(names)) if names.count(name) > 1
    )
    for container in containers:
        for sentence in _of_one(container):
            yield f"container {container.get('name')}: {sentence}"
    yield from _dependencies({str(container.get("name")): container for container in containers})
    yield from _logs(containers)


def _of_one(container: Mapping[str, Any]) -> Iterator[str]:
    if not _NAME.match(str(container.get("name"))):
        yield "a name has letters, digits, hyphens and underscores"
    for option in ("entry_point", "command"):
        if problem := command_problem(container.get(option)):
            yield f"{option} is {container[option]!r}: {problem}"
    yield from _in_range(container, _RANGES, "")
    yield from _health(container.get("health_check"))
    yield from _restart(container.get("restart_policy"))
    yield from _sources(container)
    yield from _limits(container)


def _health(check: Any) -> Iterator[str]:
    if not isinstance(check, Mapping):
        return
    command = check.get("command")
    if not command or not isinstance(command, (str, list, tuple)):
        yield f"health_check.command is {command!r}; it must be a text for the container's shell, or a list of words"
    yield from _in_range(check, _HEALTH_RANGES, "health_check.")


def _restart(policy: Any) -> Iterator[str]:
    if isinstance(policy, Mapping):
        yield from _in_range(policy, {"after_seconds": _RESTART_RANGE}, "restart_policy.")


def _in_range(values: Mapping[str, Any], ranges: Mapping[str, tuple[int, int]], where: str) -> Iterator[str]:
    for option, (lowest, highest) in ranges.items():
        value = values.get(option)
        if isinstance(value, int) and not lowest <= value <= highest:
            yield f"{where}{option} is {value}; valid: {lowest} to {highest}"


def _sources(container: Mapping[str, Any]) -> Iterator[str]:
    """Where values come from."""
    secrets = container.get("secrets") or {}
    for name, source in secrets.items():
        if problem := secret_problem(source):
            yield f"secrets.{name} {problem}"
    for name, source in ((container.get("log") or {}).get("secret_options") or {}).items():
        if problem := secret_problem(source):
            yield f"log.secret_options.{name} {problem}"
    both = sorted(set(secrets) & set(container.get("environment") or {}))
    if both:
        yield f"{', '.join(both)}: in secrets and in environment; ECS takes a name once"
    files = container.get("environment_files") or []
    if len(files) > _ENVIRONMENT_FILES:
        yield f"environment_files holds {len(files)}; at most {_ENVIRONMENT_FILES}"
    yield from (
        f"environment_files holds {file!r}; valid is the ARN of an S3 object that ends in .env"
        for file in files
        if not _ENVIRONMENT_FILE.match(str(file))
    )
    credentials = container.get("repository_credentials")
    if credentials and not _CREDENTIALS.match(credentials):
        yield "repository_credentials is no ARN of a Secrets Manager secret"


def secret_problem(source: Any) -> str:
    """What is wrong with where a secret is; empty where nothing is. It may be the secret itself by mistake, and is never repeated."""
    if not isinstance(source, str) or not _SECRET.match(source):
        return (
            "is neither an ARN of Secrets Manager or SSM nor the name of an SSM parameter; secrets are named here, their values stay "
            "in AWS"
        )
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
    if ":secretsmanager:" in source and len(source.split(":")) not in (7, 10):
        return (
            "names a part of a secret, and ECS starts no task unless all three places for it are there, empty ones too: "
            "…:secret:NAME:KEY:: for a key of JSON, …:secret:NAME:KEY:STAGE:ID for the rest"
        )
    return ""


def _limits(container: Mapping[str, Any]) -> Iterator[str]:
    for limit in container.get("ulimits") or []:
        if limit.get("name") not in _ULIMITS:
            yield f"ulimits: {limit.get('name')} is none; valid are {', '.join(sorted(_ULIMITS))}"
        elif limit["soft"] > limit["hard"]:
            yield f"ulimits: {limit['name']}: soft is {limit['soft']}, above hard {limit['hard']}"
    refused = sorted(set(container.get("capabilities_add") or []) - set(_ADDABLE))
    if refused:
        yield f"capabilities_add holds {', '.join(refused)}; Fargate adds {', '.join(_ADDABLE)} only"


def _dependencies(containers: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What a container waits for has to be there, and able to reach the condition."""
    edges: dict[str, list[str]] = {}
    for name, container in containers.items():
        for dependency in container.get("depends_on") or []:
            other, condition = str(dependency.get("container")), dependency.get("condition") or "START"
            edges.setdefault(name, []).append(other)
            where = f"container {name}: depends_on {other}"
            if other not in containers:
                yield f"{where}: there is no such container; there are {', '.join(containers)}"
            elif condition == "HEALTHY" and not containers[other].get("health_check"):
                yield f"{where}: HEALTHY needs a health_check of {other}, and it has none"
            elif condition in ("COMPLETE", "SUCCESS") and containers[other].get("essential", True) is not False:
                yield f"{where}: {condition} waits until {other} has ended, which ends the task: set its option essential to false"
    circle = _circle(edges)
    if circle:
        yield f"depends_on goes in a circle: {' → '.join(circle)}"


def _circle(edges: Mapping[str, Sequence[str]]) -> list[str]:
    """The first circle that is found, from a container back to itself."""

    def walk(path: list[str]) -> list[str]:
        for following in edges.get(path[-1], ()):
            if following in path:
                return [*path[path.index(following) :], following]
            if found := walk([*path, following]):
                return found
        return []

    return next((found for start in edges if (found := walk([start]))), [])


def _logs(containers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    routers = [str(container.get("name")) for container in containers if container.get("firelens") is not None]
    if len(routers) > 1:
        yield f"firelens is set for {', '.join(routers)}; a task has one log router"
    for container in containers:
        options = (container.get("log") or {}).get("options") or {}
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specify-log-config.html
        if {"awslogs-datetime-format", "awslogs-multiline-pattern"} <= {*options}:
            yield (
                f"container {container.get('name')}: log.options has awslogs-datetime-format and awslogs-multiline-pattern: both say "
                "where an event begins, and only one can"
            )
        router = (container.get("firelens") or {}).get("options") or {}
        if router.get("config-file-type") == "s3":
            # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/firelens-taskdef.html
            yield (
                f"container {container.get('name')}: firelens.options.config-file-type is s3, which Fargate does not read: put "
                "the file into the image, and set file"
            )
        driver = (container.get("log") or {}).get("driver")
        if driver == "awsfirelens" and not routers:
            yield f"container {container.get('name')}: log.driver is awsfirelens, and no container is the log router (firelens)"
