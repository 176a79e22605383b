"""X-Ray's service map of segments: a node for each name, an edge for what one asks of another. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# What a program asks of others: another service, or AWS.
_DOWNSTREAM = ("remote", "aws")


@dataclass
class Statistics:
    """Counts and times, as X-Ray sums them up."""

    total: int = 0
    faults: int = 0
    errors: int = 0
    throttled: int = 0
    seconds: float = 0.0

    def add(self, segment: Mapping[str, Any]) -> None:
        self.total += 1
        self.faults += bool(segment.get("fault"))
        # A throttled request is an error too.
        self.errors += bool(segment.get("error"))
        self.throttled += bool(segment.get("throttle"))
        self.seconds += max(0.0, float(segment.get("end_time") or segment["start_time"]) - float(segment["start_time"]))

    def answer(self) -> dict[str, Any]:
        return {
            "OkCount": max(0, self.total - self.faults - self.errors),
            "ErrorStatistics": {
                "ThrottleCount": self.throttled,
                "OtherCount": self.errors - self.throttled,
                "TotalCount": self.errors,
            },
            "FaultStatistics": {"OtherCount": self.faults, "TotalCount": self.faults},
            "TotalCount": self.total,
            "TotalResponseTime": self.seconds,
        }


@dataclass
class Node:
    """A service, a dependency that sends no segments, or whoever calls a service."""

    name: str
    kind: str
    root: bool = False
    calls: Statistics = field(default_factory=Statistics)
    edges: dict[tuple[str, str], Statistics] = field(default_factory=dict)


def services(traces: Sequence[Sequence[Mapping[str, Any]]], start: float, end: float) -> list[dict[str, Any]]:
    """The nodes of GetServiceGraph, of the traces whose documents are given, as far as they begin between the moments."""
    nodes: dict[tuple[str, str], Node] = {}
    for documents in traces:
        _add(nodes, [document for document in documents if start <= float(document["start_time"]) <= end])
    ids = {key: number for number, key in enumerate(nodes)}
    return [
        {
            "ReferenceId": ids[key],
            "Name": node.name,
            "Names": [node.name],
            "Root": node.root,
            **({"Type": node.kind} if node.kind else {}),
            "State": "active",
            "StartTime": start,
            "EndTime": end,
            "SummaryStatistics": node.calls.answer(),
            "Edges": [
                {"ReferenceId": ids[to], "StartTime": start, "EndTime": end, "SummaryStatistics": statistics.answer()}
                for to, statistics in node.edges.items()
            ],
        }
        for key, node in nodes.items()
    ]


def _add(nodes: dict[tuple[str, str], Node], documents: Sequence[Mapping[str, Any]]) -> None:
    segments = [document for document in documents if document.get("type") != "subsegment"]
    # A subsegment that was sent by itself belongs to the segment that it names as its parent.
    by_id = {segment["id"]: segment for segment in segments}
    called_from = {segment["parent_id"]: segment for segment in segments if segment.get("parent_id")}
    for segment in segments:
        node = _node(nodes, segment["name"], str(segment.get("origin") or ""))
        node.calls.add(segment)
        if segment.get("parent_id") is None:
            node.root = True
            client = _node(nodes, segment["name"], "client")
            client.edges.setdefault((node.name, node.kind), Statistics()).add(segment)
    for document in documents:
        owner = document if document["id"] in by_id else by_id.get(document.get("parent_id"))
        if owner is None:
            continue
        parts = _parts(document) if document["id"] in by_id else iter([document, *_parts(document)])
        caller = _node(nodes, owner["name"], str(owner.get("origin") or ""))
        for part in parts:
            if part.get("namespace") not in _DOWNSTREAM:
                continue
            callee = called_from.get(part["id"])
            if callee is not None:
                asked = _node(nodes, callee["name"], str(callee.get("origin") or ""))
            else:
                # It sends no segments: all that is known is how long it was waited for.
                asked = _node(nodes, part["name"], str(part["namespace"]))
                asked.calls.add(part)
            caller.edges.setdefault((asked.name, asked.kind), Statistics()).add(part)


def _parts(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for part in document.get("subsegments") or ():
        yield part
        yield from _parts(part)


def _node(nodes: dict[tuple[str, str], Node], name: str, kind: str) -> Node:
    return nodes.setdefault((name, kind), Node(name, kind))
