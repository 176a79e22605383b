#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: gameday_fault
short_description: Break something of an environment on purpose, and mend it
version_added: 0.2.0
description:
  - Makes the faults of a game day that Fault Injection Service has no action for. The role gameday runs it.
  - O(fault=mount_targets) gives the mount targets of the environment's own file system the security group of its tasks, which lets in no
    NFS. Tasks that start then cannot mount it; those that run keep their connections. O(state=absent) gives them their own group again.
  - O(fault=calls) calls C(elasticloadbalancing:DescribeLoadBalancers) more often than AWS takes it, for O(seconds). All Describe calls of
    load balancers in the account and region share one limit. Run it with C(async), and something else meanwhile. It ends by itself.
seealso:
  - module: pear.fargate.fis_experiment
  - module: pear.fargate.gameday_step
author:
  - pear.fargate contributors (@pear-fargate)
options:
  environment:
    description: Name of the environment.
    type: str
    required: true
  fault:
    description: What is broken.
    type: str
    required: true
    choices: [mount_targets, calls]
  seconds:
    description: For how long calls are made.
    type: int
    default: 600
  calls_per_second:
    description: How many calls are made. Elastic Load Balancing takes ten a second on and on, so that half of the default are refused.
    type: int
    default: 20
extends_documentation_fragment:
  - pear.fargate.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes
"""

EXAMPLES = r"""
- name: Keep new tasks from mounting the file system
  pear.fargate.gameday_fault:
    environment: staging
    fault: mount_targets

- name: Let them in again
  pear.fargate.gameday_fault:
    environment: staging
    fault: mount_targets
    state: absent

- name: Use up the calls of load balancers for ten minutes
  pear.fargate.gameday_fault:
    environment: staging
    fault: calls
  async: 900
  poll: 0
"""

RETURN = r"""
mount_targets:
  description: Ids of the mount targets.
  returned: with O(fault=mount_targets)
  type: list
  elements: str
  sample: [fsmt-0a1b2c3d]
calls:
  description: How many calls were made.
  returned: with O(fault=calls)
  type: int
  sample: 11873
throttled:
  description: How many of them AWS refused because there were too many.
  returned: with O(fault=calls)
  type: int
  sample: 5790
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.operations.gameday_fault import CALLS, MOUNT_TARGETS, run

ARGUMENT_SPEC = {
    "environment": {"type": "str", "required": True},
    "fault": {"type": "str", "required": True, "choices": [MOUNT_TARGETS, CALLS]},
    "seconds": {"type": "int", "default": 600},
    "calls_per_second": {"type": "int", "default": 20},
    **STATE_ARGUMENTS,
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
