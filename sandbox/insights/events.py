"""What a query sees of a log event: the fields that AWS adds, and those of a message that is a JSON object."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .values import Moment, Row, Value

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
FIELDS_OF_AN_EVENT = 200


def fields_of(event: Any, group: str, stream: str, account: str) -> Row:
    """The row of an event of moto's."""
    row: Row = dict(list(_discovered(event.message))[:FIELDS_OF_AN_EVENT])
    row.update(
        {
            "@timestamp": Moment(event.timestamp),
            "@ingestionTime": Moment(event.ingestion_time),
            "@message": event.message,
            "@logStream": stream,
            "@log": f"{account}:{group}",
            "@ptr": str(event.event_id),
        }
    )
    return row


def _discovered(message: str) -> Iterator[tuple[str, Value]]:
    if not message.lstrip().startswith("{"):
        return
    try:
        found = json.loads(message)
    except ValueError:
        # A line that only looks like JSON has no fields of its own.
        return
    yield from _flat("", found)


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Value]]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from _flat(f"{prefix}.{key}" if prefix else str(key), inner)
    elif value is not None:
        yield prefix, value if isinstance(value, str) else float(value)
