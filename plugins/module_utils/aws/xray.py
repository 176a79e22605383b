# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS X-Ray: one function per call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .errors import aws_call
from .session import Aws


@dataclass(frozen=True)
class Calls:
    """What X-Ray counted of a node of the service map, or of what one node asked of another."""

    name: str
    kind: str = ""
    count: int = 0
    faults: int = 0
    errors: int = 0
    # All their response times together.
    seconds: float = 0.0

    @property
    def mean_seconds(self) -> float:
        return self.seconds / self.count if self.count else 0.0


@dataclass(frozen=True)
class ServiceNode:
    """A service of the service map, and what it calls."""

    calls: Calls
    dependencies: tuple[Calls, ...] = ()


@aws_call("read the service map of X-Ray")
def service_node(aws: Aws, name: str, start: float, end: float) -> ServiceNode | None:
    """A service as traces show it between two moments; None where no trace names it."""
    pages = aws.client("xray").get_paginator("get_service_graph").paginate(StartTime=_at(start), EndTime=_at(end))
    nodes = {node["ReferenceId"]: node for page in pages for node in page["Services"]}
    # Who calls a service has a node of the same name, of the type client.
    own = [
        node
        for node in nodes.values()
        if name in (node.get("Name"), *node.get("Names", ())) and node.get("Type") != "client"
    ]
    if not own:
        return None
    # One node for each type of resource that the service runs on.
    parts = [_calls(name, node.get("Type", ""), node.get("SummaryStatistics", {})) for node in own]
    edges = [
        _calls(
            str(nodes[edge["ReferenceId"]].get("Name", "")),
            str(nodes[edge["ReferenceId"]].get("Type", "")),
            edge.get("SummaryStatistics", {}),
        )
        for node in own
        for edge in node.get("Edges", ())
        if edge["ReferenceId"] in nodes
    ]
    return ServiceNode(_together(parts), tuple(edge for edge in edges if edge.count))


@aws_call("search the traces of {name}")
def faulty_traces(aws: Aws, name: str, start: float, end: float) -> list[str]:
    """Ids of traces in which the service answered with a 5xx, of the first page, which X-Ray searches from the newest on."""
    answer = aws.client("xray").get_trace_summaries(
        StartTime=_at(start), EndTime=_at(end), FilterExpression=f'service("{name}") {{ fault = true }}'
    )
    return [str(summary["Id"]) for summary in answer["TraceSummaries"]]


def _at(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)


def _calls(name: str, kind: str, statistics: Mapping[str, Any]) -> Calls:
    return Calls(
        name,
        kind,
        statistics.get("TotalCount", 0),
        statistics.get("FaultStatistics", {}).get("TotalCount", 0),
        statistics.get("ErrorStatistics", {}).get("TotalCount", 0),
        statistics.get("TotalResponseTime", 0.0),
    )


def _together(parts: list[Calls]) -> Calls:
    return Calls(
        parts[0].name,
        parts[0].kind,
        sum(part.count for part in parts),
        sum(part.faults for part in parts),
        sum(part.errors for part in parts),
        sum(part.seconds for part in parts),
    )
