# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS X-Ray: one function per call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from .errors import aws_call, passing_over
from .session import Aws
from .tags import tag_list, tags_of

# X-Ray's own, for requests that no other rule matches. It can be neither tagged nor deleted.
DEFAULT_NAME = "Default"


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


@dataclass(frozen=True)
class SamplingRule:
    """How many of the requests that match are traced. `*` and `?` are wildcards."""

    kind: ClassVar[str] = "sampling rule"

    name: str
    priority: int
    # Of each second that many, and then that share of the others.
    reservoir: int
    fixed_rate: float
    service_name: str = "*"
    service_type: str = "*"
    host: str = "*"
    http_method: str = "*"
    url_path: str = "*"
    resource_arn: str = "*"
    attributes: Mapping[str, str] = field(default_factory=dict)
    arn: str = field(default="", compare=False)


@dataclass(frozen=True)
class TraceGroup:
    """Traces that a filter expression finds, with metrics of their own."""

    kind: ClassVar[str] = "trace group"

    name: str
    filter_expression: str
    insights: bool = False
    notifications: bool = False
    arn: str = field(default="", compare=False)


@aws_call("read the sampling rules of X-Ray")
def sampling_rules(aws: Aws) -> dict[str, SamplingRule]:
    """All of the region by their names, but for X-Ray's own."""
    pages = aws.client("xray").get_paginator("get_sampling_rules").paginate()
    found = [_rule(record["SamplingRule"]) for page in pages for record in page["SamplingRuleRecords"]]
    return {rule.name: rule for rule in found if rule.name != DEFAULT_NAME}


@aws_call("create sampling rule {rule.name}")
def create_sampling_rule(aws: Aws, rule: SamplingRule, tags: Mapping[str, str]) -> None:
    aws.client("xray").create_sampling_rule(SamplingRule={**_rule_request(rule), "Version": 1}, Tags=tag_list(tags))


@aws_call("change sampling rule {rule.name}")
def update_sampling_rule(aws: Aws, rule: SamplingRule) -> None:
    aws.client("xray").update_sampling_rule(SamplingRuleUpdate=_rule_request(rule))


@aws_call("delete sampling rule {name}")
def delete_sampling_rule(aws: Aws, name: str) -> None:
    aws.client("xray").delete_sampling_rule(RuleName=name)


@aws_call("read the groups of X-Ray")
def trace_groups(aws: Aws) -> dict[str, TraceGroup]:
    """All of the region by their names, but for X-Ray's own."""
    pages = aws.client("xray").get_paginator("get_groups").paginate()
    found = [_group(group) for page in pages for group in page["Groups"]]
    return {group.name: group for group in found if group.name != DEFAULT_NAME}


@aws_call("create X-Ray group {group.name}")
def create_trace_group(aws: Aws, group: TraceGroup, tags: Mapping[str, str]) -> str:
    """The ARN of the new group, which ends with an id that X-Ray gives it."""
    made = aws.client("xray").create_group(GroupName=group.name, **_group_settings(group), Tags=tag_list(tags))
    return str(made["Group"]["GroupARN"])


@aws_call("change X-Ray group {group.name}")
def update_trace_group(aws: Aws, arn: str, group: TraceGroup) -> None:
    aws.client("xray").update_group(GroupARN=arn, **_group_settings(group))


@aws_call("delete X-Ray group {arn}")
def delete_trace_group(aws: Aws, arn: str) -> None:
    aws.client("xray").delete_group(GroupARN=arn)


def may_be_of(environment: str, name: str) -> bool:
    """Whether a rule or a group may be the environment's: names are cut to fit, but never their beginning."""
    return name.startswith(f"{environment}-")


def named_for(aws: Aws, environment: str) -> Iterator[tuple[SamplingRule | TraceGroup, dict[str, str]]]:
    """Rules and groups that may be the environment's, with their tags, which say whether they are. Tags cost a call each."""
    parts: list[SamplingRule | TraceGroup] = [*sampling_rules(aws).values(), *trace_groups(aws).values()]
    for part in parts:
        if may_be_of(environment, part.name):
            yield part, tags(aws, part.arn)


@aws_call("read the tags of {arn}")
def tags(aws: Aws, arn: str) -> dict[str, str]:
    """Of a sampling rule or a group; none of one that has gone meanwhile."""
    found: dict[str, str] = {}
    with passing_over("ResourceNotFoundException"):
        for page in aws.client("xray").get_paginator("list_tags_for_resource").paginate(ResourceARN=arn):
            found |= tags_of(page)
    return found


@aws_call("tag {arn}")
def tag(aws: Aws, arn: str, values: Mapping[str, str]) -> None:
    aws.client("xray").tag_resource(ResourceARN=arn, Tags=tag_list(values))


@aws_call("remove tags of {arn}")
def untag(aws: Aws, arn: str, keys: Iterable[str]) -> None:
    aws.client("xray").untag_resource(ResourceARN=arn, TagKeys=list(keys))


def _rule(answer: Mapping[str, Any]) -> SamplingRule:
    return SamplingRule(
        answer["RuleName"],
        answer["Priority"],
        answer["ReservoirSize"],
        answer["FixedRate"],
        answer["ServiceName"],
        answer["ServiceType"],
        answer["Host"],
        answer["HTTPMethod"],
        answer["URLPath"],
        answer["ResourceARN"],
        dict(answer.get("Attributes") or {}),
        answer.get("RuleARN", ""),
    )


def _rule_request(rule: SamplingRule) -> dict[str, Any]:
    return {
        "RuleName": rule.name,
        "Priority": rule.priority,
        "ReservoirSize": rule.reservoir,
        "FixedRate": rule.fixed_rate,
        "ServiceName": rule.service_name,
        "ServiceType": rule.service_type,
        "Host": rule.host,
        "HTTPMethod": rule.http_method,
        "URLPath": rule.url_path,
        "ResourceARN": rule.resource_arn,
        "Attributes": dict(rule.attributes),
    }


def _group(answer: Mapping[str, Any]) -> TraceGroup:
    insights = answer.get("InsightsConfiguration") or {}
    return TraceGroup(
        answer["GroupName"],
        answer.get("FilterExpression", ""),
        bool(insights.get("InsightsEnabled")),
        bool(insights.get("NotificationsEnabled")),
        answer["GroupARN"],
    )


def _group_settings(group: TraceGroup) -> dict[str, Any]:
    return {
        "FilterExpression": group.filter_expression,
        "InsightsConfiguration": {"InsightsEnabled": group.insights, "NotificationsEnabled": group.notifications},
    }
