# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon DynamoDB: one function per call. Items have DynamoDB's typed form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import aws_call, is_code
from .session import Aws
from .tags import tag_list, tags_of

Item = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Condition:
    """A condition expression with its values."""

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
    """Write items in one transaction, on condition that the item with the guard's key meets the guard's condition.

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


@aws_call("read table {name}")
def table(aws: Aws, name: str) -> dict[str, Any] | None:
    client = aws.client("dynamodb")
    try:
        return client.describe_table(TableName=name)["Table"]
    except client.exceptions.ResourceNotFoundException:
        return None


@dataclass(frozen=True)
class NewTable:
    """What a table is made with."""

    protected: bool = False
    kms_key_arn: str = ""


@aws_call("create table {name}")
def create_table(aws: Aws, name: str, keys: Mapping[str, str], tags: Mapping[str, str], new: NewTable) -> None:
    """Keys by attribute: HASH or RANGE. A table that another run has just created is accepted."""
    client = aws.client("dynamodb")
    try:
        client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            BillingMode="PAY_PER_REQUEST",
            DeletionProtectionEnabled=new.protected,
            Tags=tag_list(tags),
            **({"SSESpecification": _encryption(new.kms_key_arn)} if new.kms_key_arn else {}),
        )
    except client.exceptions.ResourceInUseException:
        return


def _encryption(kms_key_arn: str) -> dict[str, Any]:
    """Without a key of the account DynamoDB uses one of its own."""
    return {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": kms_key_arn} if kms_key_arn else {"Enabled": False}


@aws_call("set the key of table {name}")
def set_key(aws: Aws, name: str, kms_key_arn: str) -> None:
    aws.client("dynamodb").update_table(TableName=name, SSESpecification=_encryption(kms_key_arn))


def key_of(table: Mapping[str, Any]) -> str:
    """ARN of the account's key that encrypts a table; empty where DynamoDB's own does."""
    found = table.get("SSEDescription") or {}
    return str(found.get("KMSMasterKeyArn", "")) if found.get("Status") not in (None, "DISABLED", "DISABLING") else ""


@aws_call("make table {name} pay per request")
def pay_per_request(aws: Aws, name: str) -> None:
    aws.client("dynamodb").update_table(TableName=name, BillingMode="PAY_PER_REQUEST")


@aws_call("set the deletion protection of table {name}")
def set_protected(aws: Aws, name: str, desired: bool) -> None:
    aws.client("dynamodb").update_table(TableName=name, DeletionProtectionEnabled=desired)


@aws_call("read whether table {name} can be restored")
def recoverable(aws: Aws, name: str) -> bool:
    """Whether it can be restored to any second of the last 35 days."""
    client = aws.client("dynamodb")
    try:
        found = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    except client.exceptions.ClientError as cause:
        # Answered while the table is being created.
        if is_code(cause, "TableNotFoundException"):
            return False
        raise
    return found.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED"


@aws_call("set whether table {name} can be restored")
def set_recoverable(aws: Aws, name: str, desired: bool) -> None:
    aws.client("dynamodb").update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": desired}
    )


@aws_call("read the tags of {arn}")
def table_tags(aws: Aws, arn: str) -> dict[str, str]:
    pages = aws.client("dynamodb").get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
    return {key: value for page in pages for key, value in tags_of(page).items()}


@aws_call("tag {arn}")
def tag_table(aws: Aws, arn: str, tags: Mapping[str, str]) -> None:
    aws.client("dynamodb").tag_resource(ResourceArn=arn, Tags=tag_list(tags))


@aws_call("remove tags of {arn}")
def untag_table(aws: Aws, arn: str, keys: list[str]) -> None:
    aws.client("dynamodb").untag_resource(ResourceArn=arn, TagKeys=keys)


@aws_call("delete table {name}")
def delete_table(aws: Aws, name: str) -> None:
    aws.client("dynamodb").delete_table(TableName=name)
