#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_fargate_cluster
short_description: Manage an ECS cluster for Fargate
version_added: 0.1.0
description:
  - Manages an ECS cluster with both Fargate capacity providers, Container Insights, default strategy and tags.
  - Other capacity providers of the cluster stay.
  - M(community.aws.ecs_cluster) supports neither settings nor tags.
  - With O(state=absent) it is removed. AWS refuses to remove a cluster that has services or tasks.
seealso:
  - module: pear.fargate.vpc_network
  - module: community.aws.ecs_cluster
author:
  - pear.fargate contributors (@pear-fargate)
options:
  name:
    description: Name of the cluster.
    type: str
    required: true
  container_insights:
    description: Container Insights; V(enhanced) adds metrics per task.
    type: str
    choices: [disabled, enabled, enhanced]
    default: enabled
  capacity_provider_strategy:
    description: Default capacity provider strategy of the cluster's services.
    type: list
    elements: dict
    default:
      - capacity_provider: FARGATE
    suboptions:
      capacity_provider:
        description: Name of the capacity provider.
        type: str
        choices: [FARGATE, FARGATE_SPOT]
        required: true
      base:
        description: Minimum number of tasks on this provider.
        type: int
        default: 0
      weight:
        description: Relative share of the tasks beyond the base.
        type: int
        default: 1
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
- name: A cluster that runs two thirds of its tasks on Spot, and one always on demand
  pear.fargate.ecs_fargate_cluster:
    name: staging
    capacity_provider_strategy:
      - capacity_provider: FARGATE
        base: 1
        weight: 1
      - capacity_provider: FARGATE_SPOT
        weight: 2
"""

RETURN = r"""
cluster_arn:
  description: ARN of the cluster; null in check mode if it would be created.
  returned: always
  type: str
  sample: arn:aws:ecs:eu-central-1:123456789012:cluster/staging
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.environment.ecs_fargate_cluster import run

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "container_insights": {"type": "str", "choices": ["disabled", "enabled", "enhanced"], "default": "enabled"},
    "capacity_provider_strategy": {
        "type": "list",
        "elements": "dict",
        "default": [{"capacity_provider": "FARGATE"}],
        "options": {
            "capacity_provider": {"type": "str", "choices": ["FARGATE", "FARGATE_SPOT"], "required": True},
            "base": {"type": "int", "default": 0},
            "weight": {"type": "int", "default": 1},
        },
    },
    **STATE_ARGUMENTS,
    "adopt": {"type": "bool", "default": False},
    **TAG_ARGUMENTS,
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
