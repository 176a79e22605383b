#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: network_load_balancer
short_description: Manage a network load balancer
version_added: 0.2.0
description:
  - Creates or changes a network load balancer. Never reads or writes its listeners, which belong to the services that
    M(pear.fargate.service_further_target_groups) makes them for.
  - O(state=absent) removes the load balancer with its listeners. It is refused while deletion protection is on. Target groups stay.
seealso:
  - module: pear.fargate.service_further_target_groups
  - module: pear.fargate.application_load_balancer
author:
  - pear.fargate contributors (@pear-fargate)
options:
  name:
    description: Name of the load balancer.
    type: str
    required: true
  scheme:
    description: Whether the load balancer is reachable from the internet or only from the VPC. Cannot be changed later.
    type: str
    choices: [internet-facing, internal]
    default: internal
  ip_address_type:
    description: Address type. V(dualstack) adds IPv6 and needs subnets with IPv6; it takes no UDP.
    type: str
    choices: [ipv4, dualstack]
    default: ipv4
  subnet_ids:
    description: One subnet per availability zone. Required with O(state=present).
    type: list
    elements: str
  security_group_ids:
    description: Security groups of the load balancer. Required with O(state=present), since ELB adds none to one that was made without.
    type: list
    elements: str
  deletion_protection:
    description: Whether AWS refuses to delete the load balancer until this is switched off.
    type: bool
    default: true
  cross_zone:
    description: Whether the targets of all zones take the traffic of each. AWS charges for what goes from zone to zone.
    type: bool
    default: false
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
- name: A network load balancer for the game servers of production
  pear.fargate.network_load_balancer:
    name: production-games
    scheme: internet-facing
    subnet_ids: [subnet-0a, subnet-0b, subnet-0c]
    security_group_ids: [sg-0a]
    tags: {pear:environment: production}

- name: Remove it
  pear.fargate.network_load_balancer:
    name: production-games
    state: absent
    tags: {pear:environment: production}
"""

RETURN = r"""
load_balancer_arn:
  description: ARN of the load balancer; null in check mode if it would be created.
  returned: always
  type: str
  sample: arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/production-games/60ec7d3b9a1c4f52
dns_name:
  description: DNS name of the load balancer, or null.
  returned: always
  type: str
  sample: production-games-60ec7d3b9a1c4f52.elb.eu-central-1.amazonaws.com
zone_id:
  description: Hosted zone ID of the DNS name, for alias records, or null.
  returned: always
  type: str
  sample: Z3F0SRJ5LGBH90
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.environment.network_load_balancer import run

ARGUMENT_SPEC = {
    **STATE_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "scheme": {"type": "str", "choices": ["internet-facing", "internal"], "default": "internal"},
    "ip_address_type": {"type": "str", "choices": ["ipv4", "dualstack"], "default": "ipv4"},
    "subnet_ids": {"type": "list", "elements": "str"},
    "security_group_ids": {"type": "list", "elements": "str"},
    "deletion_protection": {"type": "bool", "default": True},
    "cross_zone": {"type": "bool", "default": False},
    "adopt": {"type": "bool", "default": False},
    **TAG_ARGUMENTS,
}

CONSTRAINTS = {"required_if": [("state", "present", ("subnet_ids", "security_group_ids"))]}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
