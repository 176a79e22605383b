#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: service_listener
short_description: Manage the target groups of a service and its listener at a network load balancer
version_added: 0.2.0
description:
  - Creates the target groups of both colours of a service that takes connections (TCP, TLS, UDP), and a listener of its own that forwards
    to both with weights. M(pear.fargate.service_release) with O(pear.fargate.service_release#module:kind=network) moves the weights.
  - Weights belong to releases. They are written when the listener is made (blue 100), and a target group that is missing in it joins with
    weight 0. A listener of others is never changed, and a port that has one is refused.
seealso:
  - module: pear.fargate.service_routing
  - module: pear.fargate.service_release
  - module: pear.fargate.network_load_balancer
author:
  - pear.fargate contributors (@pear-fargate)
options:
  environment:
    description: Name of the environment.
    type: str
    required: true
  vpc_id:
    description: VPC of the target groups. Empty only in check mode, where the VPC would be created too.
    type: str
  port:
    description: Port of the container.
    type: int
    required: true
  network_listener:
    description: Where connections come from, and how targets are checked.
    type: dict
    required: true
    suboptions:
      load_balancer:
        description: ARN of a network load balancer, or the name of one of the environment's own further ones. Cannot be changed later.
        type: str
        required: true
      listener_port:
        description: Port that clients connect to.
        type: int
        required: true
      test_listener_port:
        description:
          - Port of a second listener, which leads to the candidate of a release. Requests of checks go there.
          - No such listener is kept if omitted.
        type: int
      protocol:
        description: Protocol between load balancer and container. Cannot be changed later.
        type: str
        choices: [TCP, TLS, UDP, TCP_UDP]
        default: TCP
      listener_protocol:
        description: Protocol that clients speak. That of the target group if omitted. V(TLS) may lead to a target group of V(TCP).
        type: str
        choices: [TCP, TLS, UDP, TCP_UDP]
      certificate_arn:
        description: ARN of the certificate of a listener of V(TLS). Required there.
        type: str
      tls_policy:
        description: Security policy of V(TLS). By default TLS 1.3, and 1.2 with forward secrecy.
        type: str
        default: ELBSecurityPolicy-TLS13-1-2-2021-06
      names:
        description: Names in Route 53 that lead to its load balancer. The role dns makes them; this module does not.
        type: list
        elements: str
        default: []
      health_check:
        description: The health check of the load balancer. One with the defaults below if omitted.
        type: dict
        suboptions:
          protocol:
            description: >-
              How it asks. That of the target group for V(HTTP) and V(HTTPS) if omitted, otherwise V(TCP), for which a connection is
              enough.
            type: str
            choices: [HTTP, HTTPS, TCP]
          path:
            description: Path of a request.
            type: str
            default: /
          matcher:
            description: Codes of a healthy answer. V(200) if omitted, and V(0) with V(GRPC).
            type: str
          port:
            description: Port that is checked. The target group's own if omitted; required with V(UDP), which has no health check.
            type: int
          interval_seconds:
            description: Seconds between two checks.
            type: int
            default: 10
          timeout_seconds:
            description: Seconds after which a check has failed.
            type: int
            default: 5
          healthy_threshold:
            description: Checks in a row that make a target healthy.
            type: int
            default: 2
          unhealthy_threshold:
            description: Checks in a row that make a target unhealthy.
            type: int
            default: 3
      preserve_client_ip:
        description:
          - Whether tasks see the addresses of the clients of a network load balancer. ELB's default if omitted, which is off for
            V(TCP) and V(TLS), and always on for the others.
          - With it, the tasks' security groups have to let the clients in themselves.
        type: bool
      proxy_protocol:
        description: >-
          Whether a network load balancer begins each connection with a header of the proxy protocol, version 2. Left unchanged if omitted.
        type: bool
      cross_zone:
        description: Whether targets of all zones take the traffic of each. As the load balancer has it if omitted.
        type: bool
  deregistration_delay_seconds:
    description: Seconds that a task which is stopped may still finish connections.
    type: int
    default: 30
  existing:
    description: What of others the service uses. The target groups' tags say so, by which every playbook finds it.
    type: dict
    suboptions:
      cluster:
        description: Name of the cluster.
        type: str
      log_group:
        description: Name of the log group.
        type: str
  tags:
    description: Tags of target groups and listeners, besides those that say whose they are.
    type: dict
    default: {}
  adopt:
    description: Takes over target groups of the same names that others made.
    type: bool
    default: false
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes
  - pear.fargate.service.name
"""

EXAMPLES = r"""
- name: Take connections of game clients on port 7000, and of testers on port 7001
  pear.fargate.service_listener:
    environment: production
    service: game
    vpc_id: vpc-0a1b2c3d4e5f67890
    port: 7000
    network_listener:
      load_balancer: arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/games/60ec7d
      listener_port: 7000
      test_listener_port: 7001
"""

RETURN = r"""
target_groups:
  description: ARNs of the target groups by colour.
  returned: always
  type: dict
  sample:
    blue: arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/production-game-blue/73e2d6
    green: arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/production-game-green/84f3e7
listener_arn:
  description: ARN of the listener; null in check mode, where it would be made.
  returned: always
  type: str
  sample: arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/net/games/60ec7d/f2f7dc
test_listener_arn:
  description: ARN of the listener for testers; null where there is none.
  returned: always
  type: str
  sample: arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/net/games/60ec7d/a1b2c3
weights:
  description: Weights of the listener by colour.
  returned: always
  type: dict
  sample: {blue: 100, green: 0}
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.service.network_listener import ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.service.service_listener import run

ARGUMENT_SPEC = {
    "environment": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
    "vpc_id": {"type": "str"},
    "port": {"type": "int", "required": True},
    "network_listener": {"type": "dict", "required": True, "options": ARGUMENTS},
    "deregistration_delay_seconds": {"type": "int", "default": 30},
    "existing": {"type": "dict", "options": {"cluster": {"type": "str"}, "log_group": {"type": "str"}}},
    "tags": {"type": "dict", "default": {}},
    "adopt": {"type": "bool", "default": False},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
