# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Converts a task specification to a RegisterTaskDefinition request, and compares it with a registered one.

Pure: no call is made here. A request and what ECS answers for it later differ in defaults, order and read-only
fields; `normalise` removes exactly those differences.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from . import launch_volumes
from .command_words import words

DEFAULT_EPHEMERAL_GIB = 20
# The transport protocols that a container listens with, by the protocol of a target group; TCP for all others.
TRANSPORTS: Mapping[str, tuple[str, ...]] = {"UDP": ("udp",), "TCP_UDP": ("tcp", "udp")}
LOG_STREAM_PREFIX = "ecs"

_READ_ONLY = {
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "registeredBy",
    "deregisteredAt",
    "deleteRequestedAt",
    "tags",
}
_HEALTH_DEFAULTS = {"interval": 30, "timeout": 5, "retries": 3, "startPeriod": 0}
_CONTAINER_DEFAULTS: dict[str, Any] = {
    "cpu": 0,
    "essential": True,
    "interactive": False,
    "privileged": False,
    "pseudoTerminal": False,
    "readonlyRootFilesystem": False,
    "disableNetworking": False,
    # Fargate's default, as documented for the parameter stopTimeout.
    "stopTimeout": 30,
    "versionConsistency": "enabled",
}


def register_request(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the RegisterTaskDefinition request of a task specification."""
    request: dict[str, Any] = {
        "family": spec["family"],
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": str(spec["cpu"]),
        "memory": str(spec["memory"]),
        "executionRoleArn": spec.get("execution_role_arn"),
        "taskRoleArn": spec.get("task_role_arn"),
        "runtimePlatform": {
            "cpuArchitecture": spec.get("architecture") or "X86_64",
            "operatingSystemFamily": "LINUX",
        },
        "containerDefinitions": [_container(container, spec) for container in spec["containers"]],
        "volumes": _volumes(spec),
    }
    ephemeral = spec.get("ephemeral_storage_gib") or DEFAULT_EPHEMERAL_GIB
    if ephemeral != DEFAULT_EPHEMERAL_GIB:
        request["ephemeralStorage"] = {"sizeInGiB": ephemeral}
    return _without_empty(request)


def port_name(port: int) -> str:
    """By which Service Connect knows a port."""
    return f"port-{port}"


def serving(spec: Mapping[str, Any]) -> str | None:
    """The container that requests go to: the service's own, or one in front of it."""
    return spec.get("target_container") or spec.get("container")


def _ports(container: Mapping[str, Any], spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those of the container, those that further target groups send traffic to, and for the one that requests go to those of Service
    Connect too, which have names.
    """
    own = container["name"] == serving(spec)
    served = {
        service.get("port") or spec["port"]: service
        for service in ((spec.get("service_connect") or {}).get("services") or () if own else ())
    }
    tcp = [(port, "tcp") for port in (*(container.get("ports") or []), *served)]
    further = [
        (target["port"], transport)
        for target in spec.get("further_target_groups") or []
        if (target.get("container") or serving(spec)) == container["name"]
        for transport in TRANSPORTS.get(target.get("protocol") or "", ("tcp",))
    ]
    mappings = []
    for port, transport in dict.fromkeys([*tcp, *further]):
        of_connect = port in served and transport == "tcp"
        named = {"name": port_name(port), "appProtocol": served[port].get("protocol")} if of_connect else {}
        mappings.append(_without_empty({"containerPort": port, "protocol": transport, **named}))
    return mappings


def _container(container: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    definition: dict[str, Any] = {
        "name": container["name"],
        "image": container["image"],
        "repositoryCredentials": {"credentialsParameter": container.get("repository_credentials")},
        "essential": container.get("essential", True) is not False,
        "cpu": container.get("cpu"),
        "memory": container.get("memory"),
        "memoryReservation": container.get("memory_reservation"),
        "portMappings": _ports(container, spec),
        "entryPoint": words(container.get("entry_point")),
        "command": words(container.get("command")),
        "environment": [
            {"name": name, "value": environment_value(value)}
            for name, value in sorted((container.get("environment") or {}).items())
        ],
        "secrets": [
            {"name": name, "valueFrom": source} for name, source in sorted((container.get("secrets") or {}).items())
        ],
        "environmentFiles": [{"type": "s3", "value": file} for file in container.get("environment_files") or []],
        "user": None if container.get("user") is None else str(container["user"]),
        "workingDirectory": container.get("working_directory"),
        "readonlyRootFilesystem": container.get("read_only_root"),
        "mountPoints": [
            {"sourceVolume": mount["volume"], "containerPath": mount["path"], "readOnly": bool(mount.get("read_only"))}
            for mount in container.get("mounts") or []
        ]
        + [
            {"sourceVolume": scratch_volume(container["name"], path), "containerPath": path, "readOnly": False}
            for path in container.get("scratch_paths") or []
        ],
        "startTimeout": container.get("start_timeout_seconds"),
        "stopTimeout": container.get("stop_timeout_seconds"),
        "ulimits": [
            {"name": limit["name"], "softLimit": limit["soft"], "hardLimit": limit["hard"]}
            for limit in container.get("ulimits") or []
        ],
        "dependsOn": [
            {"containerName": dependency["container"], "condition": dependency.get("condition") or "START"}
            for dependency in container.get("depends_on") or []
        ],
        "healthCheck": _health_check(container.get("health_check")),
        "restartPolicy": _restart_policy(container.get("restart_policy")),
        "dockerLabels": {**(container.get("labels") or {}), **_volume_label(container, spec)},
        "linuxParameters": _linux(container),
        "logConfiguration": _logs(container.get("log") or {}, spec),
        "firelensConfiguration": _without_empty(container.get("firelens") or {}),
    }
    return _without_empty(
        {key: _without_empty(value) if isinstance(value, dict) else value for key, value in definition.items()}
    )


def _volume_label(container: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, str]:
    own = container["name"] == spec.get("container")
    return launch_volumes.label(launch_volumes.wanted(spec.get("volumes") or [])) if own else {}


def _restart_policy(policy: Mapping[str, Any] | None) -> dict[str, Any]:
    if policy is None:
        return {}
    return {
        "enabled": True,
        "ignoredExitCodes": policy.get("ignored_exit_codes"),
        "restartAttemptPeriod": policy.get("after_seconds"),
    }


def _linux(container: Mapping[str, Any]) -> dict[str, Any]:
    capabilities = {"add": container.get("capabilities_add"), "drop": container.get("capabilities_drop")}
    tmpfs = [
        {
            "containerPath": mount_point["path"],
            "size": mount_point["size_mib"],
            "mountOptions": mount_point.get("mount_options"),
        }
        for mount_point in container.get("tmpfs") or []
    ]
    return {
        # An init process reaps zombies and passes SIGTERM on to what a shell script started.
        "initProcessEnabled": True if container.get("init_process") else None,
        "capabilities": _without_empty(capabilities),
        "tmpfs": [_without_empty(mount) for mount in tmpfs],
    }


def _logs(log: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """CloudWatch Logs in the service's log group, unless the container names another driver."""
    driver = log.get("driver") or "awslogs"
    own = {
        "awslogs-group": spec["log_group"],
        "awslogs-region": spec["region"],
        "awslogs-stream-prefix": LOG_STREAM_PREFIX,
        # A full log buffer must never block the application.
        "mode": "non-blocking",
        "max-buffer-size": "4m",
    }
    options = {str(name): environment_value(value) for name, value in (log.get("options") or {}).items()}
    if options.get("mode") == "blocking":
        # A buffer belongs to the other mode.
        del own["max-buffer-size"]
    return {
        "logDriver": driver,
        "options": {**own, **options} if driver == "awslogs" else options,
        "secretOptions": [
            {"name": name, "valueFrom": source} for name, source in sorted((log.get("secret_options") or {}).items())
        ],
    }


def environment_value(value: Any) -> str:
    """Return a value as the string that a container sees: booleans as JSON writes them, structures as JSON."""
    if isinstance(value, str):
        return str(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _health_check(check: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if not check or not check.get("command"):
        return None
    command = check["command"]
    fields = {
        "interval": check.get("interval_seconds"),
        "timeout": check.get("timeout_seconds"),
        "retries": check.get("retries"),
        "startPeriod": check.get("start_period_seconds"),
    }
    return {
        # As in a Containerfile: a string is run by the container's shell, a list is executed directly.
        "command": ["CMD-SHELL", command] if isinstance(command, str) else _exec_form(command),
        **{name: _HEALTH_DEFAULTS[name] if value is None else value for name, value in fields.items()},
    }


def _exec_form(command: Sequence[str]) -> list[str]:
    words = [str(word) for word in command]
    if words[0] in ("CMD", "CMD-SHELL"):
        return words
    return ["CMD-SHELL", words[0]] if len(words) == 1 else ["CMD", *words]


def scratch_volume(container: str, path: str) -> str:
    """Return the name of the empty volume mounted at a path that stays writable under a read-only root."""
    return f"scratch-{container}-" + re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-")


def _volumes(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    volumes: list[dict[str, Any]] = []
    for volume in spec.get("volumes") or []:
        definition: dict[str, Any] = {"name": volume["name"]}
        if volume.get("file_system_id"):
            definition["efsVolumeConfiguration"] = _efs(volume)
        if volume.get("ebs"):
            definition["configuredAtLaunch"] = True
        volumes.append(definition)
    for container in spec["containers"]:
        volumes += [{"name": scratch_volume(container["name"], path)} for path in container.get("scratch_paths") or []]
    return volumes


def _efs(volume: Mapping[str, Any]) -> dict[str, Any]:
    """With encryption in transit, which EFS requires for access points and IAM."""
    efs: dict[str, Any] = {"fileSystemId": volume["file_system_id"], "transitEncryption": "ENABLED"}
    if volume.get("access_point_id"):
        efs["authorizationConfig"] = {"accessPointId": volume["access_point_id"], "iam": "ENABLED"}
    if volume.get("root_directory"):
        efs["rootDirectory"] = volume["root_directory"]
    return efs


def log_stream(definition: Mapping[str, Any], container: str) -> tuple[str, str] | None:
    """Log group and stream prefix of a container, where it logs to CloudWatch Logs in streams that can be found by task."""
    found: Mapping[str, Any] = next(
        (entry for entry in definition["containerDefinitions"] if entry["name"] == container), {}
    )
    configuration = found.get("logConfiguration", {})
    options = configuration.get("options", {})
    if configuration.get("logDriver") != "awslogs" or "awslogs-stream-prefix" not in options:
        return None
    return options["awslogs-group"], options["awslogs-stream-prefix"]


def normalise(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request or a described task definition without defaults, order and read-only fields."""
    normal = {key: value for key, value in definition.items() if key not in _READ_ONLY}
    normal["containerDefinitions"] = [_normal_container(c) for c in definition.get("containerDefinitions", [])]
    normal["volumes"] = sorted((_normal_volume(v) for v in definition.get("volumes", [])), key=lambda v: v["name"])
    normal["runtimePlatform"] = {
        "cpuArchitecture": "X86_64",
        "operatingSystemFamily": "LINUX",
        **(definition.get("runtimePlatform") or {}),
    }
    if (normal.get("ephemeralStorage") or {}).get("sizeInGiB") == DEFAULT_EPHEMERAL_GIB:
        del normal["ephemeralStorage"]
    if normal.get("enableFaultInjection") is False:
        del normal["enableFaultInjection"]
    return _without_empty(normal)


def _normal_container(container: Mapping[str, Any]) -> dict[str, Any]:
    normal = {key: value for key, value in container.items() if _CONTAINER_DEFAULTS.get(key, _ABSENT) != value}
    for key, order in (("environment", "name"), ("secrets", "name"), ("mountPoints", "containerPath")):
        if normal.get(key):
            normal[key] = sorted(normal[key], key=itemgetter(order))
    normal["mountPoints"] = [{"readOnly": False, **mount} for mount in normal.get("mountPoints", [])]
    normal["portMappings"] = [
        # In awsvpc mode the host port can only be the container port, so ECS fills it in.
        {key: value for key, value in {"protocol": "tcp", **port}.items() if key != "hostPort"}
        for port in container.get("portMappings", [])
    ]
    if container.get("healthCheck"):
        normal["healthCheck"] = {**_HEALTH_DEFAULTS, **container["healthCheck"]}
    if container.get("logConfiguration"):
        normal["logConfiguration"] = _without_empty(container["logConfiguration"])
    if container.get("linuxParameters"):
        given = container["linuxParameters"]
        capabilities = _without_empty(given.get("capabilities") or {})
        normal["linuxParameters"] = _without_empty({**given, "capabilities": capabilities})
    if container.get("restartPolicy"):
        normal["restartPolicy"] = _without_empty(container["restartPolicy"])
    return _without_empty(normal)


def _normal_volume(volume: Mapping[str, Any]) -> dict[str, Any]:
    normal = {key: value for key, value in volume.items() if key != "configuredAtLaunch" or value}
    if efs := volume.get("efsVolumeConfiguration"):
        normal["efsVolumeConfiguration"] = {
            key: value for key, value in efs.items() if (key, value) != ("rootDirectory", "/")
        }
    return _without_empty(normal)


_ABSENT = object()


def _without_empty(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if value is not None and value not in ([], {}, "")}


def same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    return normalise(first) == normalise(second)


def text(definition: Mapping[str, Any] | None) -> str:
    """Return a task definition as the text that a diff is made of."""
    if definition is None:
        return ""
    return json.dumps(normalise(definition), indent=2, sort_keys=True) + "\n"
