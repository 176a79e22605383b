#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: environment_teardown
short_description: Remove the resources of an environment, or of one of its services
version_added: 0.1.0
description:
  - Finds the collection's resources by tag, or by name where AWS has no tags, and removes them in dependency order.
  - Removes a partly created environment too.
  - Keeps databases, file systems, images, the backup vault and the roles of deployers unless O(data) lists them.
  - Fails before the first removal if a resource has deletion protection, and where others use it; services in the environment's
    cluster, target groups behind its load balancer, network interfaces in its VPC.
seealso:
  - module: pear.fargate.environment_info
author:
  - pear.fargate contributors (@pear-fargate)
options:
  environment:
    description: Name of the environment.
    type: str
    required: true
  service:
    description:
      - Name of one service to remove. The environment and its other services stay, and so do the service's releases in the ledger.
      - The whole environment if omitted.
    type: str
  names:
    description: Names of the service in DNS, whose records go with it.
    type: list
    elements: str
    default: []
  confirm:
    description: The name of what is removed, the service's or the environment's, as a confirmation. Not needed in check mode.
    type: str
    default: ""
  services:
    description: Services of the environment. Services that still exist are found without it.
    type: list
    elements: str
    default: []
  zones:
    description: Hosted zones to search for records of the environment.
    type: list
    elements: str
    default: []
  clusters:
    description:
      - Clusters that others made and services run in, by name or ARN. Only ECS services of the environment are removed there.
      - Those that target groups of the services name are looked into without it.
    type: list
    elements: str
    default: []
    version_added: 0.2.0
  data:
    description:
      - Kinds of data to remove as well.
      - V(deployers) are the roles of those who run the playbooks, and the account's identity provider for GitHub, if the role deployer made
        it and no other role trusts it. It needs the permissions of an administrator.
      - V(images) are the repositories of the services, which other environments of the account may use.
    type: list
    elements: str
    choices: [backups, database, deployers, file_system, images]
    default: []
  deployer_name_prefix:
    description: What the names of the deployers' roles begin with. C(pear-deployer-ENVIRONMENT-REGION) if empty.
    type: str
    default: ""
  final_snapshot:
    description: Whether to create a final snapshot of a database. Automated backups are kept until their retention ends.
    type: bool
    default: true
  timeout_seconds:
    description: Maximum time to wait for a resource's dependencies to be deleted, a final snapshot included.
    type: int
    default: 1800
extends_documentation_fragment:
  - pear.fargate.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Remove the staging environment and keep its files
  pear.fargate.environment_teardown:
    environment: staging
    confirm: staging

# With confirm left out the task fails before anything is changed:
#   confirm is ''; to remove environment staging it must be 'staging' (-e confirm=staging).
"""

RETURN = r"""
removed:
  description: Removed resources in order; in check mode those that would be removed.
  returned: always
  type: list
  elements: str
  sample: [load balancer staging, VPC staging (vpc-0a)]
kept:
  description: Kept resources.
  returned: always
  type: list
  elements: str
  sample: [file system staging (fs-0b)]
refusals:
  description: Resources with deletion protection, and those that others use, each with the reason.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.environment.environment_teardown import run

ARGUMENT_SPEC = {
    "environment": {"type": "str", "required": True},
    "service": {"type": "str"},
    "names": {"type": "list", "elements": "str", "default": []},
    "confirm": {"type": "str", "default": ""},
    "services": {"type": "list", "elements": "str", "default": []},
    "zones": {"type": "list", "elements": "str", "default": []},
    "clusters": {"type": "list", "elements": "str", "default": []},
    "data": {
        "type": "list",
        "elements": "str",
        "choices": ["backups", "database", "deployers", "file_system", "images"],
        "default": [],
    },
    "deployer_name_prefix": {"type": "str", "default": ""},
    "final_snapshot": {"type": "bool", "default": True},
    "timeout_seconds": {"type": "int", "default": 1800},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
