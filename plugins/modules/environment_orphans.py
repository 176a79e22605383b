#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: environment_orphans
short_description: Find what belongs to services that an environment no longer has
version_added: 0.2.0
description:
  - Finds ECS services, target groups, listener rules, roles, alarms, log groups and schedules with the tag C(pear:environment) of the
    environment and the tag C(pear:service) of a service that O(services) does not name.
  - Resources that others made are never among them.
  - M(pear.fargate.drift_report) has a row for each.
seealso:
  - module: pear.fargate.drift_report
  - module: pear.fargate.environment_teardown
author:
  - pear.fargate contributors (@pear-fargate)
options:
  environment:
    description: Name of the environment.
    type: str
    required: true
  services:
    description: Names of the services that the inventory has.
    type: list
    elements: str
    required: true
  clusters:
    description: Clusters of others in which services of the environment run. Its own, and those that its target groups name, come first.
    type: list
    elements: str
    default: []
  target_groups:
    description: Names of the further target groups that the inventory has, a list by service. One that is not named is an orphan.
    type: dict
    default: {}
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes.read_only
"""

EXAMPLES = r"""
- name: Find what removed services left
  pear.fargate.environment_orphans:
    environment: production
    services: [scoreboard, profiles]
"""

RETURN = r"""
orphans:
  description: The resources, by service.
  returned: always
  type: list
  elements: dict
  sample:
    - {service: lobby, kind: ECS service, name: lobby-blue}
    - {service: lobby, kind: target group, name: production-lobby-blue}
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.environment.environment_orphans import run

ARGUMENT_SPEC = {
    "environment": {"type": "str", "required": True},
    "services": {"type": "list", "elements": "str", "required": True},
    "clusters": {"type": "list", "elements": "str", "default": []},
    "target_groups": {"type": "dict", "default": {}},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
