#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_registry_settings
short_description: Copies of repositories in other regions, and caches of other registries
version_added: 0.1.0
description:
  - Keeps one rule of replication for repositories of a prefix, and pull-through caches.
  - These are settings of the whole registry, an account's in a region. Other rules stay as they are.
  - Only images that are pushed after a rule is there are copied.
author:
  - pear.fargate contributors (@pear-fargate)
options:
  repository_prefix:
    description: What the names of the repositories begin with that are copied.
    type: str
    required: true
  replication_regions:
    description: Regions to copy to; an empty list takes the rule away. Not looked at where it is not given.
    type: list
    elements: str
  pull_through_caches:
    description: Registries whose images are pulled through repositories of this one.
    type: list
    elements: dict
    default: []
    suboptions:
      prefix:
        description: What the names of the repositories begin with that are the cache.
        type: str
        required: true
      upstream:
        description: Host name of the other registry.
        type: str
        required: true
      credential_arn:
        description: Secret with a user name and a token for it; its name begins with C(ecr-pullthroughcache/).
        type: str
attributes:
  action:
    description: Runs on the controller.
    support: full
  check_mode:
    description: Predicts what would change, and changes nothing.
    support: full
  diff_mode:
    description: Shows each property that differs, before and after.
    support: full
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Copies for another region
  pear.fargate.ecr_registry_settings:
    repository_prefix: scoreboard
    replication_regions: [eu-west-1]
"""

RETURN = r"""
#
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.image.ecr_registry_settings import run

ARGUMENT_SPEC = {
    "repository_prefix": {"type": "str", "required": True},
    "replication_regions": {"type": "list", "elements": "str"},
    "pull_through_caches": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "prefix": {"type": "str", "required": True},
            "upstream": {"type": "str", "required": True},
            # The ARN of a secret, never its value.
            "credential_arn": {"type": "str", "no_log": False},
        },
    },
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
