#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: service_compare
short_description: How a service differs between two environments, as both run now
version_added: 0.2.0
description:
  - Compares the live versions. Version, digest, variables, secrets, sizes, health checks, settings of the ECS service and counts.
  - Account, region and the environment's name are put aside where they are part of a value. Ids that AWS gives are not compared.
seealso:
  - module: pear.fargate.bluegreen_info
  - module: pear.fargate.drift_report
author:
  - pear.fargate contributors (@pear-fargate)
options:
  kind:
    description: Whether a load balancer sends it requests, V(web), or connections, V(network), or nothing, V(worker).
    type: str
    choices: [web, network, worker]
    default: web
  cluster:
    description: Name of the cluster. That of the environment if omitted.
    type: str
  other:
    description: The other environment.
    type: dict
    required: true
    suboptions:
      environment:
        description: Its name.
        type: str
        required: true
      service:
        description: Name of the service there. The same if omitted.
        type: str
      cluster:
        description: Name of its cluster. That of the environment if omitted.
        type: str
      region:
        description: Its region. The same if omitted.
        type: str
      profile:
        description: Profile of its account's credentials. The same credentials if omitted.
        type: str
extends_documentation_fragment:
  - pear.fargate.service.name
  - pear.fargate.attributes.read_only
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: What staging has that production has not
  pear.fargate.service_compare:
    environment: production
    service: scoreboard
    other:
      environment: staging
      profile: staging-read-only
  register: compared

- name: As a table
  ansible.builtin.debug:
    msg: "{{ compared.table | join('\n') }}"
"""

RETURN = r"""
differences:
  description: What differs.
  returned: always
  type: list
  elements: dict
  contains:
    what:
      description: Name of the value.
      type: str
      sample: container.app.environment.LOG_LEVEL
    here:
      description: The value in O(environment).
      type: str
      sample: info
    there:
      description: The value in O(other.environment).
      type: str
      sample: debug
same:
  description: How many values are the same.
  returned: always
  type: int
  sample: 41
headline:
  description: The outcome in a sentence.
  returned: always
  type: str
  sample: "scoreboard: 2 differences between production and staging, 41 values are the same"
table:
  description: The differences as lines of a table. Empty if there are none.
  returned: always
  type: list
  elements: str
  sample: ["container.app.environment.LOG_LEVEL  info  debug"]
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.operations.service_compare import run
from ansible_collections.pear.fargate.plugins.module_utils.service.location import KIND

_OTHER = {
    "environment": {"type": "str", "required": True},
    "service": {"type": "str"},
    "cluster": {"type": "str"},
    "region": {"type": "str"},
    "profile": {"type": "str"},
}
ARGUMENT_SPEC = {
    "environment": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
    "kind": KIND,
    "cluster": {"type": "str"},
    "other": {"type": "dict", "required": True, "options": _OTHER},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
