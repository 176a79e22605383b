"""Three calls of AWS, signed: a log stream, log events, trace segments. By hand, so that the image needs Python alone.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

_ANSWER_SECONDS = 10


class Refused(Exception):
    """AWS did not take it, or did not answer."""


@dataclass(frozen=True)
class Credentials:
    access_key: str
    secret_key: str
    token: str


@dataclass(frozen=True)
class Aws:
    """Signs with one role's credentials, for one region."""

    credentials: Credentials
    region: str
    endpoint: str | None

    def create_log_stream(self, group: str, stream: str) -> None:
        try:
            self._logs("CreateLogStream", {"logGroupName": group, "logStreamName": stream})
        except Refused as refused:
            if "ResourceAlreadyExistsException" not in str(refused):
                raise

    def put_log_events(self, group: str, stream: str, at_ms: int, messages: Sequence[str]) -> None:
        events = [{"timestamp": at_ms, "message": message} for message in messages]
        self._logs("PutLogEvents", {"logGroupName": group, "logStreamName": stream, "logEvents": events})

    def put_trace_segments(self, documents: Sequence[Mapping[str, Any]]) -> None:
        body = {"TraceSegmentDocuments": [json.dumps(document) for document in documents]}
        answer = self._call("xray", "/TraceSegments", body, {"Content-Type": "application/json"})
        if answer.get("UnprocessedTraceSegments"):
            raise Refused(f"X-Ray left out {json.dumps(answer['UnprocessedTraceSegments'])}")

    def _logs(self, operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"Logs_20140328.{operation}"}
        return self._call("logs", "/", body, headers)

    def _call(self, service: str, path: str, body: Mapping[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        url = (self.endpoint or f"https://{service}.{self.region}.amazonaws.com").rstrip("/") + path
        text = json.dumps(body).encode()
        signed = sign(self.credentials, self.region, service, url, headers, text, datetime.now(UTC))
        try:
            with urllib.request.urlopen(urllib.request.Request(url, text, signed), timeout=_ANSWER_SECONDS) as answer:
                found: dict[str, Any] = json.loads(answer.read() or b"{}")
                return found
        except urllib.error.HTTPError as refused:
            raise Refused(f"{service}: {refused.code} {refused.read().decode(errors='replace')[:500]}") from refused
        except (OSError, ValueError) as failed:
            raise Refused(f"{service}: {failed}") from failed


def sign(
    credentials: Credentials,
    region: str,
    service: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> dict[str, str]:
    """Signature Version 4 of a POST without a query: its headers, with those that prove who sends it."""
    moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    place = urlsplit(url)
    every = {**headers, "Host": place.netloc, "X-Amz-Date": moment}
    if credentials.token:
        every["X-Amz-Security-Token"] = credentials.token
    named = sorted((name.lower(), value.strip()) for name, value in every.items())
    names = ";".join(name for name, _ in named)
    lines = "".join(f"{name}:{value}\n" for name, value in named)
    canonical = "\n".join(["POST", place.path or "/", "", lines, names, hashlib.sha256(body).hexdigest()])
    scope = f"{day}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{credentials.secret_key}".encode()
    for part in (day, region, service, "aws4_request"):
        key = _hmac(key, part)
    signature = _hmac(key, "\n".join(["AWS4-HMAC-SHA256", moment, scope, digest])).hex()
    proof = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return {**every, "Authorization": proof}


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
