# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon EventBridge Scheduler: one function per call. Schedules of an environment are in the group of its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import aws_call
from .session import Aws
from .tags import tag_list, tags_of

# Fields of GetSchedule that UpdateSchedule takes. UpdateSchedule resets omitted fields to their defaults.
_FIELDS = (
    "ScheduleExpression", "ScheduleExpressionTimezone", "State", "Description", "Target", "FlexibleTimeWindow", "StartDate", "EndDate",
    "KmsKeyArn", "ActionAfterCompletion",
)  # fmt: skip


@aws_call("read the schedules {prefix}* of {group}")
def schedules(aws: Aws, group: str, prefix: str) -> dict[str, dict[str, Any]]:
    """Schedules by name, as UpdateSchedule takes them; empty if the group does not exist."""
    client = aws.client("scheduler")
    try:
        pages = client.get_paginator("list_schedules").paginate(GroupName=group, NamePrefix=prefix)
        names = [schedule["Name"] for page in pages for schedule in page["Schedules"]]
    except client.exceptions.ResourceNotFoundException:
        return {}
    found = {name: client.get_schedule(GroupName=group, Name=name) for name in names}
    return {name: {key: schedule[key] for key in _FIELDS if key in schedule} for name, schedule in found.items()}


@aws_call("list the schedules of {group}")
def names(aws: Aws, group: str) -> list[str]:
    pages = aws.client("scheduler").get_paginator("list_schedules").paginate(GroupName=group)
    return [schedule["Name"] for page in pages for schedule in page["Schedules"]]


@aws_call("create schedule group {group}")
def create_group(aws: Aws, group: str, tags: Mapping[str, str]) -> None:
    """An existing group is accepted."""
    client = aws.client("scheduler")
    try:
        client.create_schedule_group(Name=group, Tags=tag_list(tags))
    except client.exceptions.ConflictException:
        return


@aws_call("create schedule {name}")
def create(aws: Aws, group: str, name: str, request: Mapping[str, Any]) -> None:
    aws.client("scheduler").create_schedule(GroupName=group, Name=name, **request)


@aws_call("change schedule {name}")
def update(aws: Aws, group: str, name: str, request: Mapping[str, Any]) -> None:
    aws.client("scheduler").update_schedule(GroupName=group, Name=name, **request)


@aws_call("delete schedule {name}")
def delete(aws: Aws, group: str, name: str) -> None:
    aws.client("scheduler").delete_schedule(GroupName=group, Name=name)


@aws_call("read schedule group {name}")
def group(aws: Aws, name: str) -> dict[str, Any] | None:
    client = aws.client("scheduler")
    try:
        return client.get_schedule_group(Name=name)
    except client.exceptions.ResourceNotFoundException:
        return None


@aws_call("read the tags of schedule group {arn}")
def group_tags(aws: Aws, arn: str) -> dict[str, str]:
    return tags_of(aws.client("scheduler").list_tags_for_resource(ResourceArn=arn))


@aws_call("tag schedule group {arn}")
def tag_group(aws: Aws, arn: str, tags: Mapping[str, str]) -> None:
    aws.client("scheduler").tag_resource(ResourceArn=arn, Tags=tag_list(tags))


@aws_call("delete schedule group {name}")
def delete_group(aws: Aws, name: str) -> None:
    """Delete the group with all its schedules."""
    aws.client("scheduler").delete_schedule_group(Name=name)
