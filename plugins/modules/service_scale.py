#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: service_scale
short_description: Change how many tasks the live version of a service has, now
version_added: 0.2.0
description:
  - Sets the desired count of the live colour's ECS service, or the bounds of its autoscaling, and waits until the tasks run.
  - It takes the service's lease, so that no release begins meanwhile, and is refused while a release is under way.
  - What the inventory says is not changed. The next C(deploy.yml) returns to it, and C(drift.yml) reports the difference.
seealso:
  - module: pear.fargate.autoscaling_service
  - module: pear.fargate.bluegreen_info
author:
  - pear.fargate contributors (@pear-fargate)
options:
  count:
    description:
      - Desired count. With autoscaling it lies within the bounds, and policies go on from there.
      - Left unchanged if omitted.
    type: int
  minimum:
    description: Lower bound of autoscaling. Left unchanged if omitted.
    type: int
  maximum:
    description: Upper bound of autoscaling. Left unchanged if omitted.
    type: int
  timeout_seconds:
    description: How long it waits until as many tasks run as are desired. It does not wait if it is 0.
    type: int
    default: 600
extends_documentation_fragment:
  - pear.fargate.attributes
  - pear.fargate.bluegreen.place
  - pear.fargate.bluegreen.existing
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Six tasks for the evening
  pear.fargate.service_scale:
    environment: production
    service: scoreboard
    count: 6

- name: At least six, where autoscaling decides
  pear.fargate.service_scale:
    environment: production
    service: scoreboard
    minimum: 6
    maximum: 20
"""

RETURN = r"""
colour:
  description: The live colour.
  returned: success
  type: str
  sample: green
before:
  description: The size before, with C(minimum) and C(maximum) where autoscaling is on.
  returned: success
  type: dict
  sample: {desired_count: 2}
after:
  description: The size after, or in check mode the predicted one.
  returned: success
  type: dict
  sample: {desired_count: 6}
reason:
  description: What was done, in a sentence.
  returned: success
  type: str
  sample: scaled scoreboard-green from 2 tasks to 6 tasks; 6 running of 6 desired
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.release.options import PLACE_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.release.service_scale import run
from ansible_collections.pear.fargate.plugins.module_utils.service.existing import EXISTING_CONSTRAINTS

ARGUMENT_SPEC = {
    **PLACE_ARGUMENTS,
    "count": {"type": "int"},
    "minimum": {"type": "int"},
    "maximum": {"type": "int"},
    "timeout_seconds": {"type": "int", "default": 600},
}
CONSTRAINTS = EXISTING_CONSTRAINTS


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
