# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scheduled tasks of a service, which start the live version and are updated by releases and rollbacks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ..aws import ecs, scheduler
from ..aws.command_words import command_problem, words
from ..aws.errors import Failure
from ..aws.naming import TAG_ENVIRONMENT
from ..common.changes import Changes
from ..common.eventual import SCHEDULER_ROLE, once_ready
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim, is_ours
from .ecs_run_task import live_service
from .location import NotProvisionedError, ServiceLocation, locate_in_environment
from .schedule_expressions import schedule_findings

# The option of every module that makes schedules.
SCHEDULES_OPTION: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "name": {"type": "str", "required": True},
        "expression": {"type": "str", "required": True},
        "timezone": {"type": "str", "default": "UTC"},
        "command": {"type": "raw", "required": True},
        "container": {"type": "str", "default": "app"},
        "variables": {"type": "dict", "default": {}},
        "enabled": {"type": "bool", "default": True},
    },
}
_NAME = re.compile(r"^[0-9A-Za-z_-]+$")
# A name of EventBridge Scheduler.
_LONGEST = 64
# What a schedule has, and a task that starts without naming one.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-delete.html,
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
_DEFAULTS = {"ActionAfterCompletion": "NONE", "PlatformVersion": "LATEST"}


def run(call: Invocation) -> dict[str, Any]:
    """Ensure the schedules; without a list, only point those that are there at what is live."""
    desired, changes = call.params["schedules"], Changes(call.check_mode)
    if call.params["state"] == "absent":
        desired = []
    wrong = _problems(call.params["service"], desired or [])
    if desired and not call.params["role_arn"]:
        wrong.append("role_arn names no role by which tasks are started")
    if wrong:
        raise Failure(f"Schedules of {call.params['service']}: {'; '.join(wrong)}. Nothing was changed.")
    environment, prefix = call.params["environment"], f"{call.params['service']}."
    there = scheduler.schedules(call.aws, environment, prefix)
    if there or desired:
        _own_the_group(call, changes)
    if desired is None:
        return _follow(call, changes, there)
    if desired:
        try:
            location = locate_in_environment(call.aws, call.params)
        except NotProvisionedError:
            if not call.check_mode:
                raise
            return _answer(changes, "The service is not provisioned yet.")
        _keep(call, changes, location, there)
    for name in sorted(set(there) - {prefix + schedule["name"] for schedule in desired}):
        changes.want(f"schedule {name}", "present", "absent", partial(scheduler.delete, call.aws, environment, name))
    return _answer(changes)


def _own_the_group(call: Invocation, changes: Changes) -> None:
    """Schedules have no tags of their own: the group's say whose they are."""
    name = call.params["environment"]
    found, mark = scheduler.group(call.aws, name), {TAG_ENVIRONMENT: name}
    if found is None:
        return
    known = scheduler.group_tags(call.aws, found["Arn"])
    claim(call, run, mark, [Existing("schedule_group", name, known)])
    if not is_ours(known, mark):
        write = partial(scheduler.tag_group, call.aws, found["Arn"], mark)
        changes.want("schedule group tags", {TAG_ENVIRONMENT: known.get(TAG_ENVIRONMENT)}, mark, write)


def _keep(
    call: Invocation, changes: Changes, location: ServiceLocation, there: Mapping[str, Mapping[str, Any]]
) -> None:
    live = live_service(call, location)
    definition = live.task_definition
    network = ecs.service_network(call.aws, location.cluster, live.name)
    _arn, partition, _ecs, region, account = live.arn.split(":")[:5]
    cluster = f"arn:{partition}:ecs:{region}:{account}:cluster/{location.cluster.rpartition('/')[2]}"
    group = location.environment

    def create(name: str, request: Mapping[str, Any]) -> None:
        scheduler.create_group(call.aws, group, {TAG_ENVIRONMENT: group})
        once_ready(call, SCHEDULER_ROLE, partial(scheduler.create, call.aws, group, name, request))

    def update(name: str, request: Mapping[str, Any]) -> None:
        once_ready(call, SCHEDULER_ROLE, partial(scheduler.update, call.aws, group, name, request))

    for schedule in call.params["schedules"]:
        name = f"{location.service}.{schedule['name']}"
        request = requested(schedule, location.service, cluster, definition, network, call.params["role_arn"])
        current = there.get(name)
        if current is None:
            changes.want(f"schedule {name}", None, schedule["expression"], partial(create, name, request))
            continue
        differ = [key for key in {**request, **current} if not same(key, current.get(key), request.get(key))]
        if differ:
            changes.want(
                f"schedule {name}",
                {key: _shown(current.get(key)) for key in differ},
                {key: request.get(key) for key in differ},
                partial(update, name, request),
            )


def same(key: str, current: Any, desired: Any) -> bool:
    """Whether a schedule is as requested: UpdateSchedule resets what the request does not have, so that is a difference too.

    What AWS answers for a setting that nobody made, empty or its default, is none.
    """
    if desired is None:
        return not current or current == _DEFAULTS.get(key)
    if isinstance(desired, Mapping):
        return isinstance(current, Mapping) and all(
            same(part, current.get(part), desired.get(part)) for part in {**desired, **current}
        )
    if isinstance(desired, list) and isinstance(current, list):
        return sorted(map(str, current)) == sorted(map(str, desired))
    return bool(current == desired)


def _shown(value: Any) -> Any:
    """A result can't have the dates in it that a schedule begins and ends with."""
    return value.isoformat() if isinstance(value, datetime) else value


def requested(
    desired: Mapping[str, Any],
    service: str,
    cluster_arn: str,
    definition: str,
    network: Mapping[str, Any],
    role_arn: str,
) -> dict[str, Any]:
    """A schedule in the words of CreateSchedule."""
    override: dict[str, Any] = {"name": desired["container"], "command": words(desired["command"])}
    if desired["variables"]:
        override["environment"] = [
            {"name": key, "value": str(value)} for key, value in sorted(desired["variables"].items())
        ]
    return {
        "ScheduleExpression": desired["expression"],
        "ScheduleExpressionTimezone": desired["timezone"],
        "State": "ENABLED" if desired["enabled"] else "DISABLED",
        "Description": f"{desired['name']} of {service}",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {
            "Arn": cluster_arn,
            "RoleArn": role_arn,
            "Input": json.dumps({"containerOverrides": [override]}, sort_keys=True),
            # EventBridge retries a failed start for at most an hour, so that it does not overlap the next run.
            "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 3},
            "EcsParameters": {
                "TaskDefinitionArn": definition,
                "TaskCount": 1,
                "LaunchType": "FARGATE",
                "Group": f"{service}:{desired['name']}",
                "NetworkConfiguration": {"awsvpcConfiguration": _spelled(network["awsvpcConfiguration"])},
                "EnableECSManagedTags": True,
                "PropagateTags": "TASK_DEFINITION",
            },
        },
    }


def _spelled(network: Mapping[str, Any]) -> dict[str, Any]:
    """ECS writes these names with a small letter, EventBridge Scheduler with a capital one."""
    return {key[0].upper() + key[1:]: value for key, value in network.items()}


def _follow(call: Invocation, changes: Changes, there: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """After a rollback: point the schedules at the live version."""
    if not there:
        return _answer(changes)
    location = locate_in_environment(call.aws, call.params)
    definition = live_service(call, location).task_definition
    now = datetime.fromtimestamp(call.clock.now(), UTC)
    for name, current in there.items():
        if "EndDate" in current and current["EndDate"] <= now:
            # It starts nothing any more.
            continue
        task = current["Target"]["EcsParameters"]
        target = {**current["Target"], "EcsParameters": {**task, "TaskDefinitionArn": definition}}
        request = {**current, "Target": target}
        if "StartDate" in current and current["StartDate"] <= now:
            # EventBridge Scheduler refuses one that was more than five minutes ago.
            del request["StartDate"]
        changes.want(
            f"schedule {name}",
            task["TaskDefinitionArn"],
            definition,
            partial(scheduler.update, call.aws, location.environment, name, request),
        )
    return _answer(changes)


def _problems(service: str, desired: list[Mapping[str, Any]]) -> list[str]:
    found = []
    for schedule in desired:
        name = f"{service}.{schedule['name']}"
        if not _NAME.match(schedule["name"]) or len(name) > _LONGEST:
            found.append(
                f"name {schedule['name']!r} has other characters than letters, digits, _ and -, or {name} is over {_LONGEST} long"
            )
        if problem := command_problem(schedule["command"]):
            found.append(f"{schedule['name']}: command is {schedule['command']!r}: {problem}")
    found += schedule_findings(desired, "schedules", "expression")
    names = [schedule["name"] for schedule in desired]
    found += [f"{name} is there twice" for name in sorted({name for name in names if names.count(name) > 1})]
    return found


def _answer(changes: Changes, reason: str = "") -> dict[str, Any]:
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "reason": reason,
    }
