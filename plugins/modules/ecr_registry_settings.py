#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_registry_settings
short_description: Manage replication and pull-through caches of an ECR registry
version_added: 0.1.0
description:
  - Manages one replication rule, for repositories with a prefix, and pull-through caches.
  - These are settings of the registry, that is of an account and region. Other rules are preserved.
  - There is no O(ignore:state), since the settings of a registry always exist. An empty O(replication_regions) removes the rule.
    Caches that are not listed stay, since other services may pull through them. Neither kind of setting can carry tags.
  - ECR replicates only images that are pushed after the rule was created.
seealso:
  - module: pear.fargate.ecr_repository
author:
  - pear.fargate contributors (@pear-fargate)
options:
  repository_prefix:
    description: Name prefix of the repositories to replicate.
    type: str
    required: true
  replication_regions:
    description: Regions to replicate to. An empty list removes the rule. Left unchanged if omitted.
    type: list
    elements: str
  pull_through_caches:
    description: Upstream registries to cache.
    type: list
    elements: dict
    default: []
    suboptions:
      prefix:
        description: Name prefix of the cache's repositories.
        type: str
        required: true
      upstream:
        description: Host name of the upstream registry.
        type: str
        required: true
      credential_arn:
        description: Secret with a user name and a token for it; its name begins with C(ecr-pullthroughcache/).
        type: str
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes
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
