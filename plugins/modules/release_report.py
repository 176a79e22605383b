#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: release_report
short_description: The report of any release as one HTML file
version_added: 0.1.0
description:
  - Writes what happened in a release. Weights over time; requests, errors and response times of each colour with confidence intervals;
    the verdicts of gates and checks; tasks; events; evidence.
  - The file holds everything that it shows. It loads nothing, has no scripts, and is readable on light and dark screens and on paper.
  - Reads the ledger, CloudWatch and ECS, and changes nothing there. What cannot be read is named in the file.
requirements:
  - pygal >= 3.1
seealso:
  - module: pear.fargate.service_release
  - module: pear.fargate.bluegreen_info
author:
  - pear.fargate contributors (@pear-fargate)
options:
  release:
    description:
      - Id, tag, digest or revision of the release, or the beginning of one.
      - The default is the newest release, whatever its outcome.
    type: str
  path:
    description: File to write. The default is C(report-SERVICE-RELEASE.html) in the working directory.
    type: path
extends_documentation_fragment:
  - pear.fargate.attributes.no_diff
  - pear.fargate.bluegreen.place
  - pear.fargate.bluegreen.existing
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Write the report of the newest release
  pear.fargate.release_report:
    environment: production
    service: scoreboard

- name: Write the report of an earlier one, for an incident review
  pear.fargate.release_report:
    environment: production
    service: scoreboard
    release: 1.4.2
    path: reviews/scoreboard-1.4.2.html
"""

RETURN = r"""
path:
  description: The file.
  returned: always
  type: str
  sample: /home/ada/report-scoreboard-20261129T080000Z-deploy-9f3a.html
release:
  description: The release, as M(pear.fargate.bluegreen_info) returns it.
  returned: always
  type: dict
  sample: {id: 20261129T080000Z-deploy-9f3a, outcome: succeeded, version: 1.4.2}
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.release.options import PLACE_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.release.release_report import run
from ansible_collections.pear.fargate.plugins.module_utils.service.existing import EXISTING_CONSTRAINTS

ARGUMENT_SPEC = {
    **PLACE_ARGUMENTS,
    "release": {"type": "str"},
    "path": {"type": "path"},
}
CONSTRAINTS = EXISTING_CONSTRAINTS


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
