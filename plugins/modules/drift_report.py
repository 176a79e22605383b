#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: drift_report
short_description: A table of what check mode found to differ, and a failure if there is something
version_added: 0.1.0
description:
  - Shows every property that a task in check mode would have changed until now, over all hosts of the run.
  - It fails where something differs, or where a task failed and so could not look; the run's exit status says the same.
  - The callback P(pear.fargate.drift#callback) must be enabled, as the collection's ansible.cfg does.
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
  description: What differs, by host and property.
  returned: always
  type: list
  elements: dict
  sample:
    - {host: staging, what: health check of staging-scoreboard-blue, before: '{"path": "/"}', after: '{"path": "/readyz"}'}
unseen:
  description: Tasks that failed, so that what they look at is not known.
  returned: always
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.fail_json(msg="drift_report reads what the controller kept, and runs there only: use a local connection.")


if __name__ == "__main__":
    main()
