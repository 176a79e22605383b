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
  - After a release that succeeded, the scheduled tasks are those of O(schedules), of the version that is live.
  - One task for all of it, since Ansible starts a process for each task and host, and for each that is skipped too.
seealso:
  - module: pear.fargate.bluegreen_cutover
  - module: pear.fargate.bluegreen_rollback
  - module: pear.fargate.ecs_scheduled_tasks
author:
  - pear.fargate contributors (@pear-fargate)
options:
  strategy:
    description: How the version goes live. O(plan) holds what the strategy leaves open; its own C(strategy) is not used here.
    type: str
    choices: [rolling, all_at_once, linear, canary, steps]
    default: rolling
  failed_dependencies:
    description: Services that this one depends on and that failed in the same run. Where there is one, the release is refused.
    type: list
    elements: str
    default: []
  schedules:
    description: Scheduled tasks. An empty list removes those of an earlier release. Left unchanged if omitted.
  schedule_role_arn:
    description: Role by which the tasks are started.
    type: str
extends_documentation_fragment:
  - pear.fargate.attributes.release
  - pear.fargate.service.schedules
  - pear.fargate.service
  - pear.fargate.bluegreen
  - pear.fargate.bluegreen.policy
  - pear.fargate.bluegreen.notices
  - pear.fargate.bluegreen.slos
  - pear.fargate.bluegreen.budget
  - pear.fargate.bluegreen.place
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
    subnet_ids: [subnet-0a, subnet-0b, subnet-0c]
    security_group_ids: [sg-0d]
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
  sample: 1.4.2 (production-scoreboard:42) serves all traffic from green
evidence:
  description: What was seen to go wrong. It is in the ledger and in O(report) always.
  returned: on success, and with C(-v)
  type: dict
  sample: {causes: ["3 tasks stopped: exit code 1"]}
response_times:
  description:
    - What the latency gate compared, by period and oldest first, on both sides C(candidate) and C(live).
    - C(answered) is the number of requests that a target answered in the period, C(p99_ms) their p99 in milliseconds.
    - Empty where no response times were judged. It is in O(report) always.
  returned: on success, and with C(-v)
  type: dict
  sample:
    candidate: [{answered: 612, p99_ms: 118.0}, {answered: 598, p99_ms: 121.5}]
    live: [{answered: 5480, p99_ms: 96.0}, {answered: 5511, p99_ms: 97.2}]
schedules:
  description: Why nothing could be done about the schedules yet, or nothing.
  returned: with schedules
  type: str
  sample: ""
disagreements:
  description: Where the rule, the tasks or the scheduled scale-ins disagree with the ledger. M(pear.fargate.bluegreen_info) describes them.
  returned: in check mode, while no release is under way
  type: list
  elements: dict
  sample:
    - {what: scheduled scale-in of blue, found: "at 2026-03-01 12:00:00Z, for deploy-1", recorded: it serves}
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
