# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a command once in a task of the live version: same image, roles, secrets and network; its log is shown while it runs."""

from __future__ import annotations

from typing import Any

from ..aws import ecs, launch_volumes, logs
from ..aws.command_words import command_problem
from ..aws.ecs_states import ServiceState, short
from ..aws.errors import Failure
from ..aws.tags import lower_case_tag_list
from ..aws.tasks import TaskState, started_by
from ..common.invocation import Invocation
from ..common.operator import user
from ..common.waiting import Wait, WaitTimeoutError, wait_until
from ..rollout.model import Colour
from .location import ServiceLocation, locate_in_environment, weights_of

_KEPT_LINES = 200


def run(call: Invocation) -> dict[str, Any]:
    """Return exit_code, task_id, task_definition and the last lines of the log; raise Failure if the exit code is not 0."""
    desired = call.params
    if problem := command_problem(desired["command"]):
        raise Failure(f"command is {desired['command']!r}: {problem}. Nothing was started.")
    location = locate_in_environment(call.aws, desired)
    live = live_service(call, location)
    service, definition = live.name, live.task_definition
    found = ecs.task_definition(call.aws, definition) or {}
    names = [container["name"] for container in found.get("containerDefinitions", [])]
    if desired["container"] not in names:
        raise Failure(
            f"{short(definition)} has no container {desired['container']}; it has {', '.join(names)}. Nothing was started."
        )
    description = f"{' '.join(desired['command'])} in a task of {short(definition)}"
    if call.check_mode:
        return {"changed": True, "reason": f"would run {description}", "task_definition": definition, "log": []}
    override: dict[str, Any] = {"name": desired["container"], "command": desired["command"]}
    if desired["variables"]:
        override["environment"] = [{"name": key, "value": str(value)} for key, value in desired["variables"].items()]
    request = {
        "taskDefinition": definition,
        "launchType": "FARGATE",
        "group": f"{location.service}:run",
        "startedBy": started_by(f"run/{user()}"),
        "networkConfiguration": ecs.service_network(call.aws, location.cluster, service),
        "overrides": {"containerOverrides": [override]},
        "tags": lower_case_tag_list(location.task_tags),
    }
    if volumes := launch_volumes.of_definition(found):
        request["volumeConfigurations"] = launch_volumes.task_request(volumes)
    task_id = ecs.run_task(call.aws, location.cluster, request)
    call.progress.line(f"started task {task_id[:12]}: {description}")
    task, lines = _followed(call, location, task_id)
    container = next((container for container in task.containers if container.name == desired["container"]), None)
    code = container.exit_code if container else None
    answer = {"changed": True, "task_id": task_id, "task_definition": definition, "exit_code": code, "log": lines}
    if code != 0:
        why = task.cause if code is None else f"exit code {code}"
        shown = "".join(f"\n  {line}" for line in lines[-10:])
        raise Failure(f"{' '.join(desired['command'])} failed in task {task_id[:12]}: {why}{shown}", **answer)
    return {**answer, "reason": f"ended with exit code 0: {description}"}


def live_service(call: Invocation, location: ServiceLocation) -> ServiceState:
    """The ECS service with most of the traffic."""
    weights = weights_of(location.production, location)
    live = max(Colour, key=weights.of)
    name = location.ecs_services[live]
    found = ecs.services(call.aws, location.cluster, [name]).get(name)
    if found is None:
        raise Failure(f"Service {location.service} has no release yet: playbooks/deploy.yml makes its first.")
    return found


def _followed(call: Invocation, location: ServiceLocation, task_id: str) -> tuple[TaskState, list[str]]:
    """Wait until a task stops, and report its log lines."""
    kept: list[str] = []
    token: str | None = None

    def observe() -> TaskState | None:
        nonlocal kept, token
        # Before the log, so that the log of a stopped task is complete.
        task = ecs.task(call.aws, location.cluster, task_id)
        lines, token = logs.new_lines(call.aws, location.log_group, call.params["container"], task_id, token)
        for line in lines:
            call.progress.line(f"| {line}")
        kept = (kept + lines)[-_KEPT_LINES:]
        return task

    seconds = call.params["timeout_seconds"]
    stopped: Wait[TaskState | None] = Wait(
        what=f"task {task_id[:12]}",
        observe=observe,
        done=lambda task: task is not None and task.status == "STOPPED",
        seconds=seconds,
        state=lambda task: task.status.lower() if task else "not there yet",
    )
    try:
        task = wait_until(call.clock, call.progress, stopped)
    except WaitTimeoutError as timeout:
        ecs.stop_task(call.aws, location.cluster, task_id, f"took longer than {seconds} seconds")
        raise Failure(
            f"{' '.join(call.params['command'])} did not end within {seconds} seconds, and task {task_id[:12]} was "
            "stopped. Raise timeout_seconds to allow more time.",
            task_id=task_id,
            log=kept,
        ) from timeout
    if task is None:
        raise Failure(f"Task {task_id[:12]} is not known to ECS any more.", task_id=task_id, log=kept)
    return task, kept
