#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: fis_experiment
short_description: Run an experiment of Fault Injection Service
version_added: 0.2.0
description:
  - Starts the experiment of a template, and waits until it has ended. Fails unless it was completed.
  - An interrupted or late wait stops the experiment. The alarms of the template stop it in any case.
  - Check mode starts nothing.
seealso:
  - module: pear.fargate.fis_experiment_template
author:
  - pear.fargate contributors (@pear-fargate)
options:
  template_id:
    description: Id of the template.
    type: str
    required: true
  timeout_seconds:
    description: Time until the experiment has to end.
    type: int
    default: 900
  tags:
    description: Tags of the experiment.
    type: dict
    default: {}
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes
"""

EXAMPLES = r"""
- name: Stop one task
  pear.fargate.fis_experiment:
    template_id: EXT1a2b3c4d5e6f7g8
"""

RETURN = r"""
experiment_id:
  description: Id of the experiment.
  returned: always
  type: str
  sample: EXP1a2b3c4d5e6f7g8
status:
  description: How it ended.
  returned: always
  type: str
  sample: completed
reason:
  description: The reason that Fault Injection Service gives.
  returned: on success
  type: str
  sample: Experiment completed.
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.operations.fis_experiment import run

ARGUMENT_SPEC = {
    "template_id": {"type": "str", "required": True},
    "timeout_seconds": {"type": "int", "default": 900},
    "tags": {"type": "dict", "default": {}},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
