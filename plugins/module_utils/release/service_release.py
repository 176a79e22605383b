# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make a version live by the strategy of choice; then scheduled tasks follow it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..aws.errors import Failure
from ..common.invocation import Invocation
from ..rollout.model import Outcome
from ..rollout.strategy import STRATEGIES
from ..service import ecs_scheduled_tasks
from . import bluegreen_cutover
from .options import STRATEGY

__all__ = ["STRATEGIES", "run"]


def run(call: Invocation) -> dict[str, Any]:
    """Return what the release returned; a Failure of it leaves the schedules as they are."""
    params, strategy = call.params, call.params["strategy"]
    if params["failed_dependencies"]:
        reason = f"{params['service']} depends on what failed in this run: {', '.join(params['failed_dependencies'])}"
        message = f"refused: {reason}. Nothing was changed. Release them first, or {params['service']} by itself."
        raise Failure(message, outcome=str(Outcome.REFUSED), reason=reason, changed=False)
    in_plan = params["plan"].get("strategy")
    # Ansible fills in the option's own default.
    if in_plan not in (None, STRATEGY["strategy"]["default"], strategy):
        message = f"plan.strategy is {in_plan}, but strategy is {strategy}, which decides: set strategy alone. Nothing was changed."
        raise Failure(message, outcome=str(Outcome.REFUSED), changed=False)
    result = bluegreen_cutover.run(replace(call, params={**params, "plan": {**params["plan"], "strategy": strategy}}))
    if params["schedules"] is None:
        return result
    scheduling = {
        **params,
        "state": "present",
        "role_arn": params["schedule_role_arn"],
        "adopt": "schedule_group" in params["adopt"],
    }
    followed = ecs_scheduled_tasks.run(replace(call, params=scheduling))
    return {
        **result,
        "changed": result["changed"] or followed["changed"],
        "diff": [diff for diff in (result.get("diff"), followed["diff"]) if diff],
        "schedules": followed["reason"],
    }
