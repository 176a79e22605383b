#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_scheduled_tasks
short_description: Manage the scheduled tasks of a service
version_added: 0.1.0
description:
  - Manages schedules of EventBridge Scheduler that start a task of the live version with another command.
  - A schedule refers to the live version. The playbooks update it after each release and rollback.
  - Removes schedules of the service that are not listed; all of them with O(state=absent). The schedule group of the environment stays.
    A schedule has no tags. It belongs to the service whose name it begins with, in the environment's schedule group.
  - A listed schedule is compared whole. A setting that was made by hand, such as a dead-letter queue or an end date, is a difference and
    is removed. Without O(schedules) such settings stay.
  - A schedule group of the environment's name without its tag C(pear:environment) is another's, and refused with all that is in it.
  - The tasks write to the service's log group.
seealso:
  - module: pear.fargate.ecs_run_task
  - module: pear.fargate.service_release
author:
  - pear.fargate contributors (@pear-fargate)
options:
  schedules:
    description: The schedules. If omitted, existing schedules are pointed at the live version.
  role_arn:
    description: ARN of the role that starts the tasks.
    type: str
  adopt:
    description: Whether to take over a schedule group that others made under the environment's name, after telling what will be changed.
    type: bool
    default: false
extends_documentation_fragment:
  - pear.fargate.resource
  - pear.fargate.service.schedules
  - pear.fargate.service.name
  - pear.fargate.service.kind
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes
"""

EXAMPLES = r"""
- name: The night's cleaning
  pear.fargate.ecs_scheduled_tasks:
    environment: production
    service: scoreboard
    role_arn: arn:aws:iam::123456789012:role/production-scoreboard-schedule
    schedules:
      - name: cleaning
        expression: cron(0 3 * * ? *)
        timezone: Europe/Berlin
        command: [python3, -m, scoreboard.clean]

- name: After a rollback
  pear.fargate.ecs_scheduled_tasks:
    environment: production
    service: scoreboard

- name: The service has no scheduled tasks any more
  pear.fargate.ecs_scheduled_tasks:
    environment: production
    service: scoreboard
    state: absent
"""

RETURN = r"""
reason:
  description: Why nothing could be done yet, or empty.
  returned: always
  type: str
  sample: ""
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.service.ecs_scheduled_tasks import SCHEDULES_OPTION, run
from ansible_collections.pear.fargate.plugins.module_utils.service.location import KIND

ARGUMENT_SPEC = {
    **STATE_ARGUMENTS,
    "environment": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
    "kind": KIND,
    "cluster": {"type": "str"},
    "schedules": SCHEDULES_OPTION,
    "role_arn": {"type": "str"},
    "adopt": {"type": "bool", "default": False},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
