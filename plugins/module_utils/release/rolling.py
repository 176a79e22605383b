# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What became of a rolling deployment, decided from what ECS and the load balancer say. Pure: no call, no clock.

A deployment counts as done only when it is the service's PRIMARY, ECS calls it COMPLETED, as many tasks run as are
wanted, and their targets are healthy. ECS rolling back is a failure of the release, however well the service is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..aws.ecs_states import Deployment, ServiceDeployment, ServiceState, short
from ..aws.elbv2_states import TargetState


class Outcome(StrEnum):
    SUCCEEDED = "succeeded"
    UNCHANGED = "unchanged"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    TIMED_OUT = "timed_out"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Observation:
    service: ServiceState
    targets: tuple[TargetState, ...]
    record: ServiceDeployment | None = None

    @property
    def healthy(self) -> int:
        return sum(target.state == "healthy" for target in self.targets)


@dataclass(frozen=True)
class Verdict:
    """None as outcome: go on watching. The reason is a sentence either way."""

    outcome: Outcome | None
    reason: str


@dataclass(frozen=True)
class Followed:
    """The deployment that is followed, what it replaces, and what was once seen of it."""

    deployment_id: str
    task_definition: str
    previous_task_definition: str = ""
    seen_failed: str = ""


def judge(followed: Followed, seen: Observation) -> Verdict:
    """Return what became of the followed deployment."""
    service, ours, primary = seen.service, seen.service.deployment(followed.deployment_id), seen.service.primary
    if service.status == "INACTIVE":
        return Verdict(Outcome.SUPERSEDED, f"service {service.name} was deleted meanwhile")
    if ours and ours.primary:
        return _judge_primary(ours, seen)
    failed = followed.seen_failed or _failure(ours, seen.record)
    if failed or (primary and _is_rollback(primary)):
        return _judge_rollback(failed or (primary.reason if primary else ""), primary, followed, seen)
    if primary is None:
        return Verdict(None, "waiting for ECS to name a primary deployment")
    return Verdict(
        Outcome.SUPERSEDED,
        f"another deployment took its place: {primary.id} with {short(primary.task_definition)} is the primary one now",
    )


def _judge_primary(ours: Deployment, seen: Observation) -> Verdict:
    if ours.rollout_state == "FAILED":
        if seen.record is not None and seen.record.rolls_back:
            return Verdict(None, f"ECS is about to roll back: {ours.reason or seen.record.reason}")
        return Verdict(Outcome.FAILED, _sentence(ours.reason, "ECS marks the deployment as failed"))
    if ours.rollout_state != "COMPLETED":
        return Verdict(None, standing(ours, seen))
    if ours.running != ours.desired or ours.pending:
        return Verdict(None, f"ECS calls it completed, but {ours.running} of {ours.desired} tasks run")
    if seen.healthy < ours.desired:
        return Verdict(None, f"tasks run, but {seen.healthy} of {ours.desired} targets are healthy")
    return Verdict(
        Outcome.SUCCEEDED,
        f"{ours.running} of {ours.desired} tasks run, {seen.healthy} targets healthy, rollout completed",
    )


def _judge_rollback(cause: str, primary: Deployment | None, followed: Followed, seen: Observation) -> Verdict:
    cause = cause or "ECS gave no reason"
    if primary is None:
        return Verdict(None, f"rolling back: {cause}")
    if primary.task_definition == followed.task_definition:
        # Without a deployment that ever completed ECS has nothing to return to.
        return Verdict(Outcome.FAILED, cause)
    if primary.rollout_state == "FAILED":
        return Verdict(Outcome.FAILED, f"{cause}; and the rollback to {short(primary.task_definition)} failed too")
    if primary.rollout_state != "COMPLETED" or seen.healthy < primary.desired:
        return Verdict(
            None, f"rolling back to {short(primary.task_definition)}: {primary.running} of {primary.desired} running"
        )
    return Verdict(Outcome.ROLLED_BACK, cause)


def failure_seen(followed: Followed, seen: Observation) -> str:
    """Return why ECS gave the deployment up, or nothing. ECS drops a failed entry once it is drained."""
    return _failure(seen.service.deployment(followed.deployment_id), seen.record)


def _failure(ours: Deployment | None, record: ServiceDeployment | None) -> str:
    if ours is not None and ours.rollout_state == "FAILED":
        return ours.reason or "ECS marks the deployment as failed"
    if record is not None and record.rolls_back:
        return record.rollback_reason or record.reason or "the deployment was stopped"
    return ""


def _is_rollback(primary: Deployment) -> bool:
    return "rolling back" in primary.reason.lower() or "rollback" in primary.reason.lower()


def standing(ours: Deployment, seen: Observation) -> str:
    failed = f", {ours.failed_tasks} failed" if ours.failed_tasks else ""
    sick = sum(target.sick for target in seen.targets)
    unhealthy = f", {sick} unhealthy" if sick else ""
    return (
        f"{ours.running} of {ours.desired} tasks run, {ours.pending} pending{failed}; "
        f"targets: {seen.healthy} healthy{unhealthy}"
    )


def _sentence(said: str, otherwise: str) -> str:
    return (said or otherwise).rstrip(".")
