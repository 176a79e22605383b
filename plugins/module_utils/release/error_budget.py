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
from .metrics import of_target_group, whole_balancer_errors

# The finest data points that CloudWatch has of all of the time.
_PERIOD = 3600
_DAY = 24 * 3600
_BALANCER_ERRORS = "balancer_errors"
_Found = Mapping[str, Mapping[float, float]]


def budgets(aws: Aws, location: ServiceLocation, objectives: Sequence[Objective], now: float) -> list[Budget]:
    """In the order of the objectives. A worker and what a network load balancer carries are sent no requests, and have none."""
    if not location.is_routed or location.of_connections:
        return []
    return [_budget(aws, location, objective, now) for objective in objectives]


def _budget(aws: Aws, location: ServiceLocation, objective: Objective, now: float) -> Budget:
    end = math.ceil(now / _PERIOD) * _PERIOD
    window = Window(end - objective.window_days * _DAY, end, _PERIOD)
    metrics = {
        f"{colour}_{key}": metric for colour in Colour for key, metric in _metrics(location, colour, objective).items()
    }
    if not objective.is_latency:
        metrics[_BALANCER_ERRORS] = whole_balancer_errors(location)
    found = {name: dict(points) for name, points in cloudwatch.series(aws, metrics, window).items()}
    hours = sorted({at for points in found.values() for at in points})
    bad = _bad_by_latency if objective.is_latency else _failed
    total = sum(_total(found, "total", at) for at in hours)
    return Budget(objective, total, min(total, sum(bad(found, at) for at in hours)))


def _metrics(location: ServiceLocation, colour: Colour, objective: Objective) -> Mapping[str, Metric]:
    known = of_target_group(location, colour)
    if objective.is_latency:
        return {"total": known["timed"], "bad": replace(known["timed"], statistic=objective.slow_statistic)}
    return {"total": known["requests"], "bad": known["5xx"], "refused": known["refused"], "timed": known["timed"]}


def _bad_by_latency(found: _Found, at: float) -> int:
    return _total(found, "bad", at)


def _failed(found: _Found, at: float) -> int:
    """As the alarms count it, hour by hour: clients that leave spend no budget in an hour without errors of the load balancer."""
    unanswered = _total(found, "total", at) - _total(found, "timed", at)
    by_balancer = min(unanswered, int(found.get(_BALANCER_ERRORS, {}).get(at, 0.0)))
    return _total(found, "bad", at) + max(_total(found, "refused", at), by_balancer)


def _total(found: _Found, key: str, at: float) -> int:
    return int(sum(found.get(f"{colour}_{key}", {}).get(at, 0.0) for colour in Colour))
