#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: service_release
short_description: Make a version of a service live, by the strategy of your choice
version_added: 0.1.0
description:
  - With O(strategy=rolling), ECS replaces the tasks of the live colour in place. Tasks of O(checks), such as migrations, run before that;
    requests of O(checks), the version probe, the gates and the bake come after it. Where something fails, the last good version is
    deployed again. With any other strategy it does what M(pear.fargate.bluegreen_cutover) does.
  - All strategies have the same preflight, lease, ledger, evidence and report.
  - After a release that succeeded, tasks that run at their times are what O(schedules) says, of the version that is live.
  - One task for all of it, since Ansible starts a process for each task and host, and for each that is skipped too.
author:
  - pear.fargate contributors (@pear-fargate)
options:
  strategy:
    description: How the version goes live; O(plan) holds what the strategy leaves open.
    type: str
    choices: [rolling, all_at_once, linear, canary, steps]
    default: rolling
  failed_dependencies:
    description: Services that this one depends on and that failed in the same run. Where there is one, the release is refused.
    type: list
    elements: str
    default: []
  schedules:
    description: What runs when. An empty list removes what an earlier one made; without a list nobody looks.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the schedule.
        type: str
        required: true
      expression:
        description: V(rate(1 hour\)), V(cron(0 3 * * ? *\)) or V(at(2026-12-24T18:00:00\)).
        type: str
        required: true
      timezone:
        description: Time zone of the expression, which follows its summer time.
        type: str
        default: UTC
      command:
        description: The command and its arguments. The image's entry point stays.
        type: list
        elements: str
        required: true
      container:
        description: Container that runs it.
        type: str
        default: app
      variables:
        description: Further environment variables of that container; no secrets.
        type: dict
        default: {}
      enabled:
        description: Whether it runs.
        type: bool
        default: true
  schedule_role_arn:
    description: Role by which the tasks are started.
    type: str
attributes:
  action:
    description: Runs on the controller, with progress lines.
    support: full
  check_mode:
    description: Tells what would be done, and changes nothing.
    support: full
  diff_mode:
    description: Shows the task definition, the settings of the ECS service, and the schedules, before and after.
    support: full
extends_documentation_fragment:
  - pear.fargate.service
  - pear.fargate.bluegreen
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Make version 1.4.2 live
  pear.fargate.service_release:
    environment: production
    service: scoreboard
    strategy: canary
    plan: {percent: 10, duration_seconds: 360}
    listener_arn: arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/production/50dc6c495c0c9188/f2f7dc8efc522ab2
    subnets: [subnet-0a, subnet-0b, subnet-0c]
    security_groups: [sg-0d]
    port: 8080
    cpu: 256
    memory: 512
    containers:
      - name: app
        image: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/scoreboard@sha256:9b7c2f0d4b1e0a6f
        ports: [8080]
    desired_count: 3
"""

RETURN = r"""
outcome:
  description: How it ended, as M(pear.fargate.bluegreen_cutover) says it.
  returned: always
  type: str
  sample: succeeded
reason:
  description: Why, in a sentence. The message of a failed task ends with it.
  returned: on success, and with C(-v)
  type: str
evidence:
  description: What was seen to go wrong. It is in the ledger and in O(report) always.
  returned: on success, and with C(-v)
  type: dict
schedules:
  description: Why nothing could be done about the schedules yet, or nothing.
  returned: with schedules
  type: str
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.release.options import RELEASE_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.release.service_release import STRATEGIES, run
from ansible_collections.pear.fargate.plugins.module_utils.service.ecs_scheduled_tasks import SCHEDULES_OPTION
from ansible_collections.pear.fargate.plugins.module_utils.service.specification import SERVICE_ARGUMENTS

ARGUMENT_SPEC = {
    **SERVICE_ARGUMENTS,
    **RELEASE_ARGUMENTS,
    "strategy": {"type": "str", "choices": list(STRATEGIES), "default": "rolling"},
    "failed_dependencies": {"type": "list", "elements": "str", "default": []},
    "schedules": SCHEDULES_OPTION,
    "schedule_role_arn": {"type": "str"},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
