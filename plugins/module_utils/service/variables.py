# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Findings about a service's variables: option, value, and what would be valid. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..aws.command_words import command_problem
from ..aws.naming import APP_CONTAINER
from ..monitoring import collector, sampling_rules
from . import (
    block_storage,
    containers,
    further_targets,
    login,
    network_listener,
    rule_conditions,
    scaling,
    step_scaling,
    task_room,
    worker,
)
from .discovery import discovery_findings
from .location import WEB, WORKER
from .schedule_expressions import schedule_findings
from .values import container_health_check

_GIB = 1024
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
FARGATE_MEMORY = {
    256: [512, 1 * _GIB, 2 * _GIB],
    512: [gib * _GIB for gib in range(1, 5)],
    1024: [gib * _GIB for gib in range(2, 9)],
    2048: [gib * _GIB for gib in range(4, 17)],
    4096: [gib * _GIB for gib in range(8, 31)],
    8192: [gib * _GIB for gib in range(16, 61, 4)],
    16384: [gib * _GIB for gib in range(32, 121, 8)],
}
# Option: lowest, highest, and what else is valid.
_RANGES: dict[str, tuple[int, int, tuple[int, ...]]] = {
    "service_port": (1, 65535, ()),
    "service_desired_count": (0, 5000, ()),
    # The test rule needs the number before it.
    "service_priority": (2, 50000, ()),
    "service_stop_timeout_seconds": (2, 120, ()),
    "service_ephemeral_storage_gib": (20, 200, ()),
    "service_deregistration_delay_seconds": (0, 3600, ()),
    "service_slow_start_seconds": (30, 900, (0,)),
    "service_health_check_grace_seconds": (0, 2147483647, ()),
    "service_minimum_healthy_percent": (0, 100, ()),
    "service_maximum_percent": (100, 400, ()),
    "service_release_timeout_seconds": (10, 86400, ()),
}
_HEALTH_RANGES = {
    "port": (1, 65535),
    "interval_seconds": (5, 300),
    "timeout_seconds": (2, 120),
    "healthy_threshold": (2, 10),
    "unhealthy_threshold": (2, 10),
}
_ENVIRONMENT = re.compile(r"^[a-z][a-z0-9-]{0,19}$")
# An ECS service is called SERVICE-blue or SERVICE-green.
_SERVICE = re.compile(r"^[a-z][a-z0-9-]{0,199}$")
_MATCHER = re.compile(r"^[2-4]\d\d(-[2-4]\d\d)?(,[2-4]\d\d(-[2-4]\d\d)?)*$")
_GRPC_MATCHER = re.compile(r"^\d{1,2}(-\d{1,2})?(,\d{1,2}(-\d{1,2})?)*$")
_AUTOSCALING = (
    "autoscaling_minimum",
    "autoscaling_maximum",
    "autoscaling_policies",
    "autoscaling_step_policies",
    "autoscaling_schedules",
)


def findings(values: Mapping[str, Any]) -> list[str]:
    """Return a sentence per finding. Missing values and wrong types are found by the argument specs."""
    return [
        *_names(values),
        *_size(values),
        *_ranges(values, _RANGES),
        *_health_check(values),
        *_of_its_kind(values),
        *network_listener.variable_findings(values),
        *login.findings(values),
        *_percents(values),
        *_protocol(values),
        *_secrets(values),
        *_volumes(values),
        *block_storage.findings(values, "service_"),
        *_collector(values),
        *sampling_rules.findings(values),
        *_containers(values),
        *([] if is_worker(values) else task_room.target_findings(values)),
        *_without_effect(values),
        *schedule_findings(values.get("service_schedules"), "service_schedules", "expression"),
        *schedule_findings(values.get("autoscaling_schedules"), "autoscaling_schedules", "when"),
        *scaling.variable_findings(values),
        *step_scaling.variable_findings(values, is_worker(values)),
        *_single_writer(values),
        *discovery_findings(values, "service_"),
        *further_targets.findings(values),
    ]


def _of_its_kind(values: Mapping[str, Any]) -> Iterator[str]:
    if is_worker(values):
        yield from worker.variable_findings(values)
    elif has_requests(values):
        yield from rule_conditions.findings(values)


def is_worker(values: Mapping[str, Any]) -> bool:
    return values.get("service_kind") == WORKER


def has_requests(values: Mapping[str, Any]) -> bool:
    return values.get("service_kind") in (None, WEB)


def warnings(values: Mapping[str, Any]) -> Iterator[str]:
    """What is valid, and still loses data or connections in many programs: said, and left to who knows the program."""
    yield from _stale_password(values)
    yield from scaling.variable_warnings(values)
    yield from _errors_of_grpc(values)
    count, why = _writers(values)
    shared = [
        f"{volume.get('name')} at {volume.get('path')}"
        for volume in values.get("service_volumes") or []
        if isinstance(volume, Mapping)
        and volume.get("access_point")
        and not (volume.get("read_only") or volume.get("shared"))
    ]
    if shared and count > 1:
        yield (
            f"up to {count} tasks write to the same files ({', '.join(shared)}) over NFS: {why}. A database file, such as SQLite's in WAL "
            "mode, can be damaged by that: keep the data in a database, or set the volume's option shared if the program bears it. "
            "With service_desired_count 1, no autoscaling, service_strategy rolling or all_at_once, and "
            "service_single_writer true a release stops the old task before it starts the new one, and no request is served in between"
        )
    if values.get("service_single_writer") is True:
        yield from _other_writers(values)


def _errors_of_grpc(values: Mapping[str, Any]) -> Iterator[str]:
    """What judges by the statuses of HTTP, where the program says its errors otherwise.

    https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md: the status is 200, and grpc-status is in the trailers.
    """
    if values.get("service_protocol_version") != "GRPC":
        return
    gates = values.get("service_gates")
    blind = ["service_gates.errors"] if isinstance(gates, Mapping) and gates.get("errors") is not None else []
    blind += [
        f"service_slos {objective.get('name')}"
        for objective in values.get("service_slos") or []
        if isinstance(objective, Mapping) and objective.get("threshold_seconds") is None
    ]
    if blind:
        yield (
            f"service_protocol_version is GRPC: an error of gRPC is an answer with the status 200 to the load balancer, which counts for "
            f"{', '.join(blind)} as no error. Judge by a metric of the program: service_gates.metrics, or an alarm in service_gates.alarms"
        )


def _other_writers(values: Mapping[str, Any]) -> Iterator[str]:
    """What runs beside the one task, or judges its downtime."""
    commands = [
        f"service_checks {check.get('name')}"
        for check in values.get("service_checks") or []
        if isinstance(check, Mapping) and check.get("command")
    ]
    schedules = [
        f"service_schedules {schedule.get('name')}"
        for schedule in values.get("service_schedules") or []
        if isinstance(schedule, Mapping)
    ]
    if commands or schedules:
        yield (
            f"service_single_writer is true, and {', '.join([*commands, *schedules])} runs in a task of its own beside the service's: it "
            "must not write to the same files"
        )
    gates = values.get("service_gates")
    alarms = gates.get("alarms") if isinstance(gates, Mapping) else None
    if alarms:
        yield (
            f"service_single_writer is true, and service_gates.alarms holds {', '.join(map(str, alarms))}: an alarm that counts the "
            "requests of a release's downtime fires after it and returns the release, which is down again for that"
        )


def _containers(values: Mapping[str, Any]) -> Iterator[str]:
    """The app as the containers beside it: its secrets and its environment are looked at under their own variables."""
    beside = values.get("service_sidecars") or []
    collector_settings = values.get("service_collector")
    app = {
        "name": APP_CONTAINER,
        "command": values.get("service_command"),
        "entry_point": values.get("service_entry_point"),
        "ulimits": values.get("service_ulimits"),
        "health_check": container_health_check(values.get("service_health_command")),
        **(values.get("service_container") or {}),
    }
    every = [app, *beside]
    if isinstance(collector_settings, Mapping) and collector_settings.get("enabled"):
        every.append({"name": collector.NAME, "essential": False, "health_check": {"command": ["CMD"]}})
    if all(map(containers.is_sound, every)):
        yield from containers.findings(every)
        own_port = [] if is_worker(values) or values.get("service_target_container") else [values.get("service_port")]
        with_port = [{**app, "ports": [port for port in own_port if port]}, *every[1:]]
        yield from task_room.findings(
            values, [further_targets.with_ports(container, values) for container in with_port]
        )
    for option in ("service_checks", "service_schedules"):
        for run in values.get(option) or []:
            problem = command_problem(run.get("command")) if isinstance(run, Mapping) else ""
            if problem:
                yield f"{option}: {run.get('name')}: command is {run['command']!r}: {problem}"


def _without_effect(values: Mapping[str, Any]) -> Iterator[str]:
    """What is written into a role that is made here has nowhere to go beside a role of others."""
    if not values.get("service_task_role_arn"):
        return
    for option in ("service_task_policy_statements", "service_managed_policy_arns"):
        if values.get(option):
            yield (
                f"{option} is set, and so is service_task_role_arn, the role of others, whose policies stay as they are: add it to that "
                "role, or leave service_task_role_arn out"
            )


def _single_writer(values: Mapping[str, Any]) -> Iterator[str]:
    """What would run more than one task of a service whose only task may write."""
    if values.get("service_single_writer") is not True:
        return
    count = values.get("service_desired_count")
    if isinstance(count, int) and count > 1:
        yield f"service_desired_count is {count}, but service_single_writer is true: at most 1"
    strategy = values.get("service_strategy", "rolling")
    if strategy in ("canary", "linear"):
        yield (
            f"service_strategy is {strategy}, but service_single_writer is true: two versions never run at once; valid are rolling and "
            "all_at_once"
        )
    scaled = [option for option in _AUTOSCALING if values.get(option) not in (None, [])]
    if scaled:
        yield (
            f"{' and '.join(scaled)} {'is' if len(scaled) == 1 else 'are'} set, but service_single_writer is true: one task is all that "
            "may run, and releases stop and start it, so leave autoscaling out"
        )


def _stale_password(values: Mapping[str, Any]) -> Iterator[str]:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html: a new password every seven days."""
    variables = values.get("service_database_variables")
    if values.get("service_database") is not True or not isinstance(variables, Mapping):
        return
    if variables.get("password") and not variables.get("secret_arn"):
        yield (
            f"{variables['password']} is the database owner's password as it is when a task starts, and RDS changes it every seven days: a "
            "task that runs longer can open no new connection then. Give service_database_variables a name for secret_arn, and have the "
            "program read the secret when it connects; or use a user of the program's own (docs/database.md)"
        )


def _writers(values: Mapping[str, Any]) -> tuple[int, str]:
    """How many tasks may run at once, those of a release included, and why."""
    counts = {
        "service_desired_count": values.get("service_desired_count"),
        "autoscaling_maximum": values.get("autoscaling_maximum"),
    }
    for schedule in values.get("autoscaling_schedules") or []:
        if isinstance(schedule, Mapping):
            counts[f"autoscaling_schedules {schedule.get('name')}"] = schedule.get("maximum")
    known = {name: count for name, count in counts.items() if isinstance(count, int)}
    if not known:
        return 0, ""
    name = max(known, key=lambda variable: known[variable])
    count = known[name]
    if values.get("service_single_writer") is True:
        return count, f"{name} is {count}"
    if values.get("service_strategy", "rolling") != "rolling":
        why = "both colours run while a release shifts traffic, and until its rollback window is over"
        return count * 2, f"{name} is {count}, and {why}"
    percent = values.get("service_maximum_percent")
    most = count * (percent if isinstance(percent, int) else 200) // 100
    if most > count:
        return most, f"{name} is {count}, and a deployment runs old and new tasks together (service_maximum_percent)"
    # https://github.com/aws/containers-roadmap/issues/959
    return count * 2, f"{name} is {count}, and ECS starts a new task while the one before it is still stopping"


def _names(values: Mapping[str, Any]) -> Iterator[str]:
    for option, pattern, rule in (
        (
            "environment_name",
            _ENVIRONMENT,
            "at most 20 lower case letters, digits and hyphens, beginning with a letter",
        ),
        ("service_name", _SERVICE, "at most 200 lower case letters, digits and hyphens, beginning with a letter"),
    ):
        value = values.get(option)
        if isinstance(value, str) and not pattern.match(value):
            yield f"{option} is {value!r} ({len(value)} characters); valid: {rule}"


def _size(values: Mapping[str, Any]) -> Iterator[str]:
    cpu, memory = values.get("service_cpu"), values.get("service_memory")
    if not isinstance(cpu, int) or not isinstance(memory, int):
        return
    if cpu not in FARGATE_MEMORY:
        yield f"service_cpu is {cpu}; Fargate offers {', '.join(map(str, FARGATE_MEMORY))}"
    elif memory not in FARGATE_MEMORY[cpu]:
        valid = FARGATE_MEMORY[cpu]
        fitting = [str(size) for size, offered in FARGATE_MEMORY.items() if memory in offered]
        other = f"; {memory} MiB goes with service_cpu {' or '.join(fitting)}" if fitting else ""
        yield f"service_memory is {memory} with service_cpu {cpu}; Fargate offers {_listed(valid)} for it{other}"


def _listed(numbers: Sequence[int]) -> str:
    if len(numbers) <= 4:
        return ", ".join(map(str, numbers))
    return f"{numbers[0]} to {numbers[-1]} in steps of {numbers[1] - numbers[0]}"


def _ranges(values: Mapping[str, Any], ranges: Mapping[str, tuple[int, int, tuple[int, ...]]]) -> Iterator[str]:
    for option, (lowest, highest, besides) in ranges.items():
        value = values.get(option)
        if isinstance(value, int) and not lowest <= value <= highest and value not in besides:
            also = f", or {' or '.join(map(str, besides))}" if besides else ""
            yield f"{option} is {value}; valid: {lowest} to {highest}{also}"


def _health_check(values: Mapping[str, Any]) -> Iterator[str]:
    check = values.get("service_health_check")
    if not isinstance(check, Mapping):
        return
    path = check.get("path", "/")
    if isinstance(path, str) and not path.startswith("/"):
        yield f"service_health_check.path is {path!r}; it must begin with /"
    grpc = values.get("service_protocol_version") == "GRPC"
    matcher = str(check.get("matcher") or ("0" if grpc else "200"))
    if not (_GRPC_MATCHER if grpc else _MATCHER).match(matcher):
        valid = "gRPC codes such as 0 or 0-5" if grpc else "codes such as 200, 200,204 or 200-299"
        yield f"service_health_check.matcher is {matcher!r}; valid: {valid}"
    for key, (lowest, highest) in _HEALTH_RANGES.items():
        value = check.get(key)
        if isinstance(value, int) and not lowest <= value <= highest:
            yield f"service_health_check.{key} is {value}; valid: {lowest} to {highest}"
    interval, timeout = check.get("interval_seconds", 10), check.get("timeout_seconds", 5)
    if isinstance(interval, int) and isinstance(timeout, int) and timeout >= interval:
        yield (
            f"service_health_check.timeout_seconds is {timeout} and interval_seconds is {interval}; "
            "the timeout must be shorter than the interval"
        )


def _protocol(values: Mapping[str, Any]) -> Iterator[str]:
    """Checks are requests of HTTP/1.1, which a load balancer answers with 464 where the target group has another version.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#http-464-issues
    """
    version = values.get("service_protocol_version")
    if version not in ("HTTP2", "GRPC") or is_worker(values):
        return
    requests = [
        f"service_checks: {check.get('name')}"
        for check in values.get("service_checks") or []
        if isinstance(check, Mapping) and not check.get("command")
    ]
    requests += ["service_version_probe"] if values.get("service_version_probe") else []
    for request in requests:
        yield (
            f"{request} is a request of HTTP/1.1, which the load balancer answers with 464 for service_protocol_version {version}: "
            "give the check a command that asks in a task of its own, or leave it out"
        )


def _percents(values: Mapping[str, Any]) -> Iterator[str]:
    slow, algorithm = values.get("service_slow_start_seconds"), values.get("service_algorithm")
    if algorithm == "least_outstanding_requests" and slow:
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
        yield (
            f"service_slow_start_seconds is {slow} with service_algorithm {algorithm}; slow start exists with round_robin only: "
            "set it to 0, or the algorithm to round_robin"
        )
    lowest, highest = values.get("service_minimum_healthy_percent"), values.get("service_maximum_percent")
    if lowest == 100 and highest == 100:
        yield (
            "service_minimum_healthy_percent and service_maximum_percent are both 100: no task could ever be replaced; "
            "raise the maximum or lower the minimum"
        )
    yield from _no_room_to_roll(values)
    if values.get("service_availability_zone_rebalancing") is True and highest == 100:
        yield "service_maximum_percent is 100; service_availability_zone_rebalancing needs more than 100, or set it to false"


def _no_room_to_roll(values: Mapping[str, Any]) -> Iterator[str]:
    """ECS rounds the minimum up and the maximum down: of few tasks none may be stopped, and none started besides.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
    """
    count, lowest, highest = (
        values.get(f"service_{name}") for name in ("desired_count", "minimum_healthy_percent", "maximum_percent")
    )
    if not (isinstance(count, int) and isinstance(lowest, int) and isinstance(highest, int)):
        return
    if values.get("service_single_writer") is True:
        return
    if count and highest > 100 and -(-count * lowest // 100) >= count and count * highest // 100 <= count:
        yield (
            f"service_desired_count is {count}, of which service_minimum_healthy_percent {lowest} lets ECS stop none, and "
            f"service_maximum_percent {highest} start none besides: a deployment would wait for ever. Raise the maximum to 200"
        )


def _secrets(values: Mapping[str, Any]) -> Iterator[str]:
    secrets = values.get("service_secrets")
    if isinstance(secrets, Mapping):
        for name, source in secrets.items():
            if problem := containers.secret_problem(source):
                yield f"service_secrets.{name} {problem}"
        both = sorted(set(secrets) & set(values.get("service_environment") or {}))
        if both:
            yield f"{', '.join(both)}: in service_secrets and in service_environment; ECS takes a name once"


def _volumes(values: Mapping[str, Any]) -> Iterator[str]:
    for volume in values.get("service_volumes") or []:
        if isinstance(volume, Mapping) and not str(volume.get("path", "/")).startswith("/"):
            yield f"service_volumes: path of {volume.get('name')} is {volume['path']!r}; it must begin with /"


def _collector(values: Mapping[str, Any]) -> Iterator[str]:
    settings, port, memory = (values.get(f"service_{name}") for name in ("collector", "port", "memory"))
    if isinstance(settings, Mapping) and isinstance(port, int):
        beside = [
            str(sidecar.get("name")) for sidecar in values.get("service_sidecars") or [] if isinstance(sidecar, Mapping)
        ]
        yield from collector.findings(settings, port, beside, memory if isinstance(memory, int) else None)
