# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads before a controller works, and of one who only looks: while AWS throttles them they are made again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from ..aws.errors import AwsError
from ..common.clock import polling_intervals
from ..common.invocation import Invocation
from ..common.waiting import Retry, retry
from .ports import PortError

T = TypeVar("T")
# Others of the account use up a quota for a while; a rollback that ended for it would help nobody.
_PATIENCE_SECONDS = 180.0


def once_answered(call: Invocation, read: Callable[[], T]) -> T:
    """What is read; from its beginning again while AWS throttles a call of it. Any other error ends it."""
    throttled = Retry(
        passes=lambda failed: failed.throttled,
        seconds=_PATIENCE_SECONDS,
        line=lambda failed, pause: f"{failed} Looking again in {pause:.0f} s",
        pauses=partial(polling_intervals, first=1.0, longest=8.0),
        errors=(AwsError, PortError),
    )
    return retry(call.clock, call.progress, throttled, read)
