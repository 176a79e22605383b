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
options:
  stage_only:
    description:
      - Stops before the first step. The candidate is up and checked, answers to the header C(X-Release=candidate), and has no
        production traffic. A later run with the same options goes on from there; a run with another version ends it first.
      - It has no meaning with the strategy V(rolling), which has no candidate beside the live version.
    type: bool
    default: false
author:
  - pear.fargate contributors (@pear-fargate)
attributes:
  action:
    description: Runs on the controller, with progress lines.
    support: full
  check_mode:
    description: Tells the whole plan with times, and changes nothing.
    support: full
  diff_mode:
    description: Shows the task definition, before and after.
    support: full
extends_documentation_fragment:
  - pear.fargate.service
  - pear.fargate.bluegreen
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
    plan: {strategy: canary, percent: 10, duration_seconds: 360, bake_seconds: 360}
    gates:
      errors: {tolerance_percent: 0.5}
    checks:
      - name: storage
        path: /readyz
        expect_json: {storage_mode: sqlite}
"""

RETURN = r"""
outcome:
  description:
    - V(succeeded) and V(unchanged) are success, V(staged) too; V(planned) is what check mode says.
    - All others fail the task. V(rolled_back) traffic is back on the version before; V(superseded) somebody else took over; V(inconclusive)
      the gates could not tell; V(approval_expired) nobody promoted in time; V(interrupted) a signal or a failed call;
      V(failed) there was no version to return to, or the return did not complete; V(refused) nothing was changed.
  returned: always
  type: str
reason:
  description: Why, in a sentence. The message of a failed task ends with it.
  returned: on success, and with C(-v)
  type: str
release:
  description: The release as the ledger has it. Of a failed task without C(-v) only C(id) and C(version).
  returned: when there is one
  type: dict
evidence:
  description:
    - What was kept before anything was stopped, of a release that did not succeed.
    - It is in the ledger and in O(report) always.
  returned: on success, and with C(-v)
  type: dict
plan:
  description: What would be done.
  returned: in check mode
  type: list
  elements: str
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.release.bluegreen_cutover import run
from ansible_collections.pear.fargate.plugins.module_utils.release.options import RELEASE_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.service.specification import SERVICE_ARGUMENTS

ARGUMENT_SPEC = {**SERVICE_ARGUMENTS, **RELEASE_ARGUMENTS, "stage_only": {"type": "bool", "default": False}}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
