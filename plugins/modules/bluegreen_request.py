#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_request
short_description: Ask the release under way to go on, pause or stop
version_added: 0.1.0
description:
  - Leaves a request in the ledger. The controller that runs the release takes it up within seconds.
  - A promotion holds for the step at which it was asked, and for no later one.
seealso:
  - module: pear.fargate.bluegreen_cutover
  - module: pear.fargate.bluegreen_info
author:
  - pear.fargate contributors (@pear-fargate)
options:
  request:
    description: V(promote) ends the step or approves it, V(promote_all) goes to the last step, V(abort) returns traffic.
    type: str
    choices: [promote, promote_all, pause, resume, abort]
    required: true
  reason:
    description: Why, for the history.
    type: str
    default: ""
extends_documentation_fragment:
  - pear.fargate.attributes.no_diff
  - pear.fargate.bluegreen.place
  - pear.fargate.bluegreen.existing
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: The canary looks good
  pear.fargate.bluegreen_request:
    environment: production
    service: scoreboard
    request: promote
"""

RETURN = r"""
release:
  description: The release that was asked.
  returned: always
  type: str
  sample: 20260314-101500-deploy-9f3a
phase:
  description: The phase it was in.
  returned: always
  type: str
  sample: shifting
step:
  description: The step it was at, from 1.
  returned: always
  type: int
  sample: 1
reason:
  description: What was asked, and whether a controller is there to hear it.
  returned: always
  type: str
  sample: promote asked of 20260314-101500-deploy-9f3a, step 1; its controller takes it up within seconds
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.release.bluegreen_request import run
from ansible_collections.pear.fargate.plugins.module_utils.release.options import PLACE_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.service.existing import EXISTING_CONSTRAINTS

ARGUMENT_SPEC = {
    **PLACE_ARGUMENTS,
    "request": {"type": "str", "choices": ["promote", "promote_all", "pause", "resume", "abort"], "required": True},
    "reason": {"type": "str", "default": ""},
}
CONSTRAINTS = EXISTING_CONSTRAINTS


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
