# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of the ledger itself: one function per call. Its items are dynamodb.py's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .elbv2 import tag_list
from .errors import aws_call, is_code
from .session import Aws


@aws_call("read table {name}")
def describe(aws: Aws, name: str) -> dict[str, Any] | None:
    client = aws.client("dynamodb")
    try:
        return client.describe_table(TableName=name)["Table"]
    except client.exceptions.ResourceNotFoundException:
        return None


@aws_call("create table {name}")
def create(aws: Aws, name: str, keys: Mapping[str, str], tags: Mapping[str, str]) -> None:
    """Keys by attribute: HASH or RANGE. A table that somebody else has made a moment ago is as good."""
    client = aws.client("dynamodb")
    try:
        client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            BillingMode="PAY_PER_REQUEST",
            Tags=tag_list(tags),
        )
    except client.exceptions.ResourceInUseException:
        return


@aws_call("make table {name} pay per request")
def pay_per_request(aws: Aws, name: str) -> None:
    aws.client("dynamodb").update_table(TableName=name, BillingMode="PAY_PER_REQUEST")


@aws_call("read whether table {name} can be restored")
def recoverable(aws: Aws, name: str) -> bool:
    """Whether it can be restored to any second of the last 35 days."""
    client = aws.client("dynamodb")
    try:
        found = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    except client.exceptions.ClientError as cause:
        # Of a table that is being created.
        if is_code(cause, "TableNotFoundException"):
            return False
        raise
    return found.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED"


@aws_call("set whether table {name} can be restored")
def set_recoverable(aws: Aws, name: str, wanted: bool) -> None:
    aws.client("dynamodb").update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": wanted}
    )


@aws_call("read the tags of {arn}")
def tags(aws: Aws, arn: str) -> dict[str, str]:
    pages = aws.client("dynamodb").get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
    return {one["Key"]: one["Value"] for page in pages for one in page["Tags"]}


@aws_call("tag {arn}")
def tag(aws: Aws, arn: str, wanted: Mapping[str, str]) -> None:
    aws.client("dynamodb").tag_resource(ResourceArn=arn, Tags=tag_list(wanted))
