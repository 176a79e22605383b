#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_stage
short_description: Bring an image up beside the live one, proven and without traffic
version_added: 0.1.0
description:
  - Does what M(pear.fargate.bluegreen_cutover) does before its first step, and stops there. The candidate answers to the header
    C(X-Release=candidate) and to nobody else.
  - A cutover with the same options goes on from here, at once; any other release puts the candidate away first.
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
- name: Bring it up, to be looked at
  pear.fargate.bluegreen_stage:
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
"""

RETURN = r"""
outcome:
  description:
    - V(succeeded) and V(unchanged) are success, V(staged) too; V(planned) is what check mode says.
    - All others fail the task. V(rolled_back) traffic is back on the version before; V(superseded) somebody else took over; V(inconclusive)
      the gates could not tell; V(approval_expired) nobody promoted in time; V(interrupted) a signal or a failed call;
      V(refused) nothing was changed.
  returned: always
  type: str
reason:
  description: Why, in a sentence.
  returned: always
  type: str
release:
  description: The release as the ledger has it.
  returned: when there is one
  type: dict
evidence:
  description: What was kept before anything was stopped, of a release that did not succeed.
  returned: always
  type: dict
plan:
  description: What would be done.
  returned: in check mode
  type: list
  elements: str
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.release.bluegreen import stage as run
from ansible_collections.pear.fargate.plugins.module_utils.release.options import RELEASE_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.service.specification import SERVICE_ARGUMENTS

ARGUMENT_SPEC = {**SERVICE_ARGUMENTS, **RELEASE_ARGUMENTS}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
