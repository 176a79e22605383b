# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon DynamoDB: one function per call. Items go in and come out in DynamoDB's own typed shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import aws_call
from .session import Aws

Item = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Condition:
    """A condition expression with the values that stand in it."""

    expression: str
    values: Item = field(default_factory=dict)

    def as_request(self) -> dict[str, Any]:
        request: dict[str, Any] = {"ConditionExpression": self.expression}
        if self.values:
            request["ExpressionAttributeValues"] = dict(self.values)
        return request


@aws_call("read an entry of table {table}")
def get(aws: Aws, table: str, key: Item) -> dict[str, Any] | None:
    answer = aws.client("dynamodb").get_item(TableName=table, Key=dict(key), ConsistentRead=True)
    return answer.get("Item")


@aws_call("read the entries of {partition} in table {table}")
def query(aws: Aws, table: str, partition: str, prefix: str) -> list[dict[str, Any]]:
    """The items of a partition whose sort key begins with a prefix, in its order."""
    pages = (
        aws.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=table,
            ConsistentRead=True,
            KeyConditionExpression="#service = :service AND begins_with(#entry, :prefix)",
            ExpressionAttributeNames={"#service": "service", "#entry": "entry"},
            ExpressionAttributeValues={":service": {"S": partition}, ":prefix": {"S": prefix}},
        )
    )
    return [item for page in pages for item in page["Items"]]


@aws_call("write to table {table}")
def put(aws: Aws, table: str, item: Item, condition: Condition | None = None) -> bool:
    """Write an item; False where its condition does not hold."""
    client = aws.client("dynamodb")
    try:
        client.put_item(TableName=table, Item=dict(item), **(condition.as_request() if condition else {}))
    except client.exceptions.ConditionalCheckFailedException:
        return False
    return True


@aws_call("write to table {table}")
def put_guarded(
    aws: Aws, table: str, guard: tuple[Item, Condition], items: Sequence[tuple[Item, Condition | None]]
) -> bool:
    """Write items in one transaction, on condition that another item, named by its key, is as the guard says.

    False where the guard does not hold. A condition on an item itself that does not hold is an error.
    """
    client = aws.client("dynamodb")
    key, held = guard
    checks: list[dict[str, Any]] = [{"ConditionCheck": {"TableName": table, "Key": dict(key), **held.as_request()}}]
    puts = [
        {"Put": {"TableName": table, "Item": dict(item), **(condition.as_request() if condition else {})}}
        for item, condition in items
    ]
    try:
        client.transact_write_items(TransactItems=[*checks, *puts])
    except client.exceptions.TransactionCanceledException as cause:
        reasons = cause.response.get("CancellationReasons") or [{}]
        if reasons[0].get("Code") == "ConditionalCheckFailed":
            return False
        raise
    return True
