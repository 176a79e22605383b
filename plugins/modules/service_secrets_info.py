#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: service_secrets_info
short_description: Find the secrets, files, images and log groups that the live version of a service and its rollback need
version_added: 0.2.0
description:
  - Returns what ECS needs to start tasks of the task definitions that the service's ECS services have, and of the one that a rollback
    returns to, such as where their secrets are. No value is read.
  - The role service keeps the right to it, so that tasks of these versions start also while the inventory names other secrets,
    environment files, images or another log group already.
seealso:
  - module: pear.fargate.ecs_task_role
author:
  - pear.fargate contributors (@pear-fargate)
options:
  cluster:
    description: Name of a cluster that others made and the service runs in. The environment's own if omitted.
    type: str
extends_documentation_fragment:
  - pear.fargate.service.name
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes.read_only
"""

EXAMPLES = r"""
- name: Find what the version that serves needs to start
  pear.fargate.service_secrets_info:
    environment: production
    service: scoreboard
  register: registered
"""

RETURN = r"""
environment_files:
  description: ARNs of the objects in S3 that hold variables.
  returned: always
  type: list
  elements: str
  sample: ["arn:aws:s3:::example-config/scoreboard.env"]
images:
  description: Images of the app and its sidecars.
  returned: always
  type: list
  elements: str
  sample: ["123456789012.dkr.ecr.eu-central-1.amazonaws.com/scoreboard:1.4.2"]
log_groups:
  description: Names of the log groups that the containers write to.
  returned: always
  type: list
  elements: str
  sample: ["/pear/production/scoreboard"]
secrets:
  description: Secrets and parameters as the task definitions name them.
  returned: always
  type: list
  elements: str
  sample: ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:scoreboard-AbCdEf:url::"]
revisions:
  description: ARNs of the task definitions that were looked at.
  returned: always
  type: list
  elements: str
  sample: ["arn:aws:ecs:eu-central-1:123456789012:task-definition/production-scoreboard:41"]
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.release.service_secrets_info import run

ARGUMENT_SPEC = {
    "environment": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
    "cluster": {"type": "str"},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
