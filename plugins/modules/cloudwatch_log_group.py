#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_log_group
short_description: Manage a CloudWatch log group
version_added: 0.1.0
description:
  - Manages retention, KMS key and tags of a log group. Check mode writes nothing.
  - M(amazon.aws.cloudwatchlogs_log_group) writes a retention that differs even in check mode.
  - With O(state=absent) it is removed. Its events are removed with it.
seealso:
  - module: pear.fargate.cloudwatch_alarms
  - module: amazon.aws.cloudwatchlogs_log_group
author:
  - pear.fargate contributors (@pear-fargate)
options:
  name:
    description: Name of the log group.
    type: str
    required: true
  retention_days:
    description: Retention in days, one of the values that CloudWatch Logs accepts. V(0) keeps events forever.
    type: int
    default: 0
  kms_key_arn:
    description:
      - ARN of the KMS key for new events. An empty text takes away the one that is there, and CloudWatch's own key is used.
      - If omitted, a new log group has CloudWatch's own key, and one that exists keeps its key.
    type: str
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
- name: The log of the score board, for a month
  pear.fargate.cloudwatch_log_group:
    name: /pear/production/scoreboard
    retention_days: 30
"""

RETURN = r"""
name:
  description: Name of the log group.
  returned: always
  type: str
  sample: /pear/production/scoreboard
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.cloudwatch_log_group import run

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "retention_days": {"type": "int", "default": 0},
    "kms_key_arn": {"type": "str", "no_log": False},
    **STATE_ARGUMENTS,
    "adopt": {"type": "bool", "default": False},
    **TAG_ARGUMENTS,
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
