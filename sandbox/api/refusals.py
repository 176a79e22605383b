"""Refused calls: what a fault refuses with, and an error in the form that each of AWS's protocols gives it."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from xml.sax.saxutils import escape

from ..errors import ApiError
from ..faults.model import Fault
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


def encode(refused: ApiError, protocol: str, service: str = "") -> Refusal:
    request_id = str(uuid.uuid4())
    blame = "Sender" if refused.status < 500 else "Receiver"
    code, message = escape(refused.code), escape(refused.message)
    headers = [("x-amzn-RequestId", request_id)]
    if protocol in {JSON, REST_JSON}:
        headers += [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", refused.code)]
        # Services that spoke the query protocol once keep its codes in this header.
        headers.append(("x-amzn-query-error", f"{refused.code};{blame}"))
        body = json.dumps({"__type": refused.code, "message": refused.message})
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
    if protocol in {QUERY, REST_XML}:
        return ApiError("Throttling", "Rate exceeded")
    return ApiError("ThrottlingException", "Rate exceeded")


def denied(protocol: str, service: str, operation: str, caller: str) -> ApiError:
    """No permission, as the service says it."""
    action = f"{service}:{operation}"
    message = (
        f"User: {caller} is not authorized to perform: {action}"
        f" because no identity-based policy allows the {action} action"
    )
    if protocol == EC2:
        return ApiError("UnauthorizedOperation", "You are not authorized to perform this operation. " + message, 403)
    if protocol in {QUERY, REST_XML}:
        return ApiError("AccessDenied", message, 403)
    return ApiError("AccessDeniedException", message)


def delay(met: list[Fault]) -> None:
    """Wait as long as the latencies that a call meets say."""
    time.sleep(sum(one.milliseconds for one in met if one.kind == "latency") / 1000)


def refusal(met: list[Fault], protocol: str, service: str, operation: str, context: Context) -> ApiError | None:
    """What a call that meets these faults is refused with, in its service's words."""
    fault = next((one for one in met if one.kind != "latency"), None)
    if fault is None:
        return None
    if fault.kind == "throttle":
        return throttled(protocol, service)
    if fault.kind == "deny":
        caller = f"arn:aws:iam::{context.account}:user/{context.access_key}"
        return denied(protocol, service, operation, caller)
    return ApiError(fault.code, f"The request processing has failed ({fault.code}).", fault.status)
