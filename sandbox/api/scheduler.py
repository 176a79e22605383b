"""EventBridge Scheduler: moto keeps the schedules, this clock carries out those that run ECS tasks."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ..laws.cron import DueTimes, Schedule, UnknownExpression
from ..periodic import Periodic
from ..roles import Roles
from .state import Sandbox

_TICK_SECONDS = 0.5
_RETRY_SECONDS = 60.0


@dataclass
class Invocation:
    """A run that is due, and how often it has been tried."""

    arn: str
    due_at: float
    next_try_at: float
    tries: int = 0


class Scheduler:
    """Invokes targets at their time, and again while they refuse, by the schedule's retry policy."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._times = DueTimes()
        self._waiting: list[Invocation] = []
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="schedule")
        self._loop = Periodic("scheduler", _TICK_SECONDS, lambda: self.tick(time.time()))
        sandbox.keep("scheduler times", self._times, "done", "last")
        sandbox.keep("scheduler", self, "_waiting")

    def start(self) -> None:
        self._loop.start(self._sandbox.stopping)

    def tick(self, now: float) -> None:
        """Begin what is due, off this thread: the calls take the lock themselves."""
        with self._sandbox.lock:
            schedules = self._schedules()
            self._waiting += [
                Invocation(arn, now, now) for arn, schedule in schedules.items() if self._is_due(schedule, now)
            ]
            begun = [invocation for invocation in self._waiting if invocation.next_try_at <= now]
            self._waiting = [invocation for invocation in self._waiting if invocation.next_try_at > now]
        for invocation in begun:
            schedule = schedules.get(invocation.arn)
            if schedule is not None:
                self._pool.submit(self.invoke, schedule, invocation, now)

    def _schedules(self) -> dict[str, Any]:
        groups = self._sandbox.backend("scheduler").schedule_groups.values()
        return {schedule.arn: schedule for group in groups for schedule in group.schedules.values()}

    def _is_due(self, schedule: Any, now: float) -> bool:
        # A rate without a start date runs at once.
        # https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#rate-based
        since = max(float(schedule.creation_date), _moment(schedule.start_date) or 0.0)
        end = _moment(schedule.end_date)
        if schedule.state != "ENABLED" or now < since or (end is not None and now > end):
            return False
        expression = schedule.schedule_expression
        named = Schedule(expression, schedule.schedule_expression_timezone, since, at_once=True)
        try:
            return self._times.is_due((schedule.arn, expression), named, now)
        except UnknownExpression as wrong:
            print(f"schedule {schedule.name} is not carried out: {wrong}", file=sys.stderr, flush=True)
            self._times.done.add((schedule.arn, expression))
            return False

    def invoke(self, schedule: Any, invocation: Invocation, now: float) -> None:
        """Run the target's tasks. What is refused is tried again a minute later, as often and as long as the policy allows."""
        target, failure = schedule.target, ""
        try:
            if ":cluster/" not in target["Arn"]:
                raise ValueError(f"targets other than ECS clusters are not served here: {target['Arn']}")
            # The schedule's role starts the tasks, and is held to its policy.
            role = Roles(self._sandbox).session(target["RoleArn"], "scheduler.amazonaws.com", schedule.name)
            answer = self._sandbox.client("ecs", role).run_task(**run_task(schedule.name, target))
            failure = "; ".join(str(refusal.get("reason")) for refusal in answer["failures"])
        except Exception as refused:  # noqa: BLE001 - told below, and tried again
            failure = str(refused)
        if not failure:
            self._end(schedule)
            return
        print(f"schedule {schedule.name} started nothing: {failure}", file=sys.stderr, flush=True)
        policy = target.get("RetryPolicy") or {}
        invocation.tries += 1
        old = now - invocation.due_at > float(policy.get("MaximumEventAgeInSeconds", 86_400))
        if not old and invocation.tries <= int(policy.get("MaximumRetryAttempts", 185)):
            invocation.next_try_at = now + _RETRY_SECONDS
            with self._sandbox.lock:
                self._waiting.append(invocation)

    def _end(self, schedule: Any) -> None:
        """A one-time schedule that asks for it is deleted once it has run."""
        if schedule.action_after_completion == "DELETE" and schedule.schedule_expression.startswith("at("):
            with self._sandbox.lock:
                self._sandbox.backend("scheduler").delete_schedule(schedule.group_name, schedule.name)


def run_task(name: str, target: Mapping[str, Any]) -> dict[str, Any]:
    """A target as RunTask takes it."""
    parameters = target["EcsParameters"]
    network = parameters.get("NetworkConfiguration", {}).get("awsvpcConfiguration", {})
    request: dict[str, Any] = {
        "cluster": target["Arn"],
        "taskDefinition": parameters["TaskDefinitionArn"],
        "count": int(parameters.get("TaskCount", 1)),
        "startedBy": f"chronos-schedule/{name}"[:128],
        "networkConfiguration": {
            "awsvpcConfiguration": {key[0].lower() + key[1:]: each for key, each in network.items()}
        },
    }
    if target.get("Input"):
        request["overrides"] = json.loads(target["Input"])
    for key, option in (("LaunchType", "launchType"), ("Group", "group"), ("PropagateTags", "propagateTags")):
        if parameters.get(key):
            request[option] = parameters[key]
    if parameters.get("EnableECSManagedTags") is not None:
        request["enableECSManagedTags"] = bool(parameters["EnableECSManagedTags"])
    return request


def _moment(given: Any) -> float | None:
    return float(given) if isinstance(given, int | float) else None


def install(sandbox: Sandbox) -> None:
    sandbox.starts.append(Scheduler(sandbox).start)
