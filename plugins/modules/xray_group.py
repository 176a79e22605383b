#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: xray_group
short_description: Manage a group of AWS X-Ray
version_added: 0.2.0
description:
  - A group is a name for the traces that a filter expression finds. X-Ray shows their map, and counts them in metrics of
    the namespace C(AWS/X-Ray) (U(https://docs.aws.amazon.com/xray/latest/devguide/xray-console-groups.html)).
seealso:
  - module: pear.fargate.xray_sampling_rules
author:
  - pear.fargate contributors (@pear-fargate)
options:
  name:
    description: Name of the group, 32 characters at most.
    type: str
    required: true
  filter_expression:
    description: Filter expression of the traces. A change counts for traces that arrive after it.
    type: str
  insights:
    description: Whether X-Ray looks for anomalies in the group's faults. AWS charges for it by the number of traces.
    type: bool
    default: false
  insights_notifications:
    description: Whether X-Ray sends an event to EventBridge for each insight. It needs O(insights).
    type: bool
    default: false
  adopt:
    description: Whether to take over a group of others that has this name, after telling what changes in it.
    type: bool
    default: false
extends_documentation_fragment:
  - pear.fargate.resource
  - pear.fargate.resource.tags
  - pear.fargate.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Name the traces of the shop
  pear.fargate.xray_group:
    name: production-shop
    filter_expression: service("shop")
    tags: {"pear:environment": production, "pear:service": shop}

- name: Remove the group
  pear.fargate.xray_group:
    name: production-shop
    tags: {"pear:environment": production, "pear:service": shop}
    state: absent
"""

RETURN = r"""
name:
  description: Name of the group.
  returned: always
  type: str
  sample: production-shop
arn:
  description: ARN of the group; empty if it does not exist.
  returned: always
  type: str
  sample: arn:aws:xray:eu-central-1:123456789012:group/production-shop/6FNO5WGG5CJZ2QA2QJ4ZEEXAMPLE
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.xray_group import run

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "filter_expression": {"type": "str"},
    "insights": {"type": "bool", "default": False},
    "insights_notifications": {"type": "bool", "default": False},
    "adopt": {"type": "bool", "default": False},
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
