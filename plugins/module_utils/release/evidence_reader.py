# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The evidence of a release that failed: what tells why, read before anything that holds it is stopped.

ECS forgets stopped tasks within the hour, the load balancer forgets targets at once, and a candidate that is scaled in
takes its last log lines with it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from ..aws import ecs, elbv2
from ..aws.errors import AwsError, NotSentError
from ..aws.session import Aws
from ..aws.tasks import TaskState
from ..rollout.model import Colour, Fleet, Release
from ..service.location import ServiceLocation
from . import task_logs
from .evidence import Evidence, TaskFailure

_FAILURES_KEPT = 5
_EVENTS_KEPT = 10
# The lease was renewed before, and is not meanwhile: with a last call that is not answered it still lasts.
_LONGEST_SECONDS = 45.0
_NO_TIME = "AWS answered slowly: the time for reading evidence was over, so the rest of it was not read"
T = TypeVar("T")
D = TypeVar("D")


@dataclass
class EvidenceReader:
    """Everything that can still be read; what cannot be is said, and hides nothing else."""

    aws: Aws
    location: ServiceLocation
    # What was seen while the release went on; the rest is read now.
    evidence: Evidence = field(default_factory=Evidence)
    unread: list[str] = field(default_factory=list)
    now: Callable[[], float] = time.monotonic
    _until: float = 0.0

    def collect(self, release: Release, fleet: Fleet, readings: Sequence[str]) -> dict[str, Any]:
        self.unread, self._until = [], self.now() + _LONGEST_SECONDS
        colour = release.candidate
        group, name = self.location.target_groups.get(colour), self.location.ecs_services[colour]
        evidence = self.evidence
        if group is not None:
            evidence.health_check = str(group.health_check)
            evidence.add_targets(self._read(partial(elbv2.target_health, self.aws, group.arn), ()))
        state = self._read(lambda: ecs.services(self.aws, self.location.cluster, [name]).get(name), None)
        for event in state.events[:_EVENTS_KEPT] if state else ():
            evidence.add_event(event)
        for task in self._failed(release, name):
            if task.id in evidence.failures:
                continue
            evidence.add_failure(TaskFailure.of(task, partial(self._lines, task)))
        return {
            **evidence.as_dict(),
            "causes": evidence.causes(),
            "readings": list(readings),
            "logs": self._running_logs(name),
            "fleet": {"weights": fleet.traffic, **{str(colour): str(fleet.state(colour)) for colour in Colour}},
            "definition_changes": self._definition_changes(release, fleet),
            "unread": list(self.unread),
        }

    def _failed(self, release: Release, name: str) -> list[TaskState]:
        """Failed tasks of the deployments that this release started."""
        stopped: Sequence[TaskState] = self._read(
            lambda: ecs.tasks(self.aws, self.location.cluster, name, "STOPPED"), ()
        )
        return [
            task
            for task in stopped
            if task.task_definition == release.task_definition
            and task.deployment_id != release.replaced_deployment
            and task.ended_badly
        ][:_FAILURES_KEPT]

    def _running_logs(self, name: str) -> list[str]:
        """Last lines of one task that still runs: a version that answers wrongly has not stopped."""
        tasks: Sequence[TaskState] = self._read(lambda: ecs.tasks(self.aws, self.location.cluster, name), ())
        first = next((task for task in tasks if task.containers), None)
        return list(self._lines(first, first.own[0].name)) if first else []

    def _lines(self, task: TaskState, container: str) -> Sequence[str]:
        return self._read(lambda: task_logs.last_lines(self.aws, self.location, task, container), ())

    def _definition_changes(self, release: Release, fleet: Fleet) -> dict[str, Any]:
        """Image and environment of the live revision against the candidate's: names of variables, never values."""
        live = release.stable_task_definition if release.in_place else fleet.state(release.live).task_definition
        if not live or not release.task_definition:
            return {}
        before = self._read(lambda: ecs.task_definition(self.aws, live), None)
        after = self._read(lambda: ecs.task_definition(self.aws, release.task_definition), None)
        return definition_changes(before, after) if before and after else {}

    def _read(self, call: Callable[[], T], otherwise: D) -> T | D:
        try:
            if self.now() <= self._until:
                return call()
        except AwsError as failed:
            self.unread.append(str(failed))
            return otherwise
        except NotSentError:
            # The lease ends before the time for evidence is over.
            self._until = -math.inf
        if _NO_TIME not in self.unread:
            self.unread.append(_NO_TIME)
        return otherwise


def definition_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What differs between two task definitions, by container. Values of variables may be secrets: names only."""
    old = {container["name"]: container for container in before.get("containerDefinitions", [])}
    new = {container["name"]: container for container in after.get("containerDefinitions", [])}
    found: dict[str, Any] = {}
    for name in sorted({*old, *new}):
        changes = _container_changes(old.get(name, {}), new.get(name, {}))
        if changes:
            found[name] = changes
    return found


def _container_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if before.get("image") != after.get("image"):
        changes["image"] = [before.get("image"), after.get("image")]
    old = {variable["name"]: variable["value"] for variable in before.get("environment", [])}
    new = {variable["name"]: variable["value"] for variable in after.get("environment", [])}
    variables = {
        "added": sorted(new.keys() - old.keys()),
        "removed": sorted(old.keys() - new.keys()),
        "changed": sorted(name for name in new.keys() & old.keys() if new[name] != old[name]),
    }
    changes |= {f"variables_{kind}": names for kind, names in variables.items() if names}
    others = sorted(key for key in {*before, *after} - {"image", "environment"} if before.get(key) != after.get(key))
    return changes | ({"settings": others} if others and before and after else {})
