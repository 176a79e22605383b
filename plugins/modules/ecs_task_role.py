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
    description: Trust policy. The filter P(pear.fargate.trust_policy#filter) builds one for ECS tasks of the account and region.
    type: dict
    required: true
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
    description: ARN of the permissions boundary.
    type: str
  tags:
    description: Tags of the role; other tags are left unchanged.
    type: dict
    default: {}
extends_documentation_fragment:
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
from ansible_collections.pear.fargate.plugins.module_utils.service.ecs_task_role import run

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "description": {"type": "str", "default": ""},
    "trust_policy": {"type": "dict", "required": True},
    "policy": {"type": "dict"},
    "policy_name": {"type": "str", "required": True},
    "managed_policy_arns": {"type": "list", "elements": "str", "default": []},
    "permissions_boundary": {"type": "str"},
    "adopt": {"type": "bool", "default": False},
    "tags": {"type": "dict", "default": {}},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
