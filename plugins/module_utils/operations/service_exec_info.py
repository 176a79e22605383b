# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command that opens a shell in a task by ECS Exec, once everything that it needs is there. Reads only."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

from ..aws import ecs
from ..aws.ecs_states import ServiceState, short
from ..aws.errors import Failure
from ..aws.tasks import ContainerState, TaskState
from ..common.invocation import Invocation
from ..rollout.model import Colour
from ..service.existing import locate_by
from ..service.location import weights_of

PLUGIN = "session-manager-plugin"
_DOCUMENTATION = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html"


def run(call: Invocation) -> dict[str, Any]:
    """Return the command with the task that it names; Failure with what is missing."""
    location = locate_by(call.aws, call.params)
    weights = weights_of(location.production, location)
    colour = Colour(call.params["colour"]) if call.params["colour"] else max(Colour, key=weights.of)
    name = location.ecs_services.get(colour)
    service = ecs.services(call.aws, location.cluster, [name]).get(name) if name else None
    if service is None:
        raise Failure(
            f"Service {location.service} has no ECS service {colour} yet: playbooks/deploy.yml makes its first."
        )
    task = choose(ecs.tasks(call.aws, location.cluster, service.name), call.params["task"], service)
    container = _container(task, call.params["container"])
    missing = list(findings(service, task, container))
    if missing:
        raise Failure(f"No shell in task {task.id[:12]} of {service.name}: {'; '.join(missing)}.", findings=missing)
    words = ["aws", "ecs", "execute-command", "--region", call.aws.region, "--cluster", location.cluster]
    words += ["--task", task.id, "--container", container.name, "--interactive", "--command", call.params["command"]]
    plugin = shutil.which(PLUGIN) is not None
    without = f"{PLUGIN} is not installed here. The command needs it: {_DOCUMENTATION}"
    return {
        "changed": False,
        "task": task.id,
        "container": container.name,
        "colour": str(colour),
        "task_definition": short(task.task_definition),
        "command": shlex.join(words),
        "plugin": plugin,
        "note": "" if plugin else without,
    }


def choose(tasks: Sequence[TaskState], named: str, service: ServiceState) -> TaskState:
    """The task whose id begins as it was named, or else the newest that runs and is healthy."""
    running = [task for task in tasks if task.status == "RUNNING"]
    if named:
        found = [task for task in running if task.id.startswith(named)]
        if len(found) == 1:
            return found[0]
        ids = ", ".join(task.id[:12] for task in running) or "none"
        raise Failure(
            f"{len(found)} running tasks of {service.name} have an id that begins with {named}; running: {ids}."
        )
    if not running:
        raise Failure(f"{service.name} has no running task ({service.desired} desired, {len(tasks)} are starting).")
    return max(running, key=lambda task: (task.health == "HEALTHY", task.exec_enabled, task.started_at or 0.0))


def _container(task: TaskState, name: str) -> ContainerState:
    found = next((container for container in task.containers if container.name == name), None)
    if found is None:
        names = ", ".join(container.name for container in task.containers)
        raise Failure(f"Task {task.id[:12]} has no container {name}; it has {names}.")
    return found


def findings(service: ServiceState, task: TaskState, container: ContainerState) -> Iterator[str]:
    """What keeps ECS Exec from working. A task keeps what it was started with."""
    if not service.settings.get("enable_execute_command"):
        yield "ECS Exec is off: set service_enable_execute_command: true and release, which starts tasks with it"
    elif not task.exec_enabled:
        yield "it was started before ECS Exec was turned on: release with -e service_restart=true, or name a newer task"
    elif container.exec_agent != "RUNNING":
        state = container.exec_agent.lower() or "not there"
        why = f" ({container.exec_agent_reason})" if container.exec_agent_reason else ""
        yield (
            f"the agent of ECS Exec in container {container.name} is {state}{why}: it needs a writable root file system, the "
            "permissions ssmmessages:* of the task's role, and a way to Systems Manager (NAT, or the endpoint ssmmessages)"
        )
