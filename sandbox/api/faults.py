"""Faults on demand, in the API process: where they are switched on and off, and what the edge is told of them."""

from __future__ import annotations

from typing import Any

from ..errors import ApiError
from ..faults.model import SUBNET, TARGET_KINDS, ZONE, InvalidFault
from .overlay import internal
from .state import Sandbox


def install(sandbox: Sandbox) -> None:
    faults = sandbox.faults

    @internal("GET", "/_sandbox/faults")
    def listing(query: dict[str, str], body: Any) -> Any:
        return {"faults": faults.listing()}

    @internal("POST", "/_sandbox/faults")
    def add(query: dict[str, str], body: Any) -> Any:
        try:
            fault = faults.add({**body, "subject": _subject(sandbox, body)})
        except InvalidFault as invalid:
            raise ApiError("ValidationError", str(invalid)) from invalid
        killed = sandbox.fargate.lose_zone(fault.subject) if fault.kind == ZONE else []
        sandbox.targets.touch()
        return {"id": fault.id, "subject": fault.subject, "killed": killed}

    @internal("DELETE", "/_sandbox/faults")
    def clear(query: dict[str, str], body: Any) -> Any:
        try:
            ended = faults.clear(query.get("id"))
        except InvalidFault as invalid:
            raise ApiError("ValidationError", str(invalid)) from invalid
        sandbox.targets.touch()
        return {"cleared": [fault.id for fault in ended]}

    @internal("POST", "/_sandbox/kill")
    def kill(query: dict[str, str], body: Any) -> Any:
        return {"killed": sandbox.fargate.kill(str(body["subject"]))}


def _subject(sandbox: Sandbox, body: dict[str, Any]) -> str:
    """The subject as the sandbox knows it: an ARN, a task's id, a zone. Raises InvalidFault for one that is not there."""
    kind, subject = body.get("kind"), str(body.get("subject", ""))
    with sandbox.lock:
        if kind in TARGET_KINDS:
            groups: dict[str, str] = {
                group.arn: group.name for group in sandbox.backend("elbv2").target_groups.values()
            }
            arn = next((arn for arn, name in groups.items() if subject in (arn, name)), None)
            task = sandbox.fargate.store.tasks.get(subject.rpartition("/")[2])
            if arn is not None:
                return arn
            if task is not None:
                return task.id
            known = ", ".join(sorted(groups.values())) or "none"
            raise InvalidFault(f"No target group and no task is named {subject!r}. Target groups: {known}.")
        by_zone = sandbox.backend("ec2").subnets
        if kind == SUBNET and not any(subject in subnets for subnets in by_zone.values()):
            raise InvalidFault(f"There is no subnet {subject!r}.")
        if kind == ZONE:
            zones = sorted({zone for zone, subnets in by_zone.items() if subnets})
            if subject not in zones:
                raise InvalidFault(f"No subnet is in a zone {subject!r}. Zones: {', '.join(zones) or 'none'}.")
    return subject


def spoiled_targets(sandbox: Sandbox) -> list[dict[str, Any]]:
    """What the edge is to do to which targets: by target group, or by a task's address; the caller holds the lock."""
    cut_off = {fault.subject for fault in sandbox.faults.of_kind([SUBNET])}
    spoiled = [
        _vanished(task.address)
        for task in sandbox.fargate.store.tasks.values()
        if task.alive and task.subnet_id in cut_off
    ]
    for fault in sandbox.faults.of_kind(TARGET_KINDS):
        task = sandbox.fargate.store.tasks.get(fault.subject)
        spoiled.append(
            {
                "kind": fault.kind,
                "target_group": None if task else fault.subject,
                "address": task.address if task else None,
                "seconds": fault.milliseconds / 1000,
                "status": fault.status,
                "probability": fault.probability,
                "health_checks": fault.health_checks,
            }
        )
    return spoiled


def _vanished(address: str) -> dict[str, Any]:
    return {
        "kind": "vanish",
        "target_group": None,
        "address": address,
        "seconds": 0.0,
        "status": 500,
        "probability": 1.0,
        "health_checks": True,
    }
