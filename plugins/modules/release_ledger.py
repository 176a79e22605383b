#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: release_ledger
short_description: Manage the table of the release ledger
version_added: 0.1.0
description:
  - Manages the DynamoDB table with the releases and leases of an environment's services.
  - Never reads or changes its items.
  - With O(state=absent) it is removed. All releases on record are removed with it.
seealso:
  - module: pear.fargate.bluegreen_cutover
  - module: community.aws.dynamodb_table
author:
  - pear.fargate contributors (@pear-fargate)
options:
  name:
    description: Name of the table.
    type: str
    required: true
  point_in_time_recovery:
    description: Whether the table can be restored to any second of the last 35 days.
    type: bool
    default: true
  deletion_protection:
    description:
      - Whether DynamoDB refuses to delete the table.
      - Left unchanged if omitted, and off for a new table. While it is on, O(state=absent) is refused.
    type: bool
    version_added: 0.2.0
  kms_key_arn:
    description:
      - ARN of the KMS key that encrypts the table. An empty one means DynamoDB's own key.
      - Left unchanged if omitted, and DynamoDB's own for a new table.
      - Whoever reads or writes the ledger needs the key too, by way of DynamoDB. While it is refused, no release and no rollback can begin.
    type: str
    version_added: 0.2.0
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
- name: The ledger of production
  pear.fargate.release_ledger:
    name: production-releases
"""

RETURN = r"""
table_arn:
  description: ARN of the table; null in check mode if it would be created.
  returned: always
  type: str
  sample: arn:aws:dynamodb:eu-central-1:123456789012:table/production-releases
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.environment.release_ledger import run

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "point_in_time_recovery": {"type": "bool", "default": True},
    "deletion_protection": {"type": "bool"},
    "kms_key_arn": {"type": "str", "no_log": False},
    **STATE_ARGUMENTS,
    "adopt": {"type": "bool", "default": False},
    **TAG_ARGUMENTS,
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
