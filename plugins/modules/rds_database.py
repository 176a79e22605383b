#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rds_database
short_description: Manage a PostgreSQL database on RDS
version_added: 0.1.0
description:
  - Makes one PostgreSQL instance or Aurora Serverless v2 cluster what it should be, with its subnet group and parameter group,
    waits until it answers, and returns how to reach it.
  - The database is always encrypted, never public, and refuses connections without TLS. RDS manages the password.
  - What RDS keeps for the maintenance window is returned in RV(pending), and applied at once only with O(apply_immediately).
  - Refuses changes that RDS cannot make before the first change. Never deletes a database.
seealso:
  - module: pear.fargate.backup_plan
  - module: amazon.aws.rds_instance
  - module: amazon.aws.rds_cluster
author:
  - pear.fargate contributors (@pear-fargate)
options:
  name:
    description: Identifier of the instance or cluster, and name of its subnet group; at most 60 characters.
    type: str
    required: true
  engine:
    description: A PostgreSQL instance, or an Aurora PostgreSQL cluster of Serverless v2 instances.
    type: str
    choices: [postgres, aurora-postgresql]
    default: postgres
  engine_version:
    description: Major version, or the lowest minor version such as V(17.6). Major upgrades are refused, since they cannot be undone.
    type: str
    default: "17"
  instance_class:
    description: Size of a PostgreSQL instance.
    type: str
    default: db.t4g.small
  allocated_gib:
    description: Storage of a PostgreSQL instance. Grown storage is no difference.
    type: int
    default: 20
  max_allocated_gib:
    description: Limit of storage autoscaling of a PostgreSQL instance. V(0) disables it.
    type: int
    default: 100
  storage_type:
    description: Storage of a PostgreSQL instance.
    type: str
    choices: [gp2, gp3, io1, io2]
    default: gp3
  capacity:
    description: Range of Aurora capacity units, each about 2 GiB of memory.
    type: dict
    default: {}
    suboptions:
      min_units:
        description: Minimum capacity. V(0) pauses an idle cluster.
        type: float
        default: 0.5
      max_units:
        description: Maximum capacity.
        type: float
        default: 4
  multi_az:
    description: Whether to run a standby in another zone; for Aurora, a second instance that serves reads.
    type: bool
    default: true
  subnet_ids:
    description: Subnets in two zones or more. Required with O(state=present).
    type: list
    elements: str
  security_group_ids:
    description: Security groups of the database. Required with O(state=present).
    type: list
    elements: str
  port:
    description: Port. Cannot be changed later.
    type: int
    default: 5432
  database_name:
    description: Name of the first database. Cannot be changed later.
    type: str
    default: app
  master_username:
    description: Name of the owner, whose password RDS stores in Secrets Manager and rotates. Cannot be changed later.
    type: str
    default: postgres
  kms_key_arn:
    description: ARN of the KMS key of storage and backups. The default is the account's key for RDS. Cannot be changed later.
    type: str
  secret_kms_key_arn:
    description: ARN of the KMS key of the owner's secret. The default is the account's key for Secrets Manager.
    type: str
  parameters:
    description: Additional parameters of PostgreSQL. C(rds.force_ssl) is always 1.
    type: dict
    default: {}
  backup_retention_days:
    description: Retention of automated backups in days. V(0) disables them, which Aurora does not allow.
    type: int
    default: 7
  backup_window:
    description: Window of the daily backup, in UTC.
    type: str
    default: "02:00-03:00"
  maintenance_window:
    description: Weekly maintenance window, in UTC.
    type: str
    default: "sun:03:30-sun:04:30"
  deletion_protection:
    description: Whether RDS refuses to delete the database until this is switched off.
    type: bool
    default: true
  auto_minor_version_upgrade:
    description: Whether RDS installs minor versions in the maintenance window.
    type: bool
    default: true
  performance_insights_days:
    description: Retention of Performance Insights in days; 7 are free of charge. V(0) disables it.
    type: int
    default: 7
  log_exports:
    description: Logs to export to CloudWatch Logs, below C(/aws/rds/).
    type: list
    elements: str
    choices: [postgresql, upgrade, iam-db-auth-error]
    default: [postgresql]
  apply_immediately:
    description: Whether to apply pending changes at once, with an outage if needed, and to restart for pending parameters.
    type: bool
    default: false
  final_snapshot:
    description: Whether O(state=absent) with O(delete_data=true) makes a final snapshot. Automated backups are kept in any case.
    type: bool
    default: true
  timeout_seconds:
    description: Maximum time to wait. RDS takes 5 to 20 minutes to create a database.
    type: int
    default: 3600
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
- name: A database for the scoreboard
  pear.fargate.rds_database:
    name: production-database
    subnet_ids: [subnet-0a, subnet-0b, subnet-0c]
    security_group_ids: [sg-0d]
    instance_class: db.m8g.large
    allocated_gib: 50
    max_allocated_gib: 500

- name: A larger class, now and not in the maintenance window
  pear.fargate.rds_database:
    name: production-database
    subnet_ids: [subnet-0a, subnet-0b, subnet-0c]
    security_group_ids: [sg-0d]
    instance_class: db.m8g.xlarge
    apply_immediately: true

- name: Create a cluster that scales down to half a capacity unit
  pear.fargate.rds_database:
    name: staging-database
    engine: aurora-postgresql
    capacity: {min_units: 0, max_units: 2}
    multi_az: false
    subnet_ids: [subnet-0a, subnet-0b, subnet-0c]
    security_group_ids: [sg-0d]

- name: Remove the database of staging, and keep a final snapshot
  pear.fargate.rds_database:
    name: staging-database
    state: absent
    delete_data: true
    tags: {pear:environment: staging}
"""

RETURN = r"""
identifier:
  description: Identifier of the instance or cluster.
  returned: always
  type: str
  sample: production-database
host:
  description: Host name to connect to; null in check mode if the database would be created.
  returned: always
  type: str
  sample: production-database.c9akciq32rgx.eu-central-1.rds.amazonaws.com
reader_host:
  description: Host name of Aurora's readers; for an instance the same as RV(host).
  returned: always
  type: str
  sample: production-database.c9akciq32rgx.eu-central-1.rds.amazonaws.com
port:
  description: Port to connect to.
  returned: always
  type: int
  sample: 5432
database_name:
  description: Name of the first database.
  returned: always
  type: str
  sample: app
master_username:
  description: Name of the owner.
  returned: always
  type: str
  sample: postgres
secret_arn:
  description: ARN of the secret with the keys V(username) and V(password), which RDS manages.
  returned: always
  type: str
  sample: arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-0a1b2c3d-AbCdEf
pending:
  description: A sentence per change that waits for the maintenance window or for a restart.
  returned: always
  type: list
  elements: str
  sample:
    - "production-database: multi_az False becomes True in the maintenance window sun:03:30-sun:04:30 UTC"
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
from ansible_collections.pear.fargate.plugins.module_utils.environment.rds_database import run

ARGUMENT_SPEC = {
    **STATE_ARGUMENTS,
    **DATA_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "engine": {"type": "str", "choices": ["postgres", "aurora-postgresql"], "default": "postgres"},
    "engine_version": {"type": "str", "default": "17"},
    "instance_class": {"type": "str", "default": "db.t4g.small"},
    "allocated_gib": {"type": "int", "default": 20},
    "max_allocated_gib": {"type": "int", "default": 100},
    "storage_type": {"type": "str", "choices": ["gp2", "gp3", "io1", "io2"], "default": "gp3"},
    "capacity": {
        "type": "dict",
        "default": {},
        "options": {"min_units": {"type": "float", "default": 0.5}, "max_units": {"type": "float", "default": 4}},
    },
    "multi_az": {"type": "bool", "default": True},
    "subnet_ids": {"type": "list", "elements": "str"},
    "security_group_ids": {"type": "list", "elements": "str"},
    "port": {"type": "int", "default": 5432},
    "database_name": {"type": "str", "default": "app"},
    "master_username": {"type": "str", "default": "postgres"},
    "kms_key_arn": {"type": "str", "no_log": False},
    "secret_kms_key_arn": {"type": "str", "no_log": False},
    "parameters": {"type": "dict", "default": {}},
    "backup_retention_days": {"type": "int", "default": 7},
    "backup_window": {"type": "str", "default": "02:00-03:00"},
    "maintenance_window": {"type": "str", "default": "sun:03:30-sun:04:30"},
    "deletion_protection": {"type": "bool", "default": True},
    "auto_minor_version_upgrade": {"type": "bool", "default": True},
    "performance_insights_days": {"type": "int", "default": 7},
    "log_exports": {
        "type": "list",
        "elements": "str",
        "choices": ["postgresql", "upgrade", "iam-db-auth-error"],
        "default": ["postgresql"],
    },
    "apply_immediately": {"type": "bool", "default": False},
    "adopt": {"type": "bool", "default": False},
    **TAG_ARGUMENTS,
    "final_snapshot": {"type": "bool", "default": True},
    "timeout_seconds": {"type": "int", "default": 3600},
}

CONSTRAINTS = {"required_if": [("state", "present", ("subnet_ids", "security_group_ids"))]}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
