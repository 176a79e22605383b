# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the experiment of a template to its end, or begin one that lasts and stop it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..aws import fis
from ..aws.errors import AwsError, Failure
from ..common.invocation import Invocation
from ..common.waiting import Wait, wait_until

COMPLETED, RUNNING, STOPPED = "completed", "running", "stopped"
_ENDED = frozenset({"completed", "stopped", "failed", "cancelled"})


def run(call: Invocation) -> dict[str, Any]:
    """Do what is asked for. An interrupted wait stops it: what was begun is not left to itself."""
    if call.params["until"] == STOPPED:
        return _stopped(call)
    template, lasts = call.params["template_id"], call.params["until"] == RUNNING
    if call.check_mode:
        return {"changed": True, "experiment_id": "", "status": "", "reason": "nothing was started in check mode"}
    experiment = fis.start(call.aws, template, call.params["tags"])
    call.progress.line(f"experiment {experiment} started")
    reached = False
    try:
        status, reason = _until(call, experiment, {*_ENDED, RUNNING} if lasts else _ENDED)
        reached = True
    finally:
        if not reached:
            _stop(call, experiment)
    call.progress.line(f"experiment {experiment}: {status}")
    if status != (RUNNING if lasts else COMPLETED):
        raise Failure(f"Experiment {experiment} is {status}: {reason}", experiment_id=experiment, status=status)
    return {"changed": True, "experiment_id": experiment, "status": status, "reason": reason}


def _stopped(call: Invocation) -> dict[str, Any]:
    """One that has ended by itself meanwhile is left as it is."""
    experiment = call.params["experiment_id"]
    status, reason = fis.state(call.aws, experiment)
    changed = status not in _ENDED
    if changed and not call.check_mode:
        fis.stop(call.aws, experiment)
        status, reason = _until(call, experiment, _ENDED)
    return {"changed": changed, "experiment_id": experiment, "status": status, "reason": reason}


def _until(call: Invocation, experiment: str, states: Collection[str]) -> tuple[str, str]:
    what = "to run" if RUNNING in states else "to end"
    return wait_until(
        call.clock,
        call.progress,
        Wait(
            f"experiment {experiment} {what}",
            lambda: fis.state(call.aws, experiment),
            lambda state: state[0] in states,
            call.params["timeout_seconds"],
            ": ".join,
            "It is stopped now.",
        ),
    )


def _stop(call: Invocation, experiment: str) -> None:
    """One that has ended meanwhile cannot be stopped: what the wait failed for is told, not that."""
    try:
        fis.stop(call.aws, experiment)
    except AwsError as failed:
        call.progress.line(f"experiment {experiment} may go on: {failed}")
