# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon CloudWatch Logs: one function per call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .errors import aws_call, passing_over
from .session import Aws
from .task_definition import LOG_STREAM_PREFIX


@aws_call("read the last log lines of container {container} of task {task_id}")
def last_lines(
    aws: Aws, log_group: str, container: str, task_id: str, limit: int = 10, stream_prefix: str = LOG_STREAM_PREFIX
) -> list[str]:
    """The newest log lines of a task's container, oldest first; empty if it wrote none."""
    client = aws.client("logs")
    stream = f"{stream_prefix}/{container}/{task_id}"
    try:
        events = client.get_log_events(logGroupName=log_group, logStreamName=stream, limit=limit, startFromHead=False)[
            "events"
        ]
    except client.exceptions.ResourceNotFoundException:
        return []
    return [event["message"].rstrip() for event in events]


@aws_call("read the log of container {container} of task {task_id}")
def new_lines(
    aws: Aws, log_group: str, container: str, task_id: str, token: str | None
) -> tuple[list[str], str | None]:
    """Log lines after the token, oldest first, and the next token. Without a token, all lines."""
    client = aws.client("logs")
    after = {"nextToken": token} if token else {}
    lines: list[str] = []
    while True:
        try:
            answer = client.get_log_events(
                logGroupName=log_group,
                logStreamName=f"{LOG_STREAM_PREFIX}/{container}/{task_id}",
                startFromHead=True,
                **after,
            )
        except client.exceptions.ResourceNotFoundException:
            return lines, token
        lines += [event["message"].rstrip() for event in answer["events"]]
        # At the end of a stream CloudWatch Logs returns the token that it received.
        if answer["nextForwardToken"] == token:
            return lines, token
        token = answer["nextForwardToken"]
        after = {"nextToken": token}


@dataclass(frozen=True)
class LogEvent:
    """A line of a log group: when, by which stream, and what."""

    at: float
    stream: str
    message: str
    # AWS's own, by which a line that is read twice is known.
    id: str = ""


@dataclass(frozen=True)
class LogSearch:
    """Where and for what to search: a filter pattern, between two moments, over so many pages at most."""

    group: str
    pattern: str
    start: float
    end: float
    pages: int = 5
    events: int = 500


@aws_call("search log group {search.group}")
def search_events(aws: Aws, search: LogSearch) -> tuple[list[LogEvent], bool]:
    """Matching lines, oldest first, and whether these are all. A page may be empty although more follow."""
    client = aws.client("logs")
    found: list[LogEvent] = []
    token: dict[str, str] = {}
    for _page in range(search.pages):
        answer = client.filter_log_events(
            logGroupName=search.group,
            filterPattern=search.pattern,
            startTime=int(search.start * 1000),
            endTime=int(search.end * 1000),
            limit=search.events,
            **token,
        )
        found += [
            LogEvent(
                event["timestamp"] / 1000,
                event["logStreamName"],
                event["message"].rstrip(),
                event.get("eventId", ""),
            )
            for event in answer["events"]
        ]
        if not answer.get("nextToken"):
            return found, True
        token = {"nextToken": answer["nextToken"]}
    return found, False


@aws_call("read log group {name}")
def log_group(aws: Aws, name: str) -> dict[str, Any] | None:
    """A log group by its whole name; None where it does not exist."""
    pages = aws.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    return next((group for page in pages for group in page["logGroups"] if group["logGroupName"] == name), None)


@aws_call("create log group {name}")
def create_log_group(aws: Aws, name: str, kms_key_arn: str | None, tags: dict[str, str]) -> None:
    """Create a log group; one that another run has just created is accepted."""
    client = aws.client("logs")
    key = {"kmsKeyId": kms_key_arn} if kms_key_arn else {}
    try:
        client.create_log_group(logGroupName=name, **key, **({"tags": tags} if tags else {}))
    except client.exceptions.ResourceAlreadyExistsException:
        return


@aws_call("set the retention of log group {name}")
def set_retention(aws: Aws, name: str, days: int) -> None:
    """Days to keep events; 0 keeps them forever."""
    client = aws.client("logs")
    if days:
        client.put_retention_policy(logGroupName=name, retentionInDays=days)
    else:
        client.delete_retention_policy(logGroupName=name)


@aws_call("set the key of log group {name}")
def set_key(aws: Aws, name: str, kms_key_arn: str | None) -> None:
    """New events are encrypted with this key, or with CloudWatch's own key if it is null."""
    client = aws.client("logs")
    if kms_key_arn:
        client.associate_kms_key(logGroupName=name, kmsKeyId=kms_key_arn)
    else:
        client.disassociate_kms_key(logGroupName=name)


@aws_call("read the tags of log group {arn}")
def tags(aws: Aws, arn: str) -> dict[str, str]:
    return aws.client("logs").list_tags_for_resource(resourceArn=arn)["tags"]


@aws_call("tag log group {arn}")
def tag(aws: Aws, arn: str, desired: dict[str, str]) -> None:
    aws.client("logs").tag_resource(resourceArn=arn, tags=desired)


@aws_call("remove tags of log group {arn}")
def untag(aws: Aws, arn: str, keys: list[str]) -> None:
    aws.client("logs").untag_resource(resourceArn=arn, tagKeys=keys)


@aws_call("read the log groups whose names begin with {prefix}")
def log_groups(aws: Aws, prefix: str) -> dict[str, str]:
    """ARNs by name, as the calls for tags take them."""
    pages = aws.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
    return {group["logGroupName"]: group["arn"].removesuffix(":*") for page in pages for group in page["logGroups"]}


@aws_call("delete log group {name}")
def delete_log_group(aws: Aws, name: str) -> None:
    aws.client("logs").delete_log_group(logGroupName=name)


# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html: # comments lines out.
_OWNER = "# pear:environment="


@dataclass(frozen=True)
class SavedQuery:
    """A query of Logs Insights that is kept under a name. AWS gives each an id: two may have one name."""

    name: str
    query: str
    log_groups: tuple[str, ...] = ()
    id: str = ""

    @property
    def owner(self) -> str:
        """The environment that the first line names: saved queries have no tags."""
        first, _end, _rest = self.query.partition("\n")
        return first.removeprefix(_OWNER) if first.startswith(_OWNER) else ""

    def owned_by(self, environment: str) -> SavedQuery:
        """The same query, with a comment of Logs Insights as its first line."""
        return replace(self, query=f"{_OWNER}{environment}\n{self.query}") if environment else self


@aws_call("read the saved queries whose names begin with {prefix}")
def saved_queries(aws: Aws, prefix: str) -> list[SavedQuery]:
    """In the order of their names. botocore has no paginator for them."""
    client = aws.client("logs")
    found: list[SavedQuery] = []
    token: dict[str, str] = {}
    while True:
        answer = client.describe_query_definitions(queryDefinitionNamePrefix=prefix, **token)
        found += [
            SavedQuery(
                query["name"], query["queryString"], tuple(query.get("logGroupNames", ())), query["queryDefinitionId"]
            )
            for query in answer["queryDefinitions"]
        ]
        if not answer.get("nextToken"):
            return sorted(found, key=lambda query: (query.name, query.id))
        token = {"nextToken": answer["nextToken"]}


@aws_call("save query {query.name}")
def put_saved_query(aws: Aws, query: SavedQuery) -> None:
    """Create the query, or with an id replace the one that has it."""
    known = {"queryDefinitionId": query.id} if query.id else {}
    aws.client("logs").put_query_definition(
        name=query.name, queryString=query.query, logGroupNames=list(query.log_groups), **known
    )


@aws_call("delete saved query {query.name}")
def delete_saved_query(aws: Aws, query: SavedQuery) -> None:
    with passing_over("ResourceNotFoundException"):
        aws.client("logs").delete_query_definition(queryDefinitionId=query.id)
