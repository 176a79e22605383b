#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: route53_service_records
short_description: Manage the alias records of a service, with health check, weights or failover
version_added: 0.1.0
description:
  - Makes each name an alias of its load balancer, and returns the ID of the health check.
  - All records are written in one change batch, which Route 53 carries out as a whole or not at all.
  - O(state=absent) removes the records of the names that lead to their load balancer and have this set identifier, the health check and its
    alarm. Records that lead elsewhere are left unchanged.
  - Refuses to replace a record with another target, unless O(overwrite=true). Records of other set identifiers are left unchanged.
seealso:
  - module: pear.fargate.acm_validated_certificate
  - module: amazon.aws.route53
author:
  - pear.fargate contributors (@pear-fargate)
options:
  zone:
    description: Name of the public hosted zone of the names.
    type: str
    required: true
  zone_id:
    description: Id of the hosted zone; without it the zone is found by O(zone). Needed for a private zone.
    type: str
  names:
    description: Names that point to O(load_balancer).
    type: list
    elements: str
    required: true
  load_balancer:
    description: Target load balancer, as M(pear.fargate.environment_info) returns it. Needed where there are O(names).
    type: dict
    suboptions:
      name:
        description: Name of the load balancer; an alias to a former load balancer of this name is replaced.
        type: str
        required: true
      dns_name:
        description: DNS name of the load balancer.
        type: str
        required: true
      zone_id:
        description: Id of the hosted zone that AWS keeps the load balancer's name in.
        type: str
        required: true
      shared:
        description: Whether others made it. A record that leads to it may be theirs, and is changed only with O(overwrite).
        type: bool
        default: false
  further:
    description:
      - Names that lead to other load balancers, which are looked up.
      - They have the same O(routing) and health check. Of a network load balancer, Route 53 always asks for the health.
    type: list
    elements: dict
    default: []
    version_added: 0.2.0
    suboptions:
      names:
        description: Names that point to it.
        type: list
        elements: str
        required: true
      load_balancer:
        description: Its ARN; or its name among the further load balancers of the environment.
        type: str
      listener_arn:
        description: ARN of one of its listeners, instead of O(further[].load_balancer).
        type: str
  families:
    description: V(ipv4) for A records, V(ipv6) for AAAA records; V(ipv6) needs a dual-stack load balancer.
    type: list
    elements: str
    choices: [ipv4, ipv6]
    default: [ipv4]
  routing:
    description: Routing policy of names with several targets, such as two regions.
    type: dict
    suboptions:
      policy:
        description: Routing policy.
        type: str
        choices: [simple, weighted, failover]
        default: simple
      set_identifier:
        description: Set identifier of this record.
        type: str
      weight:
        description: Share among the weights of a name, 0 to 255, with V(weighted).
        type: int
        default: 0
      failover:
        description: Failover role of this record, with V(failover).
        type: str
        choices: [primary, secondary]
  evaluate_target_health:
    description:
      - Whether Route 53 asks the load balancer for its health. It counts as unhealthy as soon as one of its target groups has no
        healthy target or B(no target at all), and the idle colour of every service behind it is such a target group.
      - The default is V(true) with O(routing.policy=simple), where there is no other answer to give, and V(false) otherwise.
    type: bool
  health_check:
    description:
      - Health check of the records. If omitted there is none.
      - Needed with O(routing.policy) V(weighted) or V(failover), unless O(evaluate_target_health=true).
    type: dict
    suboptions:
      host:
        description: Host name to check. With O(routing.policy) other than V(simple) it must point to this load balancer only.
        type: str
        required: true
      path:
        description: Path to request.
        type: str
        default: /
      port:
        description: Port to connect to.
        type: int
        default: 443
      protocol:
        description: Protocol; the certificate is not validated by Route 53.
        type: str
        choices: [HTTP, HTTPS]
        default: HTTPS
      interval_seconds:
        description: Interval of each checker. V(10) costs more.
        type: int
        choices: [10, 30]
        default: 30
      failure_threshold:
        description: Number of consecutive results that change the status, 1 to 10.
        type: int
        default: 3
      search_string:
        description: Text that the first 5120 bytes of the response must contain.
        type: str
      measure_latency:
        description: Whether to record latency as a metric. Costs more.
        type: bool
        default: false
      regions:
        description: Regions to check from, at least three. The default is all.
        type: list
        elements: str
        default: []
  alarm:
    description:
      - Alarm on the health check. Alarms are left unchanged if omitted.
      - Route 53 keeps the metrics of health checks in one region, us-east-1 for partition V(aws). The alarm is created there.
    type: dict
    suboptions:
      tell:
        description: ARNs of SNS topics of that region, notified when the host fails and when it recovers.
        type: list
        elements: str
        default: []
      runbook_url:
        description: Where the runbooks are. The description of the alarm ends with the address of its own. None if empty.
        type: str
        default: ""
      starts_in_alarm:
        description:
          - Whether a new alarm begins in the state ALARM, of which nobody is told. For a service that was never released, whose check fails
            until it is. An alarm that is there keeps its state.
        type: bool
        default: false
  overwrite:
    description: Whether to replace records that have another target.
    type: bool
    default: false
  wait:
    description: Whether to wait until all name servers have the change, usually a minute.
    type: bool
    default: true
extends_documentation_fragment:
  - pear.fargate.resource
  - pear.fargate.resource.tags
  - pear.fargate.service.name
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes
"""

EXAMPLES = r"""
- name: The name of the score board, here as long as it is healthy
  pear.fargate.route53_service_records:
    environment: production
    service: scoreboard
    zone: example.com
    names: [scores.example.com]
    load_balancer:
      name: production
      dns_name: production-1234567890.eu-central-1.elb.amazonaws.com
      zone_id: Z215JYRZR1TBD5
    routing:
      policy: failover
      set_identifier: eu-central-1
      failover: primary
    health_check:
      host: eu-central-1.scores.example.com
      path: /readyz
    alarm:
      tell: [arn:aws:sns:us-east-1:123456789012:production-alarms]

- name: Remove the names of a service
  pear.fargate.route53_service_records:
    environment: production
    service: scoreboard
    zone: example.com
    names: [scores.example.com]
    load_balancer:
      name: production
      dns_name: production-1234567890.eu-central-1.elb.amazonaws.com
      zone_id: Z215JYRZR1TBD5
    state: absent
"""

RETURN = r"""
zone_id:
  description: Id of the hosted zone; null in check mode where it does not exist yet.
  returned: always
  type: str
  sample: Z0123456789ABCDEFGHIJ
names:
  description: The names.
  returned: always
  type: list
  elements: str
  sample: [scores.example.com]
health_check_id:
  description: ID of the health check; null if none is configured.
  returned: always
  type: str
  sample: 01234567-89ab-cdef-0123-456789abcdef
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.service.route53_service_records import run

ARGUMENT_SPEC = {
    **STATE_ARGUMENTS,
    "environment": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
    "zone": {"type": "str", "required": True},
    "zone_id": {"type": "str"},
    "names": {"type": "list", "elements": "str", "required": True},
    "load_balancer": {
        "type": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "dns_name": {"type": "str", "required": True},
            "zone_id": {"type": "str", "required": True},
            "shared": {"type": "bool", "default": False},
        },
    },
    "further": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "names": {"type": "list", "elements": "str", "required": True},
            "load_balancer": {"type": "str"},
            "listener_arn": {"type": "str"},
        },
    },
    "families": {"type": "list", "elements": "str", "choices": ["ipv4", "ipv6"], "default": ["ipv4"]},
    "routing": {
        "type": "dict",
        "options": {
            "policy": {"type": "str", "choices": ["simple", "weighted", "failover"], "default": "simple"},
            "set_identifier": {"type": "str"},
            "weight": {"type": "int", "default": 0},
            "failover": {"type": "str", "choices": ["primary", "secondary"]},
        },
    },
    "evaluate_target_health": {"type": "bool"},
    "health_check": {
        "type": "dict",
        "options": {
            "host": {"type": "str", "required": True},
            "path": {"type": "str", "default": "/"},
            "port": {"type": "int", "default": 443},
            "protocol": {"type": "str", "choices": ["HTTP", "HTTPS"], "default": "HTTPS"},
            "interval_seconds": {"type": "int", "choices": [10, 30], "default": 30},
            "failure_threshold": {"type": "int", "default": 3},
            "search_string": {"type": "str"},
            "measure_latency": {"type": "bool", "default": False},
            "regions": {"type": "list", "elements": "str", "default": []},
        },
    },
    "alarm": {
        "type": "dict",
        "options": {
            "tell": {"type": "list", "elements": "str", "default": []},
            "runbook_url": {"type": "str", "default": ""},
            "starts_in_alarm": {"type": "bool", "default": False},
        },
    },
    "overwrite": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    **TAG_ARGUMENTS,
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
