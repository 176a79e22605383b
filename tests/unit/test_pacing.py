"""Writes that AWS refuses as one too many are made again at its pace; what it refuses otherwise is not."""

from __future__ import annotations

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError
from ansible_collections.pear.fargate.plugins.module_utils.common.pacing import PATIENCE_SECONDS, paced
from botocore.exceptions import ClientError

from .clocks import QuickClock
from .progress import Lines


class Bucket:
    """ECS's: tokens that come back one a second, and others who take each of them first for a while."""

    def __init__(self, clock: QuickClock, empty_for: float, code: str = "ThrottlingException") -> None:
        self.clock, self.code, self.requested = clock, code, 0
        self.free_at = clock.now() + empty_for

    def register(self) -> str:
        self.requested += 1
        if self.clock.now() < self.free_at:
            error = {"Error": {"Code": self.code, "Message": "Rate exceeded"}}
            raise AwsError("register a revision", ClientError(error, "RegisterTaskDefinition"))
        return "app:2"


def test_a_call_gets_through_once_the_bucket_has_a_token_and_waiting_is_said() -> None:
    clock, said = QuickClock(), Lines()
    bucket = Bucket(clock, empty_for=50)
    assert paced(clock, said, bucket.register) == "app:2"
    # Soon after there is a token, and without hammering until then.
    assert clock.now() < bucket.free_at + 8
    assert bucket.requested < 25
    assert "retrying in" in said.heartbeats[0]


def test_patience_ends_with_what_aws_said() -> None:
    clock = QuickClock()
    bucket = Bucket(clock, empty_for=10 * PATIENCE_SECONDS)
    began = clock.now()
    with pytest.raises(AwsError, match="Rate exceeded"):
        paced(clock, Lines(), bucket.register)
    assert clock.now() - began <= PATIENCE_SECONDS


def test_what_is_refused_for_another_reason_is_not_asked_again() -> None:
    clock = QuickClock()
    bucket = Bucket(clock, empty_for=50, code="AccessDeniedException")
    with pytest.raises(AwsError):
        paced(clock, Lines(), bucket.register)
    assert bucket.requested == 1
