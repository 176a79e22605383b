# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuses answers that are not AWS's: botocore takes the page of a proxy, or half a body, for an answer without fields."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

# session.py reports a missing botocore before any call.
with contextlib.suppress(ImportError):
    from botocore.parsers import ResponseParserError

_SHOWN = 80
_READS = ("Describe", "Get", "List", "Query", "BatchGet")


def check(response_dict: Mapping[str, Any], operation_model: Any, **_event: Any) -> None:
    """Handle botocore's event before-parse: raise ResponseParserError where a successful answer cannot be one."""
    body, status = response_dict.get("body"), response_dict["status_code"]
    if status >= 300 or not isinstance(body, bytes) or operation_model.output_shape is None:
        return
    content = body.strip()
    if operation_model.service_model.resolved_protocol in ("json", "rest-json"):
        unreadable = bool(content) and not _is_json(content)
    else:
        unreadable = content[:15].lower().startswith((b"<!doctype html", b"<html"))
    missing = not content and operation_model.name.startswith(_READS) and bool(operation_model.output_shape.members)
    if unreadable or missing:
        shown = content[:_SHOWN].decode(errors="replace")
        raise ResponseParserError(f"{operation_model.name} was answered with {shown!r}, which is not what AWS answers")


def _is_json(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), Mapping)
    except ValueError:
        return False
