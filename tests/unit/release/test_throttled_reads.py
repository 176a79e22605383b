"""Reads before a controller works are made again while AWS throttles them, and for nothing else."""

from __future__ import annotations

from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.release import bluegreen_info, bluegreen_rollback
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import PortError
from ansible_collections.pear.fargate.plugins.module_utils.release.throttled_reads import once_answered
from botocore.exceptions import ClientError

from ..clocks import QuickClock, RecordedProgress


def failed(code: str) -> AwsError:
    return AwsError(
        "read the rules", ClientError({"Error": {"Code": code, "Message": "Rate exceeded"}}, "DescribeRules")
    )


def invocation(**params: Any) -> Invocation:
    return Invocation(params, cast(Aws, None), clock=QuickClock(), progress=RecordedProgress())


class Answers:
    """Errors one after the other, then an answer."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.calls = 0

    def __call__(self, *_given: Any) -> str:
        self.calls += 1
        if self._errors:
            raise self._errors.pop(0)
        return "answer"


@pytest.mark.parametrize(
    "error",
    [failed("Throttling"), failed("ThrottlingException"), PortError("read", transient=True, throttled=True)],
)
def test_a_throttled_read_is_made_again(error: Exception) -> None:
    answers = Answers(*[error] * 8)
    assert once_answered(invocation(), answers) == "answer"
    assert answers.calls == 9


@pytest.mark.parametrize(
    "error", [failed("AccessDenied"), failed("InternalFailure"), PortError("read", transient=True)]
)
def test_another_error_ends_it(error: Exception) -> None:
    answers = Answers(error)
    with pytest.raises(type(error)):
        once_answered(invocation(), answers)
    assert answers.calls == 1


def test_it_does_not_go_on_for_ever() -> None:
    call = invocation()
    with pytest.raises(AwsError, match="Rate exceeded"):
        once_answered(call, Answers(*[failed("Throttling")] * 1000))
    assert 60 < call.clock.now() < 240


@pytest.mark.parametrize("module", [bluegreen_info, bluegreen_rollback])
def test_status_and_rollback_find_their_service_while_aws_throttles(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = Answers(*[failed("Throttling")] * 6, failed("AccessDenied"))
    monkeypatch.setattr(module, "locate_by", answers)
    with pytest.raises(AwsError, match="AccessDenied"):
        module.run(invocation())
    assert answers.calls == 7
