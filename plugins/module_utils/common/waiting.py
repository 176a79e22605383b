# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waiting: poll until a state is reached, or retry a call until AWS accepts it. The clock is a parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..aws.errors import AwsError, Failure
from .clock import Clock, polling_intervals
from .progress import Progress

T = TypeVar("T")


@dataclass(frozen=True)
class Wait(Generic[T]):
    """A state to wait for: how to read it, when it is reached, and how it is reported."""

    what: str
    observe: Callable[[], T]
    done: Callable[[T], bool]
    seconds: float
    # The observed state, for the heartbeat and for the message of a timeout.
    state: Callable[[T], str] = str
    advice: str = "Run the playbook again to continue waiting."
    longest_pause: float = 2.0


class WaitTimeoutError(Failure):
    """The state was not reached in time. `last` is the last observation."""

    def __init__(self, message: str, last: Any) -> None:
        super().__init__(message)
        self.last = last


def wait_until(clock: Clock, progress: Progress, wait: Wait[T]) -> T:
    """Return the first observation that is done; raise WaitTimeoutError with the last observed state."""
    deadline = clock.now() + wait.seconds
    for pause in polling_intervals(longest=wait.longest_pause):
        observed = wait.observe()
        if wait.done(observed):
            return observed
        state = wait.state(observed)
        if clock.now() > deadline:
            raise WaitTimeoutError(
                f"Waited {wait.seconds:.0f} s for {wait.what}; the last observed state is: {state}. {wait.advice}",
                observed,
            )
        progress.heartbeat(f"waiting for {wait.what}: {state}")
        clock.sleep(pause)
    raise AssertionError("polling intervals never end")


@dataclass(frozen=True)
class Retry:
    """Errors that pass, and for how long to retry a call that ends in one."""

    passes: Callable[[Any], bool]
    seconds: float
    # The progress line of a retry, from the error and the pause.
    line: Callable[[Any, float], str]
    pauses: Callable[[], Iterable[float]] = polling_intervals
    # The errors that `passes` is asked about; any other ends the call.
    errors: tuple[type[Exception], ...] = (AwsError,)


def retry(clock: Clock, progress: Progress, how: Retry, call: Callable[[], T]) -> T:
    """Return the result of the call; raise its error if it does not pass, or not in time."""
    deadline = clock.now() + how.seconds
    for pause in how.pauses():
        try:
            return call()
        except how.errors as error:
            if not how.passes(error) or clock.now() + pause > deadline:
                raise
            progress.heartbeat(how.line(error, pause))
        clock.sleep(pause)
    raise AssertionError("pauses never end")
