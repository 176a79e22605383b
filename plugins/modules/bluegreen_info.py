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
author:
  - pear.fargate contributors (@pear-fargate)
options:
  limit:
    description: How many releases of the history are returned, the newest first.
    type: int
    default: 20
attributes:
  action:
    description: Runs on the controller, with progress lines.
    support: full
  check_mode:
    description: Reads only.
    support: full
  diff_mode:
    description: Changes nothing.
    support: none
extends_documentation_fragment:
  - pear.fargate.bluegreen.place
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
live:
  description: The colour that is live.
  returned: always
  type: str
weights:
  description: Whole percents of traffic, by colour.
  returned: always
  type: dict
colours:
  description: Per colour task definition, desired, running and healthy tasks, and until when it is warm.
  returned: always
  type: dict
release:
  description: The release that is live.
  returned: always
  type: dict
under_way:
  description: The release under way, or null.
  returned: always
  type: dict
lease:
  description: Who works on the service, or null.
  returned: always
  type: dict
operator_request:
  description: What a person asked of the release under way.
  returned: always
  type: dict
disagreements:
  description:
    - What AWS holds against the ledger while no release is under way, a sentence each, such as traffic on a colour without
      healthy tasks or a scheduled scale-in of the colour that serves. The next release or rollback puts it right.
  returned: always
  type: list
  elements: str
rollback:
  description: Where a rollback would go, and how long it would take.
  returned: always
  type: dict
history:
  description: The last releases, the newest first.
  returned: always
  type: list
  elements: dict
status:
  description: How it stands, in a few lines.
  returned: always
  type: list
  elements: str
table:
  description: The history as a table.
  returned: always
  type: list
  elements: str
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.release.bluegreen_info import run
from ansible_collections.pear.fargate.plugins.module_utils.release.options import PLACE_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.service.existing import EXISTING_CONSTRAINTS

ARGUMENT_SPEC = {**PLACE_ARGUMENTS, "limit": {"type": "int", "default": 20}}
CONSTRAINTS = EXISTING_CONSTRAINTS


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
