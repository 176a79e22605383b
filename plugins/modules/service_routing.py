#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: service_routing
short_description: Manage the target groups and listener rules of a service
version_added: 0.1.0
description:
  - Creates a target group per colour, a production rule that forwards to both by weight, and a test rule that
    forwards requests with the header C(X-Release=candidate) to the candidate, or with a secret value of this header.
  - Weights belong to releases. They are written when a rule is created (blue 100, green 0; the test rule the other way
    round) and never again, so that running this at any time moves no traffic.
  - O(state=absent) removes the rules that forward to the service's target groups alone, then the target groups. It is refused while
    an ECS service of the service exists.
  - Never changes the rules of other services. Fails if one of them has the priority already.
seealso:
  - module: pear.fargate.application_load_balancer
  - module: pear.fargate.bluegreen_cutover
author:
  - pear.fargate contributors (@pear-fargate)
options:
  vpc_id:
    description: VPC of the target groups. Empty only in check mode, where the VPC would be created too.
    type: str
  listener_arn:
    description: The https listener that gets the rules. Empty only in check mode.
    type: str
  port:
    description: Port that the service's container listens on. Required with O(state=present).
    type: int
  protocol_version:
    description: Protocol version between load balancer and containers. Cannot be changed later.
    type: str
    choices: [HTTP1, HTTP2, GRPC]
    default: HTTP1
  hosts:
    description: Host names of the service. An empty list matches any host.
    type: list
    elements: str
    default: []
  paths:
    description: Path patterns of the service.
    type: list
    elements: str
    default: ["/*"]
  existing:
    description:
      - What of others the service uses. The target groups carry it as tags, by which every playbook finds the service.
      - Resources of the environment's own where omitted.
    type: dict
    suboptions:
      cluster:
        description: Name of the cluster.
        type: str
      listener_arn:
        description: ARN of the listener.
        type: str
      log_group:
        description: Name of the log group.
        type: str
  priority:
    description:
      - Priority of the production rule, V(2) to V(50000); the lowest number is evaluated first.
      - The test rule gets the number before it. Required with O(state=present).
    type: int
  test_secret:
    description:
      - Whether the test rule wants a secret value of the header C(X-Release) instead of C(candidate), which anybody can send.
      - The value is made once, and kept in the rule, where releases read it. Set V(false), and then V(true) again, to have another one.
    type: bool
    default: false
    version_added: 0.2.0
  health_check:
    description: Health check of the target groups.
    type: dict
    default: {}
    suboptions:
      port:
        description: Port to request, such as one of a management server beside the app. The port of the traffic if omitted.
        type: int
      path:
        description: Path to request.
        type: str
        default: /
      matcher:
        description: Status codes of a healthy target, such as V(200) or V(200-299).
        type: str
        default: "200"
      interval_seconds:
        description: Interval of the checks, V(5) to V(300).
        type: int
        default: 10
      timeout_seconds:
        description: Timeout of a check, V(2) to V(120); less than the interval.
        type: int
        default: 5
      healthy_threshold:
        description: Consecutive successes that make a target healthy, V(2) to V(10).
        type: int
        default: 2
      unhealthy_threshold:
        description: Consecutive failures that make a target unhealthy, V(2) to V(10).
        type: int
        default: 3
  deregistration_delay_seconds:
    description: Time for requests in flight when a target is deregistered, V(0) to V(3600).
    type: int
    default: 30
  slow_start_seconds:
    description: Slow start of new targets, V(30) to V(900). V(0) disables it.
    type: int
    default: 0
  algorithm:
    description: Load balancing algorithm among the targets of a colour.
    type: str
    choices: [round_robin, least_outstanding_requests]
    default: round_robin
extends_documentation_fragment:
  - pear.fargate.resource
  - pear.fargate.resource.tags
  - pear.fargate.service.name
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes
  - pear.fargate.ownership
"""

EXAMPLES = r"""
- name: Route the scoreboard's host name to it
  pear.fargate.service_routing:
    environment: production
    service: scoreboard
    vpc_id: vpc-0123456789abcdef0
    listener_arn: arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/production/50dc6c495c0c9188/f2f7dc8efc522ab2
    port: 8080
    hosts: [scores.example.com]
    priority: 10
    health_check:
      path: /healthz

# Priority 10 is held by the scoreboard: the task fails, names the rule that holds it and some that are free.
- name: A second service with the same priority
  pear.fargate.service_routing:
    environment: production
    service: website
    vpc_id: vpc-0123456789abcdef0
    listener_arn: arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/production/50dc6c495c0c9188/f2f7dc8efc522ab2
    port: 80
    hosts: [www.example.com]
    priority: 10

- name: Remove the routing of a service whose ECS services are gone
  pear.fargate.service_routing:
    environment: production
    service: website
    state: absent
    tags: {pear:environment: production}
"""

RETURN = r"""
target_groups:
  description: Target group ARNs by colour; null where there is none.
  returned: always
  type: dict
  sample:
    blue: arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/production-scoreboard-blue/73e2d6bc24d8a067
    green: arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/production-scoreboard-green/2453ed029918f21f
rules:
  description: Rule ARNs, C(production) and C(test); null in check mode where one would be created. Empty with O(state=absent).
  returned: always
  type: dict
  sample:
    production: arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/production/50dc6c/f2f7dc/9683b2
    test: arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener-rule/app/production/50dc6c/f2f7dc/8683b2
weights:
  description: Current weights of the production rule by colour.
  returned: always
  type: dict
  sample: {blue: 100, green: 0}
conflicts:
  description: A sentence per priority that another service's rule has.
  returned: when a priority is taken
  type: list
  elements: str
  sample: []
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.service.service_routing import run

ARGUMENT_SPEC = {
    **STATE_ARGUMENTS,
    "environment": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
    "vpc_id": {"type": "str"},
    "listener_arn": {"type": "str"},
    "port": {"type": "int"},
    "protocol_version": {"type": "str", "choices": ["HTTP1", "HTTP2", "GRPC"], "default": "HTTP1"},
    "hosts": {"type": "list", "elements": "str", "default": []},
    "paths": {"type": "list", "elements": "str", "default": ["/*"]},
    "existing": {
        "type": "dict",
        "options": {"cluster": {"type": "str"}, "listener_arn": {"type": "str"}, "log_group": {"type": "str"}},
    },
    "priority": {"type": "int"},
    "test_secret": {"type": "bool", "default": False, "no_log": False},
    "health_check": {
        "type": "dict",
        "default": {},
        "options": {
            "path": {"type": "str", "default": "/"},
            "matcher": {"type": "str", "default": "200"},
            "interval_seconds": {"type": "int", "default": 10},
            "timeout_seconds": {"type": "int", "default": 5},
            "healthy_threshold": {"type": "int", "default": 2},
            "unhealthy_threshold": {"type": "int", "default": 3},
            "port": {"type": "int"},
        },
    },
    "deregistration_delay_seconds": {"type": "int", "default": 30},
    "slow_start_seconds": {"type": "int", "default": 0},
    "algorithm": {"type": "str", "choices": ["round_robin", "least_outstanding_requests"], "default": "round_robin"},
    "adopt": {"type": "bool", "default": False},
    **TAG_ARGUMENTS,
}

CONSTRAINTS = {"required_if": [("state", "present", ("port", "priority"))]}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
