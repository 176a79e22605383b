# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads before a controller works, and of one who only looks: while AWS throttles them they are made again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..aws.errors import AwsError
from ..common.clock import polling_intervals
from ..common.invocation import Invocation
from .ports import PortError

T = TypeVar("T")
# Others of the account use up a quota for a while; a rollback that ended for it would help nobody.
_PATIENCE_SECONDS = 180.0


def once_answered(call: Invocation, read: Callable[[], T]) -> T:
    """What is read; from its beginning again while AWS throttles a call of it. Any other error ends it."""
    deadline = call.clock.now() + _PATIENCE_SECONDS
    for pause in polling_intervals(first=1.0, longest=8.0):
        try:
            return read()
        except (AwsError, PortError) as failed:
            if not failed.throttled or call.clock.now() + pause > deadline:
                raise
            call.progress.heartbeat(f"{failed} Looking again in {pause:.0f} s")
        call.clock.sleep(pause)
    raise AssertionError("polling intervals never end")
