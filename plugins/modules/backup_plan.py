#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_plan
short_description: Manage an AWS Backup plan with its vault
version_added: 0.1.0
description:
  - Manages the vault, the rules and the tag-based selection of one plan.
  - A changed rule applies to new backups; existing backups keep their lifecycle.
  - O(state=absent) removes the plan, and with O(delete_data=true) the vault with all backups in it.
seealso:
  - module: pear.fargate.efs_file_system
  - module: pear.fargate.rds_database
  - module: amazon.aws.backup_plan
author:
  - pear.fargate contributors (@pear-fargate)
options:
  name:
    description: Name of the plan and of its vault; letters, digits, hyphens and underscores, at most 50.
    type: str
    required: true
  rules:
    description: Schedules and retention. An empty list removes the plan. Required with O(state=present).
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the rule.
        type: str
        required: true
      schedule:
        description: Schedule as an AWS cron expression in UTC.
        type: str
        default: "cron(0 3 * * ? *)"
      keep_days:
        description: Retention of a backup in days.
        type: int
        default: 35
      cold_after_days:
        description: Days after which a backup moves to cold storage, where it stays at least 90 days. V(0) disables this.
        type: int
        default: 0
      start_within_minutes:
        description: Minutes within which a backup must start, at least 60.
        type: int
        default: 60
      complete_within_minutes:
        description: Minutes within which a backup must complete.
        type: int
        default: 480
  select_by_tags:
    description: Tags that select a resource. A resource must have all of them. Required with O(state=present).
    type: dict
  resource_types:
    description: Resource types that AWS Backup must have enabled in this account and region. The module fails if one is disabled.
    type: list
    elements: str
    default: [EFS]
  role_arn:
    description: ARN of the role that AWS Backup assumes. Required with O(state=present).
    type: str
  kms_key_arn:
    description: ARN of the vault's KMS key. The default is the account's key for AWS Backup. Cannot be changed later.
    type: str
extends_documentation_fragment:
  - pear.fargate.resource
  - pear.fargate.resource.data
  - pear.fargate.resource.tags
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes
  - pear.fargate.ownership
"""

EXAMPLES = r"""
- name: Files of production, daily for five weeks and monthly for a year
  pear.fargate.backup_plan:
    name: production-backup
    role_arn: arn:aws:iam::123456789012:role/production-backup
    select_by_tags:
      pear:environment: production
      pear:component: file_system
    rules:
      - name: daily
        keep_days: 35
      - name: monthly
        schedule: cron(0 4 1 * ? *)
        keep_days: 365
        cold_after_days: 30

- name: End the backups of staging; those that were made stay in the vault
  pear.fargate.backup_plan:
    name: staging-backup
    state: absent
    tags: {pear:environment: staging}
"""

RETURN = r"""
plan_id:
  description: ID of the plan; null if there is none, or in check mode if it would be created.
  returned: always
  type: str
  sample: 8f81f553-3a74-4a3f-b93d-b3360dc80c50
vault_arn:
  description: ARN of the vault; null in check mode if it would be created.
  returned: always
  type: str
  sample: arn:aws:backup:eu-central-1:123456789012:backup-vault:production-backup
kept:
  description: What O(state=absent) left in place because it holds data.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.environment.absent import DATA_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.environment.backup_plan import run

ARGUMENT_SPEC = {
    **STATE_ARGUMENTS,
    **DATA_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "rules": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "schedule": {"type": "str", "default": "cron(0 3 * * ? *)"},
            "keep_days": {"type": "int", "default": 35},
            "cold_after_days": {"type": "int", "default": 0},
            "start_within_minutes": {"type": "int", "default": 60},
            "complete_within_minutes": {"type": "int", "default": 480},
        },
    },
    "select_by_tags": {"type": "dict"},
    "resource_types": {"type": "list", "elements": "str", "default": ["EFS"]},
    "role_arn": {"type": "str"},
    "kms_key_arn": {"type": "str", "no_log": False},
    "adopt": {"type": "bool", "default": False},
    **TAG_ARGUMENTS,
}

CONSTRAINTS = {"required_if": [("state", "present", ("rules", "select_by_tags", "role_arn"))]}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
