# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One instance or cluster of RDS: create, change, wait, restart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..aws import rds, rds_shapes
from ..aws.errors import Failure
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.waiting import Wait, wait_until
from .database_settings import differences, later

# Both states serve requests and accept changes; in the second, RDS optimises grown storage.
_UP = {"available", "storage-optimization"}
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html: waiting does not end these states.
_STUCK = {
    "failed": "look at its events",
    "inaccessible-encryption-credentials": "its KMS key is disabled or refused",
    "incompatible-network": "its subnets or addresses are gone",
    "incompatible-parameters": "its parameter group does not fit",
    "incompatible-restore": "it could not be restored",
    "insufficient-capacity": "the zones have no room for its class",
    "restore-error": "it could not be restored",
    "stopped": "start it",
    "storage-full": "raise database_allocated_gib by hand, then run again",
}


@dataclass(frozen=True)
class Part:
    """An instance, a cluster, or a member of one: how it is read, made and changed."""

    kind: str
    identifier: str
    read: Callable[[], dict[str, Any] | None]
    create: Callable[[dict[str, Any]], None]
    modify: Callable[[dict[str, Any], bool], None]

    def __str__(self) -> str:
        return f"database {'cluster ' if self.kind == 'cluster' else ''}{self.identifier}"


def make(call: Invocation, changes: Changes, part: Part, request: dict[str, Any]) -> None:
    """Start the creation. The caller waits, so that a cluster and its members are created in parallel."""
    changes.before[str(part)], changes.after[str(part)] = None, "created"
    if not call.check_mode:
        part.create(request)
        call.progress.line(f"creating {part}")


def put_right(
    call: Invocation, changes: Changes, part: Part, found: dict[str, Any], desired: Mapping[str, Any]
) -> dict[str, Any]:
    """Apply the differences in one request, and wait until they are applied or pending for the maintenance window."""
    at_once = call.params["apply_immediately"]
    current, waiting = rds_shapes.now(part.kind, found), rds_shapes.deferred(part.kind, found)
    differing = differences(current, waiting, desired, at_once)
    for difference in differing:
        changes.before[f"{part} {difference.word}"], changes.after[f"{part} {difference.word}"] = (
            difference.current,
            difference.desired,
        )
    if not differing or call.check_mode:
        return found
    found = await_up(call, part)
    request = rds_shapes.request(part.kind, {difference.word: difference.desired for difference in differing}, current)
    part.modify(request, at_once)
    names = {difference.word for difference in differing}
    waits = set() if at_once else {difference.word for difference in later(part.kind, differing)}
    for name in sorted(names):
        call.progress.line(f"{part}: {name} {'is kept for the maintenance window' if name in waits else 'changes'}")
    return await_up(call, part, lambda now: _differing(part, now, desired, at_once))


def _differing(part: Part, found: Mapping[str, Any], desired: Mapping[str, Any], at_once: bool) -> list[str]:
    current, waiting = rds_shapes.now(part.kind, found), rds_shapes.deferred(part.kind, found)
    return [difference.word for difference in differences(current, waiting, desired, at_once)]


def await_up(
    call: Invocation, part: Part, missing: Callable[[dict[str, Any]], Sequence[str]] = lambda found: ()
) -> dict[str, Any]:
    """Wait until it is available."""

    def observe() -> dict[str, Any]:
        """Empty while RDS does not show it yet."""
        found = part.read() or {}
        status = rds_shapes.status(found) if found else ""
        if status in _STUCK:
            raise Failure(f"{part} is {status}: {_STUCK[status]}. Run the playbook again once it is available.")
        return found

    def state(found: dict[str, Any]) -> str:
        if not found:
            return "not there yet"
        lacks = missing(found)
        status = rds_shapes.status(found)
        return f"{status}, without {', '.join(lacks)}" if lacks else status

    return wait_until(
        call.clock,
        call.progress,
        Wait(
            what=str(part),
            observe=observe,
            done=lambda found: bool(found) and is_up(found) and not missing(found),
            seconds=call.params["timeout_seconds"],
            state=state,
            advice="RDS continues meanwhile. Run the playbook again to continue waiting.",
            longest_pause=10.0,
        ),
    )


def is_up(found: Mapping[str, Any]) -> bool:
    begun = found.get("MasterUserSecret", {}).get("SecretStatus") == "creating"
    return rds_shapes.status(found) in _UP and not begun and "applying" not in rds_shapes.parameter_states(found)


def restart(call: Invocation, changes: Changes, part: Part) -> None:
    """Restart an instance with pending parameters, and wait until they apply."""
    changes.before[f"{part} parameters"], changes.after[f"{part} parameters"] = "wait for a restart", "restarted"
    if call.check_mode:
        return
    rds.restart_instance(call.aws, part.identifier)
    call.progress.line(f"restarting {part}")
    await_up(call, part, lambda found: sorted(rds_shapes.parameter_states(found) & {"pending-reboot"}))
