# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon CloudWatch Logs: one function per call."""

from __future__ import annotations

from typing import Any

from .errors import aws_call
from .session import Aws
from .task_definition import LOG_STREAM_PREFIX


@aws_call("read the last log lines of container {container} of task {task_id}")
def last_lines(aws: Aws, log_group: str, container: str, task_id: str, limit: int = 10) -> list[str]:
    """The newest lines of a task's container, oldest first; none where it never wrote one."""
    client = aws.client("logs")
    stream = f"{LOG_STREAM_PREFIX}/{container}/{task_id}"
    try:
        events = client.get_log_events(logGroupName=log_group, logStreamName=stream, limit=limit, startFromHead=False)[
            "events"
        ]
    except client.exceptions.ResourceNotFoundException:
        return []
    return [event["message"].rstrip() for event in events]


@aws_call("read log group {name}")
def log_group(aws: Aws, name: str) -> dict[str, Any] | None:
    """A log group by its whole name; None where it does not exist."""
    pages = aws.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    return next((group for page in pages for group in page["logGroups"] if group["logGroupName"] == name), None)
