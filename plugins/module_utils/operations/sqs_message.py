# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""End the work on a message that was received: delete it, or hand it back to the queue."""

from __future__ import annotations

from typing import Any

from ..aws import sqs
from ..common.invocation import Invocation


def run(call: Invocation) -> dict[str, Any]:
    """Which of both SQS cannot tell afterwards: the message may have been gone, so this is always a change."""
    queue, receipt, outcome = (call.params[name] for name in ("queue_url", "receipt_handle", "outcome"))
    if not call.check_mode:
        (sqs.delete if outcome == "done" else sqs.make_visible)(call.aws, queue, receipt)
    diff = {"before": {"message": "received"}, "after": {"message": "deleted" if outcome == "done" else "visible"}}
    return {"changed": True, "diff": diff, "outcome": outcome}
