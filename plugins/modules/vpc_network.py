#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: vpc_network
short_description: Manage the network of an environment
version_added: 0.1.0
description:
  - A VPC with public, private and data subnets over several zones, gateways, routes, endpoints of AWS services, security
    groups that let traffic pass in one direction only, and a flow log.
  - Everything is read at once, in about ten calls whatever the number of subnets, compared, and only what differs is
    written. The modules of amazon.aws need a task and several calls for each part.
  - The VPC is found by the tags C(pear:environment) and C(pear:component), what is in it by what it is, a subnet by its
    addresses, an endpoint by its service, so that a tag changed by hand is put right and nothing is made twice.
  - Routes that lead to none of its gateways, such as those of a peering connection or a transit gateway, are left unchanged.
  - NAT gateways and endpoints that it made and that are wanted no more are deleted after no route leads to them. Subnets
    and groups are deleted with O(state=absent) only.
  - O(state=absent) removes what it made. It is refused before the first removal while something else stands in the VPC.
seealso:
  - module: pear.fargate.application_load_balancer
  - module: pear.fargate.ecs_fargate_cluster
  - module: amazon.aws.ec2_vpc_net
author:
  - pear.fargate contributors (@pear-fargate)
options:
  environment:
    description: Name of the environment.
    type: str
    required: true
  cidr:
    description: IPv4 addresses of the VPC, /16 to /20.
    type: str
    default: 10.20.0.0/16
  zone_count:
    description: Number of availability zones, if O(zones) is empty.
    type: int
    default: 3
  zones:
    description: Availability zones by name.
    type: list
    elements: str
    default: []
  data_subnets:
    description: Whether to create subnets for databases, without a route out of the VPC.
    type: bool
    default: false
  nat:
    description: NAT gateways.
    type: str
    choices: [one_per_zone, single, none]
    default: one_per_zone
  ipv6:
    description: Whether to add IPv6 addresses. Cannot be undone.
    type: bool
    default: false
  endpoints:
    description: AWS services with an endpoint in the VPC, such as V(s3) or V(ecr.api).
    type: list
    elements: str
    default: [s3]
  endpoint_trust:
    description:
      - Whose calls the endpoints let through. With V(account) those of the account's own users and roles, and at that of S3 also layers of
        images, which are in buckets of ECR's; objects of others that are read without a signature, or with that of another account, are
        refused.
      - V(any) is AWS's own policy.
      - The endpoints' policies are left unchanged if omitted.
    type: str
    choices: [account, any]
    version_added: 0.2.0
  ingress_cidrs:
    description: CIDR blocks that may reach the load balancer.
    type: list
    elements: str
    default: [0.0.0.0/0]
  task_ports:
    description: Ports of tasks that the load balancer may reach, each V(8080) or V(1024-65535).
    type: list
    elements: str
    default: ["80", "443", 1024-65535]
  ports_between_tasks:
    description:
      - Ports of tasks that other tasks of the environment may reach, each V(8080) or V(9000-9100).
      - The names of Service Connect and Cloud Map lead there.
    type: list
    elements: str
    default: []
    version_added: 0.2.0
  database_port:
    description: Port of the database, which gets its own security group. V(0) creates none and leaves an existing one unchanged.
    type: int
    default: 0
  database_clients:
    description:
      - Who may reach the database beside the tasks, such as a bastion or a VPN. CIDR blocks, or IDs of security groups or prefix lists.
      - Without effect where O(database_port) is V(0).
    type: list
    elements: str
    default: []
    version_added: 0.2.0
  task_clients:
    description:
      - Who may reach the tasks beside the environment's load balancer, such as the security group of another load balancer, or the
        clients of a network load balancer that preserves their addresses.
    type: list
    elements: dict
    default: []
    version_added: 0.2.0
    suboptions:
      source:
        description: A CIDR block, or the ID of a security group or of a prefix list.
        type: str
        required: true
      protocol:
        description: Transport protocol.
        type: str
        choices: [tcp, udp]
        default: tcp
      ports:
        description: Ports or ranges of ports. O(task_ports) if empty.
        type: list
        elements: str
        default: []
  load_balancers:
    description:
      - Load balancers beside the environment's first. Each gets a security group that lets its clients in, and that the tasks let in on
        O(task_ports), by UDP too where a client comes by UDP.
    type: list
    elements: dict
    default: []
    version_added: 0.2.0
    suboptions:
      name:
        description: Name in the inventory.
        type: str
        required: true
      scheme:
        description: Whether it is reachable from the internet or only from the VPC.
        type: str
        choices: [internet-facing, internal]
        default: internal
      clients:
        description: Who may reach it. On 80 and 443 from O(ingress_cidrs), or from the VPC where it is internal, if empty.
        type: list
        elements: dict
        default: []
        suboptions:
          source:
            description: A CIDR block, or the ID of a security group or of a prefix list. O(ingress_cidrs), or the VPC, if omitted.
            type: str
          protocol:
            description: Transport protocol.
            type: str
            choices: [tcp, udp]
            default: tcp
          ports:
            description: Ports or ranges of ports of the load balancer.
            type: list
            elements: str
            required: true
  flow_log:
    description: Destination of the VPC's flow log. If omitted there is none.
    type: dict
    suboptions:
      log_group:
        description: Name of a log group.
        type: str
        required: true
      role_arn:
        description: Role that C(vpc-flow-logs.amazonaws.com) may assume to write there.
        type: str
        required: true
  load_balancer_security_group_ids:
    description: >-
      Security groups of a load balancer that others made. The tasks let them in, and no group is made for a load balancer.
    type: list
    elements: str
    default: []
  existing_vpc_id:
    description: ID of an existing VPC that is managed elsewhere. Only the security groups are created in it.
    type: str
    default: ""
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
- name: Three zones, each with its own way out
  pear.fargate.vpc_network:
    environment: production
    cidr: 10.40.0.0/16

- name: No NAT gateway; tasks reach AWS through endpoints
  pear.fargate.vpc_network:
    environment: closed
    nat: none
    endpoints: [s3, ecr.api, ecr.dkr, logs, secretsmanager, ssm, sts]

- name: Remove the network of an environment in which nothing is left
  pear.fargate.vpc_network:
    environment: staging
    state: absent
"""

RETURN = r"""
vpc_id:
  description: ID of the VPC; null in check mode if it would be created.
  returned: always
  type: str
  sample: vpc-0123456789abcdef0
subnet_ids:
  description: Subnets by name, such as C(private-a).
  returned: always
  type: dict
  sample: {private-a: subnet-0a, public-a: subnet-0b}
security_group_ids:
  description: Security groups by name.
  returned: always
  type: dict
  sample: {production-tasks: sg-0a}
nat_gateway_ids:
  description: NAT gateways by the letter of their zone.
  returned: always
  type: dict
  sample: {a: nat-0a}
route_table_ids:
  description: Route tables by name, such as C(public).
  returned: always
  type: dict
  sample: {public: rtb-0a}
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.environment.vpc_network import run

ARGUMENT_SPEC = {
    **STATE_ARGUMENTS,
    "environment": {"type": "str", "required": True},
    "cidr": {"type": "str", "default": "10.20.0.0/16"},
    "zone_count": {"type": "int", "default": 3},
    "zones": {"type": "list", "elements": "str", "default": []},
    "data_subnets": {"type": "bool", "default": False},
    "nat": {"type": "str", "choices": ["one_per_zone", "single", "none"], "default": "one_per_zone"},
    "ipv6": {"type": "bool", "default": False},
    "endpoints": {"type": "list", "elements": "str", "default": ["s3"]},
    "endpoint_trust": {"type": "str", "choices": ["account", "any"]},
    "ingress_cidrs": {"type": "list", "elements": "str", "default": ["0.0.0.0/0"]},
    "task_ports": {"type": "list", "elements": "str", "default": ["80", "443", "1024-65535"]},
    "ports_between_tasks": {"type": "list", "elements": "str", "default": []},
    "database_port": {"type": "int", "default": 0},
    "database_clients": {"type": "list", "elements": "str", "default": []},
    "task_clients": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "source": {"type": "str", "required": True},
            "protocol": {"type": "str", "choices": ["tcp", "udp"], "default": "tcp"},
            "ports": {"type": "list", "elements": "str", "default": []},
        },
    },
    "load_balancers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "scheme": {"type": "str", "choices": ["internet-facing", "internal"], "default": "internal"},
            "clients": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "source": {"type": "str"},
                    "protocol": {"type": "str", "choices": ["tcp", "udp"], "default": "tcp"},
                    "ports": {"type": "list", "elements": "str", "required": True},
                },
            },
        },
    },
    "flow_log": {
        "type": "dict",
        "options": {"log_group": {"type": "str", "required": True}, "role_arn": {"type": "str", "required": True}},
    },
    "load_balancer_security_group_ids": {"type": "list", "elements": "str", "default": []},
    "existing_vpc_id": {"type": "str", "default": ""},
    "adopt": {"type": "bool", "default": False},
    **TAG_ARGUMENTS,
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
