# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The second check: do the tasks run, and are they healthy. Pure."""

from __future__ import annotations

from ..aws.ecs_states import ServiceState, short
from ..aws.tasks import TaskState
from ..release.evidence import Evidence
from .facts import ColourTasks, Facts, Tasks, Unread
from .findings import Findings, State, Symptom, at, many
from .task_failures import (
    CRASHES,
    causes,
    crashed,
    failed_health_check,
    known_reason,
    listening_port,
    lost_zone,
    unreachable_zone,
    was_killed,
)

NAME = "tasks"
# Health checks fail a while before a task is replaced: so much longer than its grace period it may have lived.
_MORE_THAN_GRACE_SECONDS = 120.0
_NO_ANSWER = ("Target.Timeout", "Target.FailedHealthChecks")


def judge(facts: Facts) -> Findings:
    found = Findings(NAME)
    tasks = facts.tasks
    if isinstance(tasks, Unread):
        found.say(State.UNKNOWN, tasks.why)
        return found
    if not any(colour.service for colour in tasks.colours):
        found.say(State.UNKNOWN, "the service has no ECS service yet: no release was made")
        return found
    for colour in tasks.colours:
        _of_colour(found, facts, tasks, colour)
    return found


def _of_colour(found: Findings, facts: Facts, tasks: Tasks, colour: ColourTasks) -> None:
    service = colour.service
    if service is None:
        return
    tried = _is_tried(facts, colour)
    ended = [task for task in colour.stopped if (task.stopped_at or facts.now) >= facts.since]
    bad = [task for task in ended if task.ended_badly or was_killed(task)]
    if colour.serves or tried:
        _counts(found, colour, service, tried)
        _targets(found, facts, tasks, colour)
        _stopped(found, facts, colour, bad)
        _starting(found, facts, tasks, colour, bad)
        _events(found, facts, colour)
    elif colour.desired or bad:
        found.evidence.append(f"{colour.colour}, without traffic: {_count(colour)}")
    found.evidence += [f"{colour.colour}: {cause}" for cause in causes(bad)]


def _is_tried(facts: Facts, colour: ColourTasks) -> bool:
    """Whether a release under way starts this colour: then tasks that are missing are on their way."""
    release = None if isinstance(facts.releases, Unread) else facts.releases.under_way
    return release is not None and colour.colour is release.candidate


def _count(colour: ColourTasks) -> str:
    running = colour.service.running if colour.service else 0
    healthy = "health unknown" if colour.healthy is None else f"{colour.healthy} healthy"
    return f"{healthy}, {running} running of {colour.desired} desired"


def _counts(found: Findings, colour: ColourTasks, service: ServiceState, tried: bool) -> None:
    counted = f"{colour.colour} ({short(service.task_definition)}): {_count(colour)}"
    if isinstance(colour.targets, Unread):
        found.say(State.UNKNOWN, f"{counted}: {colour.targets.why}")
    elif colour.serves and colour.healthy == 0:
        found.say(
            State.PROBLEM,
            f"{counted}: {'no target serves its requests' if colour.routed else 'no task does its work'}",
            Symptom.NO_HEALTHY_TARGET,
        )
    if service.running < service.desired:
        found.say(
            State.OK if tried else State.WARNING,
            f"{counted}" + (", of a release that is under way" if tried else ""),
            *(() if tried else (Symptom.TASKS_MISSING,)),
        )
    elif colour.healthy is not None and colour.healthy < colour.desired:
        found.say(State.OK if tried else State.WARNING, counted)
    else:
        found.say(State.OK, counted)
    primary = service.primary
    if primary is not None and primary.rollout_state == "FAILED":
        found.say(State.PROBLEM, f"{colour.colour}: ECS gave its deployment up: {primary.reason.rstrip('.')}")


def _targets(found: Findings, facts: Facts, tasks: Tasks, colour: ColourTasks) -> None:
    targets = () if isinstance(colour.targets, Unread) else colour.targets
    sick = [target for target in targets if target.unhealthy]
    if not sick:
        return
    suffix = f" ({tasks.health_check})" if tasks.health_check else ""
    silent = [target for target in sick if target.reason in _NO_ANSWER]
    said = sorted({target.explanation for target in sick})
    found.say(
        State.PROBLEM if not colour.healthy and colour.serves else State.WARNING,
        f"{colour.colour}: {many(len(sick), 'target')} unhealthy{suffix}: {'; '.join(said)}",
        Symptom.NO_ANSWER_TO_HEALTH_CHECK if silent else Symptom.BAD_ANSWER_TO_HEALTH_CHECK,
    )
    _listens(found, tasks, colour)
    if colour.service:
        _unhealthy_of_release(found, facts, {colour.service.task_definition})


def _listens(found: Findings, tasks: Tasks, colour: ColourTasks) -> None:
    port = listening_port(colour.log_lines)
    if port is None:
        return
    sentence = f"its program says in its log that it listens on port {port}; the load balancer asks port {tasks.port}"
    found.evidence.append(f"{colour.colour}: {sentence}")
    if tasks.port and port != tasks.port:
        found.show(sentence, Symptom.LISTENS_ELSEWHERE)


def _stopped(found: Findings, facts: Facts, colour: ColourTasks, bad: list[TaskState]) -> None:
    reasons = {reason: task for task in bad if (reason := known_reason(task)) is not None}
    for reason, task in reasons.items():
        count = sum(known_reason(each) is reason for each in bad)
        found.say(_worse(colour), f"{colour.colour}: {many(count, 'task')} stopped: {task.cause}", reason)
    zone = lost_zone(bad, colour.running)
    if zone:
        found.say(
            State.WARNING,
            f"{colour.colour}: all {len(bad)} tasks in zone {zone} ended together, and none runs there now",
            Symptom.ZONE_LOST,
        )
        return
    cut_off = unreachable_zone(bad, colour.running)
    if cut_off:
        found.say(
            State.WARNING,
            f"{colour.colour}: tasks in zone {cut_off} are not reached, and those that start there get no answer; other zones go on",
            Symptom.ZONE_LOST,
        )
        return
    ends = [task for task in bad if crashed(task)]
    killed = [task for task in bad if was_killed(task)]
    if len(killed) >= CRASHES:
        ends += killed
        killed = []
    if len(ends) >= CRASHES:
        found.say(
            _worse(colour),
            f"{colour.colour}: {many(len(ends), 'task')} ended since {at(_first(ends, facts))}: {ends[0].cause}",
            Symptom.CRASHES,
        )
        _of_release(found, facts, ends)
    elif ends or killed:
        ended = [*ends, *killed]
        found.say(
            State.WARNING if _still_short(colour) else State.OK,
            f"{colour.colour}: {many(len(ended), 'task')} ended, the last at {at(_last(ended, facts))}: {ended[-1].cause}",
            Symptom.TASK_KILLED,
        )


def _worse(colour: ColourTasks) -> State:
    return State.PROBLEM if colour.serves else State.WARNING


def _still_short(colour: ColourTasks) -> bool:
    return colour.service is not None and (
        colour.service.running < colour.desired or (colour.healthy is not None and colour.healthy < colour.desired)
    )


def _of_release(found: Findings, facts: Facts, ended: list[TaskState]) -> None:
    """Whether the tasks that ended since the newest release began are its own, and began to end soon after it.

    What was returned before it may have left others, and a loop that nobody looked at for a while is still the release's.
    """
    release = None if isinstance(facts.releases, Unread) else facts.releases.newest
    since = [task for task in ended if release and (task.stopped_at or facts.now) >= release.started_at]
    if release is None or len(since) < CRASHES:
        return
    late = _first(since, facts) - (release.ended_at or release.started_at)
    is_soon = not release.closed or late <= 60 * facts.minutes
    if is_soon and all(task.task_definition == release.task_definition for task in since):
        found.show(
            f"all of them are of release {release.id}, {release.label}, which began at {at(release.started_at)}",
            Symptom.CRASHES_OF_RELEASE,
        )


def _starting(found: Findings, facts: Facts, tasks: Tasks, colour: ColourTasks, bad: list[TaskState]) -> None:
    """Tasks that are not healthy because they are young, or were stopped before they ever were."""
    limit = tasks.grace_seconds + _MORE_THAN_GRACE_SECONDS
    young = [
        task
        for task in bad
        if failed_health_check(task) and task.started_at and (task.stopped_at or facts.now) - task.started_at <= limit
    ]
    if young:
        found.say(
            _worse(colour),
            f"{colour.colour}: {many(len(young), 'task')} stopped for failed health checks soon after the start, within "
            f"{round(max((task.stopped_at or facts.now) - (task.started_at or 0) for task in young))} s "
            f"(grace period {tasks.grace_seconds} s)",
            Symptom.STOPPED_WHILE_STARTING,
        )
        _unhealthy_of_release(found, facts, {task.task_definition for task in young})
    starting = [task for task in colour.running if facts.now - (task.started_at or facts.now) <= tasks.grace_seconds]
    if starting and _still_short(colour):
        found.show(
            f"{many(len(starting), 'task')} started less than {tasks.grace_seconds} s ago, the grace period",
            Symptom.STILL_STARTING,
        )


def _unhealthy_of_release(found: Findings, facts: Facts, definitions: set[str]) -> None:
    """Whether what is not healthy has the newest release's definition and no other."""
    release = facts.changed_by
    if release is not None and definitions == {release.task_definition}:
        found.show(f"the sick tasks are of release {release.id}, {release.label}", Symptom.UNHEALTHY_OF_RELEASE)


def _events(found: Findings, facts: Facts, colour: ColourTasks) -> None:
    """What ECS complains of; not of single tasks, whose reasons are better known from themselves."""
    evidence = Evidence()
    for event in colour.service.events if colour.service else ():
        if event.created_at >= facts.since:
            evidence.add_event(event)
    for complaint in list(evidence.complaints.values())[:3]:
        found.evidence.append(f"{colour.colour}: ECS: {complaint}")
        if "unable to place" in complaint.lower():
            found.say(State.WARNING, f"{colour.colour}: {complaint}", Symptom.NOT_PLACED)


def _first(tasks: list[TaskState], facts: Facts) -> float:
    return min(task.stopped_at or facts.now for task in tasks)


def _last(tasks: list[TaskState], facts: Facts) -> float:
    return max(task.stopped_at or facts.now for task in tasks)
