# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Retries throttled writes: many concurrent releases call faster than AWS's rate limits allow.

ECS registers one task definition a second of an account and region, after a burst of some tens; services are written no
faster (https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html). botocore's own retries end
within seconds, fifty releases take a minute to get through.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import TypeVar

from ..aws.errors import AwsError
from .clock import Clock
from .progress import Progress
from .waiting import Retry, retry

PATIENCE_SECONDS = 180.0
T = TypeVar("T")


def pauses() -> Iterator[float]:
    """Yield backoff pauses up to eight seconds, with jitter so that throttled callers do not retry together."""
    longest = 1.0
    while True:
        yield random.uniform(longest / 2, longest)
        longest = min(8.0, longest * 2)


def paced(clock: Clock, progress: Progress, call: Callable[[], T]) -> T:
    """Retry a call while AWS throttles it; raise the error after three minutes."""

    def line(throttled: AwsError, pause: float) -> str:
        return f"{throttled} Throttled; retrying in {pause:.1f} s"

    return retry(clock, progress, Retry(lambda error: error.throttled, PATIENCE_SECONDS, line, pauses), call)
