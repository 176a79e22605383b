# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The queries of Logs Insights that a service's log is asked with. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# The fields are those that docs/observability.md asks of a program's log: one JSON object per line.
_ERRORS = 'status >= 500 or level = "error"'
_REQUEST = "@timestamp, level, route, status, duration_ms, request_id, trace_id, version, @logStream"
QUERIES: Mapping[str, str] = {
    "errors by route": (
        f"filter {_ERRORS}\n| stats count(*) as errors, max(@timestamp) as last by route, status\n| sort errors desc"
    ),
    "slowest requests": (f"fields {_REQUEST}\n| filter ispresent(duration_ms)\n| sort duration_ms desc\n| limit 50"),
    # Logs Insights has no variables in saved queries: whoever asks writes the id in.
    "one request or trace": (
        "fields @timestamp, @logStream, @message\n"
        '| filter @message like "REQUEST_OR_TRACE_ID"\n'
        "| sort @timestamp asc\n"
        "| limit 1000"
    ),
    # Logs Insights knows no releases: whoever asks writes the version in, and chooses the time.
    "errors of one version": (
        "fields @timestamp, level, route, status, request_id, @logStream, @message\n"
        f'| filter version = "VERSION" and ({_ERRORS})\n'
        "| sort @timestamp desc\n"
        "| limit 200"
    ),
    "by version, the latest first": (
        "filter ispresent(version) and ispresent(status)\n"
        "| stats count(*) as requests, min(@timestamp) as first, max(@timestamp) as last by version, status\n"
        "| sort first desc"
    ),
}


def service_queries(more: Sequence[Mapping[str, Any]] = ()) -> list[dict[str, str]]:
    """Those of every service, and the inventory's further ones, which win over ours of the same name."""
    own = {**QUERIES, **{query["name"]: query["query"] for query in more}}
    return [{"name": name, "query": query} for name, query in own.items()]
