#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: xray_sampling_rules
short_description: Manage a set of sampling rules of AWS X-Ray
version_added: 0.2.0
description:
  - Creates and changes the rules that are listed, and deletes others with the tags C(pear:environment) and C(pear:service) of O(tags).
  - Sampling rules belong to the region of an account. Programs that ask X-Ray which requests to trace obey them, others do not
    (U(https://docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html)).
  - AWS takes 25 rules per region beside its own, C(Default), which this module never changes.
seealso:
  - module: pear.fargate.xray_group
author:
  - pear.fargate contributors (@pear-fargate)
options:
  rules:
    description: The rules. None of them is kept with O(state=absent).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the rule, 32 characters at most.
        type: str
        required: true
      priority:
        description: From 1 to 9999. Of the rules that match a request the one with the lowest number decides.
        type: int
        default: 1000
      reservoir_per_second:
        description: Requests that match and are traced in each second, by all tasks together, before O(rules[].percent) counts.
        type: int
        default: 1
      percent:
        description: Share of the other requests that match and are traced, from 0 to 100.
        type: float
        default: 5.0
      service:
        description: Name by which the program calls itself in its traces. C(*) and C(?) are wildcards here and in the options below.
        type: str
        default: "*"
      service_type:
        description: Type of the service in its traces, such as C(AWS::ECS::Container).
        type: str
        default: "*"
      host:
        description: Host of the request.
        type: str
        default: "*"
      http_method:
        description: HTTP method of the request.
        type: str
        default: "*"
      url_path:
        description: Path of the request.
        type: str
        default: "*"
      resource_arn:
        description: ARN of the AWS resource that the program runs on.
        type: str
        default: "*"
      attributes:
        description: Attributes that the request must have when its trace begins, with their values; five at most.
        type: dict
        default: {}
  adopt:
    description: Whether to take over a rule of others that has the name of one of these, after telling what changes in it.
    type: bool
    default: false
extends_documentation_fragment:
  - pear.fargate.resource
  - pear.fargate.resource.tags
  - pear.fargate.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Trace every order, and no health check
  pear.fargate.xray_sampling_rules:
    tags: {"pear:environment": production, "pear:service": shop}
    rules:
      - name: production-shop-health-checks
        priority: 100
        service: shop
        url_path: /healthz
        reservoir_per_second: 0
        percent: 0
      - name: production-shop-orders
        service: shop
        http_method: POST
        url_path: /orders*
        percent: 100

- name: Remove the rules of the service
  pear.fargate.xray_sampling_rules:
    tags: {"pear:environment": production, "pear:service": shop}
    state: absent
"""

RETURN = r"""
rules:
  description: Names of the rules that are there.
  returned: always
  type: list
  elements: str
  sample: [production-shop-health-checks, production-shop-orders]
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.xray_sampling_rules import run

_RULE = {
    "name": {"type": "str", "required": True},
    "priority": {"type": "int", "default": 1000},
    "reservoir_per_second": {"type": "int", "default": 1},
    "percent": {"type": "float", "default": 5.0},
    "service": {"type": "str", "default": "*"},
    "service_type": {"type": "str", "default": "*"},
    "host": {"type": "str", "default": "*"},
    "http_method": {"type": "str", "default": "*"},
    "url_path": {"type": "str", "default": "*"},
    "resource_arn": {"type": "str", "default": "*"},
    "attributes": {"type": "dict", "default": {}},
}
ARGUMENT_SPEC = {
    "rules": {"type": "list", "elements": "dict", "default": [], "options": _RULE},
    "adopt": {"type": "bool", "default": False},
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
