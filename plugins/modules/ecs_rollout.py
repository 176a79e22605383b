#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_rollout
short_description: Roll the live colour of a service to a new version, and follow it to its end
version_added: 0.1.0
description:
  - Makes the live colour of a service what the options say. A task definition revision is registered only where the running
    one differs. The other colour's ECS service is created without tasks where it is missing.
  - The task follows the deployment that it started and succeeds only when this deployment is the primary one, ECS calls it
    completed, all tasks run, and their targets are healthy.
  - ECS's circuit breaker is on and rolls back. A rollback fails the task, with the cause as ECS, the load balancer and the
    containers' last log lines tell it.
  - The colour is the one that has all of the production rule's weight. While traffic is split the module refuses.
author:
  - pear.fargate contributors (@pear-fargate)
options:
  timeout_seconds:
    description: How long the deployment may take. ECS goes on after that; the task fails, saying what it was waiting for.
    type: int
    default: 1200
  by:
    description: Who releases, as history and lease show it. The default is user@host.
    type: str
attributes:
  action:
    description: Runs on the controller, with progress lines.
    support: full
  check_mode:
    description: Predicts what would be registered, created or updated, and changes nothing.
    support: full
  diff_mode:
    description: Shows the task definition and the settings of the ECS service, before and after.
    support: full
extends_documentation_fragment:
  - pear.fargate.service
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Make version 1.4.2 live
  pear.fargate.ecs_rollout:
    environment: production
    service: scoreboard
    listener_arn: arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/production/50dc6c495c0c9188/f2f7dc8efc522ab2
    subnets: [subnet-0a, subnet-0b, subnet-0c]
    security_groups: [sg-0d]
    port: 8080
    cpu: 256
    memory: 512
    execution_role_arn: arn:aws:iam::123456789012:role/production-scoreboard-execution
    task_role_arn: arn:aws:iam::123456789012:role/production-scoreboard-task
    containers:
      - name: app
        image: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/scoreboard@sha256:9b7c2f0d4b1e0a6f
        ports: [8080]
        environment: {LOG_LEVEL: info}
    desired_count: 3
  register: scoreboard_release

# The task fails with outcome rolled_back; the message names the cause:
#   scoreboard-blue: production-scoreboard:8 failed, and ECS rolled back: production-scoreboard:7 serves. ECS deployment
#   circuit breaker: tasks failed to start. 3 tasks stopped: Essential container in task exited; container app: exit code 3.
#   last log lines of app, task 0c1d2e3f4a5b: …
"""

RETURN = r"""
outcome:
  description:
    - V(succeeded) or V(unchanged).
    - Of a failed task V(rolled_back), V(failed), V(superseded), V(timed_out) or V(interrupted).
  returned: always
  type: str
  sample: succeeded
reason:
  description: Why it ended so, in a sentence; in check mode what would be written.
  returned: always
  type: str
  sample: 3 of 3 tasks run, 3 targets healthy, rollout completed
colour:
  description: The live colour.
  returned: always
  type: str
  sample: blue
task_definition:
  description: ARN of the revision that was released; null in check mode where it would be registered.
  returned: always
  type: str
  sample: arn:aws:ecs:eu-central-1:123456789012:task-definition/production-scoreboard:8
deployment_id:
  description: The ECS deployment that was followed.
  returned: when not in check mode
  type: str
  sample: ecs-svc/1234567890123456789
evidence:
  description: What was seen to go wrong, whatever the outcome.
  returned: always
  type: dict
  contains:
    tasks:
      description: Tasks that ended badly, with cause, container and last log lines.
      type: list
      elements: dict
    targets:
      description: Targets that were not healthy, with what they answered.
      type: list
      elements: str
    events:
      description: Events in which ECS complains.
      type: list
      elements: str
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.release.ecs_rollout import run
from ansible_collections.pear.fargate.plugins.module_utils.service.specification import SERVICE_ARGUMENTS

ARGUMENT_SPEC = {**SERVICE_ARGUMENTS, "timeout_seconds": {"type": "int", "default": 1200}, "by": {"type": "str"}}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
