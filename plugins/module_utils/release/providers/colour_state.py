# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ECS and the load balancer say about one colour, as one state. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ...aws.autoscaling import ScaleIn
from ...aws.ecs_states import ServiceState
from ...aws.elbv2_states import TargetState
from ...aws.tasks import TaskState
from ...rollout.model import Colour, ColourState

# A task may die once by bad luck; a version of which three died will not run.
CRASHES = 3
# Fargate had no room at that moment: ECS tries again, and so do we.
_PASSING = re.compile(r"capacity is unavailable|RESOURCE:|try again later|throttl|rate exceeded", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """What was read of one colour. `stopped` are the stopped tasks of its present deployment, where they were read."""

    colour: Colour
    state: ServiceState | None
    targets: tuple[TargetState, ...] = ()
    stopped: Sequence[TaskState] = ()
    scale_ins: tuple[ScaleIn, ...] = ()
    unended: int = 0
    scale_in_suspended: bool | None = None
    # Without a load balancer a task is as healthy as ECS says by letting it run.
    checked: bool = True


def colour_state(reading: Reading) -> ColourState:
    state = reading.state
    if state is None:
        return ColourState(reading.colour)
    primary = state.primary
    others = sum(deployment.running for deployment in state.deployments if not deployment.primary)
    running = primary.running if primary else state.running
    healthy = sum(target.state == "healthy" for target in reading.targets) if reading.checked else state.running
    return ColourState(
        reading.colour,
        state.task_definition,
        desired=state.desired,
        running=running,
        # Targets do not say which deployment they belong to: while an old one still runs, its tasks are counted off.
        healthy=max(0, min(running, healthy - others)),
        unended=reading.unended,
        steady=len(state.deployments) <= 1 and primary is not None and primary.rollout_state == "COMPLETED",
        failure=failure_of(state, reading.stopped),
        unhealthy=_why_unhealthy(reading.targets),
        scale_in_at=reading.scale_ins[0].at if reading.scale_ins else None,
        scale_in_for=tuple(scale_in.release_id for scale_in in reading.scale_ins),
        scale_in_suspended=reading.scale_in_suspended,
        deployment_id=primary.id if primary else "",
        watched_by=_watched_by(state),
    )


def _watched_by(state: ServiceState) -> tuple[str, ...]:
    """The alarms of a deployment that has replaced all tasks and stays in progress for them.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html: ECS computes for how long.
    """
    primary = state.primary
    if primary is None or primary.rollout_state != "IN_PROGRESS" or primary.pending:
        return ()
    others = any(other.running or other.pending for other in state.deployments if not other.primary)
    replaced = primary.running >= primary.desired == state.desired and not others
    return state.watched_by if replaced else ()


def _why_unhealthy(targets: Sequence[TargetState]) -> str:
    said = Counter(target.explanation for target in targets if target.unhealthy)
    return "; ".join(f"{count} unhealthy: {why}" for why, count in said.most_common())


def needs_stopped_tasks(state: ServiceState | None) -> bool:
    """Reading stopped tasks costs two calls: only where some failed while a deployment is under way."""
    primary = state.primary if state else None
    return primary is not None and (
        primary.rollout_state == "FAILED" or (primary.rollout_state != "COMPLETED" and primary.failed_tasks > 0)
    )


def failure_of(state: ServiceState, stopped: Sequence[TaskState]) -> str:
    """Why the present deployment will not come up, if that is certain; a task that had no luck is no certainty."""
    primary = state.primary
    if primary is None:
        return ""
    bad = [
        task
        for task in stopped
        if task.deployment_id == primary.id and task.ended_badly and not _PASSING.search(task.stopped_reason)
    ]
    causes = [f"{count} {'task' if count == 1 else 'tasks'} stopped: {cause}" for cause, count in _causes(bad)]
    if primary.rollout_state == "FAILED":
        return "; ".join([primary.reason.rstrip(".") or "ECS gave its deployment up", *causes])
    return "; ".join(causes) if len(bad) >= CRASHES else ""


def _causes(tasks: Sequence[TaskState]) -> list[tuple[str, int]]:
    # Ids differ from task to task; what happened is the same.
    return Counter(re.sub(r"\b[0-9a-f]{32}\b", "…", task.cause) for task in tasks).most_common(3)
