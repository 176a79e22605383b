# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads what a triage judges, each part by itself: one that is denied, throttled or late hides no other. Writes nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from ..aws import acm, autoscaling, cloudwatch, ecs, elbv2, logs, route53, xray
from ..aws.arns import target_group_name
from ..aws.cloudwatch import Metric, Series, Window
from ..aws.ecs_states import ServiceState
from ..aws.elbv2_states import TargetState
from ..aws.errors import Failure
from ..aws.logs import LogEvent, LogSearch
from ..aws.session import Aws
from ..aws.tasks import TaskState
from ..common.progress import SilentProgress
from ..monitoring.alarm_parts import NOTICE, SEVERITIES, kind_of
from ..monitoring.alarms import is_composite, named_in
from ..release import task_logs
from ..release.ledger import DynamoLedger
from ..release.metrics import failed, of_target_group
from ..release.ports import PortError
from ..release.providers.fleet import ServiceFleet
from ..release.providers.joined_targets import further_target_groups, joined
from ..release.providers.service_provider import ServiceProvider
from ..rollout.disagreements import disagreements
from ..rollout.history import rollback_target, unfinished
from ..rollout.lease import Lease
from ..rollout.model import Colour, Release
from ..service.location import ServiceLocation, current_rules, weights_of
from .check_logs import PATTERN
from .facts import (
    Alarm,
    Answers,
    Certificate,
    ColourTasks,
    Logs,
    Period,
    Releases,
    Saturation,
    Tasks,
    Traces,
    Unread,
    Usage,
)
from .place import Place, certificate_of, file_systems_of, log_group_of, unread

T = TypeVar("T")
# A period whose requests are not all accounted for may be one that CloudWatch does not have whole yet.
_WHOLE_AFTER_SECONDS = 180.0
# The newest minutes are searched first: they are the ones that count, and a busy log has too much of the others.
_SLICES_SECONDS = (120.0, 600.0, math.inf)
_EVENTS_ENOUGH = 200
# X-Ray refuses a longer time.
_TRACES_SECONDS = 6 * 3600
# Releases that are returned are few; the ledger may hold hundreds.
_RELEASES = 20


def attempt(call: Callable[[], T]) -> T | Unread:
    """What the call returns, or why it could not be read."""
    try:
        return call()
    except Failure as why:
        return unread(why)
    except PortError as why:
        return Unread(str(why), why.throttled)


@dataclass
class Readers:
    """The readers of one triage: where, and which minutes. `pool` runs what one reader reads at once."""

    aws: Aws
    place: Place
    window: Window
    pool: ThreadPoolExecutor

    # --- what users are answered ---

    def answers(self) -> Answers:
        location = self._location()
        if not location.is_routed or location.of_connections:
            return Answers(routed=False)
        metrics = {
            f"{colour}_{key}": metric for colour in Colour for key, metric in of_target_group(location, colour).items()
        }
        balancer = {"LoadBalancer": location.load_balancer_dimension}
        metrics["balancer"] = Metric("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "Sum", balancer)
        certificate = self.pool.submit(attempt, self._certificate)
        found = cloudwatch.series(self.aws, metrics, self.window)
        return Answers(
            {colour: periods(found, colour, self.window.end) for colour in Colour},
            found["balancer"],
            certificate.result(),
        )

    def _certificate(self) -> Certificate | None:
        arn = certificate_of(self.aws, self._location().listener_arn)
        if not arn or ":acm:" not in arn:
            return None
        described = acm.describe_certificate(self.aws, arn)
        # One that waits for its validation has no end yet.
        if "NotAfter" not in described:
            return None
        return Certificate(described.get("DomainName", arn), described["NotAfter"].timestamp())

    def _location(self) -> ServiceLocation:
        location = self.place.location
        if isinstance(location, Unread):
            raise Failure(location.why)
        return location

    # --- tasks ---

    def tasks(self) -> Tasks:
        names = self.place.ecs_services
        location = self.place.location
        reads = {
            (colour, status): self.pool.submit(ecs.tasks, self.aws, self.place.cluster, name, status)
            for colour, name in names.items()
            for status in ("RUNNING", "STOPPED")
        }
        routed = isinstance(location, Unread) or location.is_routed
        targets = {colour: self.pool.submit(attempt, partial(self._targets, colour)) for colour in names if routed}
        weights = self.pool.submit(attempt, self._weights)
        services = ecs.services(self.aws, self.place.cluster, list(names.values()))
        shares = weights.result()
        colours = [
            self._colour(
                ColourTasks(
                    colour,
                    None if isinstance(shares, Unread) else shares[colour],
                    services.get(name),
                    tuple(self._tasks_of(services.get(name), reads[colour, "RUNNING"])),
                    tuple(self._tasks_of(services.get(name), reads[colour, "STOPPED"])),
                    self._in_all(colour, services.get(name), targets[colour].result() if colour in targets else ()),
                    routed=routed,
                )
            )
            for colour, name in names.items()
        ]
        group = None if isinstance(location, Unread) else location.target_groups.get(Colour.BLUE)
        grace = [service.settings.get("health_check_grace_seconds", 0) for service in services.values()]
        return Tasks(
            tuple(colours),
            group.port if group else 0,
            max(grace, default=0),
            str(group.health_check) if group and group.health_check else "",
        )

    def _weights(self) -> Mapping[Colour, int]:
        """The largest share that any production rule gives a colour."""
        location = self._location()
        weights = [weights_of(rule, location) for rule in current_rules(self.aws, location)]
        return {colour: max(shares.of(colour) for shares in weights) for colour in Colour}

    def _targets(self, colour: Colour) -> tuple[TargetState, ...]:
        return elbv2.target_health(self.aws, self._location().target_groups[colour].arn)

    def _in_all(
        self, colour: Colour, service: ServiceState | None, own: tuple[TargetState, ...] | Unread
    ) -> tuple[TargetState, ...] | Unread:
        """The targets of a colour; where its tasks are in further target groups too, as they are in all of them."""
        location = self.place.location
        if service is None or isinstance(own, Unread) or isinstance(location, Unread) or location.given:
            return own
        group = location.target_groups.get(colour)
        further = further_target_groups(service, group.arn if group else "")
        if not further or not (service.desired or service.running):
            return own
        read = {arn: self.pool.submit(attempt, partial(elbv2.target_health, self.aws, arn)) for arn in further}
        by_name: dict[str, tuple[TargetState, ...]] = {target_group_name(group.arn): own} if group else {}
        for arn, future in read.items():
            found = future.result()
            if isinstance(found, Unread):
                return found
            by_name[target_group_name(arn)] = found
        return joined(by_name)

    @staticmethod
    def _tasks_of(service: ServiceState | None, read: Future[list[TaskState]]) -> Sequence[TaskState]:
        """Of a service that does not exist ListTasks is an error, not an empty list."""
        return read.result() if service is not None else ()

    def _colour(self, colour: ColourTasks) -> ColourTasks:
        """With the last log lines of a task that runs without being healthy: they may say which port it listens on."""
        targets = () if isinstance(colour.targets, Unread) else colour.targets
        sick = {target.address for target in targets if target.unhealthy}
        every = (*colour.running, *colour.stopped)
        task = next((task for task in every if task.address in sick or task.health == "UNHEALTHY"), None)
        location = self.place.location
        if task is None or not task.containers or not isinstance(location, ServiceLocation):
            return colour
        lines = attempt(lambda: task_logs.last_lines(self.aws, location, task, task.own[0].name))
        return colour if isinstance(lines, Unread) else replace(colour, log_lines=tuple(lines))

    # --- releases ---

    def releases(self) -> Releases:
        ledger = DynamoLedger(self.aws, self.place.ledger, self.place.service)
        recorded, lease = ledger.history(), ledger.lease()
        newest = sorted(recorded.releases, key=lambda release: (-release.started_at, release.id))
        return Releases(
            tuple(newest[:_RELEASES]),
            lease if lease and lease.owner else None,
            rollback_target(recorded.releases),
            self._disagreements(recorded.releases, lease),
            tuple(str(record) for record in recorded.unreadable),
        )

    def _disagreements(self, history: Sequence[Release], lease: Lease | None) -> tuple[str, ...]:
        """As status.yml names them. A release under way moves traffic and tasks itself."""
        now, location = self.window.end, self.place.location
        held = lease is not None and lease.owner and not lease.expired_for_others(now)
        if held or unfinished(history) is not None or isinstance(location, Unread):
            return ()
        provider = ServiceProvider(ServiceFleet(self.aws, location, SilentProgress()))
        fleet = attempt(provider.read)
        # What keeps the fleet from being read is said by the check of the tasks.
        return (
            () if isinstance(fleet, Unread) else tuple(found.sentence for found in disagreements(fleet, history, now))
        )

    # --- saturation ---

    def saturation(self) -> Saturation:
        bounds = self.pool.submit(
            attempt,
            lambda: autoscaling.scalable_targets(self.aws, self.place.cluster, list(self.place.ecs_services.values())),
        )
        files = file_systems_of(self.definition())
        found = cloudwatch.series(self.aws, self._used(files), self.window)
        limits = bounds.result()
        return Saturation(
            {colour: Usage(found[f"cpu_{colour}"]) for colour in self.place.ecs_services},
            {colour: Usage(found[f"memory_{colour}"]) for colour in self.place.ecs_services},
            {file_system: Usage(found[f"io_{file_system}"]) for file_system in files},
            {file_system: Usage(found[f"credits_{file_system}"]) for file_system in files},
            Usage(found.get("database_cpu", ())),
            Usage(found.get("database_storage", ())),
            {}
            if isinstance(limits, Unread)
            else {colour: limits[name] for colour, name in self.place.ecs_services.items() if name in limits},
        )

    def _used(self, file_systems: Sequence[str]) -> dict[str, Metric]:
        metrics = {}
        for colour, name in self.place.ecs_services.items():
            service = {"ClusterName": self.place.cluster, "ServiceName": name}
            metrics[f"cpu_{colour}"] = Metric("AWS/ECS", "CPUUtilization", "Average", service)
            metrics[f"memory_{colour}"] = Metric("AWS/ECS", "MemoryUtilization", "Maximum", service)
        for file_system in file_systems:
            named = {"FileSystemId": file_system}
            metrics[f"io_{file_system}"] = Metric("AWS/EFS", "PercentIOLimit", "Maximum", named)
            metrics[f"credits_{file_system}"] = Metric("AWS/EFS", "BurstCreditBalance", "Minimum", named)
        if self.place.database:
            instance = {"DBInstanceIdentifier": self.place.database}
            metrics["database_cpu"] = Metric("AWS/RDS", "CPUUtilization", "Average", instance)
            metrics["database_storage"] = Metric("AWS/RDS", "FreeStorageSpace", "Minimum", instance)
        return metrics

    def definition(self) -> Mapping[str, Any] | None:
        """The task definition of a colour that should run tasks, else of any."""
        services = ecs.services(self.aws, self.place.cluster, list(self.place.ecs_services.values()))
        by_need = sorted(services.values(), key=lambda service: -service.desired)
        return ecs.task_definition(self.aws, by_need[0].task_definition) if by_need else None

    # --- logs, traces, alarms ---

    def logs(self) -> Logs:
        group = self.place.log_group or log_group_of(self.definition())
        if not group:
            raise Failure("the task definition names no log group of CloudWatch Logs")
        events: list[LogEvent] = []
        end, complete = self.window.end, True
        for seconds in _SLICES_SECONDS:
            start = max(self.window.start, self.window.end - seconds)
            if start >= end or len(events) >= _EVENTS_ENOUGH:
                complete = complete and start >= end
                break
            # Both ends are included.
            found, whole = logs.search_events(self.aws, LogSearch(group, PATTERN, start, end - 0.001))
            events, end, complete = [*found, *events], start, complete and whole
        return Logs(group, tuple(events), complete)

    def traces(self) -> Traces:
        start, end = max(self.window.start, self.window.end - _TRACES_SECONDS), self.window.end
        node = xray.service_node(self.aws, self.place.service, start, end)
        faulty = xray.faulty_traces(self.aws, self.place.service, start, end) if node and node.calls.faults else []
        return Traces(node, tuple(faulty))

    def alarms(self) -> tuple[Alarm, ...]:
        found = [alarm for prefix in self.place.alarm_prefixes for alarm in cloudwatch.alarms(self.aws, prefix)]
        return _told(found)

    def health_alarms(self) -> tuple[Alarm, ...]:
        """Of its health check. By itself: an account may refuse calls to the region of Route 53's metrics."""
        if not self.place.health_alarm:
            return ()
        there = self.aws.elsewhere(route53.metrics_region(self.aws.region)).brief()
        return _told(cloudwatch.alarms_named(there, [self.place.health_alarm]))


def _told(alarms: Iterable[Mapping[str, Any]]) -> tuple[Alarm, ...]:
    """Those that are firing, each once."""
    firing = {
        alarm["AlarmName"]: alarm
        for alarm in alarms
        if alarm["StateValue"] == "ALARM" and not _is_notice(alarm["AlarmName"])
    }
    return tuple(
        Alarm(
            name,
            (alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"]).timestamp(),
            alarm.get("StateReason", ""),
        )
        for name, alarm in firing.items()
        if not _repeats(alarm, firing.keys())
    )


def _is_notice(name: str) -> bool:
    return SEVERITIES.get(kind_of(name)) == NOTICE


def _repeats(alarm: Mapping[str, Any], told: Set[str]) -> bool:
    """A composite alarm says what its parts say, unless none of them is told: notices, and alarms that others made."""
    return is_composite(alarm) and not told.isdisjoint(named_in(alarm["AlarmRule"]))


def periods(found: Mapping[str, Series], colour: Colour, now: float) -> tuple[Period, ...]:
    """The data points of a colour's metrics as periods; a count without a data point is zero where there were requests."""
    counts = {key: dict(found[f"{colour}_{key}"]) for key in ("requests", "2xx", "3xx", "4xx", "5xx", "refused")}
    p99 = dict(found[f"{colour}_p99"])
    made = []
    for at in sorted(counts["requests"]):
        wrong, unanswered = failed({key: int(values.get(at, 0)) for key, values in counts.items()})
        whole = at < now - _WHOLE_AFTER_SECONDS
        made.append(Period(at, int(counts["requests"][at]), wrong + (unanswered if whole else 0), p99.get(at)))
    return tuple(made)
