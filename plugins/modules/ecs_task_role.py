#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_task_role
short_description: Manage an IAM role of ECS tasks
version_added: 0.1.0
description:
  - Manages the trust policy, one inline policy, managed policies, permissions boundary and tags of a role.
  - Other policies of the role are left unchanged.
  - With O(state=absent) it is removed. Policies that the options name are removed with it; IAM refuses to remove a role that has others.
seealso:
  - module: pear.fargate.service_release
  - module: amazon.aws.iam_role
author:
  - pear.fargate contributors (@pear-fargate)
options:
  name:
    description: Name of the role.
    type: str
    required: true
  description:
    description: Description of the role, set at creation only.
    type: str
    default: ""
  trust_policy:
    description: >-
      Trust policy. The filter P(pear.fargate.trust_policy#filter) builds one for ECS tasks of the account and region.
      Required with O(state=present).
    type: dict
  policy:
    description: Document of the inline policy. If omitted, the policy is removed.
    type: dict
  policy_name:
    description: Name of the inline policy.
    type: str
    required: true
  managed_policy_arns:
    description: Managed policies to attach; others are kept.
    type: list
    elements: str
    default: []
  permissions_boundary:
    description:
      - ARN of the permissions boundary, a managed policy that limits what the role's other policies allow.
      - Left unchanged if omitted. An empty string removes it.
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
- name: The containers of the scoreboard may read one bucket
  pear.fargate.ecs_task_role:
    name: production-scoreboard-task
    trust_policy: "{{ found.environment | pear.fargate.trust_policy }}"
    policy_name: task
    policy:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Action: s3:GetObject
          Resource: arn:aws:s3:::scoreboard-assets/*
"""

RETURN = r"""
arn:
  description: ARN of the role; null in check mode if it would be created.
  returned: always
  type: str
  sample: arn:aws:iam::123456789012:role/production-scoreboard-task
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.service.ecs_task_role import run

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "description": {"type": "str", "default": ""},
    "trust_policy": {"type": "dict"},
    "policy": {"type": "dict"},
    "policy_name": {"type": "str", "required": True},
    "managed_policy_arns": {"type": "list", "elements": "str", "default": []},
    "permissions_boundary": {"type": "str"},
    **STATE_ARGUMENTS,
    "adopt": {"type": "bool", "default": False},
    **TAG_ARGUMENTS,
}

CONSTRAINTS = {"required_if": [("state", "present", ("trust_policy",))]}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
