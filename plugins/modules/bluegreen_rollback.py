#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_rollback
short_description: Return traffic to the last good release, or to a named one
version_added: 0.1.0
description:
  - Ends a release under way by returning its traffic; it takes the lease over on purpose, and the running controller notices and leaves.
  - Otherwise goes back to the release before the live one, with one write while that is still warm; a cold one is brought up first.
  - Rolling back twice goes back two releases.
  - Refuses a target that is sick, and to go back across a release that is marked as a contract step of the
    database, unless O(force) is set.
seealso:
  - module: pear.fargate.bluegreen_cutover
  - module: pear.fargate.bluegreen_info
author:
  - pear.fargate contributors (@pear-fargate)
options:
  to:
    description:
      - Id, digest, tag or revision (C(family:revision)) of the release to go back or forward to, as history shows them, or the beginning
        of one that only this release has.
      - If omitted, the last release that succeeded before the live one.
    type: str
  to_colour:
    description:
      - The colour that gets all traffic, for when the ledger cannot be read and a person knows which colour is right.
      - It needs the load balancer alone. It is refused while the ledger answers, and where the colour has fewer healthy targets than
        C(minimum_healthy) of O(policy); O(force) does not change that.
      - Nothing is recorded and no task is scaled. The next release or rollback ends what is unfinished, by the ledger.
    type: str
    choices: [blue, green]
  force:
    description: Whether to go back in spite of objections.
    type: bool
    default: false
  only_abandoned:
    description:
      - Whether to end only a release that no controller works on any more, such as one whose process was killed. Nothing is changed where
        there is none.
      - It waits for the end of the controller's lease, at most two minutes. A controller that renews its lease meanwhile is left alone.
    type: bool
    default: false
extends_documentation_fragment:
  - pear.fargate.attributes.release
  - pear.fargate.bluegreen.place
  - pear.fargate.bluegreen.policy
  - pear.fargate.bluegreen.notices
  - pear.fargate.bluegreen.existing
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Back to the version before
  pear.fargate.bluegreen_rollback:
    environment: production
    service: scoreboard

- name: All traffic to blue, while the ledger cannot be read
  pear.fargate.bluegreen_rollback:
    environment: production
    service: scoreboard
    to_colour: blue

- name: Back to the version before, of a service that Terraform made
  pear.fargate.bluegreen_rollback:
    service: web
    services:
      blue: {name: web-a, target_group_arn: "{{ terraform.target_group_a }}"}
      green: {name: web-b, target_group_arn: "{{ terraform.target_group_b }}"}
    rule_arn: "{{ terraform.rule }}"
    cluster: apps
    ledger_table: web-releases
"""

RETURN = r"""
outcome:
  description: How it ended. The values are those of M(pear.fargate.bluegreen_cutover), but for V(staged) and V(failed).
  returned: always
  type: str
  sample: succeeded
reason:
  description: Why, in a sentence. The message of a failed task ends with it.
  returned: on success, and with C(-v)
  type: str
  sample: 1.4.1 (production-scoreboard:41) serves all traffic from blue
release:
  description: The rollback as the ledger has it, with the keys of M(pear.fargate.bluegreen_cutover).
  returned: when there is one
  type: dict
  sample: {id: 20260314-103000-rollback-02bd, kind: rollback, target: 20260313-160200-deploy-11c0, outcome: succeeded}
evidence:
  description: What was kept of a rollback that did not succeed, with the keys of M(pear.fargate.bluegreen_cutover).
  returned: on success, and with C(-v)
  type: dict
  sample: {}
response_times:
  description: What a latency gate compared, with the keys of M(pear.fargate.bluegreen_cutover). A rollback itself compares nothing.
  returned: on success, and with C(-v)
  type: dict
  sample: {}
plan:
  description: What would be done.
  returned: in check mode
  type: list
  elements: str
  sample: ["stage sha256:5d0c1e on blue, 3 tasks"]
disagreements:
  description: Where the rule, the tasks or the scheduled scale-ins disagree with the ledger. M(pear.fargate.bluegreen_info) describes them.
  returned: in check mode, while no release is under way
  type: list
  elements: dict
  sample:
    - {what: scheduled scale-in of blue, found: "at 2026-03-01 12:00:00Z, for deploy-1", recorded: it serves}
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.release.bluegreen_rollback import run
from ansible_collections.pear.fargate.plugins.module_utils.release.options import (
    NOTICE_ARGUMENTS,
    PLACE_ARGUMENTS,
    POLICY,
)
from ansible_collections.pear.fargate.plugins.module_utils.service.existing import EXISTING_CONSTRAINTS

ARGUMENT_SPEC = {
    **PLACE_ARGUMENTS,
    **NOTICE_ARGUMENTS,
    "to": {"type": "str"},
    "to_colour": {"type": "str", "choices": ["blue", "green"]},
    "force": {"type": "bool", "default": False},
    "only_abandoned": {"type": "bool", "default": False},
    "policy": {"type": "dict", "options": POLICY, "default": {}},
    "report": {"type": "list", "elements": "path"},
}
CONSTRAINTS = {
    **EXISTING_CONSTRAINTS,
    "mutually_exclusive": [*EXISTING_CONSTRAINTS["mutually_exclusive"], ("to", "to_colour")],
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
