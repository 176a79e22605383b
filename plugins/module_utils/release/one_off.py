# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A task of the candidate's definition that runs once, such as a migration: its exit code is the verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..aws import ecs, launch_volumes
from ..aws.command_words import words
from ..aws.session import Aws
from ..aws.tags import lower_case_tag_list
from ..aws.tasks import TaskState, started_by
from ..common.clock import Clock
from ..rollout.gates import failed, passed, unclear
from ..rollout.model import Release, Verdict
from ..service.location import ServiceLocation
from . import task_logs
from .ports import Progress

_POLL_SECONDS = 2.0


@dataclass(frozen=True)
class Watch:
    """How a task is waited for. `stopped` is asked at each look: it keeps the lease, and hears who wants an end."""

    clock: Clock
    progress: Progress
    stopped: Callable[[], bool]


def one_off(
    aws: Aws,
    location: ServiceLocation,
    release: Release,
    check: Mapping[str, Any],
    network: Mapping[str, Any],
    watch: Watch,
) -> Verdict:
    """Run it and wait for its end. A try that another controller began is waited for, never run twice at once."""
    group = f"{location.service}:{release.id}:{check['name']}"
    name = check["name"]
    task_id = ecs.task_started_by(aws, location.cluster, _started_by(release, name))
    if task_id is None:
        task_id = ecs.run_task(
            aws,
            location.cluster,
            {
                "taskDefinition": release.task_definition,
                "launchType": "FARGATE",
                "group": group[:255],
                "startedBy": _started_by(release, name),
                "clientToken": _client_token(location, release, name),
                "networkConfiguration": network,
                "overrides": {"containerOverrides": [{"name": check["container"], "command": words(check["command"])}]},
                **({"tags": lower_case_tag_list(location.task_tags)} if location.task_tags else {}),
                **volumes(ecs.task_definition(aws, release.task_definition)),
            },
        )
        watch.progress.line(f"task {name} started: {task_id[:12]}")
    until = watch.clock.now() + check["timeout_seconds"]
    while True:
        task = ecs.task(aws, location.cluster, task_id)
        if task is not None and task.status == "STOPPED":
            return _verdict(aws, location, check, task)
        if watch.clock.now() > until:
            ecs.stop_task(aws, location.cluster, task_id, f"{name} took longer than {check['timeout_seconds']} seconds")
            return failed(f"task {name} did not end within {check['timeout_seconds']} seconds and was stopped")
        if watch.stopped():
            ecs.stop_task(aws, location.cluster, task_id, f"{name}: the release was stopped")
            return unclear(f"task {name} was stopped with its release")
        watch.progress.heartbeat(f"task {name} is {task.status.lower() if task else 'not shown yet'}")
        watch.clock.sleep(_POLL_SECONDS)


def volumes(definition: Mapping[str, Any] | None) -> dict[str, Any]:
    """What RunTask has to say of a version's volumes."""
    found = launch_volumes.of_definition(definition)
    return {"volumeConfigurations": launch_volumes.task_request(found)} if found else {}


def _started_by(release: Release, name: str) -> str:
    """What finds the task again: ECS lists tasks by it."""
    return started_by(f"{release.id}/{name}")


def _client_token(location: ServiceLocation, release: Release, name: str) -> str:
    """A request that was not answered may have started the task: sent again it starts no second one.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
    """
    return hashlib.sha256(f"{location.service}/{release.id}/{name}".encode()).hexdigest()


def _verdict(aws: Aws, location: ServiceLocation, check: Mapping[str, Any], task: TaskState) -> Verdict:
    container = next((container for container in task.containers if container.name == check["container"]), None)
    code = container.exit_code if container else None
    lines = task_logs.last_lines(aws, location, task, check["container"])
    last_lines = f"; last log lines: {' | '.join(lines[-5:])}" if lines else ""
    if code == 0:
        return passed(f"task {check['name']} ended with exit code 0")
    why = f"exit code {code}" if code is not None else task.cause
    return failed(f"task {check['name']} failed: {why}{last_lines}")
