# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the experiment of a template to its end."""

from __future__ import annotations

from typing import Any

from ..aws import fis
from ..aws.errors import AwsError, Failure
from ..common.invocation import Invocation
from ..common.waiting import Wait, wait_until

_ENDED = frozenset({"completed", "stopped", "failed", "cancelled"})


def run(call: Invocation) -> dict[str, Any]:
    """Start it, and wait until it has ended. An interrupted wait stops it: what was begun is not left to itself."""
    template = call.params["template_id"]
    if call.check_mode:
        return {"changed": True, "experiment_id": "", "status": "", "reason": "nothing was started in check mode"}
    experiment = fis.start(call.aws, template, call.params["tags"])
    call.progress.line(f"experiment {experiment} started")
    ended = False
    try:
        status, reason = wait_until(
            call.clock,
            call.progress,
            Wait(
                f"experiment {experiment} to end",
                lambda: fis.state(call.aws, experiment),
                lambda state: state[0] in _ENDED,
                call.params["timeout_seconds"],
                ": ".join,
                "It is stopped now.",
            ),
        )
        ended = True
    finally:
        if not ended:
            _stop(call, experiment)
    call.progress.line(f"experiment {experiment}: {status}")
    if status != "completed":
        raise Failure(f"Experiment {experiment} is {status}: {reason}", experiment_id=experiment, status=status)
    return {"changed": True, "experiment_id": experiment, "status": status, "reason": reason}


def _stop(call: Invocation, experiment: str) -> None:
    """One that has ended meanwhile cannot be stopped: what the wait failed for is told, not that."""
    try:
        fis.stop(call.aws, experiment)
    except AwsError as failed:
        call.progress.line(f"experiment {experiment} may go on: {failed}")
