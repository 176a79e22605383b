# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Alarms on how much of their CPU and memory the tasks use that get the service's requests. Pure.

After a rollback the other colour stays warm, and keeps the memory that its version leaked: no user is served by it, so it is no
incident. Where no colour gets requests, both are judged.
"""

from __future__ import annotations

from typing import Any

from .alarm_parts import Rule
from .observed import Observed, alarm_of, judged, of_balancer, of_tasks, sum_of

_ECS = "AWS/ECS"


def of_utilisation(observed: Observed) -> list[dict[str, Any]]:
    limits = observed.thresholds
    return [
        _utilisation(observed, what, limit)
        for what, limit in (("CPU", limits.cpu_percent), ("Memory", limits.memory_percent))
    ]


def _utilisation(observed: Observed, what: str, limit: float) -> dict[str, Any]:
    metrics = of_tasks(observed, "used", _ECS, f"{what}Utilization", "Average")
    if observed.target_groups:
        metrics += of_balancer(observed, "requests", "RequestCount", "Sum")
    used = ", ".join(_where_served(observed, colour) for colour in observed.colours)
    return alarm_of(
        observed,
        what.lower(),
        f"{what} is above {limit:g} % for ten minutes: autoscaling is at its maximum, or absent, or a task leaks.",
        [*metrics, judged(f"MAX([{used}])", "percent")],
        # A colour without tasks reports nothing, and uses nothing.
        Rule(">", limit, 15, 10, "notBreaching"),
    )


def _where_served(observed: Observed, colour: str) -> str:
    """What a colour uses; 0 where the other one alone gets requests.

    While the counts of a minute are late, no colour has any, and both are judged: lateness hides nothing.
    """
    used = f"FILL(used_{colour}, 0)"
    if not observed.target_groups:
        return used
    served = f"(FILL(requests_{colour}, 0) > 0) OR ({sum_of(['requests'], observed.colours)} < 1)"
    return f"IF({served}, {used}, 0)"
