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
  - Of one that lasts, with a C(duration), O(until=running) waits until it has begun, and O(until=stopped) ends it. It ends by itself after
    its duration in any case.
  - An interrupted or late wait stops the experiment. The alarms of the template stop it in any case.
  - Check mode starts nothing.
seealso:
  - module: pear.fargate.fis_experiment_template
author:
  - pear.fargate contributors (@pear-fargate)
options:
  template_id:
    description: Id of the template. Required unless O(until=stopped).
    type: str
  experiment_id:
    description: Id of the experiment, as RV(experiment_id). Required with O(until=stopped).
    type: str
  until:
    description: What to wait for. V(stopped) stops O(experiment_id); one that has ended is left as it is.
    type: str
    choices: [completed, running, stopped]
    default: completed
  timeout_seconds:
    description: Time until the experiment has to come to that state.
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

- name: Stop what was begun
  pear.fargate.fis_experiment:
    experiment_id: EXP1a2b3c4d5e6f7g8
    until: stopped
"""

RETURN = r"""
experiment_id:
  description: Id of the experiment.
  returned: always
  type: str
  sample: EXP1a2b3c4d5e6f7g8
status:
  description: How it ended, or that it runs.
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
    "template_id": {"type": "str"},
    "experiment_id": {"type": "str"},
    "until": {"type": "str", "choices": ["completed", "running", "stopped"], "default": "completed"},
    "timeout_seconds": {"type": "int", "default": 900},
    "tags": {"type": "dict", "default": {}},
}


CONSTRAINTS = {
    "required_if": [
        ("until", "completed", ("template_id",)),
        ("until", "running", ("template_id",)),
        ("until", "stopped", ("experiment_id",)),
    ]
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
