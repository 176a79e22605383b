# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The alarm on a live colour that has no target left while the other colour is healthy. Pure.

The load balancer answers 503 then, and counts that for the load balancer only; the live colour's target group reports nothing at
all. No metric tells the weights. An alarm that keeps its state while there are no requests remembers which colour had the newest ones.
"""

from __future__ import annotations

from typing import Any

from ..aws.naming import COLOURS
from .alarm_parts import Rule
from .observed import Observed, alarm_of, judged, of_balancer, of_whole_balancer, sum_of

_BLUE, _GREEN = COLOURS


def live_alarms(observed: Observed) -> list[dict[str, Any]]:
    """The alarm, and before it the three that it is made of."""
    prefix = observed.names.alarm_prefix
    on_green = f"{prefix}traffic-on-green"
    lost = {colour: f"{prefix}without-target-{colour}" for colour in COLOURS}
    return [
        _traffic_on_green(observed),
        *(_without_target(observed, colour, other) for colour, other in ((_BLUE, _GREEN), (_GREEN, _BLUE))),
        {
            "name": f"{prefix}live-without-target",
            "description": "The colour that had the newest requests has no healthy target, the other one has, and the load balancer "
            "answers 503: no request is served. rollback.yml sends the traffic to the other colour.",
            "rule": f'(OK("{on_green}") AND ALARM("{lost[_BLUE]}")) OR (ALARM("{on_green}") AND ALARM("{lost[_GREEN]}"))',
        },
    ]


def _traffic_on_green(observed: Observed) -> dict[str, Any]:
    requests = sum_of(["requests"], COLOURS)
    # A minute without requests has no data point: a target group reports zeros while it has targets.
    share = f"IF({requests} > 0, 100 * FILL(requests_green, 0) / ({requests} + ({requests} < 1)))"
    return alarm_of(
        observed,
        "traffic-on-green",
        "Most of the newest requests went to green; OK: to blue. Only the alarm live-without-target looks at it.",
        [*of_balancer(observed, "requests", "RequestCount", "Sum"), judged(share, "percent of the requests")],
        # The newest requests are still the newest ones while there are none.
        Rule(">", 50, 1, 1, "ignore"),
    )


def _without_target(observed: Observed, colour: str, other: str) -> dict[str, Any]:
    """A minute in which the other colour reports no healthy target says nothing: it is late, or no-healthy-target's."""
    lost = f"(FILL(healthy_{colour}, 0) < 1) AND (FILL(unavailable, 0) > 0)"
    return alarm_of(
        observed,
        f"without-target-{colour}",
        f"{colour.capitalize()} has no healthy target, {other} has, and the load balancer answers 503 to requests of some service. Only "
        "the alarm live-without-target looks at it.",
        [
            *of_balancer(observed, "healthy", "HealthyHostCount", "Minimum"),
            of_whole_balancer(observed, "unavailable", "HTTPCode_ELB_503_Count", "Sum"),
            judged(f"IF(healthy_{other} >= 1, {lost})", "minutes without a target"),
        ],
        # Few requests do not come every minute, and the newest minute may not be whole yet.
        Rule(">", 0, 5, 3, "notBreaching"),
    )
