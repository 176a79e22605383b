# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Calls that AWS refuses for some seconds after something was made: repeated for exactly those errors, and not for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from ..aws.errors import AwsError
from .clock import polling_intervals
from .invocation import Invocation
from .waiting import Retry, retry

T = TypeVar("T")


@dataclass(frozen=True)
class Pending:
    """What is not ready yet: the error that says so, by its code and words of its message, and how long it may take."""

    what: str
    code: str
    words: str = ""
    seconds: float = 120.0

    def matches(self, error: AwsError) -> bool:
        return error.code == self.code and self.words in str(error)


# The first cluster of an account: ECS makes its role, and cannot assume it at once.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
ECS_ROLE = Pending("ECS's service-linked role", "InvalidParameterException", "service linked role")
# https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html: what was just made is unknown to WAF.
WEB_ACL_TARGET = Pending("AWS WAF, which does not know the load balancer yet", "WAFUnavailableEntityException")
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html#troubleshoot_general_eventual-consistency
SCHEDULER_ROLE = Pending("the role of the schedule", "ValidationException", "allow AWS EventBridge Scheduler to assume")


def once_ready(call: Invocation, pending: Pending, request: Callable[[], T]) -> T:
    """Make a request, again and again while it is refused because of what is pending; any other error ends it."""
    waiting = Retry(
        passes=pending.matches,
        seconds=pending.seconds,
        line=lambda _error, _pause: f"waiting for {pending.what}",
        pauses=partial(polling_intervals, longest=5.0),
    )
    return retry(call.clock, call.progress, waiting, request)
