#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_info
short_description: How a service stands, its traffic, colours, the release under way, history, and the way back
version_added: 0.1.0
description:
  - Reads the production rule, both ECS services and the ledger at once.
seealso:
  - module: pear.fargate.bluegreen_cutover
  - module: pear.fargate.bluegreen_rollback
author:
  - pear.fargate contributors (@pear-fargate)
options:
  limit:
    description: How many releases of the history are returned, the newest first.
    type: int
    default: 20
extends_documentation_fragment:
  - pear.fargate.attributes.read_only
  - pear.fargate.bluegreen.place
  - pear.fargate.bluegreen.slos
  - pear.fargate.bluegreen.existing
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: How does it stand
  pear.fargate.bluegreen_info:
    environment: production
    service: scoreboard
  register: found

- name: In a few lines
  ansible.builtin.debug:
    msg: "{{ found.status }}"
"""

RETURN = r"""
error_budgets:
  description: How much of each error budget of O(slos) is left.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the objective.
      type: str
      sample: availability
    promise:
      description: The objective in words.
      type: str
      sample: 99.9 % of the requests of 28 days do not fail
    requests:
      description: Requests in that time.
      type: int
      sample: 1204000
    bad:
      description: Requests that failed or took too long.
      type: int
      sample: 481
    left_percent:
      description: What is left of the budget, negative where more than all of it is spent. None where there were too few requests to tell.
      type: float
      sample: 60.05
    spent:
      description: Whether nothing is left, so that a release is refused.
      type: bool
      sample: false
live:
  description: The colour that is live.
  returned: always
  type: str
  sample: green
weights:
  description: Whole percents of traffic, by colour.
  returned: always
  type: dict
  sample: {blue: 0, green: 100}
colours:
  description: Per colour task definition, desired, running and healthy tasks, and until when it is warm.
  returned: always
  type: dict
  contains:
    blue: &colour
      description: The first colour.
      type: dict
      contains:
        task_definition:
          description: ARN of its task definition, or null.
          type: str
          sample: arn:aws:ecs:eu-central-1:123456789012:task-definition/production-scoreboard:42
        desired:
          description: Desired count.
          type: int
          sample: 3
        running:
          description: Running tasks of its deployment.
          type: int
          sample: 3
        healthy:
          description: Healthy targets.
          type: int
          sample: 3
        steady:
          description: Whether ECS has completed its deployment.
          type: bool
          sample: true
        failure:
          description: Why its deployment fails, or null.
          type: str
          sample: "3 tasks stopped: exit code 1"
        warm_until:
          description: When it is scaled in, or null.
          type: str
          sample: "11:26:00Z"
        further_target_groups:
          description: Names of target groups in which its tasks are registered besides. A healthy task is healthy in these too.
          type: list
          elements: str
          sample: []
    green: *colour
release:
  description: The release that is live.
  returned: always
  type: dict
  contains: &release
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
under_way:
  description: The release under way, or null.
  returned: always
  type: dict
  contains: *release
lease:
  description: Who works on the service, or null.
  returned: always
  type: dict
  contains:
    owner:
      description: Who has it.
      type: str
      sample: ada@workstation [1f0c]
    release:
      description: Id of the release that it was taken for.
      type: str
      sample: 20260314-101500-deploy-9f3a
    until:
      description: When it ends unless it is renewed.
      type: str
      sample: "10:16:00Z"
operator_request:
  description: What a person asked of the release under way.
  returned: always
  type: dict
  contains:
    kind:
      description: What was asked.
      type: str
      sample: promote
    by:
      description: Who asked.
      type: str
      sample: grace@workstation
    release:
      description: Id of the release that was meant.
      type: str
      sample: 20260314-101500-deploy-9f3a
disagreements:
  description:
    - Where the rule, the tasks or the scheduled scale-ins disagree with the ledger while no release is under way, such as traffic
      on a colour without healthy tasks or a scheduled scale-in of the colour that serves. The next release or rollback puts it right.
  returned: always
  type: list
  elements: dict
  sample:
    - {what: scheduled scale-in of blue, found: "at 2026-03-01 12:00:00Z, for deploy-1", recorded: it serves}
rollback:
  description: Where a rollback would go, and how long it would take.
  returned: always
  type: dict
  contains:
    possible:
      description: Whether a rollback would begin.
      type: bool
      sample: true
    reason:
      description: What speaks against it, or what it would do.
      type: str
      sample: ""
    release:
      description: Id of the release that it would go back to, or null.
      type: str
      sample: 20260313-160200-deploy-11c0
    digest:
      description: Digest of that release, or null.
      type: str
      sample: sha256:5d0c1e
    warm:
      description: Whether its tasks run.
      type: bool
      sample: true
    takes:
      description: How long it takes.
      type: str
      sample: one write, about a second
    warm_until:
      description: Until when its tasks run, or null.
      type: str
      sample: "11:26:00Z"
history:
  description: The last releases, the newest first.
  returned: always
  type: list
  elements: dict
  sample:
    - {id: 20260314-101500-deploy-9f3a, version: 1.4.2, by: ada@workstation, strategy: canary, outcome: succeeded, seconds: 660}
status:
  description: How it stands, in a few lines.
  returned: always
  type: list
  elements: str
  sample: ["scoreboard: traffic blue 0 % green 100 %"]
table:
  description: The history as a table.
  returned: always
  type: list
  elements: str
  sample: ["id  version  task_definition  digest  by  strategy  outcome  seconds  reason"]
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.release.bluegreen_info import run
from ansible_collections.pear.fargate.plugins.module_utils.release.options import PLACE_ARGUMENTS, SLOS_ARGUMENT
from ansible_collections.pear.fargate.plugins.module_utils.service.existing import EXISTING_CONSTRAINTS

ARGUMENT_SPEC = {**PLACE_ARGUMENTS, "limit": {"type": "int", "default": 20}, "slos": SLOS_ARGUMENT}
CONSTRAINTS = EXISTING_CONSTRAINTS


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
