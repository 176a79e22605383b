# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Error messages: what failed, why, and what to do. botocore's exception stays attached."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

# session.py reports a missing botocore before any call.
with contextlib.suppress(ImportError):
    from botocore import exceptions as boto

P = ParamSpec("P")
R = TypeVar("R")

_REFUSED_CREDENTIALS = {
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_THROTTLED = {"RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException"}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


class Failure(Exception):
    """Ends the task. `result` is what the task returns beside the message."""

    def __init__(self, message: str, **result: Any) -> None:
        super().__init__(message)
        self.result = result


class NotSentError(Failure):
    """A write was kept back, because the time in which it may be sent was over."""


class AwsError(Failure):
    """A failed call: 'Failed to …: <AWS's message>'."""

    def __init__(self, attempt: str, cause: boto.BotoCoreError | boto.ClientError) -> None:
        self.code = error_code(cause)
        self.cause = cause
        super().__init__(f"Failed to {attempt}: {describe(cause)}", error_code=self.code)

    @property
    def throttled(self) -> bool:
        """Whether AWS throttled the call, and therefore did nothing."""
        # ECS has no specific error code for concurrent registrations of one family.
        return self.code in _THROTTLED or "Too many concurrent attempts" in str(self.cause)

    @property
    def may_arrive(self) -> bool:
        """Whether nobody knows if the call took effect: it may still do so."""
        return self.transient and not self.throttled

    @property
    def transient(self) -> bool:
        """Whether the same call may succeed if it is retried."""
        if isinstance(self.cause, boto.ClientError):
            status = self.cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            return status >= 500 or self.throttled
        return isinstance(self.cause, (boto.HTTPClientError, boto.ConnectionError))


def error_code(cause: BaseException) -> str:
    """Return AWS's error code, or the name of botocore's exception if the request never reached AWS."""
    if isinstance(cause, boto.ClientError):
        return str(cause.response.get("Error", {}).get("Code", "Unknown"))
    return type(cause).__name__


def describe(cause: boto.BotoCoreError | boto.ClientError) -> str:
    """Return botocore's message, with advice where there is some."""
    said = str(cause).rstrip(".")
    no_credentials = (
        boto.NoCredentialsError,
        boto.PartialCredentialsError,
        boto.CredentialRetrievalError,
        boto.SSOError,
        boto.TokenRetrievalError,
    )
    if isinstance(cause, no_credentials):
        return (
            f"{said}. Set AWS_PROFILE (or the option profile), AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or run where a role provides credentials; `aws sts get-caller-identity` shows whether they work."
        )
    if isinstance(cause, boto.ProfileNotFound):
        return f"{said}. `aws configure list-profiles` lists the profiles of this machine."
    if isinstance(cause, (boto.HTTPClientError, boto.ConnectionError)):
        return f"{said}. Check the network, the region, and AWS_ENDPOINT_URL or the option endpoint_url if one is set."
    code = error_code(cause)
    if code in _REFUSED_CREDENTIALS:
        return f"{said}. AWS does not accept these credentials: renew them, and check this machine's time."
    if code in _DENIED:
        return f"{said}. The identity in use lacks this permission: grant it, or use another profile."
    return f"{said}."


def aws_call(attempt: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Turn botocore's exceptions into an AwsError 'Failed to <attempt>', {names} filled from the arguments."""

    def decorate(call: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(call)

        @functools.wraps(call)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return call(*args, **kwargs)
            except (boto.BotoCoreError, boto.ClientError) as cause:
                bound = signature.bind(*args, **kwargs)
                raise AwsError(attempt.format(**bound.arguments), cause) from cause

        return wrapper

    return decorate


def is_code(cause: BaseException, *codes: str) -> bool:
    """Tell whether a botocore exception carries one of these error codes."""
    return error_code(cause) in codes
