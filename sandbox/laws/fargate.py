"""How many vCPUs an account runs at once on Fargate, by Service Quotas.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html: Fargate On-Demand vCPU resource count
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

SERVICE, CODE, NAME = "fargate", "L-3032A538", "Fargate On-Demand vCPU resource count"
# Six in a new account; AWS raises it by itself with use, and on request.
ALLOWED = 1000.0
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/throttling.html
REACHED = "You've reached the limit on the number of vCPUs you can run concurrently."
_CPU_UNITS = 1024


def vcpus(definitions: Iterable[Mapping[str, Any]]) -> float:
    """Of the task definitions of tasks."""
    return sum(int(definition["cpu"]) for definition in definitions) / _CPU_UNITS


def has_room(running: Iterable[Mapping[str, Any]], more: Mapping[str, Any], allowed: float = ALLOWED) -> bool:
    """Whether a task fits beside those that run."""
    return vcpus(running) + vcpus([more]) <= allowed
