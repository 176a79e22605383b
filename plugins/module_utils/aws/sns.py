# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon SNS: one function per call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from .errors import aws_call
from .session import Aws
from .tags import tag_list, tags_of


@aws_call("read topic {arn}")
def attributes(aws: Aws, arn: str) -> dict[str, str] | None:
    """None if the topic does not exist."""
    client = aws.client("sns")
    try:
        return client.get_topic_attributes(TopicArn=arn)["Attributes"]
    except client.exceptions.NotFoundException:
        return None


@aws_call("create topic {name}")
def create(aws: Aws, name: str, desired: Mapping[str, str], tags: Mapping[str, str]) -> None:
    aws.client("sns").create_topic(Name=name, Attributes=dict(desired), Tags=tag_list(tags))


@aws_call("set {key} of topic {arn}")
def set_attribute(aws: Aws, arn: str, key: str, value: str) -> None:
    aws.client("sns").set_topic_attributes(TopicArn=arn, AttributeName=key, AttributeValue=value)


@aws_call("read the subscriptions of topic {arn}")
def subscriptions(aws: Aws, arn: str) -> set[tuple[str, str]]:
    """Protocol and endpoint of each, pending confirmations included."""
    pages = aws.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
    return {
        (subscription["Protocol"], subscription["Endpoint"]) for page in pages for subscription in page["Subscriptions"]
    }


@dataclass(frozen=True)
class SubscriptionState:
    """A notification target, and whether it has agreed to be one."""

    protocol: str
    endpoint: str
    confirmed: bool


@aws_call("read the subscriptions of topic {arn}")
def subscription_states(aws: Aws, arn: str) -> list[SubscriptionState]:
    pages = aws.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
    return [
        # One that is not confirmed has no ARN, but a word in its place.
        SubscriptionState(found["Protocol"], found["Endpoint"], found["SubscriptionArn"].startswith("arn:"))
        for page in pages
        for found in page["Subscriptions"]
    ]


@aws_call("subscribe {endpoint} to topic {arn}")
def subscribe(aws: Aws, arn: str, protocol: str, endpoint: str) -> None:
    aws.client("sns").subscribe(TopicArn=arn, Protocol=protocol, Endpoint=endpoint)


@dataclass(frozen=True)
class Message:
    """What is published. Subscriptions are filtered by its attributes."""

    subject: str
    # By protocol; `default` is what all others get.
    texts: Mapping[str, str]
    attributes: Mapping[str, str]


@aws_call("publish to topic {arn}")
def publish(aws: Aws, arn: str, message: Message) -> None:
    given = {key: {"DataType": "String", "StringValue": value} for key, value in message.attributes.items()}
    aws.client("sns").publish(
        TopicArn=arn,
        Subject=message.subject,
        MessageStructure="json",
        Message=json.dumps(dict(message.texts), ensure_ascii=False),
        MessageAttributes=given,
    )


@aws_call("read the tags of topic {arn}")
def tags(aws: Aws, arn: str) -> dict[str, str]:
    return tags_of(aws.client("sns").list_tags_for_resource(ResourceArn=arn))


@aws_call("tag topic {arn}")
def tag(aws: Aws, arn: str, desired: Mapping[str, str]) -> None:
    aws.client("sns").tag_resource(ResourceArn=arn, Tags=tag_list(desired))


@aws_call("remove tags of topic {arn}")
def untag(aws: Aws, arn: str, keys: list[str]) -> None:
    aws.client("sns").untag_resource(ResourceArn=arn, TagKeys=keys)


@aws_call("read the topics named {name}")
def topic_arns(aws: Aws, name: str) -> list[str]:
    pages = aws.client("sns").get_paginator("list_topics").paginate()
    arns = [topic["TopicArn"] for page in pages for topic in page["Topics"]]
    return [arn for arn in arns if arn.rpartition(":")[2] == name]


@aws_call("delete topic {arn}")
def delete(aws: Aws, arn: str) -> None:
    aws.client("sns").delete_topic(TopicArn=arn)
