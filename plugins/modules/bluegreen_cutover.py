#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_cutover
short_description: Make an image live by moving traffic to it, and follow that to its end
version_added: 0.1.0
description:
  - Brings the image up on the colour that has no traffic, checks it there, and moves traffic to it step by step. After each step the gates
    judge it; whatever goes wrong, returning traffic is the first write.
  - Success means that this very image serves all traffic; the rule was read back and its targets are healthy. Everything else
    fails the task, with an outcome and the evidence.
  - The ledger, a table of DynamoDB, holds every release and a lease, so that one controller writes at a time.
    A controller that dies is taken over by the next run, which resumes the release or returns traffic.
  - Releasing what is live already changes nothing.
  - A service that the collection provisioned is named by O(environment), and its version is described by the options of the service.
    One that others made is named by O(services), and its version by O(task_definition).
options:
  environment:
    required: false
  subnet_ids:
    required: false
  security_group_ids:
    required: false
  port:
    required: false
  cpu:
    required: false
  memory:
    required: false
  containers:
    required: false
  desired_count:
    required: false
  task_definition:
    description:
      - The version to release, with O(services). A task definition that is registered already, by family, C(family:revision) or ARN.
        A family stands for its latest active revision.
      - It takes the place of the options that say what a task is made of, and as many tasks run as the live colour has.
    type: str
  stage_only:
    description:
      - Stops before the first step. The candidate is up and checked, answers to the header C(X-Release=candidate), and has no
        production traffic. A later run with the same options goes on from there; a run with another version ends it first.
      - It has no meaning with the strategy V(rolling), which has no candidate beside the live version.
    type: bool
    default: false
seealso:
  - module: pear.fargate.bluegreen_rollback
  - module: pear.fargate.bluegreen_info
  - module: pear.fargate.bluegreen_request
  - module: pear.fargate.release_ledger
author:
  - pear.fargate contributors (@pear-fargate)
extends_documentation_fragment:
  - pear.fargate.attributes.release
  - pear.fargate.service
  - pear.fargate.bluegreen
  - pear.fargate.bluegreen.policy
  - pear.fargate.bluegreen.notices
  - pear.fargate.bluegreen.slos
  - pear.fargate.bluegreen.budget
  - pear.fargate.bluegreen.place
  - pear.fargate.bluegreen.existing
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ten percent for five minutes, then all, judged by the share of errors
  pear.fargate.bluegreen_cutover:
    environment: production
    service: scoreboard
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
    plan: {strategy: canary, percent: 10, duration_seconds: 360, bake_seconds: 360}
    gates:
      errors: {tolerance_percent: 0.5}
    checks:
      - name: storage
        path: /readyz
        expect_json: {storage_mode: sqlite}

- name: Shift traffic between two ECS services that Terraform made
  pear.fargate.bluegreen_cutover:
    service: web
    services:
      blue: {name: web-a, target_group_arn: "{{ terraform.target_group_a }}"}
      green: {name: web-b, target_group_arn: "{{ terraform.target_group_b }}"}
    rule_arn: "{{ terraform.rule }}"
    cluster: apps
    ledger_table: web-releases
    task_definition: web:42
    plan: {strategy: canary, percent: 10, duration_seconds: 360, bake_seconds: 360}
    gates:
      errors: {tolerance_percent: 0.5}
      alarms: [web-5xx]

- name: Shift the connections of a service of TCP behind a network load balancer
  pear.fargate.bluegreen_cutover:
    service: game
    services:
      blue: {name: game-a, target_group_arn: "{{ terraform.target_group_a }}"}
      green: {name: game-b, target_group_arn: "{{ terraform.target_group_b }}"}
    production_listener_arn: "{{ terraform.listener }}"
    cluster: apps
    ledger_table: game-releases
    task_definition: game:42
    plan: {strategy: canary, percent: 10, duration_seconds: 900, bake_seconds: 900}
    gates:
      alarms: [game-failed-logins]
"""

RETURN = r"""
outcome:
  description:
    - V(succeeded) and V(unchanged) are success, V(staged) too; V(planned) is what check mode says.
    - All others fail the task. V(rolled_back) traffic is back on the version before; V(superseded) another controller took over;
      V(inconclusive) the gates could not tell; V(approval_expired) no promotion came in time; V(interrupted) a signal or a failed call;
      V(failed) there was no version to return to, or the return did not complete; V(refused) nothing was changed.
  returned: always
  type: str
  sample: succeeded
reason:
  description: Why, in a sentence. The message of a failed task ends with it.
  returned: on success, and with C(-v)
  type: str
  sample: 1.4.2 (production-scoreboard:42) serves all traffic from green
release:
  description: The release as the ledger has it. Of a failed task without C(-v) only C(id) and C(version).
  returned: when there is one
  type: dict
  contains:
    id:
      description: Id of the release.
      type: str
      sample: 20260314-101500-deploy-9f3a
    kind:
      description: V(deploy) or V(rollback).
      type: str
      sample: deploy
    by:
      description: Who released.
      type: str
      sample: ada@workstation
    version:
      description: The version as people call it, such as the tag of the image.
      type: str
      sample: 1.4.2
    digest:
      description: Digest of the image; empty for a task definition that others deployed.
      type: str
      sample: sha256:9b7c2f0d4b1e0a6f
    task_definition:
      description: ARN of the task definition.
      type: str
      sample: arn:aws:ecs:eu-central-1:123456789012:task-definition/production-scoreboard:42
    live:
      description: The colour that was live when it began.
      type: str
      sample: blue
    candidate:
      description: The colour that it released to.
      type: str
      sample: green
    phase:
      description: The phase that it is in or ended in.
      type: str
      sample: baking
    step:
      description: Number of the step, from 0.
      type: int
      sample: 1
    outcome:
      description: How it ended, or null.
      type: str
      sample: succeeded
    reason:
      description: Why it ended so.
      type: str
      sample: 1.4.2 (production-scoreboard:42) serves all traffic from green
    started_at:
      description: When it began, in seconds since 1970.
      type: float
      sample: 1773483300.0
    ended_at:
      description: When it ended, or null.
      type: float
      sample: 1773483960.0
    warm_until:
      description: Until when the old colour keeps its tasks, or null.
      type: float
      sample: 1773487560.0
evidence:
  description:
    - What was kept before anything was stopped, of a release that did not succeed.
    - It is in the ledger and in O(report) always.
  returned: on success, and with C(-v)
  type: dict
  contains:
    causes:
      description: What went wrong, the most frequent cause first.
      type: list
      elements: str
      sample: ["3 tasks stopped: exit code 1"]
    tasks:
      description: >-
        Tasks that stopped, each with C(task), C(cause), and C(containers) that failed by themselves, each with C(container) and
        C(log_lines). C(container) and C(log_lines) of the task are those of the first.
      type: list
      elements: dict
    targets:
      description: Targets that were unhealthy, a sentence each.
      type: list
      elements: str
    events:
      description: Complaints of ECS.
      type: list
      elements: str
    readings:
      description: What the gates read at the look that decided.
      type: list
      elements: str
      sample: ["5xx share 12.1 % of 480 requests against 0.2 %"]
    logs:
      description: Last log lines of a task that still ran.
      type: list
      elements: str
    fleet:
      description: Weights and both colours at that moment.
      type: dict
    definition_changes:
      description: Differences of the task definitions by container; of variables the names only.
      type: dict
    unread:
      description: What could not be read, and why.
      type: list
      elements: str
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
plan:
  description: What would be done.
  returned: in check mode
  type: list
  elements: str
  sample: ["stage sha256:9b7c on green, 3 tasks", "step 1 of 2: 10 % to green for 300 s, from +0 s"]
disagreements:
  description: Where the rule, the tasks or the scheduled scale-ins disagree with the ledger. M(pear.fargate.bluegreen_info) describes them.
  returned: in check mode, while no release is under way
  type: list
  elements: dict
  sample:
    - {what: scheduled scale-in of blue, found: "at 2026-03-01 12:00:00Z, for deploy-1", recorded: it serves}
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.release.bluegreen_cutover import run
from ansible_collections.pear.fargate.plugins.module_utils.release.options import PLACE_ARGUMENTS, RELEASE_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.service.existing import EXISTING_CONSTRAINTS
from ansible_collections.pear.fargate.plugins.module_utils.service.specification import SERVICE_ARGUMENTS

# What describes a version and its service where the collection makes both; with services, ECS knows it already.
_DESCRIBED = ("subnet_ids", "security_group_ids", "port", "cpu", "memory", "containers", "desired_count")
ARGUMENT_SPEC = {
    **SERVICE_ARGUMENTS,
    **{name: {**SERVICE_ARGUMENTS[name], "required": False} for name in _DESCRIBED},
    **PLACE_ARGUMENTS,
    **RELEASE_ARGUMENTS,
    "task_definition": {"type": "str"},
    "stage_only": {"type": "bool", "default": False},
}
CONSTRAINTS = {
    "required_one_of": [*EXISTING_CONSTRAINTS["required_one_of"], *(("services", name) for name in _DESCRIBED)],
    "mutually_exclusive": [
        *EXISTING_CONSTRAINTS["mutually_exclusive"],
        *(("services", name) for name in ("listener_arn", *_DESCRIBED)),
    ],
    "required_by": {
        **EXISTING_CONSTRAINTS["required_by"],
        "services": (*EXISTING_CONSTRAINTS["required_by"]["services"], "task_definition"),
        "task_definition": ("services",),
    },
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
