#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_plan
short_description: A plan of AWS Backup with a vault of its own, that selects by tags
version_added: 0.1.0
description:
  - Makes vault, rules and selection of one plan what they should be.
  - A changed rule holds for backups that are made from then on; those that are there keep what they were made with.
  - The vault, and the backups in it, are never removed here.
author:
  - pear.fargate contributors (@pear-fargate)
options:
  name:
    description: Name of the plan and of its vault; letters, digits, hyphens and underscores, at most 50.
    type: str
    required: true
  rules:
    description: When backups are made and how long they are kept. Without any the plan is removed.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the rule.
        type: str
        required: true
      schedule:
        description: When, as a cron expression of AWS in UTC.
        type: str
        default: "cron(0 3 * * ? *)"
      keep_days:
        description: Days to keep a backup.
        type: int
        default: 35
      cold_after_days:
        description: Move a backup to cold storage after so many days, where it stays for 90 or more; V(0) never does.
        type: int
        default: 0
      start_within_minutes:
        description: How long a backup may wait to begin; 60 or more.
        type: int
        default: 60
      complete_within_minutes:
        description: How long after its time a backup may take until it is given up.
        type: int
        default: 480
  select_by_tags:
    description: Tags that a resource must have, all of them, to be backed up.
    type: dict
    required: true
  resource_types:
    description: Types of resources for which AWS Backup must be switched on in this account and region; refused where it is not.
    type: list
    elements: str
    default: [EFS]
  role_arn:
    description: ARN of the role that AWS Backup takes.
    type: str
    required: true
  kms_key_arn:
    description: KMS key of the vault; the account's key for AWS Backup where it is not given. It cannot be changed later.
    type: str
  tags:
    description: Tags of plan and vault; other tags are left alone.
    type: dict
    default: {}
attributes:
  action:
    description: Runs on the controller, with progress lines.
    support: full
  check_mode:
    description: Predicts what would change, and changes nothing.
    support: full
  diff_mode:
    description: Shows what differs, before and after.
    support: full
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
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
"""

RETURN = r"""
plan_id:
  description: Id of the plan; null where there is none, and in check mode where it would be created.
  returned: always
  type: str
  sample: 8f81f553-3a74-4a3f-b93d-b3360dc80c50
vault_arn:
  description: ARN of the vault; null as above.
  returned: always
  type: str
  sample: arn:aws:backup:eu-central-1:123456789012:backup-vault:production-backup
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.environment.backup_plan import run

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "rules": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "schedule": {"type": "str", "default": "cron(0 3 * * ? *)"},
            "keep_days": {"type": "int", "default": 35},
            "cold_after_days": {"type": "int", "default": 0},
            "start_within_minutes": {"type": "int", "default": 60},
            "complete_within_minutes": {"type": "int", "default": 480},
        },
    },
    "select_by_tags": {"type": "dict", "required": True},
    "resource_types": {"type": "list", "elements": "str", "default": ["EFS"]},
    "role_arn": {"type": "str", "required": True},
    "kms_key_arn": {"type": "str"},
    "tags": {"type": "dict", "default": {}},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
