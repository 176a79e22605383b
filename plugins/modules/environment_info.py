#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: environment_info
short_description: Read the resources of an environment
version_added: 0.1.0
description:
  - Finds the network, load balancer, cluster, repositories, file system and database of an environment by name and tag.
  - A resource that does not exist yet is null or empty, so that each playbook runs alone and on a partly created environment.
  - Fails within seconds if credentials are missing, the region is unknown or the endpoint does not answer.
seealso:
  - module: pear.fargate.vpc_network
  - module: pear.fargate.environment_teardown
author:
  - pear.fargate contributors (@pear-fargate)
options:
  environment:
    description: Name of the environment.
    type: str
    required: true
  existing_network:
    description: IDs of an existing network that the collection does not manage, instead of a search by tag.
    type: dict
    suboptions:
      vpc_id:
        description: ID of the VPC.
        type: str
        required: true
      public_subnet_ids:
        description: Subnets of an internet-facing load balancer.
        type: list
        elements: str
        default: []
      private_subnet_ids:
        description: Subnets of the tasks.
        type: list
        elements: str
        default: []
      data_subnet_ids:
        description: Subnets of databases.
        type: list
        elements: str
        default: []
  existing:
    description: Resources that others made and that the environment uses, instead of a search by name. They are read only.
    type: dict
    suboptions:
      load_balancer:
        description: ARN of a load balancer, or of the one listener to use.
        type: str
      cluster:
        description: Name or ARN of a cluster.
        type: str
      file_system:
        description: ID of a file system.
        type: str
  parts:
    description:
      - Parts to read. Other parts are missing from the result.
      - V(network) is RV(environment.vpc), RV(environment.subnets) and RV(environment.security_groups).
      - V(identity) is RV(environment.account) and RV(environment.caller).
      - V(listeners) and V(target_groups) are in RV(environment.load_balancer).
    type: list
    elements: str
    choices:
      - certificates
      - cluster
      - file_system
      - identity
      - listeners
      - load_balancer
      - network
      - repositories
      - target_groups
      - zones
      - database
    default:
      - certificates
      - cluster
      - file_system
      - identity
      - listeners
      - load_balancer
      - network
      - repositories
      - target_groups
      - zones
  services:
    description: Services of which RV(environment.released) says whether they were ever released. Not looked at if empty.
    type: list
    elements: str
    default: []
    version_added: 0.2.0
  further_target_groups:
    description: Names of further target groups of the one service in O(services), whose ARNs are RV(environment.further_target_groups).
    type: list
    elements: str
    default: []
    version_added: 0.2.0
  claims:
    description:
      - Resources that a module of another collection is about to manage for the environment. Such a module asks nobody whose they are.
      - One that exists and lacks the tag C(pear:environment) of this environment is refused.
    type: dict
    version_added: 0.2.0
    suboptions:
      bucket:
        description: Name of an S3 bucket.
        type: str
      hosted_zone:
        description: Name of a public hosted zone.
        type: str
  adopt:
    description: Kinds of O(claims) that others made and the environment takes over. They are not refused.
    type: list
    elements: str
    choices: [bucket, hosted_zone]
    default: []
    version_added: 0.2.0
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes.read_only
"""

EXAMPLES = r"""
- name: What is there
  pear.fargate.environment_info:
    environment: production
  register: found

- name: The network alone
  pear.fargate.environment_info:
    environment: production
    parts: [network]
  register: network

- name: The load balancer's address
  ansible.builtin.debug:
    var: found.environment.load_balancer.dns_name
"""

RETURN = r"""
environment:
  description: Resources of the environment.
  returned: always
  type: dict
  contains:
    region:
      description: Region of the environment.
      type: str
    account:
      description: Account id of the caller.
      type: str
    caller:
      description: ARN of the caller.
      type: str
    zones:
      description: Availability zones of the region.
      type: list
      elements: str
    vpc:
      description: Id and CIDR of the VPC, or null.
      type: dict
    subnets:
      description: Lists of id, zone and CIDR under V(public), V(private) and V(data).
      type: dict
    security_groups:
      description: >-
        Ids under V(load_balancer), V(tasks), V(file_system) and V(database), or null; and those of further load balancers by their names
        under V(further_load_balancers).
      type: dict
    load_balancer:
      description:
        - Name, ARN, DNS name, zone id, scheme, listeners (ARNs under V(http), V(https)) with their ports, target groups (ARNs by name).
        - Of several listeners with one protocol the one on port 80 or 443, and none where no port is the usual one.
        - With the listeners, the ARN of the https listener's certificate in ACM, or null.
        - Null without a load balancer.
      type: dict
    cluster:
      description: ARN, name, Container Insights setting and capacity providers; or null.
      type: dict
    released:
      description: Those of O(services) that have an ECS service, which the first release makes. Missing without O(services).
      type: list
      elements: str
    further_target_groups:
      description: ARN, and ARN of the load balancer, of each of O(further_target_groups) that something leads to. Missing without these.
      type: dict
    repositories:
      description: Repository URI by name.
      type: dict
    certificates:
      description:
        - ARN, domain, status, and end in seconds since 1970, of each ACM certificate that is issued or pending validation.
        - The end of a pending one is V(0).
      type: list
      elements: dict
    database:
      description:
        - Host, reader host, port, database name, name of the owner, ARN of the owner's secret, and whether it is an Aurora cluster.
        - Null without one.
      type: dict
    file_system:
      description: Id, ARN, throughput mode, and access point ids by name; or null.
      type: dict
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.environment.environment_info import DATABASE, PARTS, run

ARGUMENT_SPEC = {
    "environment": {"type": "str", "required": True},
    "existing_network": {
        "type": "dict",
        "options": {
            "vpc_id": {"type": "str", "required": True},
            "public_subnet_ids": {"type": "list", "elements": "str", "default": []},
            "private_subnet_ids": {"type": "list", "elements": "str", "default": []},
            "data_subnet_ids": {"type": "list", "elements": "str", "default": []},
        },
    },
    "existing": {
        "type": "dict",
        "options": {"load_balancer": {"type": "str"}, "cluster": {"type": "str"}, "file_system": {"type": "str"}},
    },
    "parts": {"type": "list", "elements": "str", "choices": [*PARTS, DATABASE], "default": list(PARTS)},
    "services": {"type": "list", "elements": "str", "default": []},
    "further_target_groups": {"type": "list", "elements": "str", "default": []},
    "claims": {"type": "dict", "options": {"bucket": {"type": "str"}, "hosted_zone": {"type": "str"}}},
    "adopt": {"type": "list", "elements": "str", "choices": ["bucket", "hosted_zone"], "default": []},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
