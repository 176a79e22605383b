#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: service_logs
short_description: The log lines of a service, the newest, those of a request, or those since its last release
version_added: 0.2.0
description:
  - Returns lines of all tasks of both colours, oldest first, each with its time, container and task.
  - With O(follow_minutes) it also writes each line that comes as progress, once, until the minutes are over.
seealso:
  - module: pear.fargate.service_triage
  - module: pear.fargate.logs_saved_queries
author:
  - pear.fargate contributors (@pear-fargate)
options:
  minutes:
    description: How many minutes back.
    type: int
    default: 15
  since_release:
    description: Whether to begin when the newest release, or rollback, began, instead of O(minutes) back.
    type: bool
    default: false
  request_id:
    description: Lines that contain this id, such as that of an answer's header C(X-Request-Id) or C(X-Amzn-Trace-Id).
    type: str
    default: ""
  filter:
    description:
      - Lines that match this filter pattern of CloudWatch Logs, such as V("timed out") or V(%timeout|refused%).
      - All lines if omitted.
    type: str
    default: ""
  limit:
    description: How many lines are returned at most, the newest ones.
    type: int
    default: 200
  follow_minutes:
    description: For how many minutes lines that come are written as progress. They are not followed if it is 0.
    type: int
    default: 0
extends_documentation_fragment:
  - pear.fargate.attributes.read_only
  - pear.fargate.bluegreen.place
  - pear.fargate.bluegreen.existing
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: What the service said of one request
  pear.fargate.service_logs:
    environment: production
    service: scoreboard
    request_id: Root=1-67891233-abcdef012345678912345678
    minutes: 60
  register: found

- name: Errors since the last release
  pear.fargate.service_logs:
    environment: production
    service: scoreboard
    since_release: true
    filter: '%[Ee]rror%'
"""

RETURN = r"""
lines:
  description: The lines, oldest first.
  returned: always
  type: list
  elements: str
  sample: ["2026-03-14 10:26:00Z app/0b1f3f0c2a7d | started"]
headline:
  description: How many lines since when.
  returned: always
  type: str
  sample: "scoreboard: 12 lines since 2026-03-14 10:11:00Z"
since:
  description: From when on.
  returned: always
  type: str
  sample: "2026-03-14 10:11:00Z"
log_group:
  description: The log group.
  returned: always
  type: str
  sample: /pear/production/scoreboard
complete:
  description: Whether these are all lines since then. If not, they are the newest.
  returned: always
  type: bool
  sample: true
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.operations.service_logs import run
from ansible_collections.pear.fargate.plugins.module_utils.release.options import PLACE_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.service.existing import EXISTING_CONSTRAINTS

ARGUMENT_SPEC = {
    **PLACE_ARGUMENTS,
    "minutes": {"type": "int", "default": 15},
    "since_release": {"type": "bool", "default": False},
    "request_id": {"type": "str", "default": ""},
    "filter": {"type": "str", "default": ""},
    "limit": {"type": "int", "default": 200},
    "follow_minutes": {"type": "int", "default": 0},
}
CONSTRAINTS = EXISTING_CONSTRAINTS


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
