#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: efs_file_system
short_description: Manage an EFS file system
version_added: 0.1.0
description:
  - Manages one EFS file system with mount targets, access points, policy, lifecycle and backups.
  - The file system is always encrypted, and its policy denies every access that does not use TLS.
  - EFS cannot change access points. The module fails if one differs.
  - O(state=absent) removes the mount targets, and with O(delete_data=true) the file system with its access points.
seealso:
  - module: pear.fargate.backup_plan
  - module: community.aws.efs
author:
  - pear.fargate contributors (@pear-fargate)
options:
  name:
    description: Name of the file system; also its creation token, by which it is found.
    type: str
    required: true
  subnet_ids:
    description: Subnets that get a mount target, one per availability zone. Required with O(state=present).
    type: list
    elements: str
  security_group_ids:
    description: Security groups of the mount targets. Required with O(state=present).
    type: list
    elements: str
  access_points:
    description: Access points, each with a directory and a POSIX user.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the access point.
        type: str
        required: true
      path:
        description: Directory of the access point; created with this owner if it is missing.
        type: str
        required: true
      uid:
        description: POSIX user ID of all access.
        type: int
        default: 1000
      gid:
        description: POSIX group ID of all access.
        type: int
        default: 1000
      permissions:
        description: Mode of the directory, if it is created.
        type: str
        default: "0750"
  kms_key_arn:
    description: ARN of the KMS key. The default is the account's key for EFS. Cannot be changed later.
    type: str
  throughput_mode:
    description: Throughput mode.
    type: str
    choices: [elastic, bursting, provisioned]
    default: elastic
  provisioned_throughput_mibps:
    description: Throughput in MiB/s, with O(throughput_mode=provisioned).
    type: float
  infrequent_access_after_days:
    description: Days without access after which files move to Infrequent Access. V(0) disables this.
    type: int
    choices: [0, 1, 7, 14, 30, 60, 90]
    default: 0
  backup:
    description: Whether AWS Backup's automatic daily backups are enabled.
    type: bool
    default: true
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
- name: A file system for the score database
  pear.fargate.efs_file_system:
    name: production
    subnet_ids: [subnet-0a, subnet-0b, subnet-0c]
    security_group_ids: [sg-0e]
    access_points:
      - name: scoreboard-data
        path: /scoreboard
        uid: 1000
        gid: 1000

- name: Remove the file system of staging with all files
  pear.fargate.efs_file_system:
    name: staging
    state: absent
    delete_data: true
    tags: {pear:environment: staging}
"""

RETURN = r"""
file_system_id:
  description: Id of the file system; null in check mode if it would be created.
  returned: always
  type: str
  sample: fs-0123456789abcdef0
file_system_arn:
  description: ARN of the file system.
  returned: always
  type: str
  sample: arn:aws:elasticfilesystem:eu-central-1:123456789012:file-system/fs-0123456789abcdef0
mount_targets:
  description: Mount target ids by subnet id.
  returned: always
  type: dict
  sample: {subnet-0a: fsmt-0b}
access_points:
  description: Access point ids by name.
  returned: always
  type: dict
  sample: {scoreboard-data: fsap-0c}
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
from ansible_collections.pear.fargate.plugins.module_utils.environment.efs_file_system import run

ARGUMENT_SPEC = {
    **STATE_ARGUMENTS,
    **DATA_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "subnet_ids": {"type": "list", "elements": "str"},
    "security_group_ids": {"type": "list", "elements": "str"},
    "access_points": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "path": {"type": "str", "required": True},
            "uid": {"type": "int", "default": 1000},
            "gid": {"type": "int", "default": 1000},
            "permissions": {"type": "str", "default": "0750"},
        },
    },
    "kms_key_arn": {"type": "str", "no_log": False},
    "throughput_mode": {"type": "str", "choices": ["elastic", "bursting", "provisioned"], "default": "elastic"},
    "provisioned_throughput_mibps": {"type": "float"},
    "infrequent_access_after_days": {"type": "int", "choices": [0, 1, 7, 14, 30, 60, 90], "default": 0},
    "backup": {"type": "bool", "default": True},
    "adopt": {"type": "bool", "default": False},
    **TAG_ARGUMENTS,
}

CONSTRAINTS = {"required_if": [("state", "present", ("subnet_ids", "security_group_ids"))]}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
