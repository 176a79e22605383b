"""Fault Injection Service: moto keeps templates and experiments; here the actions that are served are really carried out."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from typing import Any

from moto.fis.models import Experiment, FISBackend

from .overlay import patch
from .state import Sandbox

# https://docs.aws.amazon.com/fis/latest/userguide/fis-actions-reference.html#stop-task
_STOP_TASK = "aws:ecs:stop-task"
_SELECTION = re.compile(r"(?:ALL|COUNT\((\d+)\)|PERCENT\((\d+)\))")


class Experiments:
    """Carries out what an experiment begins with; the caller holds the lock."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._actions: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {_STOP_TASK: self._stop_tasks}

    def install(self) -> None:
        parameters = ("self", "client_token", "experiment_template_id", "experiment_options", "tags")
        patch(FISBackend, "start_experiment", parameters)(self._start)
        patch(Experiment, "_sync_state", ("self",))(self._state)

    def _start(self, original: Any, backend: Any, *arguments: Any, **named: Any) -> Any:
        known = set(backend.experiments)
        answer = original(backend, *arguments, **named)
        for experiment in (found for key, found in backend.experiments.items() if key not in known):
            ended = self._run(experiment)
            if ended is not None:
                experiment.status, experiment.ended_because = ended
                answer = experiment.to_dict(tags=answer.get("tags"))
        return answer

    def _run(self, experiment: Any) -> tuple[str, str] | None:
        """How it ended at once; None where its actions were carried out."""
        alarm = self._firing(experiment.stop_conditions)
        if alarm:
            return "stopped", f"Experiment halted by stop condition: {alarm}"
        for name, action in experiment.actions.items():
            act = self._actions.get(action["actionId"])
            if act is None:
                return "failed", f"The action {action['actionId']} is not served here: {', '.join(self._actions)} are."
            (target,) = action.get("targets", {}).values()
            if not act(experiment.targets[target]) and _fails_empty(experiment):
                return "failed", f"Target resolution returned empty set for action {name}"
        return None

    @staticmethod
    def _state(original: Any, experiment: Any) -> Any:
        """moto goes on with each look; what ended stays so."""
        status = original(experiment)
        if because := getattr(experiment, "ended_because", ""):
            experiment.STATUS_REASONS = {**Experiment.STATUS_REASONS, status: because}
        return status

    def _firing(self, conditions: list[dict[str, Any]]) -> str:
        for condition in conditions:
            arn = condition.get("value", "")
            if condition["source"] == "aws:cloudwatch:alarm":
                alarms = self._sandbox.backend("cloudwatch", arn.split(":")[3]).alarms
                alarm = alarms.get(arn.partition(":alarm:")[2])
                if alarm is not None and alarm.state_value == "ALARM":
                    return str(arn)
        return ""

    def _stop_tasks(self, target: Mapping[str, Any]) -> list[str]:
        parameters, arns = target.get("parameters") or {}, set(target.get("resourceArns") or ())
        fargate = self._sandbox.fargate
        running = [
            task
            for task in fargate.store.tasks.values()
            if task.running
            and (
                any(arn.rpartition("/")[2] == task.id for arn in arns)
                or (
                    task.cluster == parameters.get("cluster", "").rpartition("/")[2]
                    and (
                        "service" not in parameters
                        or task.group == f"service:{parameters['service'].rpartition('/')[2]}"
                    )
                )
            )
        ]
        chosen = selected(running, target["selectionMode"])
        for task in chosen:
            fargate.scheduler.stop_task(task, "UserInitiated", "Task stopped by AWS FIS")
        return [task.id for task in chosen]


def _fails_empty(experiment: Any) -> bool:
    return bool(experiment.experiment_options["emptyTargetResolutionMode"] == "fail")


def selected(found: list[Any], mode: str) -> list[Any]:
    """ALL, COUNT(n) or PERCENT(n), rounded down as AWS does; at random."""
    match = _SELECTION.fullmatch(mode)
    if match is None:
        return []
    number = len(found)
    if match[1]:
        number = min(number, int(match[1]))
    elif match[2]:
        number = number * int(match[2]) // 100
    return random.sample(found, number)


def install(sandbox: Sandbox) -> None:
    Experiments(sandbox).install()
