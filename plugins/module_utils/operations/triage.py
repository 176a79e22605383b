# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A triage: facts become six verdicts, and these the likely causes and the command to type next. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..monitoring.alarm_parts import HEALTH_CHECK
from . import check_answers, check_logs, check_releases, check_saturation, check_tasks, check_traces
from .cause_rules import STATUS
from .causes import Cause, CommandValues, likely
from .facts import Alarm, Facts, Unread
from .findings import Findings, State, Symptom, Verdict, at, worst

# In this order they are asked at three in the morning.
CHECKS = (check_answers, check_tasks, check_releases, check_saturation, check_logs, check_traces)
_CHECK_OF_ALARM = {
    "error-share": check_answers.NAME,
    HEALTH_CHECK: check_answers.NAME,
    "latency-p99": check_answers.NAME,
    "latency-trend": check_answers.NAME,
    "balancer-errors": check_answers.NAME,
    "burn-fast": check_answers.NAME,
    "burn-slow": check_answers.NAME,
    "certificate-expiry": check_answers.NAME,
    "unhealthy-targets": check_tasks.NAME,
    "no-healthy-target": check_tasks.NAME,
    "no-running-task": check_tasks.NAME,
    "colour-without-target": check_tasks.NAME,
    "live-without-target": check_tasks.NAME,
    "missing-tasks": check_tasks.NAME,
    "task-restarts": check_tasks.NAME,
    "crash-loop": check_tasks.NAME,
    "deployment-stuck": check_tasks.NAME,
    "queue-age": check_saturation.NAME,
    "scaling-events": check_saturation.NAME,
    "cpu": check_saturation.NAME,
    "memory": check_saturation.NAME,
    "file-system-credits": check_saturation.NAME,
    "file-system-io": check_saturation.NAME,
    "database-storage": check_saturation.NAME,
    "database-connections": check_saturation.NAME,
}
_NOTHING = "nothing wrong"


@dataclass(frozen=True)
class Report:
    """What a triage says."""

    service: str
    environment: str
    at: float
    minutes: int
    headline: str
    state: State
    verdicts: tuple[Verdict, ...]
    causes: tuple[Cause, ...]
    alarms: tuple[str, ...]
    next: str
    advice: str = ""


def triage(facts: Facts, values: CommandValues) -> Report:
    found = [check.judge(facts) for check in CHECKS]
    _unread(found, facts)
    _not_reached(found, facts.firing)
    verdicts = [findings.verdict() for findings in found]
    verdicts = _with_alarms(verdicts, facts.firing)
    symptoms: dict[Symptom, str] = {}
    for findings in found:
        symptoms |= {kind: sentence for kind, sentence in findings.symptoms.items() if kind not in symptoms}
    causes = likely(symptoms, values)
    state = worst([*(verdict.state for verdict in verdicts), *(State.WARNING for _alarm in facts.firing)])
    headline = _headline(state, verdicts, causes, facts)
    return Report(
        service=facts.service,
        environment=facts.environment,
        at=facts.now,
        minutes=facts.minutes,
        headline=headline,
        state=state,
        verdicts=tuple(verdicts),
        causes=tuple(causes),
        alarms=_alarms(facts),
        next=causes[0].command if causes else "" if headline == _NOTHING else values.command(STATUS),
        advice=causes[0].advice if causes else "",
    )


def _unread(found: Sequence[Findings], facts: Facts) -> None:
    """Checks that AWS throttled: a cause of its own."""
    checks = (facts.answers, facts.tasks, facts.releases, facts.saturation, facts.logs, facts.traces)
    parts = (*checks, facts.alarms, facts.health_alarms)
    throttled = [part for part in parts if isinstance(part, Unread) and part.throttled]
    if throttled:
        found[0].show(
            f"{len(throttled)} of {len(parts)} readings were throttled: {throttled[0].why}", Symptom.THROTTLED
        )


def _not_reached(found: Sequence[Findings], firing: Sequence[Alarm]) -> None:
    """What Route 53 sees from the internet may be seen by nothing else."""
    for alarm in firing:
        if alarm.kind == HEALTH_CHECK:
            found[0].show(f"Route 53's health check fails since {at(alarm.since)}", Symptom.NOT_REACHED)


def _with_alarms(verdicts: Sequence[Verdict], firing: Sequence[Alarm]) -> list[Verdict]:
    """A check whose alarm fires is not ok, whatever the newest minutes say."""
    raised = []
    for verdict in verdicts:
        own = [alarm for alarm in firing if _CHECK_OF_ALARM.get(alarm.kind) == verdict.check]
        lines = tuple(f"alarm {alarm.name} is firing since {at(alarm.since)}" for alarm in own)
        if own and verdict.state in (State.OK, State.UNKNOWN):
            raised.append(Verdict(verdict.check, State.WARNING, lines[0], (verdict.why, *lines[1:], *verdict.evidence)))
        else:
            raised.append(replace(verdict, evidence=(*verdict.evidence, *lines)))
    return raised


def _alarms(facts: Facts) -> tuple[str, ...]:
    firing = [f"{alarm.name} since {at(alarm.since)}" for alarm in facts.firing]
    unread = {"alarms are": facts.alarms, "the alarm on the health check is": facts.health_alarms}
    return (*firing, *(f"{what} unknown: {part.why}" for what, part in unread.items() if isinstance(part, Unread)))


def _headline(state: State, verdicts: Sequence[Verdict], causes: Sequence[Cause], facts: Facts) -> str:
    unknown = [verdict.check for verdict in verdicts if verdict.state is State.UNKNOWN]
    if len(unknown) == len(verdicts) and state is State.UNKNOWN and not causes:
        return f"nothing is known: {verdicts[0].why}"
    unknown += ["alarms"] if facts.unread_alarms else []
    suffix = f" (unknown: {', '.join(unknown)})" if unknown else ""
    if causes:
        return f"likely cause: {causes[0].cause}{suffix}"
    if state in (State.OK, State.UNKNOWN):
        return f"nothing wrong found{suffix}" if unknown else _NOTHING
    wrong = [verdict.check for verdict in verdicts if verdict.state is state]
    if not wrong:
        # No check looks at what the inventory's own alarms watch.
        names = ", ".join(alarm.name for alarm in facts.firing)
        return f"{state}: firing, and no check finds a reason: {names}{suffix}"
    return f"{state} in {', '.join(wrong)}, and no cause that is known{suffix}"
