# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make a version live by whichever strategy is asked for; then what runs at its times follows it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..aws.errors import Failure
from ..common.invocation import Invocation
from ..rollout.model import Outcome
from ..rollout.strategy import STRATEGIES
from ..service import ecs_scheduled_tasks as scheduled_tasks
from . import ecs_rollout as rolling_release
from .bluegreen import cutover

__all__ = ["STRATEGIES", "run"]


def run(call: Invocation) -> dict[str, Any]:
    """Return what the release returned; a Failure of it leaves the schedules as they are."""
    wanted, strategy = call.params, call.params["strategy"]
    if wanted["failed_dependencies"]:
        reason = f"{wanted['service']} depends on what failed in this run: {', '.join(wanted['failed_dependencies'])}"
        said = f"refused: {reason}. Nothing was changed. Release them first, or {wanted['service']} by itself."
        raise Failure(said, outcome=str(Outcome.REFUSED), reason=reason, changed=False)
    if strategy == "rolling":
        result = rolling_release.run(call)
    else:
        result = cutover(replace(call, params={**wanted, "plan": {**wanted["plan"], "strategy": strategy}}))
    if wanted["schedules"] is None:
        return result
    followed = scheduled_tasks.run(replace(call, params={**wanted, "role_arn": wanted["schedule_role_arn"]}))
    return {
        **result,
        "changed": result["changed"] or followed["changed"],
        "diff": [one for one in (result.get("diff"), followed["diff"]) if one],
        "schedules": followed["reason"],
    }
