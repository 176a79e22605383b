# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The experiments of a game day: what is broken, what must notice it and by when, and which cause must be named. Data alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# How a fault is made: a bad version that is released, an action of Fault Injection Service, or, where that has no action, calls of the
# services' own APIs: mount targets that let nobody in, more calls than AWS takes, a certificate that ends soon. Each is a file of tasks.
RELEASE, FIS, FILES, CALLS, CERTIFICATE = "release", "fis", "files", "calls", "certificate"
_ONE_ROUTE = "the newest release fails on one route"
_ERRORS = "the newest release answers with errors"
_FULL = "the newest release fails once it gets full traffic"
_SLOWER = "the newest release is slower"
_BUSY = "the tasks have too little CPU for their traffic"
_CRASHES = "the newest release ends by itself"
_SILENT = "the tasks run and do not answer their health check"
_MEMORY = ("the program leaks memory", "the program needs more memory", "the tasks have too little memory")


TASK, SUBNET = "aws:ecs:task", "aws:ec2:subnet"


@dataclass(frozen=True)
class Action:
    """What Fault Injection Service does to tasks of the live colour, or to their subnets in one zone."""

    action: str
    resource_type: str
    target: str
    selection: str
    # With a duration it lasts, and is stopped once it was watched.
    parameters: Mapping[str, str] = field(default_factory=dict)


_NO_TARGET, _NO_TASK = "no-healthy-target", "no-running-task"
_OF_REQUESTS = frozenset({"error-share", "latency-p99", "latency-trend"})
_OF_LISTENING = frozenset({"wrong-port", "slow-start"})
# Tasks that cannot be reached: of a worker nobody asks whether they can.
_OF_TARGETS = frozenset({"zone-loss"})


@dataclass(frozen=True)
class Experiment:
    """One experiment. `alarm` is the kind that must fire; none where the release itself, or nothing at all, must notice."""

    name: str
    hypothesis: str
    fault: str
    blast_radius: str
    deadline_periods: int
    alarm: str = ""
    # A kind that notices it as well. Which of the two is first depends on how fast it goes.
    or_alarm: str = ""
    # Beginnings of the causes that are right.
    causes: tuple[str, ...] = ()
    # Of a bad version: variables of its containers, in addition to its own.
    environment: Mapping[str, str] = field(default_factory=dict)
    # A bad version that its release has to refuse.
    refused: bool = False
    # That the triage names no cause is right as well: the service serves as before.
    or_no_cause: bool = False
    # So many live tasks, or zones with live tasks, have to be there: what is left serves meanwhile.
    at_least: int = 1
    # The kind of the alarm that ends it at once: more is broken than was meant to be. None where that is the fault itself.
    abort_alarm: str = _NO_TARGET
    action: Action | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether the service has to survive it without any alarm."""
        return not self.alarm and not self.refused

    def is_right(self, cause: str) -> bool:
        """Whether the triage is right to name this cause, or none."""
        return any(cause.startswith(expected) for expected in self.causes) if cause else self.or_no_cause

    @property
    def noticed_by(self) -> tuple[str, ...]:
        return tuple(kind for kind in (self.alarm, self.or_alarm) if kind)

    @property
    def needs_requests(self) -> bool:
        """Whether a worker, which is sent none, cannot take part."""
        return self.alarm in _OF_REQUESTS or self.name in _OF_LISTENING | _OF_TARGETS

    def of_worker(self) -> Experiment:
        """Ended by an alarm that a worker has: its tasks are behind no load balancer."""
        return replace(self, abort_alarm=_NO_TASK if self.abort_alarm == _NO_TARGET else self.abort_alarm)

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "hypothesis": self.hypothesis,
            "fault": self.fault,
            "blast_radius": self.blast_radius,
            "deadline_periods": self.deadline_periods,
            "alarm": self.alarm,
            "or_alarm": self.or_alarm,
            "causes": list(self.causes),
            "or_no_cause": self.or_no_cause,
            "environment": {"CHAOS_ENABLED": "true", **self.environment}
            if self.fault == RELEASE
            else dict(self.environment),
            "refused": self.refused,
            "abort_alarm": self.abort_alarm,
            "action": {**vars(self.action), "parameters": dict(self.action.parameters)} if self.action else {},
        }


@dataclass(frozen=True)
class Notices:
    """Who notices a bad version that is live, and by when."""

    alarm: str
    deadline_periods: int
    causes: tuple[str, ...]
    abort_alarm: str = _NO_TARGET
    or_alarm: str = ""


_ALL_REQUESTS = "all requests of the service, until the rollback"
_NO_REQUEST = "none: the candidate gets no request"


def _released(name: str, notices: Notices, hypothesis: str, **environment: str) -> Experiment:
    return Experiment(
        name,
        hypothesis,
        RELEASE,
        _ALL_REQUESTS,
        notices.deadline_periods,
        notices.alarm,
        notices.or_alarm,
        notices.causes,
        environment,
        abort_alarm=notices.abort_alarm,
    )


def _refused(name: str, causes: tuple[str, ...], hypothesis: str, **environment: str) -> Experiment:
    """Of a service that its release replaces in place, such as a worker, the tasks that did not start are still seen after it."""
    return Experiment(
        name,
        hypothesis,
        RELEASE,
        _NO_REQUEST,
        60,
        causes=causes,
        or_no_cause=True,
        environment=environment,
        refused=True,
    )


_KILL = Action("aws:ecs:stop-task", TASK, "Tasks", "COUNT(1)")
# https://docs.aws.amazon.com/fis/latest/userguide/fis-actions-reference.html#disrupt-connectivity
_CUT_OFF = Action("aws:network:disrupt-connectivity", SUBNET, "Subnets", "ALL", {"scope": "all", "duration": "PT45M"})

# A deadline is the window of the alarm, two minutes that CloudWatch may be late, and some more.
_EXPERIMENTS = (
    _refused(
        "crash-at-start",
        (_CRASHES,),
        "A version that ends at its start is refused before it gets a request.",
        CHAOS_CRASH_AFTER_SECONDS="0.1",
    ),
    _refused(
        "wrong-port",
        ("the program does not listen on the port", _SILENT),
        "A version that listens on another port is refused before it gets a request.",
        PORT="18080",
    ),
    _refused(
        "slow-start",
        ("the tasks need longer to start", _SILENT),
        "A version that does not listen in time is refused before it gets a request.",
        CHAOS_START_SECONDS="86400",
    ),
    _released(
        "crash-loop",
        # Tasks of one start end at the same time: for a while none is healthy, and none runs. Alarms on that, and on the
        # errors that users get meanwhile, would end it before it is noticed as what it is.
        Notices("crash-loop", 30, (_CRASHES,), abort_alarm=""),
        "Tasks that end some time after their start are noticed as a crash loop, though each of them starts well.",
        CHAOS_CRASH_AFTER_SECONDS="180",
    ),
    _released(
        "errors-on-one-route",
        Notices("error-share", 12, (_ONE_ROUTE, _ERRORS)),
        "Errors of one route alone are noticed, and the release that began them is named.",
        CHAOS_ERROR_RATE="0.5",
        CHAOS_ROUTES="/leaderboard",
    ),
    _released(
        "errors-at-full-traffic",
        Notices("error-share", 12, (_FULL, _ONE_ROUTE, _ERRORS)),
        "A version that fails only with all traffic is noticed once it has it.",
        CHAOS_ERRORS_ABOVE_PER_SECOND="10",
    ),
    _released(
        "slow-answers",
        Notices("latency-p99", 10, (_SLOWER, "a dependency of the service is slow")),
        "Answers that become slow are noticed, and the release is named, or the dependency where it is one that makes them slow.",
        CHAOS_LATENCY_MS_P50="1500",
        CHAOS_LATENCY_MS_P99="2000",
    ),
    _released(
        "latency-trend",
        Notices("latency-trend", 20, (_SLOWER, "a dependency of the service is slow")),
        "Answers that become slower than their past, and stay below the fixed line, are noticed.",
        CHAOS_LATENCY_MS_P50="300",
        CHAOS_LATENCY_MS_P99="400",
    ),
    _released(
        "memory-leak",
        Notices("memory", 30, (*_MEMORY, _CRASHES), or_alarm="crash-loop"),
        "Memory that grows is noticed before, or when, a task is killed for it.",
        CHAOS_LEAK_KIB="256",
    ),
    _released(
        "cpu-pressure",
        Notices("cpu", 22, (_BUSY, _SLOWER)),
        "CPU that is used up is noticed, and its lack or the release is named.",
        CHAOS_BUSY_MS="30",
    ),
    Experiment(
        "task-kill",
        "One task that is stopped is replaced, and no alarm has to fire for it.",
        FIS,
        "one task of the live colour",
        10,
        causes=("a task was killed",),
        action=_KILL,
    ),
    Experiment(
        "zone-loss",
        "A zone that nothing reaches any more costs a few requests: tasks of the other zones answer, somebody is called, and the zone is "
        "named.",
        FIS,
        "the subnets of the service's tasks in one zone, with all that is in them, of other services too",
        # The slowest of the alarms that it may be: targets that are unhealthy in eight of ten minutes.
        20,
        # Which one fires first depends on where ECS puts the new tasks; this one speaks for all of them.
        "critical",
        causes=("a zone was lost",),
        at_least=2,
        action=_CUT_OFF,
    ),
    Experiment(
        "file-system-unavailable",
        "A file system that cannot be mounted keeps new tasks from starting, and none that runs from serving: somebody is called, and the "
        "file system is named.",
        FILES,
        "one task of the live colour, and every task of the environment that would mount the file system meanwhile",
        18,
        "missing-tasks",
        causes=("the file system cannot be mounted",),
        at_least=2,
        action=_KILL,
    ),
    Experiment(
        "throttled-api",
        "A release and its rollback go through while AWS throttles the calls that they wait with, and users notice nothing.",
        CALLS,
        "all callers of the load balancers' Describe calls in the account and region",
        5,
        causes=("AWS throttles calls of this account",),
        or_no_cause=True,
        # A release of what is live already would change nothing.
        environment={"GAMEDAY_EXPERIMENT": "throttled-api"},
    ),
    Experiment(
        "expiring-certificate",
        "A certificate that was not renewed is noticed while it is still valid.",
        CERTIFICATE,
        "the self-signed certificate of the environment, which is replaced by one that ends in a week, and then by a new one",
        # ACM tells CloudWatch twice a day, and the alarm looks at a day.
        26 * 60,
        "certificate-expiry",
        causes=("the certificate expires soon",),
        abort_alarm="no-healthy-target",
    ),
)
BY_NAME: Mapping[str, Experiment] = {experiment.name: experiment for experiment in _EXPERIMENTS}
