#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: sns_alarm_topic
short_description: Manage the topic that alarms are sent to, and its subscriptions
version_added: 0.1.0
description:
  - Manages an SNS topic and its subscriptions.
  - Subscriptions that others made, and the topic's policy, are preserved.
  - With O(state=absent) it is removed. All its subscriptions end with it.
seealso:
  - module: pear.fargate.cloudwatch_alarms
  - module: community.aws.sns_topic
author:
  - pear.fargate contributors (@pear-fargate)
options:
  arn:
    description: ARN of the topic, as P(pear.fargate.alarm_topic_arn#filter) returns it.
    type: str
    required: true
  display_name:
    description: Sender name of e-mail notifications.
    type: str
    default: ""
  kms_key_arn:
    description: ARN of the KMS key of the messages, whose policy must allow CloudWatch. Empty for no customer managed key.
    type: str
    default: ""
  subscriptions:
    description: Notification targets. E-mail addresses have to confirm the subscription.
    type: list
    elements: dict
    default: []
    suboptions:
      protocol:
        description: Protocol of the subscription.
        type: str
        required: true
        choices: [email, email-json, http, https, sms, sqs, lambda, application]
      endpoint:
        description: Endpoint of the subscription.
        type: str
        required: true
extends_documentation_fragment:
  - pear.fargate.resource
  - pear.fargate.resource.tags
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes
  - pear.fargate.ownership
"""

EXAMPLES = r"""
- name: Who is woken up
  pear.fargate.sns_alarm_topic:
    arn: arn:aws:sns:eu-central-1:123456789012:production-alarms
    subscriptions:
      - {protocol: email, endpoint: oncall@example.com}
"""

RETURN = r"""
topic_arn:
  description: ARN of the topic.
  returned: always
  type: str
  sample: arn:aws:sns:eu-central-1:123456789012:production-alarms
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.sns_alarm_topic import PROTOCOLS, run

ARGUMENT_SPEC = {
    "arn": {"type": "str", "required": True},
    "display_name": {"type": "str", "default": ""},
    "kms_key_arn": {"type": "str", "no_log": False, "default": ""},
    "subscriptions": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "protocol": {"type": "str", "required": True, "choices": list(PROTOCOLS)},
            "endpoint": {"type": "str", "required": True},
        },
    },
    **STATE_ARGUMENTS,
    "adopt": {"type": "bool", "default": False},
    **TAG_ARGUMENTS,
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
