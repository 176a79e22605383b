#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: application_load_balancer
short_description: Manage an application load balancer and its listeners
version_added: 0.1.0
description:
  - Creates or changes an application load balancer. The HTTPS listener on port 443 answers 404 by default; port 80 redirects to HTTPS.
  - Never reads or writes listener rules. Rules belong to services, and their weights to releases.
  - Always enables HTTP/2 and drops invalid headers.
  - O(state=absent) removes the load balancer with its listeners and their rules. It is refused while deletion protection is on.
    Target groups stay.
seealso:
  - module: pear.fargate.service_routing
  - module: amazon.aws.elb_application_lb
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
    default: internet-facing
  ip_address_type:
    description: Address type. V(dualstack) adds IPv6 and needs subnets with IPv6.
    type: str
    choices: [ipv4, dualstack]
    default: ipv4
  subnet_ids:
    description: One subnet per availability zone, at least two. Required with O(state=present).
    type: list
    elements: str
  security_group_ids:
    description: Security groups of the load balancer. Required with O(state=present).
    type: list
    elements: str
  certificate_arn:
    description: ARN of the certificate of the HTTPS listener. Required with O(state=present).
    type: str
  tls_policy:
    description: Name of the TLS policy, which selects protocols and ciphers.
    type: str
    default: ELBSecurityPolicy-TLS13-1-2-2021-06
  deletion_protection:
    description: Whether AWS refuses to delete the load balancer until this is switched off.
    type: bool
    default: true
  idle_timeout_seconds:
    description: Seconds after which an idle connection is closed.
    type: int
    default: 60
  desync_mitigation_mode:
    description: How the load balancer handles requests that are a risk for HTTP desync attacks.
    type: str
    choices: [monitor, defensive, strictest]
    default: defensive
  access_logs:
    description: Where access logs are stored. Switched off if omitted.
    type: dict
    suboptions:
      bucket:
        description: Name of an S3 bucket in the same region, whose policy lets ELB write to it.
        type: str
        required: true
      prefix:
        description: Prefix of the object names.
        type: str
        default: ""
  web_acl_arn:
    description: ARN of the AWS WAF web ACL. An empty string removes the association. Left unchanged if omitted.
    type: str
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
- name: The load balancer of production
  pear.fargate.application_load_balancer:
    name: production
    subnet_ids: [subnet-0a, subnet-0b, subnet-0c]
    security_group_ids: [sg-0a]
    certificate_arn: arn:aws:acm:eu-central-1:123456789012:certificate/0a
    access_logs: {bucket: example-access-logs, prefix: production}
    web_acl_arn: arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/example/0a

- name: Remove the load balancer of staging
  pear.fargate.application_load_balancer:
    name: staging
    state: absent
    tags: {pear:environment: staging}
"""

RETURN = r"""
load_balancer_arn:
  description: ARN of the load balancer; null in check mode if it would be created.
  returned: always
  type: str
  sample: arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/production/50dc6c495c0c9188
dns_name:
  description: DNS name of the load balancer, or null.
  returned: always
  type: str
  sample: production-1234567890.eu-central-1.elb.amazonaws.com
zone_id:
  description: Hosted zone ID of the DNS name, for alias records, or null.
  returned: always
  type: str
  sample: Z215JYRZR1TBD5
listeners:
  description: ARNs of the listeners under V(http) and V(https).
  returned: always
  type: dict
  sample:
    http: arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/production/50dc6c495c0c9188/a1b2c3d4e5f60718
    https: arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/production/50dc6c495c0c9188/f2f7dc8efc522ab2
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.environment.application_load_balancer import run

ARGUMENT_SPEC = {
    **STATE_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "scheme": {"type": "str", "choices": ["internet-facing", "internal"], "default": "internet-facing"},
    "ip_address_type": {"type": "str", "choices": ["ipv4", "dualstack"], "default": "ipv4"},
    "subnet_ids": {"type": "list", "elements": "str"},
    "security_group_ids": {"type": "list", "elements": "str"},
    "certificate_arn": {"type": "str"},
    "tls_policy": {"type": "str", "default": "ELBSecurityPolicy-TLS13-1-2-2021-06"},
    "deletion_protection": {"type": "bool", "default": True},
    "idle_timeout_seconds": {"type": "int", "default": 60},
    "desync_mitigation_mode": {
        "type": "str",
        "choices": ["monitor", "defensive", "strictest"],
        "default": "defensive",
    },
    "access_logs": {
        "type": "dict",
        "options": {"bucket": {"type": "str", "required": True}, "prefix": {"type": "str", "default": ""}},
    },
    "web_acl_arn": {"type": "str"},
    "adopt": {"type": "bool", "default": False},
    **TAG_ARGUMENTS,
}

CONSTRAINTS = {"required_if": [("state", "present", ("subnet_ids", "security_group_ids", "certificate_arn"))]}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
