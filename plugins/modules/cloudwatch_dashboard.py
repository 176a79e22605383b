#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_dashboard
short_description: Manage a CloudWatch dashboard
version_added: 0.1.0
description:
  - Compares the content of the dashboard; the order of keys and widgets, and white space, are ignored.
  - Fails with CloudWatch's validation messages if there are any.
seealso:
  - module: pear.fargate.cloudwatch_alarms
author:
  - pear.fargate contributors (@pear-fargate)
options:
  name:
    description: Name of the dashboard; letters, digits, hyphens and underscores.
    type: str
    required: true
  body:
    description: >-
      Body of the dashboard, as CloudWatch documents it. P(pear.fargate.service_dashboard#filter) builds that of a service.
      Required with O(state=present).
    type: dict
extends_documentation_fragment:
  - pear.fargate.resource
  - pear.fargate.resource.tags
  - pear.fargate.ownership
  - pear.fargate.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: What is answered
  pear.fargate.cloudwatch_dashboard:
    name: production-scoreboard
    tags: {pear:environment: production, pear:service: scoreboard}
    body:
      widgets:
        - type: text
          x: 0
          y: 0
          width: 24
          height: 2
          properties:
            markdown: "# Score board"
"""

RETURN = r"""
name:
  description: Name of the dashboard.
  returned: always
  type: str
  sample: production-scoreboard
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.cloudwatch_dashboard import run

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "body": {"type": "dict"},
    "adopt": {"type": "bool", "default": False},
    **TAG_ARGUMENTS,
    **STATE_ARGUMENTS,
}

CONSTRAINTS = {"required_if": [("state", "present", ("body",))]}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
