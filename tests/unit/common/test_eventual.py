"""What AWS refuses for some seconds after something was made is asked again, for exactly that error and not for ever."""

from __future__ import annotations

from typing import cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import AwsError
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.eventual import (
    ECS_ROLE,
    SCHEDULER_ROLE,
    WEB_ACL_TARGET,
    Pending,
    once_ready,
)
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from botocore.exceptions import ClientError

from ..clocks import QuickClock

# As AWS says it.
NO_ECS_ROLE = (
    "InvalidParameterException",
    "Unable to assume the service linked role. Please verify that the ECS service linked role exists.",
)
NO_SCHEDULER_ROLE = (
    "ValidationException",
    "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
)
NO_WAF = (
    "WAFUnavailableEntityException",
    "AWS WAF couldn't retrieve the resource that you requested. Retry your request.",
)


class Service:
    """Refuses with an error until a moment."""

    def __init__(self, clock: QuickClock, code: str, message: str, until: float) -> None:
        self.clock, self.until, self.calls = clock, until, 0
        self.error = ClientError({"Error": {"Code": code, "Message": message}}, "Create")

    def create(self) -> str:
        self.calls += 1
        if self.clock.now() < self.until:
            raise AwsError("create it", self.error)
        return "made"


def attempt(pending: Pending, error: tuple[str, str], until: float) -> tuple[Service, str]:
    clock = QuickClock()
    service = Service(clock, *error, until)
    return service, once_ready(Invocation({}, cast(Aws, None), clock=clock), pending, service.create)


@pytest.mark.parametrize(
    ("pending", "error"),
    [
        pytest.param(ECS_ROLE, NO_ECS_ROLE, id="first cluster of an account"),
        pytest.param(WEB_ACL_TARGET, NO_WAF, id="web ACL of a new load balancer"),
        pytest.param(SCHEDULER_ROLE, NO_SCHEDULER_ROLE, id="schedule with a new role"),
    ],
)
def test_it_is_asked_again_until_it_is_ready(pending: Pending, error: tuple[str, str]) -> None:
    service, answer = attempt(pending, error, 20.0)
    assert answer == "made" and service.calls > 3
    with pytest.raises(AwsError, match=error[1][:20]):
        attempt(pending, error, pending.seconds + 60)


@pytest.mark.parametrize("pending", [ECS_ROLE, SCHEDULER_ROLE], ids=["ECS", "Scheduler"])
def test_another_error_of_the_same_code_ends_it_at_once(pending: Pending) -> None:
    clock = QuickClock()
    service = Service(clock, pending.code, "The name is too long.", 20.0)
    with pytest.raises(AwsError, match="too long"):
        once_ready(Invocation({}, cast(Aws, None), clock=clock), pending, service.create)
    assert service.calls == 1
