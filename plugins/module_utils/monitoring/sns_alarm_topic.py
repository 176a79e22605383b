# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ensure the alarm topic and its subscriptions. Subscriptions made by others are preserved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from ..aws import sns
from ..common.changes import Changes
from ..common.invocation import Invocation
from ..common.ownership import Existing, claim
from ..common.resource import TagCalls, put_tags_right, remove

PROTOCOLS = ("email", "email-json", "http", "https", "sms", "sqs", "lambda", "application")


def run(call: Invocation) -> dict[str, Any]:
    """Create, change or remove the topic that is named by its ARN; its subscriptions end with it."""
    desired, aws, changes = call.params, call.aws, Changes(call.check_mode)
    arn, tags = desired["arn"], desired["tags"]
    said = {"DisplayName": desired["display_name"], "KmsMasterKeyId": desired["kms_key_arn"]}
    found = sns.attributes(aws, arn)
    if found is not None and tags:
        claim(call, run, tags, [Existing("topic", arn.rpartition(":")[2], sns.tags(aws, arn))])
    if desired["state"] == "absent":
        remove(changes, "topic", found is not None, partial(sns.delete, aws, arn))
        return _answer(changes, arn)
    if found is None:
        given = {key: value for key, value in said.items() if value}
        changes.want("topic", None, arn, partial(sns.create, aws, arn.rpartition(":")[2], given, tags))
    else:
        for key, value in said.items():
            changes.want(key, found.get(key, ""), value, partial(sns.set_attribute, aws, arn, key, value))
        calls = TagCalls(partial(sns.tags, aws, arn), partial(sns.tag, aws, arn), partial(sns.untag, aws, arn))
        put_tags_right(changes, desired, calls)
    there = sns.subscriptions(aws, arn) if found and desired["subscriptions"] else set()
    for place in (_place(subscription) for subscription in desired["subscriptions"]):
        if place not in there:
            changes.want(f"subscription {' '.join(place)}", None, "there", partial(sns.subscribe, aws, arn, *place))
    return _answer(changes, arn)


def _answer(changes: Changes, arn: str) -> dict[str, Any]:
    return {
        "changed": bool(changes.after),
        "diff": {"before": changes.before, "after": changes.after},
        "topic_arn": arn,
    }


def _place(subscription: Mapping[str, str]) -> tuple[str, str]:
    """SNS takes telephone numbers without what people put between their digits."""
    protocol, endpoint = subscription["protocol"], subscription["endpoint"]
    return protocol, re.sub(r"[^0-9+]", "", endpoint) if protocol == "sms" else endpoint
