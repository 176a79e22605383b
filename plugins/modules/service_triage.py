#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: service_triage
short_description: What is wrong with a service, the likely causes, and the command to type next
version_added: 0.1.0
description:
  - Runs six checks at once. 5xx and latency, tasks, releases, saturation, logs, traces. Each has a verdict with its evidence.
  - Ranks the likely causes by what the checks found, and names the command for the likeliest one.
  - A check whose data is missing, denied or late is V(unknown) and says why. The others are not affected.
seealso:
  - module: pear.fargate.bluegreen_info
  - module: pear.fargate.bluegreen_rollback
author:
  - pear.fargate contributors (@pear-fargate)
extends_documentation_fragment:
  - pear.fargate.triage
  - pear.fargate.attributes.read_only
  - pear.fargate.bluegreen.place
  - pear.fargate.bluegreen.existing
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: What is wrong
  pear.fargate.service_triage:
    environment: production
    service: scoreboard
  register: found

- name: On one screen
  ansible.builtin.debug:
    msg: "{{ found.screen | join('\n') }}"
"""

RETURN = r"""
state:
  description: The worst verdict, V(ok), V(unknown), V(warning) or V(problem); at least V(warning) while an alarm is firing.
  returned: always
  type: str
  sample: problem
seconds:
  description: How long the checks took.
  returned: always
  type: float
  sample: 1.4
headline:
  description: The likeliest cause, or that nothing is wrong.
  returned: always
  type: str
  sample: "likely cause: the newest release answers with errors"
checks:
  description: The verdicts, in the order in which the checks are made.
  returned: always
  type: list
  elements: dict
  contains:
    check:
      description: Name of the check.
      type: str
      sample: 5xx
    state:
      description: V(ok), V(unknown), V(warning) or V(problem).
      type: str
      sample: problem
    why:
      description: The verdict in a sentence.
      type: str
      sample: 48.1 % of the requests to green fail (1,204 of 2,503 requests failed), since 10:21:00Z
    evidence:
      description: What else was found, with numbers and times.
      type: list
      elements: str
      sample: ["p99 0.04 s, before 0.04 s"]
causes:
  description: The likely causes, the likeliest first.
  returned: always
  type: list
  elements: dict
  contains:
    cause:
      description: The cause.
      type: str
      sample: the newest release answers with errors
    score:
      description: The larger, the likelier.
      type: int
      sample: 90
    why:
      description: What speaks for it.
      type: list
      elements: str
      sample: ["the errors began at 10:21:00Z, after release 20260314-102015-deploy-9f3a began at 10:20:15Z"]
    command:
      description: The command to type.
      type: str
      sample: ansible-playbook playbooks/rollback.yml -i inventories/production -l scoreboard
    advice:
      description: What to change before, or to know.
      type: str
      sample: ""
next:
  description: The command of the likeliest cause. Empty if nothing is wrong.
  returned: always
  type: str
  sample: ansible-playbook playbooks/rollback.yml -i inventories/production -l scoreboard
advice:
  description: What to change before that, or to know.
  returned: always
  type: str
  sample: ""
alarms:
  description: Alarms of the service and of its load balancer that are firing.
  returned: always
  type: list
  elements: str
  sample: ["production/scoreboard/error-share since 10:24:10Z"]
service:
  description: The service.
  returned: always
  type: str
  sample: scoreboard
environment:
  description: The environment, or the cluster of a service that others made.
  returned: always
  type: str
  sample: production
at:
  description: When it was looked at.
  returned: always
  type: str
  sample: '2026-03-14 10:26:00Z'
minutes:
  description: How many minutes back.
  returned: always
  type: int
  sample: 15
screen:
  description: All of it on one screen.
  returned: always
  type: list
  elements: str
  sample: ["scoreboard in production, 2026-03-14 10:26:00Z, the last 15 minutes"]
note:
  description: An incident note in Markdown.
  returned: always
  type: str
  sample: "# scoreboard in production"
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.operations.service_triage import TRIAGE_ARGUMENTS, run
from ansible_collections.pear.fargate.plugins.module_utils.release.options import PLACE_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.service.existing import EXISTING_CONSTRAINTS

ARGUMENT_SPEC = {**PLACE_ARGUMENTS, **TRIAGE_ARGUMENTS}
CONSTRAINTS = EXISTING_CONSTRAINTS


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
