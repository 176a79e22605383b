# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Error messages: what failed, why, and what to do. botocore's exception stays attached."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

from . import error_codes
from .answers import READING
from .credentials import sentence_of
from .error_codes import Meaning

# session.py reports a missing botocore before any call.
with contextlib.suppress(ImportError):
    from botocore import exceptions as boto
    from botocore.parsers import ResponseParserError

# Other codes of denial come from policies of the resource, which another identity would not change.
_UNPERMITTED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}

P = ParamSpec("P")
R = TypeVar("R")


class Failure(Exception):
    """Ends the task. `result` is what the task returns beside the message."""

    def __init__(self, message: str, **result: Any) -> None:
        super().__init__(message)
        self.result = result


class NotSentError(Failure):
    """A write was kept back, because the time in which it may be sent was over."""


class AwsError(Failure):
    """A failed call: 'Failed to …: <AWS's message>'."""

    def __init__(self, attempt: str, cause: boto.BotoCoreError | boto.ClientError | ResponseParserError) -> None:
        self.code = error_code(cause)
        self.meaning = meaning_of(cause)
        self.cause = cause
        super().__init__(f"Failed to {attempt}: {describe(cause)}", error_code=self.code)

    @property
    def throttled(self) -> bool:
        """Whether AWS throttled the call, and therefore did nothing."""
        return self.meaning is Meaning.THROTTLED

    @property
    def reads(self) -> bool:
        """Whether the call only reads, by its name."""
        return str(getattr(self.cause, "operation_name", "")).startswith(READING)

    @property
    def may_arrive(self) -> bool:
        """Whether it is unknown if the call took effect: it may still do so."""
        return self.meaning is Meaning.FAULT

    @property
    def transient(self) -> bool:
        """Whether the same call may succeed if it is retried."""
        return self.meaning in (Meaning.THROTTLED, Meaning.BUSY, Meaning.FAULT)


def meaning_of(cause: BaseException) -> Meaning:
    """What a failed call's error means. Without an answer that can be read, the effect of the call is unknown."""
    if isinstance(cause, (boto.CredentialRetrievalError, boto.MetadataRetrievalError)):
        # Nothing was sent. An instance's metadata service or a command may answer the next time.
        return Meaning.BUSY
    if not isinstance(cause, boto.ClientError):
        without_answer = (boto.HTTPClientError, boto.ConnectionError, ResponseParserError)
        return Meaning.FAULT if isinstance(cause, without_answer) else Meaning.UNKNOWN
    code = error_code(cause)
    if code == "TransactionCanceledException":
        reasons = cause.response.get("CancellationReasons") or []
        return error_codes.of_transaction([reason.get("Code") for reason in reasons])
    # ECS has no specific error code for concurrent registrations of one family.
    if "Too many concurrent attempts" in str(cause):
        return Meaning.THROTTLED
    found = error_codes.meaning(code)
    status = cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return Meaning.FAULT if found is Meaning.UNKNOWN and status >= 500 else found


def error_code(cause: BaseException) -> str:
    """Return AWS's error code, or the name of botocore's exception if the request never reached AWS."""
    if isinstance(cause, boto.ClientError):
        return str(cause.response.get("Error", {}).get("Code", "Unknown"))
    return type(cause).__name__


def describe(cause: boto.BotoCoreError | boto.ClientError | ResponseParserError) -> str:
    """Return botocore's message, with advice where there is some."""
    said = str(cause).rstrip(".")
    if isinstance(cause, ResponseParserError):
        return (
            f"{said}. The answer is not AWS's: check proxies between here and AWS, and AWS_ENDPOINT_URL if it is set."
        )
    credentials = sentence_of(cause)
    if credentials is not None:
        return f"{credentials}."
    if isinstance(cause, (boto.HTTPClientError, boto.ConnectionError)):
        return f"{said}. Check the network, the region, and AWS_ENDPOINT_URL or the option endpoint_url if one is set."
    found = meaning_of(cause)
    if found is Meaning.CREDENTIALS:
        return f"{said}. AWS does not accept these credentials: renew them, and check this machine's time."
    if error_code(cause) in _UNPERMITTED:
        return f"{said}. The identity in use lacks this permission: grant it, or use another profile."
    return f"{said}."


def aws_call(attempt: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Turn botocore's exceptions into an AwsError 'Failed to <attempt>', {names} filled from the arguments."""

    def decorate(call: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(call)

        def failed(
            cause: boto.BotoCoreError | boto.ClientError | ResponseParserError, *args: P.args, **kwargs: P.kwargs
        ) -> AwsError:
            return AwsError(attempt.format(**signature.bind(*args, **kwargs).arguments), cause)

        @functools.wraps(call)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return call(*args, **kwargs)
            except (boto.BotoCoreError, boto.ClientError, ResponseParserError) as cause:
                raise failed(cause, *args, **kwargs) from cause
            except KeyError as missing:
                # A proxy may answer with JSON that has nothing of what AWS always sends.
                unreadable = ResponseParserError(f"The answer holds no {missing}")
                raise failed(unreadable, *args, **kwargs) from missing

        return wrapper

    return decorate


@contextlib.contextmanager
def passing_over(*codes: str) -> Iterator[None]:
    """A call for which an answer with one of these codes is as good as a success, such as the removal of what is gone."""
    try:
        yield
    except boto.ClientError as cause:
        if not is_code(cause, *codes):
            raise


def is_code(cause: BaseException, *codes: str) -> bool:
    """Tell whether a botocore exception carries one of these error codes."""
    return error_code(cause) in codes
