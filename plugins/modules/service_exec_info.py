#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: service_exec_info
short_description: The command that opens a shell in a task by ECS Exec
version_added: 0.2.0
description:
  - Looks for a task of the live version, checks what ECS Exec needs in it, and returns the command of the AWS CLI to type.
  - Fails with what is missing, by U(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html).
  - A session is interactive, so that no task of Ansible can hold it. The connection P(pear.fargate.ecs_exec#connection) runs single
    commands.
  - A command that needs no running task, such as a migration, is run by M(pear.fargate.ecs_run_task).
seealso:
  - module: pear.fargate.ecs_run_task
  - module: pear.fargate.bluegreen_info
author:
  - pear.fargate contributors (@pear-fargate)
options:
  colour:
    description: Colour whose task it is. The one with most of the traffic if omitted.
    type: str
    choices: [blue, green]
  task:
    description: Id of the task, or its beginning. The newest healthy one if omitted.
    type: str
    default: ""
  container:
    description: Container that the command runs in.
    type: str
    default: app
  command:
    description: The command, one text. It runs as root, whatever user the image has.
    type: str
    default: /bin/sh
extends_documentation_fragment:
  - pear.fargate.attributes.read_only
  - pear.fargate.bluegreen.place
  - pear.fargate.bluegreen.existing
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: A shell in the live version
  pear.fargate.service_exec_info:
    environment: production
    service: scoreboard
  register: shell

- name: What to type
  ansible.builtin.debug:
    msg: "{{ shell.command }}"
"""

RETURN = r"""
command:
  description: The command to type.
  returned: success
  type: str
  sample: aws ecs execute-command --region eu-central-1 --cluster production --task 0b1f3f0c --container app --interactive --command /bin/sh
task:
  description: Id of the task.
  returned: success
  type: str
  sample: 0b1f3f0c2a7d4e5f8a9b0c1d2e3f4a5b
container:
  description: The container.
  returned: success
  type: str
  sample: app
colour:
  description: Colour of the task.
  returned: success
  type: str
  sample: green
task_definition:
  description: Family and revision of the task.
  returned: success
  type: str
  sample: production-scoreboard:42
plugin:
  description: Whether the Session Manager plugin is installed here, which the command needs.
  returned: success
  type: bool
  sample: true
note:
  description: What to install before, where the command would not run here. Empty if it would.
  returned: success
  type: str
  sample: ""
findings:
  description: What is missing.
  returned: failure
  type: list
  elements: str
  sample: ["ECS Exec is off: set service_enable_execute_command: true and release, which starts tasks with it"]
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.operations.service_exec_info import run
from ansible_collections.pear.fargate.plugins.module_utils.release.options import PLACE_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.service.existing import EXISTING_CONSTRAINTS

ARGUMENT_SPEC = {
    **PLACE_ARGUMENTS,
    "colour": {"type": "str", "choices": ["blue", "green"]},
    "task": {"type": "str", "default": ""},
    "container": {"type": "str", "default": "app"},
    "command": {"type": "str", "default": "/bin/sh"},
}
CONSTRAINTS = EXISTING_CONSTRAINTS


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
