#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: drift_report
short_description: Report the drift that check mode found
version_added: 0.1.0
description:
  - Prints every setting that tasks in check mode would have changed so far, for all hosts of the run, one in a row with both values.
  - Has a row for each resource that M(pear.fargate.environment_orphans) found.
  - Fails if there is drift, or if a task failed and could not check.
  - The callback P(pear.fargate.drift#callback) must be enabled, as the collection's ansible.cfg does.
seealso:
  - module: pear.fargate.environment_info
author:
  - pear.fargate contributors (@pear-fargate)
options: {}
attributes:
  action:
    description: Runs on the controller only.
    support: full
  check_mode:
    description: Changes nothing anyway.
    support: full
  diff_mode:
    description: The table is the difference.
    support: none
"""

EXAMPLES = r"""
- name: What differs
  pear.fargate.drift_report:
"""

RETURN = r"""
drift:
  description: >-
    Drift by host, part and setting. C(what) is part and setting in one. C(orphan) says whether no host of the inventory is the service
    that the part belongs to, which is C(host) then.
  returned: always
  type: list
  elements: dict
  sample:
    - host: scoreboard
      part: health check of staging-scoreboard-blue
      setting: path
      before: /
      after: /readyz
      orphan: false
      what: "health check of staging-scoreboard-blue: path"
unseen:
  description: Tasks that failed, whose drift is therefore unknown.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="drift_report reads what the controller kept, and runs there only: use a local connection.")


if __name__ == "__main__":
    main()
