# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What alarms are made of: thresholds, rules, metrics, and the description that leads to the runbook. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..aws.naming import is_health_alarm
from .alarms import named_in

HEALTH_CHECK = "health-check"
CRITICAL, WARNING, NOTICE = "critical", "warning", "notice"
# Not of alarms: what becomes of releases. Notification targets name it to be told.
RELEASES = "releases"
# By kind (`kind_of`). Critical: users are not served, or soon will not be.
# Notice: only other alarms look at it, and nobody is told.
SEVERITIES: Mapping[str, str] = {
    "balancer-errors": "critical",
    "burn-fast": "critical",
    "burn-slow": "warning",
    "burn-window": "notice",
    "certificate-expiry": "warning",
    "colour-without-target": "warning",
    "cpu": "critical",
    "crash-loop": "critical",
    "critical": "critical",
    "database-connections": "warning",
    "database-storage": "critical",
    "deploying": "notice",
    "deployment-stuck": "warning",
    "error-share": "critical",
    "file-system-credits": "warning",
    "file-system-io": "warning",
    HEALTH_CHECK: "critical",
    "latency-p99": "warning",
    "latency-trend": "warning",
    "live-without-target": "critical",
    "memory": "critical",
    "missing-tasks": "critical",
    "no-healthy-target": "critical",
    "no-running-task": "critical",
    "queue-age": "warning",
    "scaling-events": "warning",
    "task-restarts": "warning",
    "traffic-on-green": "notice",
    "unhealthy-targets": "critical",
    "without-target": "notice",
}
# There is one for each queue of a worker, for each service level objective, and for each colour.
_SEVERAL = ("queue-age", "unhealthy-targets", "burn-fast", "burn-slow", "burn-window", "without-target")


@dataclass(frozen=True)
class Thresholds:
    """Thresholds. Shares and percentiles need a minimum number of requests."""

    error_share_percent: float = 5.0
    latency_p99_seconds: float = 1.0
    latency_trend_deviations: float = 3.0
    latency_trend_floor_seconds: float = 0.1
    minimum_requests_per_minute: int = 20
    cpu_percent: float = 80.0
    memory_percent: float = 85.0
    balancer_errors_per_minute: int = 10
    queue_age_seconds: int = 900
    task_restart_minutes: int = 5
    crash_loop_minutes: int = 5
    scaling_minutes: int = 10
    deployment_minutes: int = 60
    certificate_days: int = 21
    file_system_credits_gb: float = 100.0
    file_system_io_percent: float = 95.0
    database_storage_gib: float = 5.0
    # Four fifths of what the default class, db.t4g.small, takes.
    database_connections: int = 180


@dataclass(frozen=True)
class Rule:
    """When an alarm fires, and what it means that there is no data."""

    comparison: str
    threshold: float
    periods: int
    datapoints: int
    missing_data: str

    def options(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Notice:
    """What alarms of one host have in common: the prefix of their names, the topics that they tell, and where the runbooks are."""

    prefix: str
    tell: Sequence[str] = ()
    runbook_url: str = ""
    # Of warnings; those of critical alarms where none is named.
    tell_warnings: Sequence[str] = ()

    def topics(self, severity: str) -> list[str]:
        if severity == NOTICE:
            return []
        return list(self.tell_warnings or self.tell if severity == WARNING else self.tell)


def metric_of(id: str, namespace: str, metric: str, statistic: str, dimensions: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": id,
        "namespace": namespace,
        "metric": metric,
        "statistic": statistic,
        "dimensions": dict(dimensions),
    }


def kind_of(name: str) -> str:
    """What an alarm's runbook and severity go by."""
    if is_health_alarm(name):
        return HEALTH_CHECK
    kind = name.rpartition("/")[2]
    return next((several for several in _SEVERAL if kind.startswith(several)), kind)


def is_own(name: str) -> bool:
    """Whether the collection itself has an alarm of this name for a service or an environment."""
    return kind_of(name) in SEVERITIES


def described(description: str, kind: str, runbook_url: str) -> str:
    """The description as whoever is notified reads it: how severe, what it means, and where to read on."""
    runbook = f" Runbook: {runbook_url.rstrip('/')}/{kind}.md" if runbook_url else ""
    return f"{SEVERITIES[kind].capitalize()}. {description}{runbook}"


def composed(
    own: Sequence[Mapping[str, Any]], more: Sequence[Mapping[str, Any]], notice: Notice
) -> list[dict[str, Any]]:
    """Own alarms and the inventory's further ones, all below one prefix, telling the topics of their severity."""
    speaks_for = composed_of(own)
    notifying = [
        {
            **_actions(() if alarm["name"] in speaks_for else notice.topics(severity_of(alarm["name"]))),
            **alarm,
            "description": described(alarm["description"], kind_of(alarm["name"]), notice.runbook_url),
        }
        for alarm in own
    ]
    named = [
        {**_actions(notice.topics(CRITICAL)), **alarm, "name": f"{notice.prefix}{alarm['name']}"} for alarm in more
    ]
    return [*notifying, *named]


def composed_of(alarms: Sequence[Mapping[str, Any]]) -> set[str]:
    """The alarms that a composite one speaks for: by themselves they tell nobody."""
    named = {name for alarm in alarms for name in named_in(alarm.get("rule", ""))}
    return {name for name in named if severity_of(name) == CRITICAL}


def subscriptions_of(subscriptions: Sequence[Mapping[str, Any]], severity: str) -> list[dict[str, str]]:
    """The notification targets of a severity's topic."""
    return [
        {"protocol": target["protocol"], "endpoint": target["endpoint"]}
        for target in subscriptions
        if severity in (target.get("severities") or (CRITICAL, WARNING))
    ]


def severity_of(name: str) -> str:
    return SEVERITIES[kind_of(name)]


def _actions(topics: Sequence[str]) -> dict[str, list[str]]:
    return {"alarm_actions": list(topics), "ok_actions": list(topics)}
