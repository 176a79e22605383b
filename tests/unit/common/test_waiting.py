"""Waiting: a poll ends with the state it was for or with the last one observed; a retry ends with the error itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError
from ansible_collections.pear.fargate.plugins.module_utils.common.waiting import (
    Retry,
    Wait,
    WaitTimeoutError,
    retry,
    wait_until,
)
from botocore.exceptions import ClientError

from ..clocks import QuickClock
from ..progress import Lines


def states(*observed: str) -> Callable[[], str]:
    """Each state once, the last one for ever."""

    def forever() -> Iterator[str]:
        yield from observed
        while True:
            yield observed[-1]

    return forever().__next__


def wait(*observed: str, **more: Any) -> Wait[str]:
    return Wait("table ledger", states(*observed), lambda state: state == "ACTIVE", 60, **more)


def test_a_state_that_is_reached_already_is_returned_without_a_pause() -> None:
    clock, progress = QuickClock(), Lines()
    assert wait_until(clock, progress, wait("ACTIVE")) == "ACTIVE"
    assert (clock.now(), progress.heartbeats) == (0, [])


def test_polling_goes_on_until_the_state_is_reached_and_reports_what_it_observes() -> None:
    clock, progress = QuickClock(), Lines()
    assert wait_until(clock, progress, wait("CREATING", "UPDATING", "ACTIVE")) == "ACTIVE"
    assert progress.heartbeats == ["waiting for table ledger: CREATING", "waiting for table ledger: UPDATING"]
    assert 0 < clock.now() < 5


def test_a_timeout_carries_the_last_observed_state_and_what_to_do() -> None:
    clock = QuickClock()
    with pytest.raises(WaitTimeoutError) as raised:
        wait_until(clock, Lines(), wait("CREATING", "UPDATING", state=str.lower, advice="Look at the console."))
    assert str(raised.value) == (
        "Waited 60 s for table ledger; the last observed state is: updating. Look at the console."
    )
    assert raised.value.last == "UPDATING"
    assert 60 <= clock.now() < 65


class Call:
    """Ends in errors of these codes, one after the other, and then succeeds."""

    def __init__(self, *codes: str) -> None:
        self.codes, self.count = list(codes), 0

    def __call__(self) -> str:
        self.count += 1
        if self.codes:
            error = {"Error": {"Code": self.codes.pop(0), "Message": "not now"}}
            raise AwsError("delete it", ClientError(error, "Delete"))
        return "deleted"


IN_USE = Retry(lambda error: error.code == "InUse", 60, lambda error, _pause: f"waiting: {error.code}")


def test_an_error_that_passes_is_retried_and_reported() -> None:
    progress, call = Lines(), Call("InUse", "InUse")
    assert retry(QuickClock(), progress, IN_USE, call) == "deleted"
    assert (call.count, progress.heartbeats) == (3, ["waiting: InUse"] * 2)


def test_an_error_that_does_not_pass_is_raised_at_once() -> None:
    call = Call("InUse", "AccessDenied", "InUse")
    with pytest.raises(AwsError, match="AccessDenied"):
        retry(QuickClock(), Lines(), IN_USE, call)
    assert call.count == 2


def test_an_error_that_does_not_pass_in_time_is_raised() -> None:
    clock = QuickClock()
    with pytest.raises(AwsError, match="InUse"):
        retry(clock, Lines(), IN_USE, Call(*["InUse"] * 1000))
    assert 50 < clock.now() <= 60
