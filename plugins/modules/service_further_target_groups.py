#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: service_further_target_groups
short_description: Manage target groups of a service beside those of its colours
version_added: 0.2.0
description:
  - Creates target groups in which a service's tasks are registered besides their colour's, such as one of an internal load balancer, or
    one of a network load balancer for a port that takes no HTTP. A worker, which has no colours' target groups, can have them too.
  - Behind an application load balancer a target group gets a listener rule, behind a network load balancer a listener of its own.
    Rules and listeners of others are never changed. A port that has a listener of others is refused.
  - Releases register the tasks, with M(pear.fargate.service_release) and the strategy C(rolling). No weight moves the traffic of these
    target groups.
  - What was made for a name that O(target_groups) does not list is removed, once no task is registered in it any more.
seealso:
  - module: pear.fargate.service_routing
  - module: pear.fargate.service_release
author:
  - pear.fargate contributors (@pear-fargate)
options:
  environment:
    description: Name of the environment.
    type: str
    required: true
  cluster:
    description: Name of the cluster that the service runs in. The environment's if omitted.
    type: str
  vpc_id:
    description: VPC of the target groups. Empty only in check mode, where the VPC would be created too.
    type: str
  target_groups:
    description:
      - The target groups. An empty list removes those that there are.
      - ECS registers a task in five target groups at most, the one of its colour among them.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: >-
          Name of the target group; on AWS it is C(ENVIRONMENT-SERVICE-NAME), cut to 32 characters. Its tag C(pear:target-group) holds
          the name.
        type: str
        required: true
      container:
        description: Container that takes the traffic. The one that the service's requests go to if omitted.
        type: str
      port:
        description: Port of the container.
        type: int
        required: true
      protocol:
        description: >-
          Protocol between load balancer and container. V(HTTP) and V(HTTPS) are of application load balancers, the others of network
          load balancers. Cannot be changed later.
        type: str
        choices: [HTTP, HTTPS, TCP, TLS, UDP, TCP_UDP]
        default: HTTP
      protocol_version:
        description: Version of V(HTTP) or V(HTTPS). Cannot be changed later.
        type: str
        choices: [HTTP1, HTTP2, GRPC]
        default: HTTP1
      listener_arn:
        description: Listener of an application load balancer, which gets a rule.
        type: str
      load_balancer:
        description:
          - ARN of a load balancer, or the name of one of the environment's own further ones.
          - An application load balancer gets a rule in its HTTPS listener, a network load balancer a listener.
        type: str
      listener_port:
        description: Port of a network load balancer that clients connect to. Required there; it gets a listener of our own.
        type: int
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
      hosts:
        description: Host names of the rule. Any if empty.
        type: list
        elements: str
        default: []
      paths:
        description: Path patterns of the rule. Any if empty.
        type: list
        elements: str
        default: []
      headers:
        description: Header conditions of the rule, each a header's name with its values.
        type: dict
        default: {}
      query_strings:
        description: Query conditions of the rule. A request fits if one of them does.
        type: list
        elements: dict
        default: []
        suboptions:
          key:
            description: Name of the parameter. Any if omitted.
            type: str
          value:
            description: Its value; V(*) and V(?) stand for any characters and for one.
            type: str
            required: true
      source_ips:
        description: Networks of the clients of the rule. Every client if empty.
        type: list
        elements: str
        default: []
      priority:
        description: Priority of the rule, V(1) to V(50000). The one that it has if omitted, and at first a free one.
        type: int
      names:
        description: Names in Route 53 that lead to its load balancer. The role dns makes them; this module does not.
        type: list
        elements: str
        default: []
        version_added: 0.2.0
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
      deregistration_delay_seconds:
        description: Seconds that a task which is stopped may still finish requests or connections.
        type: int
        default: 30
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
  tags:
    description: Tags of target groups, rules and listeners, besides those that say whose they are.
    type: dict
    default: {}
  adopt:
    description: Takes over a target group of the same name that others made.
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
- name: Answer on the internal load balancer too, and take game clients on a port of a network load balancer
  pear.fargate.service_further_target_groups:
    environment: production
    service: scoreboard
    vpc_id: vpc-0a1b2c3d4e5f67890
    target_groups:
      - name: internal
        port: 8080
        listener_arn: arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/internal/50dc6c/f2f7dc
        hosts: [scores.internal.example.com]
        health_check:
          path: /healthz
      - name: game
        port: 7000
        protocol: TCP
        load_balancer: arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/net/games/60ec7d
        listener_port: 7000

- name: Remove them, once the last release has taken the tasks out of them
  pear.fargate.service_further_target_groups:
    environment: production
    service: scoreboard
    vpc_id: vpc-0a1b2c3d4e5f67890
    target_groups: []
"""

RETURN = r"""
target_groups:
  description: ARNs of the target groups by their names.
  returned: always
  type: dict
  sample:
    internal: arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/production-scoreboard-internal/73e2d6
kept:
  description: Names that are listed no longer, whose target groups stay because tasks are registered in them.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.service.further_targets import ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.service.service_further_target_groups import run

ARGUMENT_SPEC = {
    "environment": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
    "cluster": {"type": "str"},
    "vpc_id": {"type": "str"},
    "target_groups": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": ARGUMENTS,
        "required_one_of": [("listener_arn", "load_balancer")],
        "mutually_exclusive": [("listener_arn", "load_balancer")],
        "required_if": [("protocol", protocol, ("listener_port",)) for protocol in ("TCP", "TLS", "UDP", "TCP_UDP")],
    },
    "tags": {"type": "dict", "default": {}},
    "adopt": {"type": "bool", "default": False},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
