#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_run_task
short_description: Run a command once in a task of the live version
version_added: 0.1.0
description:
  - Starts a task of the live version with another command, shows its log until it stops, and fails if its exit code is not 0.
  - Image, roles, secrets, volumes and network are those of the service. The task is not registered in a target group.
  - A run that is interrupted leaves the task running; C(aws ecs stop-task) ends it.
seealso:
  - module: pear.fargate.ecs_scheduled_tasks
  - module: community.aws.ecs_task
author:
  - pear.fargate contributors (@pear-fargate)
options:
  command:
    description: The command and its arguments. The image's entry point is kept.
    type: list
    elements: str
    required: true
  container:
    description: Container that runs the command.
    type: str
    default: app
  variables:
    description: Additional environment variables of that container. They are visible in the task's description, so pass no secrets.
    type: dict
    default: {}
  timeout_seconds:
    description: Seconds after which the task is stopped.
    type: int
    default: 900
extends_documentation_fragment:
  - pear.fargate.attributes.no_diff
  - pear.fargate.service.name
  - pear.fargate.service.kind
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Move the database one version on
  pear.fargate.ecs_run_task:
    environment: production
    service: scoreboard
    command: [python3, -m, scoreboard.migrate]
"""

RETURN = r"""
task_id:
  description: Id of the task.
  returned: outside check mode
  type: str
  sample: 0b1f3f0c2a7d4e5f8a9b0c1d2e3f4a5b
task_definition:
  description: ARN of the live task definition.
  returned: always
  type: str
  sample: arn:aws:ecs:eu-central-1:123456789012:task-definition/production-scoreboard:42
exit_code:
  description: Exit code of the container.
  returned: outside check mode
  type: int
  sample: 0
log:
  description: The last 200 lines of the log.
  returned: always
  type: list
  elements: str
  sample: ["12 rows removed"]
reason:
  description: The outcome, or in check mode what would run.
  returned: success
  type: str
  sample: ended with exit code 0
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.service.ecs_run_task import run
from ansible_collections.pear.fargate.plugins.module_utils.service.location import KIND

ARGUMENT_SPEC = {
    "environment": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
    "kind": KIND,
    "cluster": {"type": "str"},
    "command": {"type": "list", "elements": "str", "required": True},
    "container": {"type": "str", "default": "app"},
    "variables": {"type": "dict", "default": {}},
    "timeout_seconds": {"type": "int", "default": 900},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
