# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuses answers that are not AWS's: botocore takes the page of a proxy, or half a body, for an answer without fields.

Such an answer to a call that only reads is asked for again, as botocore does it where no answer came; a write is not
repeated, since it may have taken effect.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

# session.py reports a missing botocore before any call.
with contextlib.suppress(ImportError):
    from botocore.parsers import ResponseParserError

_SHOWN = 80
# The beginnings of the names of operations that only read.
READING = ("Describe", "Get", "List", "BatchGet", "Query", "Filter")
_REPETITIONS = 2
_DELAY_SECONDS = 0.2
# Where the event before-parse leaves word for needs-retry.
_UNREADABLE = "PearUnreadable"


def watch(client: Any) -> None:
    """Let the calls of a botocore client fail with a ResponseParserError where a successful answer cannot be one of AWS."""
    client.meta.events.register("before-parse", _check)
    client.meta.events.register("needs-retry", _ask_again)


def _check(
    response_dict: dict[str, Any], operation_model: Any, customized_response_dict: dict[str, Any], **_event: Any
) -> None:
    body, status = response_dict.get("body"), response_dict["status_code"]
    if status >= 300 or not isinstance(body, bytes) or operation_model.output_shape is None:
        return
    content = body.strip()
    reads = operation_model.name.startswith(READING)
    missing = not content and reads and bool(operation_model.output_shape.members)
    if not missing and (not content or _is_readable(content, operation_model)):
        return
    shown = content[:_SHOWN].decode(errors="replace")
    message = f"{operation_model.name} was answered with {shown!r}, which is not what AWS answers"
    if not reads:
        raise ResponseParserError(message)
    # What botocore parses without the body of any protocol.
    response_dict |= {"status_code": 502, "body": b""}
    customized_response_dict[_UNREADABLE] = message


def _ask_again(response: Any, attempts: int, request_dict: Mapping[str, Any], **_event: Any) -> float | None:
    message = response[1].get(_UNREADABLE) if response else None
    if message is None:
        return None
    retries = request_dict["context"]["client_config"].retries or {}
    if attempts >= min(1 + _REPETITIONS, retries.get("total_max_attempts", 1)):
        raise ResponseParserError(message)
    return _DELAY_SECONDS * attempts


def _is_readable(content: bytes, operation: Any) -> bool:
    if operation.service_model.resolved_protocol in ("json", "rest-json"):
        return _is_json(content, operation.output_shape)
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError:
        return False
    wrapper = operation.output_shape.serialization.get("resultWrapper")
    if wrapper is None:
        return not root.tag.lower().endswith("html")
    return any(child.tag.rpartition("}")[2] == wrapper for child in root)


def _is_json(content: bytes, shape: Any) -> bool:
    """Whether it is JSON with at least one of the answer's fields, or with none at all: a proxy may answer with JSON too."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return False
    if not isinstance(found, Mapping):
        return False
    fields = {member.serialization.get("name", name) for name, member in shape.members.items()}
    return not (found and fields) or "payload" in shape.serialization or not fields.isdisjoint(found)
