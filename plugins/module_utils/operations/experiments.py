# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The experiments of a game day: what is broken, what must notice it and by when, and which cause must be named. Data alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# How a fault is made: a bad version that is released, or an action of Fault Injection Service.
RELEASE, FIS = "release", "fis"
_ONE_ROUTE = "the newest release fails on one route"
_ERRORS = "the newest release answers with errors"
_FULL = "the newest release fails once it gets full traffic"
_SLOWER = "the newest release is slower"
_BUSY = "the tasks have too little CPU for their traffic"
_CRASHES = "the newest release ends by itself"
_MEMORY = ("the program leaks memory", "the program needs more memory", "the tasks have too little memory")


@dataclass(frozen=True)
class Action:
    """What Fault Injection Service does to tasks of the live colour."""

    action: str
    resource_type: str
    target: str
    selection: str


_NO_TARGET, _NO_TASK = "no-healthy-target", "no-running-task"
_OF_REQUESTS = frozenset({"error-share", "latency-p99", "latency-trend"})
_OF_LISTENING = frozenset({"wrong-port", "slow-start"})


@dataclass(frozen=True)
class Experiment:
    """One experiment. `alarm` is the kind that must fire; none where the release itself, or nothing at all, must notice."""

    name: str
    hypothesis: str
    fault: str
    blast_radius: str
    deadline_periods: int
    alarm: str = ""
    # Beginnings of the causes that are right. None where the triage has nothing to say.
    causes: tuple[str, ...] = ()
    # Of a bad version: variables of its containers, in addition to its own.
    environment: Mapping[str, str] = field(default_factory=dict)
    # A bad version that its release has to refuse.
    refused: bool = False
    # The kind of the alarm that ends it at once: more is broken than was meant to be. None where that is the fault itself.
    abort_alarm: str = _NO_TARGET
    action: Action | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether the service has to survive it without any alarm."""
        return not self.alarm and not self.refused

    @property
    def needs_requests(self) -> bool:
        """Whether a worker, which is sent none, cannot take part."""
        return self.alarm in _OF_REQUESTS or self.name in _OF_LISTENING

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
            "causes": list(self.causes),
            "environment": {"CHAOS_ENABLED": "true", **self.environment} if self.fault == RELEASE else {},
            "refused": self.refused,
            "abort_alarm": self.abort_alarm,
            "action": vars(self.action) if self.action else {},
        }


@dataclass(frozen=True)
class Notices:
    """Who notices a bad version that is live, and by when."""

    alarm: str
    deadline_periods: int
    causes: tuple[str, ...]
    abort_alarm: str = _NO_TARGET


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
        notices.causes,
        environment,
        abort_alarm=notices.abort_alarm,
    )


def _refused(name: str, hypothesis: str, **environment: str) -> Experiment:
    return Experiment(name, hypothesis, RELEASE, _NO_REQUEST, 60, environment=environment, refused=True)


# A deadline is the window of the alarm, two minutes that CloudWatch may be late, and some more.
_EXPERIMENTS = (
    _refused(
        "crash-at-start",
        "A version that ends at its start is refused before it gets a request.",
        CHAOS_CRASH_AFTER_SECONDS="0.1",
    ),
    _refused("wrong-port", "A version that listens on another port is refused before it gets a request.", PORT="18080"),
    _refused(
        "slow-start",
        "A version that does not listen in time is refused before it gets a request.",
        CHAOS_START_SECONDS="86400",
    ),
    _released(
        "crash-loop",
        Notices("crash-loop", 30, (_CRASHES,), ""),
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
        "slow-dependency",
        Notices("latency-p99", 10, (_SLOWER, "a dependency of the service is slow")),
        "Answers that wait for something slow are noticed, and the release or the dependency is named.",
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
        Notices("memory", 30, (*_MEMORY, _CRASHES)),
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
        action=Action("aws:ecs:stop-task", "aws:ecs:task", "Tasks", "COUNT(1)"),
    ),
)
BY_NAME: Mapping[str, Experiment] = {experiment.name: experiment for experiment in _EXPERIMENTS}
