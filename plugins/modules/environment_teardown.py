#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: environment_teardown
short_description: Remove what the collection made for an environment, and keep its data
version_added: 0.1.0
description:
  - Finds by tag what the collection made, and by name what AWS has no tags for, and removes it in an order that works.
  - What is half there is removed as far as it is there. With nothing left nothing is changed.
  - Databases, file systems and images are kept unless O(data) names them; so are the vault of backups and what is in it.
  - Whatever has deletion protection is refused before anything is removed.
author:
  - pear.fargate contributors (@pear-fargate)
options:
  environment:
    description: Name of the environment.
    type: str
    required: true
  confirm:
    description: The same name once more. It is not asked for in check mode.
    type: str
    default: ""
  services:
    description: Services of the environment; those that are still there are found without it.
    type: list
    elements: str
    default: []
  zones:
    description: Hosted zones in which names of the environment are looked for.
    type: list
    elements: str
    default: []
  data:
    description:
      - Data that goes as well.
      - V(images) are repositories of the services, which other environments of the account may use.
    type: list
    elements: str
    choices: [backups, database, file_system, images]
    default: []
  final_snapshot:
    description: Whether a database that goes leaves a final snapshot. The backups that RDS made stay until their days are over either way.
    type: bool
    default: true
  timeout_seconds:
    description: How long to wait for what holds a thing to go. RDS makes a final snapshot in that time.
    type: int
    default: 1800
attributes:
  action:
    description: Runs on the controller, with progress lines.
    support: full
  check_mode:
    description: Lists what would be removed, and removes nothing.
    support: full
  diff_mode:
    description: Lists what goes.
    support: full
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: The staging environment goes, its files stay
  pear.fargate.environment_teardown:
    environment: staging
    confirm: staging

# With confirm left out the task fails before anything is changed:
#   confirm is ''; to remove environment staging it must be 'staging' (-e confirm=staging).
"""

RETURN = r"""
removed:
  description: What was removed, in order; in check mode what would be.
  returned: always
  type: list
  elements: str
  sample: [load balancer staging, VPC staging (vpc-0a)]
kept:
  description: What was kept.
  returned: always
  type: list
  elements: str
  sample: [file system staging (fs-0b)]
refusals:
  description: What is protected against deletion.
  returned: always
  type: list
  elements: str
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.environment.environment_teardown import run

ARGUMENT_SPEC = {
    "environment": {"type": "str", "required": True},
    "confirm": {"type": "str", "default": ""},
    "services": {"type": "list", "elements": "str", "default": []},
    "zones": {"type": "list", "elements": "str", "default": []},
    "data": {
        "type": "list",
        "elements": "str",
        "choices": ["backups", "database", "file_system", "images"],
        "default": [],
    },
    "final_snapshot": {"type": "bool", "default": True},
    "timeout_seconds": {"type": "int", "default": 1800},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
