# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What AWS refuses, as the controller's ports say it: a sentence, and whether the same call may succeed later."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ..aws.errors import AwsError, Failure, NotSentError
from .ports import PortError

P = ParamSpec("P")
R = TypeVar("R")


def port_call(call: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(call)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except AwsError as cause:
            raise PortError(
                str(cause),
                transient=cause.transient,
                throttled=cause.throttled,
                may_arrive=cause.may_arrive,
                reads=cause.reads,
            ) from cause
        except NotSentError as cause:
            raise PortError(str(cause), transient=True) from cause
        except Failure as cause:
            raise PortError(str(cause), transient=False) from cause

    return wrapper
