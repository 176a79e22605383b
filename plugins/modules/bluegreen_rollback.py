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
author:
  - pear.fargate contributors (@pear-fargate)
options:
  environment:
    description: Name of the environment.
    type: str
    required: true
  service:
    description: Name of the service.
    type: str
    required: true
  by:
    description: Who asks, as history and lease show it. The default is user@host.
    type: str
  to:
    description:
      - Id, digest, tag or revision (C(family:revision)) of the release to go back or forward to, as history shows them, or the beginning
        of one that only this release has.
      - If omitted, the last release that succeeded before the live one.
    type: str
  force:
    description: Whether to go back in spite of objections.
    type: bool
    default: false
  policy:
    description: What happens otherwise; see M(pear.fargate.bluegreen_cutover).
    type: dict
    default: {}
    suboptions:
      minimum_healthy:
        description: Healthy targets that a colour needs before it gets traffic, and while it has any.
        type: int
        default: 1
      capacity_percent:
        description: Share of its part of live's tasks that the candidate must have healthy before each step.
        type: int
        default: 100
      stage_timeout_seconds:
        description: How long the candidate may take to come up.
        type: int
        default: 900
      inconclusive:
        description: What follows when the gates cannot tell.
        type: str
        choices: [return, approval, continue]
        default: return
      patience_seconds:
        description: How long a step is prolonged until the gates can tell.
        type: int
        default: 300
      pause_timeout_seconds:
        description: How long a pause, or the wait for an approval of what is inconclusive, may last.
        type: int
        default: 3600
      return_timeout_seconds:
        description: How long a return waits for a live colour that is not healthy.
        type: int
        default: 600
      window_seconds:
        description: How long the old colour stays warm after a success. AWS scales it in by itself afterwards.
        type: int
        default: 3600
      settle_seconds:
        description: How long each step is watched at least.
        type: int
        default: 0
      hold_when_interrupted:
        description: Whether Ctrl-C leaves traffic where it is, instead of returning it.
        type: bool
        default: false
      when_stable_is_down:
        description:
          - What happens when the live colour loses all its healthy targets while the candidate has some.
          - V(promote) gives all traffic to the candidate, since it has passed its checks and the other choice is errors;
            the release is judged on as before. V(ask) waits for a person's promote. V(hold) goes on with the plan.
        type: str
        choices: [promote, hold, ask]
        default: promote
  report:
    description: File for the whole result as JSON.
    type: path
attributes:
  action:
    description: Runs on the controller, with progress lines.
    support: full
  check_mode:
    description: Tells what would be done, and changes nothing.
    support: full
  diff_mode:
    description: Shows the task definition, before and after.
    support: full
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Back to the version before
  pear.fargate.bluegreen_rollback:
    environment: production
    service: scoreboard
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
disagreements:
  description: Where the rule, the tasks or the scheduled scale-ins disagree with the ledger. M(pear.fargate.bluegreen_info) describes them.
  returned: in check mode, while no release is under way
  type: list
  elements: dict
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.release.bluegreen_rollback import run
from ansible_collections.pear.fargate.plugins.module_utils.release.options import PLACE_ARGUMENTS, POLICY

ARGUMENT_SPEC = {
    **PLACE_ARGUMENTS,
    "to": {"type": "str"},
    "force": {"type": "bool", "default": False},
    "policy": {"type": "dict", "options": POLICY, "default": {}},
    "report": {"type": "path"},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
