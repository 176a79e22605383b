#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: service_preflight
short_description: Validate the variables of a host before anything is changed
version_added: 0.1.0
description:
  - For a host of the group C(environment), validates the variables of all roles of the environment.
  - For a host of the group C(services), checks the variables of the roles C(registry) and C(service). Names that no role knows, types,
    ranges, combinations that Fargate or the load balancer refuse, priorities that another service holds, an image or a secret that
    does not exist.
  - Reports all findings at once, each with the variable, its value and what would be valid. Changes nothing.
  - The first call checks credentials, region and endpoint, and fails within seconds.
seealso:
  - module: pear.fargate.service_release
author:
  - pear.fargate contributors (@pear-fargate)
options:
  variables:
    description: The service's variables. The action plugin fills them in from the host.
    type: dict
    default: {}
  environment:
    description: What the environment has by its own variables. The action plugin fills it in.
    type: dict
    default: {}
  shared:
    description: Variables of the environment's roles that decide which resources it has of its own. The action plugin fills them in.
    type: dict
    default: {}
  ownership:
    description:
      - Whether to look for resources of others under the names of ours, and refuse them. Set it where the run creates or changes resources.
      - Off by default, since it takes a call for each kind of resource.
    type: bool
    default: false
  findings:
    description: Findings of the action plugin, which fills them in.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - pear.fargate.attributes.read_only
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Look before anything is changed
  pear.fargate.service_preflight:

# With service_memory 300, service_prot 8080 and a health path without its slash the task fails:
#   3 findings, and nothing was changed:
#     - service_prot is no variable of pear.fargate; did you mean service_port?
#     - service_memory is 300 with service_cpu 256; Fargate offers 512, 1024, 2048 for it
#     - service_health_check.path is 'healthz'; it must begin with /
"""

RETURN = r"""
findings:
  description: Findings; empty if the task succeeds. The message of a failed task holds them already.
  returned: on success, and with C(-v)
  type: list
  elements: str
  sample: []
order:
  description: Order of a release, if services depend on each other; returned for the first host of the play only.
  returned: where there is one
  type: dict
  contains:
    hosts:
      description: Hosts of the play, each after its dependencies.
      type: list
      elements: str
    serial:
      description: Sizes of the batches, for a play's C(serial).
      type: list
      elements: int
unchecked:
  description: Checks that were skipped, and why; a deployer need not have the permissions for them.
  returned: always
  type: list
  elements: str
  sample: ["quota: servicequotas:GetServiceQuota is not allowed"]
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.service.service_preflight import run

ARGUMENT_SPEC = {
    "variables": {"type": "dict", "default": {}},
    "environment": {"type": "dict", "default": {}},
    "shared": {"type": "dict", "default": {}},
    "ownership": {"type": "bool", "default": False},
    "findings": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
