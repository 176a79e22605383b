#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: fis_experiment_template
short_description: Manage a template of Fault Injection Service
version_added: 0.2.0
description:
  - Manages an experiment template with one action on one set of targets, found by its name in the tag C(pear:experiment) and by
    those of O(tags) that begin with C(pear:).
  - Changes what differs. Nothing is started.
seealso:
  - module: pear.fargate.fis_experiment
  - module: pear.fargate.gameday_step
author:
  - pear.fargate contributors (@pear-fargate)
options:
  name:
    description: Name of the template, for its tag.
    type: str
    required: true
  description:
    description: What the experiment does.
    type: str
    default: ""
  role_arn:
    description: ARN of the role that Fault Injection Service takes. Required with O(state=present).
    type: str
  action:
    description: Id of the action, such as V(aws:ecs:stop-task). Required with O(state=present).
    type: str
  parameters:
    description: Parameters of the action, such as C(duration).
    type: dict
    default: {}
  target:
    description: What the action acts on. Required with O(state=present).
    type: dict
    suboptions:
      key:
        description: The action's name of its targets, such as V(Tasks).
        type: str
        required: true
      resource_type:
        description: Type of the resources, such as V(aws:ecs:task).
        type: str
        required: true
      selection:
        description: How many of them, V(ALL), V(COUNT(n\)) or V(PERCENT(n\)).
        type: str
        default: ALL
      parameters:
        description: What the resources are found by, such as C(cluster) and C(service) of ECS tasks.
        type: dict
        default: {}
      resource_arns:
        description: ARNs of the resources.
        type: list
        elements: str
        default: []
  stop_alarm_arns:
    description: ARNs of alarms that stop the experiment.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - pear.fargate.resource
  - pear.fargate.resource.tags
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes
"""

EXAMPLES = r"""
- name: Template that stops one task of the blue colour
  pear.fargate.fis_experiment_template:
    name: scoreboard-blue-task-kill
    description: Stops one task of scoreboard-blue
    role_arn: arn:aws:iam::123456789012:role/staging-eu-central-1-scoreboard-experiment
    action: aws:ecs:stop-task
    target:
      key: Tasks
      resource_type: aws:ecs:task
      selection: COUNT(1)
      parameters: {cluster: staging, service: scoreboard-blue}
    stop_alarm_arns: ["arn:aws:cloudwatch:eu-central-1:123456789012:alarm:staging/scoreboard/no-healthy-target"]
    tags: {pear:environment: staging}
"""

RETURN = r"""
template_id:
  description: Id of the template; empty where there is none.
  returned: always
  type: str
  sample: EXT1a2b3c4d5e6f7g8
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS, TAG_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.operations.fis_experiment_template import run

_TARGET = {
    "key": {"type": "str", "required": True, "no_log": False},
    "resource_type": {"type": "str", "required": True},
    "selection": {"type": "str", "default": "ALL"},
    "parameters": {"type": "dict", "default": {}},
    "resource_arns": {"type": "list", "elements": "str", "default": []},
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "description": {"type": "str", "default": ""},
    "role_arn": {"type": "str"},
    "action": {"type": "str"},
    "parameters": {"type": "dict", "default": {}},
    "target": {"type": "dict", "options": _TARGET},
    "stop_alarm_arns": {"type": "list", "elements": "str", "default": []},
    **STATE_ARGUMENTS,
    **TAG_ARGUMENTS,
}
CONSTRAINTS = {"required_if": [("state", "present", ("role_arn", "action", "target"))]}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
