#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: alarm_delivery_test
short_description: Prove that alarms reach every notification target
version_added: 0.2.0
description:
  - Lets one alarm of each topic fire for a moment (C(SetAlarmState)), and follows the notification from CloudWatch to the topic by the
    alarm's history, and from the topic to its subscriptions by the counts of SNS.
  - Fails where a topic does not exist, has no subscription or one that is not confirmed, where CloudWatch may not use the topic's key,
    and where a notification is not delivered in time.
  - Everybody who is subscribed is told, and told again that it is over. The reason of the alarm says that it is a test.
seealso:
  - module: pear.fargate.sns_alarm_topic
  - module: pear.fargate.cloudwatch_alarms
author:
  - pear.fargate contributors (@pear-fargate)
options:
  topic_arns:
    description: ARNs of the topics. Each is tested in its own region, by an alarm that is there.
    type: list
    elements: str
    required: true
  release_topic_arns:
    description:
      - ARNs of topics that no alarm tells, such as that of releases. Their subscriptions are looked at; nothing is sent to them.
      - None if omitted.
    type: list
    elements: str
    default: []
  alarm_prefix:
    description:
      - Prefix of the names of the alarms that may be set to ALARM for the test.
      - One that has other actions than to tell O(topic_arns) is left alone.
    type: str
    required: true
  timeout_seconds:
    description: Time until every notification has to be delivered. SNS counts its deliveries each minute, some minutes late.
    type: int
    default: 600
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes
"""

EXAMPLES = r"""
- name: Prove that someone is woken up
  pear.fargate.alarm_delivery_test:
    topic_arns: ["arn:aws:sns:eu-central-1:123456789012:production-alarms"]
    alarm_prefix: production/
"""

RETURN = r"""
topics:
  description: What became of the notification of each topic.
  returned: always
  type: list
  elements: dict
  contains:
    topic_arn:
      description: ARN of the topic.
      type: str
      sample: arn:aws:sns:eu-central-1:123456789012:production-alarms
    alarm:
      description: Name of the alarm that was set to ALARM. Empty for a topic of O(release_topic_arns).
      type: str
      sample: production/*/balancer-errors
    action:
      description: What the alarm's history says.
      type: str
      sample: Successfully executed action arn:aws:sns:eu-central-1:123456789012:production-alarms
    subscriptions:
      description: The notification targets, with protocol, endpoint, and whether each is confirmed.
      type: list
      elements: dict
      sample: [{protocol: email, endpoint: oncall@example.com, confirmed: true}]
    delivered:
      description: Notifications that SNS delivered since the test began, two for each subscription where the alarm tells of its end too.
      type: int
      sample: 2
    failed:
      description: Notifications that SNS could not deliver.
      type: int
      sample: 0
    problems:
      description: A sentence for each problem.
      type: list
      elements: str
      sample: []
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.alarm_delivery_test import run

ARGUMENT_SPEC = {
    "topic_arns": {"type": "list", "elements": "str", "required": True},
    "release_topic_arns": {"type": "list", "elements": "str", "default": []},
    "alarm_prefix": {"type": "str", "required": True},
    "timeout_seconds": {"type": "int", "default": 600},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
