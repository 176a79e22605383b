"""Fault Injection Service: moto keeps templates and experiments; here the actions that are served are really carried out."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from moto.fis.models import Experiment, FISBackend

from ..faults.model import SUBNET
from ..periodic import Periodic
from .overlay import patch
from .state import Sandbox

# https://docs.aws.amazon.com/fis/latest/userguide/fis-actions-reference.html#stop-task
_STOP_TASK = "aws:ecs:stop-task"
# https://docs.aws.amazon.com/fis/latest/userguide/fis-actions-reference.html#disrupt-connectivity
_DISRUPT = "aws:network:disrupt-connectivity"
_SELECTION = re.compile(r"(?:ALL|COUNT\((\d+)\)|PERCENT\((\d+)\))")
_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")
_SHORTEST_SECONDS, _LONGEST_SECONDS = 60, 12 * 3600
_TICK_SECONDS = 1.0


class CannotAct(Exception):
    """An action that fails; the text is its reason."""


class Experiments:
    """Carries out what an experiment begins with, and ends what lasts; the caller holds the lock."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._actions: Mapping[str, Callable[[Any, Mapping[str, Any], Mapping[str, Any]], bool]] = {
            _STOP_TASK: self._stop_tasks,
            _DISRUPT: self._disrupt,
        }
        self._loop = Periodic("experiments", _TICK_SECONDS, lambda: self.tick(time.time()))

    def install(self) -> None:
        parameters = ("self", "client_token", "experiment_template_id", "experiment_options", "tags")
        patch(FISBackend, "start_experiment", parameters)(self._start)
        patch(FISBackend, "stop_experiment", ("self", "id"))(self._stop)
        patch(Experiment, "_sync_state", ("self",))(self._state)

    def start(self) -> None:
        self._loop.start(self._sandbox.stopping)

    def tick(self, now: float) -> None:
        """Ends what has lasted as long as it should, and what an alarm stops."""
        with self._sandbox.lock:
            backend = self._sandbox.backend("fis", self._sandbox.settings.region)
            lasting = [experiment for experiment in backend.experiments.values() if _lasts(experiment)]
            for experiment in lasting:
                alarm = self._firing(experiment.stop_conditions)
                if alarm:
                    self._end(experiment, "stopped", f"Experiment halted by stop condition: {alarm}")
                elif now >= experiment.ends_at:
                    self._end(experiment, "completed", "Experiment completed")

    def _start(self, original: Any, backend: Any, *arguments: Any, **named: Any) -> Any:
        known = set(backend.experiments)
        answer = original(backend, *arguments, **named)
        for experiment in (found for key, found in backend.experiments.items() if key not in known):
            ended = self._run(experiment)
            if ended is not None:
                experiment.status, experiment.ended_because = ended
                answer = experiment.to_dict(tags=answer.get("tags"))
        return answer

    def _stop(self, original: Any, backend: Any, id: str) -> Any:
        experiment = backend.experiments.get(id)
        if experiment is not None and _lasts(experiment):
            self._end(experiment, "stopping", "Experiment stopped")
        return original(backend, id)

    def _end(self, experiment: Any, status: str, because: str) -> None:
        for fault in experiment.faults:
            if any(known.id == fault for known in self._sandbox.faults.all()):
                self._sandbox.faults.clear(fault)
        experiment.faults = []
        experiment.status, experiment.ended_because = status, because
        self._sandbox.targets.touch()

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
            try:
                found = act(experiment, action.get("parameters") or {}, experiment.targets[target])
            except CannotAct as why:
                return "failed", str(why)
            if not found and _fails_empty(experiment):
                return "failed", f"Target resolution returned empty set for action {name}"
        return None

    @staticmethod
    def _state(original: Any, experiment: Any) -> Any:
        """moto goes on with each look; what lasts runs until it ends, and what ended stays so."""
        if _lasts(experiment):
            # Looks that are counted would end it.
            experiment._status, experiment._tick = "running", 0
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

    def _stop_tasks(self, experiment: Any, settings: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
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
        return bool(chosen)

    def _disrupt(self, experiment: Any, settings: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
        """Subnets that nothing reaches and that reach nothing, for as long as it is asked for."""
        if settings.get("scope") != "all":
            raise CannotAct(f"The scope {settings.get('scope')} of {_DISRUPT} is not served here: all is.")
        seconds = duration(settings.get("duration", ""))
        asked = {arn.rpartition("/")[2] for arn in target.get("resourceArns") or ()}
        by_zone = self._sandbox.backend("ec2", self._sandbox.settings.region).subnets
        known = [subnet for subnets in by_zone.values() for subnet in subnets if subnet in asked]
        chosen = selected(known, target["selectionMode"])
        if chosen:
            made = [self._sandbox.faults.add({"kind": SUBNET, "subject": subnet}) for subnet in chosen]
            experiment.faults = [fault.id for fault in made]
            experiment.ends_at = time.time() + seconds / self._sandbox.settings.time_factor
            self._sandbox.targets.touch()
        return bool(chosen)


def _lasts(experiment: Any) -> bool:
    return bool(getattr(experiment, "faults", ()))


def _fails_empty(experiment: Any) -> bool:
    return bool(experiment.experiment_options["emptyTargetResolutionMode"] == "fail")


def duration(text: str) -> int:
    """Seconds of an ISO 8601 duration. Raises CannotAct for one that the action does not take."""
    match = _DURATION.fullmatch(text)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    total = hours * 3600 + minutes * 60 + seconds
    if not _SHORTEST_SECONDS <= total <= _LONGEST_SECONDS:
        raise CannotAct(f"The duration {text!r} is not from one minute to 12 hours.")
    return total


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
    experiments = Experiments(sandbox)
    experiments.install()
    sandbox.starts.append(experiments.start)
