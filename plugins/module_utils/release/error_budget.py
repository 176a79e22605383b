# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads how much of the error budgets of a service is left, from the load balancer's metrics of both colours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..aws import cloudwatch
from ..aws.cloudwatch import Metric, Window
from ..aws.session import Aws
from ..monitoring.objectives import Budget, Objective
from ..rollout.model import Colour
from ..service.location import ServiceLocation
from .metrics import of_target_group

# The finest data points that CloudWatch has of all of the time.
_PERIOD = 3600
_DAY = 24 * 3600


def budgets(aws: Aws, location: ServiceLocation, objectives: Sequence[Objective], now: float) -> list[Budget]:
    """In the order of the objectives. A worker is sent no requests, and has none."""
    if not location.is_routed:
        return []
    return [_budget(aws, location, objective, now) for objective in objectives]


def _budget(aws: Aws, location: ServiceLocation, objective: Objective, now: float) -> Budget:
    end = math.ceil(now / _PERIOD) * _PERIOD
    window = Window(end - objective.window_days * _DAY, end, _PERIOD)
    wanted = {
        f"{colour}_{key}": metric for colour in Colour for key, metric in _metrics(location, colour, objective).items()
    }
    found = {name: sum(values) for name, values in cloudwatch.values(aws, wanted, window).items()}
    return Budget(
        objective, _total(found, "total"), min(_total(found, "total"), _total(found, "bad") + _total(found, "refused"))
    )


def _metrics(location: ServiceLocation, colour: Colour, objective: Objective) -> Mapping[str, Metric]:
    known = of_target_group(location, colour)
    if objective.is_latency:
        return {"total": known["timed"], "bad": replace(known["timed"], statistic=objective.slow_statistic)}
    return {"total": known["requests"], "bad": known["5xx"], "refused": known["refused"]}


def _total(found: Mapping[str, float], key: str) -> int:
    return int(sum(found.get(f"{colour}_{key}", 0.0) for colour in Colour))
