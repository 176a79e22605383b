#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: autoscaling_service
short_description: Manage the autoscaling of a service
version_added: 0.1.0
description:
  - Manages capacity bounds, target tracking policies and scheduled actions of the live colour. On AWS their names
    begin with C(pear-); what others made has other names, and is never changed or deleted.
  - Leaves the other colour unchanged, since releases keep it warm and scale it in.
  - Changes nothing while a release shifts traffic, and reports this in RV(note).
seealso:
  - module: pear.fargate.bluegreen_cutover
  - module: community.aws.application_autoscaling_policy
author:
  - pear.fargate contributors (@pear-fargate)
options:
  cluster:
    description: Name of a cluster that others made and the service runs in. The environment's own if omitted.
    type: str
  minimum:
    description: Minimum number of tasks. If this and O(maximum) are omitted, autoscaling is removed as with O(state=absent).
    type: int
  maximum:
    description: Maximum number of tasks.
    type: int
  policies:
    description: Target tracking policies. The policy that needs the most tasks determines the count.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the policy.
        type: str
        required: true
      metric:
        description: >-
          V(cpu) and V(memory) in percent, V(requests) per task and minute, V(backlog) in messages of O(policies[].queue) that wait for
          each running task, or V(custom).
        type: str
        choices: [cpu, memory, requests, backlog, custom]
        required: true
      target:
        description: Target value of the metric.
        type: float
        required: true
      queue:
        description: Name of the SQS queue of V(backlog), in the same account and region. Container Insights has to be on.
        type: str
      custom_metric:
        description: A metric that falls as tasks are added, such as jobs per task.
        type: dict
        suboptions:
          namespace:
            description: Namespace of the metric.
            type: str
            required: true
          name:
            description: Name of the metric.
            type: str
            required: true
          dimensions:
            description: Dimensions of the metric.
            type: dict
            default: {}
          statistic:
            description: Statistic of the metric.
            type: str
            choices: [Average, Minimum, Maximum, SampleCount, Sum]
            default: Average
      scale_in_cooldown_seconds:
        description: Cooldown after a scale-in.
        type: int
        default: 300
      scale_out_cooldown_seconds:
        description: Cooldown after a scale-out.
        type: int
        default: 60
      disable_scale_in:
        description: Whether the policy only scales out.
        type: bool
        default: false
  step_policies:
    description:
      - Step scaling policies of a worker, each with the alarm that calls it. Required O(kind=worker).
      - A step changes the number of tasks by a count, so it also starts the first one where none runs.
    type: list
    elements: dict
    default: []
    version_added: 0.2.0
    suboptions:
      name:
        description: Name of the policy; none of O(policies) has it.
        type: str
        required: true
      metric:
        description: >-
          V(messages) that wait in O(step_policies[].queue), V(backlog) as in O(policies[].metric), or V(custom).
        type: str
        choices: [messages, backlog, custom]
        required: true
      queue:
        description: Name of the SQS queue, in the same account and region.
        type: str
      custom_metric:
        description: Any metric.
        type: dict
        suboptions:
          namespace:
            description: Namespace of the metric.
            type: str
            required: true
          name:
            description: Name of the metric.
            type: str
            required: true
          dimensions:
            description: Dimensions of the metric.
            type: dict
            default: {}
          statistic:
            description: Statistic of the metric.
            type: str
            choices: [Average, Minimum, Maximum, SampleCount, Sum]
            default: Average
      comparison:
        description: How the metric is compared with the first step's O(step_policies[].steps[].at).
        type: str
        choices: ['>=', '>', '<=', '<']
        default: '>='
      steps:
        description: >-
          The steps, each with the value of the metric at which it begins. It ends where the next one begins. With V(>=) and V(>) the values
          rise, with V(<=) and V(<) they fall.
        type: list
        elements: dict
        required: true
        suboptions:
          at:
            description: Value of the metric.
            type: float
            required: true
          adjustment:
            description: Tasks to add or, below 0, to remove; percent of the present count; or the count itself.
            type: int
            required: true
      adjustment:
        description: Whether steps V(change) the count by tasks, by V(percent), or set it to V(exact) numbers.
        type: str
        choices: [change, percent, exact]
        default: change
      minimum_adjustment:
        description: Tasks that a change by V(percent) adds or removes at least.
        type: int
      periods:
        description: Periods in a row in which the comparison holds before the first step is taken.
        type: int
        default: 1
      period_seconds:
        description: Length of a period.
        type: int
        default: 60
      cooldown_seconds:
        description: Seconds after a step in which a further scale-out counts its tasks, and no scale-in follows.
        type: int
        default: 300
  schedules:
    description: Scheduled changes of the bounds.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the scheduled action.
        type: str
        required: true
      when:
        description: Expression C(cron()), C(rate()) or C(at()).
        type: str
        required: true
      timezone:
        description: Time zone of the expression.
        type: str
        default: UTC
      minimum:
        description: Minimum number of tasks from that time on.
        type: int
      maximum:
        description: Maximum number of tasks from that time on.
        type: int
extends_documentation_fragment:
  - pear.fargate.resource
  - pear.fargate.service.name
  - pear.fargate.service.kind
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes
"""

EXAMPLES = r"""
- name: Half the CPU stays free, and mornings begin with six tasks
  pear.fargate.autoscaling_service:
    environment: production
    service: scoreboard
    minimum: 3
    maximum: 30
    policies:
      - {name: cpu, metric: cpu, target: 50}
      - {name: requests, metric: requests, target: 1000}
    schedules:
      - {name: morning, when: "cron(0 7 ? * MON-FRI *)", timezone: Europe/Berlin, minimum: 6}
      - {name: evening, when: "cron(0 19 ? * MON-FRI *)", timezone: Europe/Berlin, minimum: 3}

- name: A worker that sleeps while its queue is empty
  pear.fargate.autoscaling_service:
    environment: production
    service: mailer
    kind: worker
    minimum: 0
    maximum: 20
    step_policies:
      - name: wake
        metric: messages
        queue: mails
        steps: [{at: 1, adjustment: 1}, {at: 1000, adjustment: 5}]
        cooldown_seconds: 60
      - name: sleep
        metric: messages
        queue: mails
        comparison: '<'
        steps: [{at: 1, adjustment: 0}]
        adjustment: exact
        periods: 15

- name: The number of tasks stays as it is from now on
  pear.fargate.autoscaling_service:
    environment: production
    service: scoreboard
    state: absent
"""

RETURN = r"""
colour:
  description: The live colour; null where there is none yet, traffic is being shifted, or nothing scales the service and nothing should.
  returned: always
  type: str
  sample: blue
note:
  description: Why nothing was changed, if so.
  returned: always
  type: str
  sample: ""
foreign:
  description: Scaling policies and scheduled actions of the live colour that others made, unchanged, and named in a warning.
  returned: always
  type: list
  elements: str
  sample: [cpu-tracking]
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.service import step_scaling
from ansible_collections.pear.fargate.plugins.module_utils.service.autoscaling_service import run
from ansible_collections.pear.fargate.plugins.module_utils.service.location import KIND
from ansible_collections.pear.fargate.plugins.module_utils.service.scaling import CUSTOM_METRIC

_POLICY = {
    "name": {"type": "str", "required": True},
    "metric": {"type": "str", "choices": ["cpu", "memory", "requests", "backlog", "custom"], "required": True},
    "target": {"type": "float", "required": True},
    "queue": {"type": "str"},
    "custom_metric": {"type": "dict", "options": CUSTOM_METRIC},
    "scale_in_cooldown_seconds": {"type": "int", "default": 300},
    "scale_out_cooldown_seconds": {"type": "int", "default": 60},
    "disable_scale_in": {"type": "bool", "default": False},
}
_SCHEDULE = {
    "name": {"type": "str", "required": True},
    "when": {"type": "str", "required": True},
    "timezone": {"type": "str", "default": "UTC"},
    "minimum": {"type": "int"},
    "maximum": {"type": "int"},
}
ARGUMENT_SPEC = {
    **STATE_ARGUMENTS,
    "environment": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
    "kind": KIND,
    "cluster": {"type": "str"},
    "minimum": {"type": "int"},
    "maximum": {"type": "int"},
    "policies": {"type": "list", "elements": "dict", "default": [], "options": _POLICY},
    "step_policies": {"type": "list", "elements": "dict", "default": [], "options": step_scaling.ARGUMENTS},
    "schedules": {"type": "list", "elements": "dict", "default": [], "options": _SCHEDULE},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
