"""Refused calls: what a fault refuses with, and an error in the form that each of AWS's protocols gives it."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from ..errors import ApiError
from ..faults.model import Fault
from ..laws.iam.calls import Need
from ..laws.iam.policies import Verdict
from .overlay import Context

JSON, QUERY, EC2, REST_JSON, REST_XML = "json", "query", "ec2", "rest-json", "rest-xml"
_REST = {"elasticfilesystem": REST_JSON, "route53": REST_XML, "s3": REST_XML, "lambda": REST_JSON}


@dataclass(frozen=True)
class Refusal:
    """Status, headers and body of a refused call."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def protocol_of(service: str, *, targeted: bool, form: bool) -> str:
    """The protocol of a request: one with a target header, a form, or one whose path is its operation."""
    if targeted:
        return JSON
    if form:
        return EC2 if service == "ec2" else QUERY
    return _REST.get(service, REST_JSON)


def protocol_of_request(environ: Mapping[str, Any], service: str) -> str:
    form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    return protocol_of(service, targeted="HTTP_X_AMZ_TARGET" in environ, form=form)


def encode(refused: ApiError, protocol: str, service: str = "") -> Refusal:
    request_id = str(uuid.uuid4())
    blame = "Sender" if refused.status < 500 else "Receiver"
    code, message = escape(refused.code), escape(refused.message)
    headers = [("x-amzn-RequestId", request_id)]
    if protocol in {JSON, REST_JSON}:
        headers += [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", refused.code)]
        # Services that spoke the query protocol once keep its codes in this header.
        headers.append(("x-amzn-query-error", f"{refused.code};{blame}"))
        body = json.dumps({"__type": refused.code, "message": refused.message, **refused.members})
    elif protocol == EC2:
        headers.append(("Content-Type", "text/xml"))
        inner = f"<Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        body = f"<Response>{inner}<RequestID>{request_id}</RequestID></Response>"
    elif service == "s3":
        headers.append(("Content-Type", "application/xml"))
        body = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
    else:
        headers.append(("Content-Type", "text/xml"))
        inner = f"<Error><Type>{blame}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        body = f"<ErrorResponse>{inner}<RequestId>{request_id}</RequestId></ErrorResponse>"
    text = body.encode()
    return Refusal(refused.status, [*headers, ("Content-Length", str(len(text)))], text)


def throttled(protocol: str, service: str) -> ApiError:
    """Too many calls, as the service says it."""
    if protocol == EC2:
        return ApiError("RequestLimitExceeded", "Request limit exceeded.", 503)
    if service == "s3":
        return ApiError("SlowDown", "Please reduce your request rate.", 503)
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html, although its protocol is the same
    if protocol in {QUERY, REST_XML} and service != "elasticloadbalancing":
        return ApiError("Throttling", "Rate exceeded")
    return ApiError("ThrottlingException", "Rate exceeded")


def not_authorized(protocol: str, service: str, caller: str, need: Need, verdict: Verdict) -> ApiError:
    """No permission, as the service says it."""
    # EC2 names a resource only where the action takes one.
    resource = f" on resource: {need.resource}" if need.resource != "*" or protocol != EC2 else ""
    return _denial(
        protocol,
        f"User: {caller} is not authorized to perform: {need.action}{resource} {verdict.reason}",
    )


def denied(protocol: str, service: str, operation: str, caller: str) -> ApiError:
    """A call that a fault refuses."""
    action = f"{service}:{operation}"
    verdict = Verdict(False, f"because no identity-based policy allows the {action} action")
    return not_authorized(protocol, service, caller, Need(action, "*"), verdict)


def _denial(protocol: str, message: str) -> ApiError:
    if protocol == EC2:
        return ApiError("UnauthorizedOperation", "You are not authorized to perform this operation. " + message, 403)
    if protocol in {QUERY, REST_XML}:
        return ApiError("AccessDenied", message, 403)
    return ApiError("AccessDeniedException", message, 403 if protocol == REST_JSON else 400)


def unknown_key(protocol: str, service: str) -> ApiError:
    """An access key that nobody has."""
    if protocol == EC2:
        message = "AWS was not able to validate the provided access credentials"
        return ApiError("AuthFailure", message, 401)
    if service == "s3":
        return ApiError("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403)
    code = "InvalidClientTokenId" if protocol in {QUERY, REST_XML} else "UnrecognizedClientException"
    return ApiError(code, "The security token included in the request is invalid.", 403)


def unsigned() -> ApiError:
    """A call of a service that nobody has signed.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html
    """
    return ApiError("MissingAuthenticationTokenException", "Missing Authentication Token")


def delay(met: list[Fault]) -> None:
    """Wait as long as the latencies that a call meets say."""
    time.sleep(sum(fault.milliseconds for fault in met if fault.kind == "latency") / 1000)


def refusal(met: list[Fault], protocol: str, service: str, operation: str, context: Context) -> ApiError | None:
    """What a call that meets these faults is refused with, in its service's words."""
    fault = next((fault for fault in met if fault.kind != "latency"), None)
    if fault is None:
        return None
    if fault.kind == "throttle":
        return throttled(protocol, service)
    if fault.kind == "deny":
        caller = f"arn:aws:iam::{context.account}:user/{context.access_key}"
        return denied(protocol, service, operation, caller)
    return ApiError(fault.code, f"The request processing has failed ({fault.code}).", fault.status)
