# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a release is judged by, on AWS: alarms, metrics, smoke checks, one-off tasks; and the evidence that it leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .aws import cloudwatch, ecs, elbv2, logs
from .aws.session import Aws
from .clock import Clock
from .evidence import Evidence, TaskFailure
from .metrics import Metrics
from .one_off import Watch, one_off
from .place import Place
from .port_calls import port_call
from .ports import Progress
from .rollout.gates import judge, unclear
from .rollout.model import Colour, Fleet, Readings, Release, Verdict
from .smoke import Door, smoke

_FAILURES_KEPT = 5
_EVENTS_KEPT = 10


@dataclass
class CloudJudges:
    """Reads for the gates of one run. `checks` are the module's options, by name."""

    aws: Aws
    place: Place
    metrics: Metrics
    clock: Clock
    progress: Progress
    door: Door | None = None
    checks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    version_probe: Mapping[str, Any] | None = None
    network: Mapping[str, Any] = field(default_factory=dict)

    @port_call
    def readings(self, release: Release, fleet: Fleet, now: float) -> Readings:
        gates = release.gates
        states = cloudwatch.alarm_states(self.aws, gates.alarms) if gates.alarms else {}
        found = self.metrics.readings(release, fleet, now) if gates.need_metrics else Readings()
        return replace(found, alarms=states)

    @port_call
    def prove(self, release: Release, check: str, stopped: Callable[[], bool]) -> Verdict:
        options = self.checks.get(check)
        if options is None:
            return _unknown(check)
        if options["command"]:
            watch = Watch(self.clock, self.progress, stopped)
            return one_off(self.aws, self.place, release, options, self.network, watch)
        return smoke(self._door(), options, stopped=stopped)

    @port_call
    def probe(self, release: Release) -> Verdict | None:
        """After the last step: does the production rule answer with this version? Where the service has a probe."""
        return smoke(self._door(), self.version_probe, candidate=False) if self.version_probe else None

    @port_call
    def collect(self, release: Release, fleet: Fleet) -> dict[str, Any]:
        """Keep what would be gone once the candidate is stopped: tasks, targets, events, logs, the last readings."""
        place, colour = self.place, release.candidate
        name = place.ecs_services[colour]
        evidence = Evidence(str(place.target_groups[colour].health_check))
        evidence.add_targets(elbv2.target_health(self.aws, place.target_groups[colour].arn))
        state = ecs.services(self.aws, place.cluster, [name]).get(name)
        for event in state.events[:_EVENTS_KEPT] if state else ():
            evidence.add_event(event)
        primary = state.primary if state else None
        for task in ecs.tasks(self.aws, place.cluster, name, "STOPPED") if primary else ():
            if (
                primary
                and task.deployment_id == primary.id
                and task.ended_badly
                and len(evidence.failures) < _FAILURES_KEPT
            ):
                lines = self._lines(task.culprit.name, task.id) if task.culprit else []
                evidence.add_failure(TaskFailure.of(task, lines))
        return {
            **evidence.as_dict(),
            "causes": evidence.causes(),
            "readings": self._told(release, fleet),
            "logs": self._running_logs(colour),
            "fleet": {"weights": str(fleet.weights), **{str(one): str(fleet.side(one)) for one in Colour}},
        }

    def _told(self, release: Release, fleet: Fleet) -> list[str]:
        """The verdict over what was last read."""
        readings = self.readings(release, fleet, self.clock.now())
        return [judge(release.gates, readings, fleet.side(release.candidate), release.policy.minimum_healthy).reason]

    def _running_logs(self, colour: Colour) -> list[str]:
        """Last lines of one task that still runs: a version that answers wrongly has not stopped."""
        tasks = ecs.tasks(self.aws, self.place.cluster, self.place.ecs_services[colour])
        for task in tasks[:1]:
            if task.containers:
                return list(self._lines(task.containers[0].name, task.id))
        return []

    def _lines(self, container: str, task_id: str) -> Sequence[str]:
        return logs.last_lines(self.aws, self.place.names.log_group, container, task_id)

    def _door(self) -> Door:
        if self.door is None:
            return Door(self.place.load_balancer_host, _host(self.place))
        return self.door


def _host(place: Place) -> str:
    """The first host that the production rule asks for; wildcards get a name that fits."""
    hosts = place.production.conditions.hosts
    return hosts[0].replace("*", "pear") if hosts else place.load_balancer_host


def _unknown(check: str) -> Verdict:
    return unclear(f"check {check} is not among the checks that this run was given")
