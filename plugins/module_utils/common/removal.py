# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deletes a resource that may still be in use for a while: the way of environment_teardown and of state=absent."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..aws.errors import AwsError, Failure
from .clock import polling_intervals
from .invocation import Invocation
from .waiting import Retry, retry

_POLL_SECONDS = 3
# A NAT gateway and a mount target take minutes to go, and hold subnets and groups meanwhile.
SECONDS = 1800


def delete(call: Invocation, what: object, seconds: float, request: Callable[[], object]) -> bool:
    """Retry until AWS accepts the deletion: what uses the resource is being deleted. False where it does not exist."""
    in_use = Retry(
        passes=lambda error: is_in_use(error.code),
        seconds=seconds,
        line=lambda error, _pause: f"waiting for {what}, which is still in use: {error.code}",
        pauses=partial(polling_intervals, longest=_POLL_SECONDS),
    )
    try:
        retry(call.clock, call.progress, in_use, request)
    except AwsError as error:
        if is_gone(error.code):
            return False
        if not is_in_use(error.code):
            raise
        raise Failure(
            f"Waited {seconds:.0f} s for {what}, which is still in use. {error} Look for a resource in "
            "it that the collection does not manage, remove that, and run again."
        ) from error
    return True


def is_gone(code: str) -> bool:
    """Whether an error code means that the resource does not exist."""
    return "NotFound" in code or code.startswith("NoSuch") or code == "ServiceNotActiveException"


def is_in_use(code: str) -> bool:
    """Whether an error code means that the resource is still in use."""
    return code in {
        "AuthFailure",  # an address whose gateway is not gone yet
        "ClusterContainsServicesException",
        "ClusterContainsTasksException",
        "ConflictException",
        "DependencyViolation",
        "FileSystemInUse",
        "Gateway.NotAttached",
        "HealthCheckInUse",
        "InvalidDBParameterGroupState",
        "InvalidDBSubnetGroupStateFault",
        "InvalidDBClusterStateFault",
        "InvalidDBInstanceState",
        "InvalidGroup.InUse",
        "InvalidIPAddress.InUse",
        "InvalidRequestException",  # a vault whose backups are still going
        "OperationNotPermitted",
        "ResourceInUse",
        "ResourceInUseException",
        "UpdateInProgressException",
    }
