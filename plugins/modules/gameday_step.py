#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: gameday_step
short_description: One step of an experiment of a game day
version_added: 0.2.0
description:
  - Watches a service while something is broken on purpose. It changes nothing; the role gameday puts the steps together.
  - V(steady) waits until nothing is wrong and no alarm fires, and fails otherwise.
  - V(watch) follows the alarms until the right one fires and the triage names the right cause, at most until the deadline of the
    experiment. It ends at once where the alarm that aborts the experiment fires.
  - V(recovered) waits until the service is steady again, and judges the experiment.
seealso:
  - module: pear.fargate.service_triage
  - module: pear.fargate.cloudwatch_alarms
author:
  - pear.fargate contributors (@pear-fargate)
options:
  experiment:
    description: Name of the experiment.
    type: str
    required: true
    choices:
      - crash-at-start
      - wrong-port
      - slow-start
      - crash-loop
      - errors-on-one-route
      - errors-at-full-traffic
      - slow-answers
      - latency-trend
      - memory-leak
      - cpu-pressure
      - task-kill
      - zone-loss
      - file-system-unavailable
      - throttled-api
      - expiring-certificate
  step:
    description: The step.
    type: str
    required: true
    choices: [steady, watch, recovered]
  began:
    description: When the fault began, as RV(began) of the step before; required by the steps V(watch) and V(recovered).
    type: float
  live:
    description: The colour that is live, whose tasks an experiment of Fault Injection Service acts on. Needed for these by O(step=steady).
    type: str
    choices: ["", blue, green]
    default: ""
  refusal:
    description: What the release of a bad version said that was refused. Empty if it succeeded.
    type: str
    default: ""
  outcome:
    description: Outcome of that release. Only V(rolled_back) and V(failed) are of a version that was judged; any other broke nothing.
    type: str
    default: ""
  steady_at:
    description: RV(began) of the step V(steady). Alarms that fire since before are not the experiment's. All count if omitted.
    type: float
    default: 0
  watched:
    description: RV(watched) of the step V(watch), for the step V(recovered).
    type: dict
    default: {}
  report_path:
    description:
      - HTML file that the step V(recovered) writes, with requests, errors and response times of each colour meanwhile. It holds everything
        that it shows. None is written if omitted. The step V(steady) refuses it where pygal is missing.
    type: path
  steady_periods:
    description: Periods of the alarms that the service may take until it is steady, before anything is broken.
    type: int
    default: 15
  recovery_periods:
    description: Periods of the alarms that the service may take until it is steady again.
    type: int
    default: 30
  alarm_period_seconds:
    description: Length of a period of the alarms, by which deadlines are counted.
    type: int
    default: 60
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
- name: Break nothing while something is broken
  pear.fargate.gameday_step:
    environment: staging
    service: scoreboard
    experiment: errors-on-one-route
    step: steady
  register: steady
"""

RETURN = r"""
began:
  description: When the service was seen to be steady, in seconds since 1970.
  returned: by the step V(steady)
  type: float
  sample: 1792345678.5
experiment:
  description: The experiment, with hypothesis, blast radius, the alarm that must fire, its deadline in periods, and the right causes.
  returned: by the step V(steady)
  type: dict
  sample: {name: errors-on-one-route, alarm: error-share, deadline_periods: 12}
target:
  description:
    - What Fault Injection Service acts on, as O(pear.fargate.fis_experiment_template#module:target) takes it. Empty where it takes no part.
  returned: by the step V(steady)
  type: dict
  sample: {key: Tasks, resource_type: "aws:ecs:task", selection: COUNT(1), parameters: {cluster: staging, service: scoreboard-blue}}
watched:
  description: The seconds until the alarm fired and until the triage named the cause, that cause, and every alarm that fired.
  returned: by the step V(watch)
  type: dict
  sample: {know_seconds: 402.1, cause_seconds: 405.9, cause: the newest release fails on one route, alarms: {error-share: 402.1}}
report:
  description: The experiment, what happened, and RV(report.succeeded) with a sentence in RV(report.problems) for each difference.
  returned: by the step V(recovered)
  type: dict
  contains:
    succeeded:
      description: Whether all was as expected.
      type: bool
      sample: true
    problems:
      description: What was not.
      type: list
      elements: str
      sample: []
    know_seconds:
      description: Seconds until the alarm fired, or until the release refused the version.
      type: float
      sample: 402.1
    cause_seconds:
      description: Seconds until the triage named the cause.
      type: float
      sample: 405.9
    mended_seconds:
      description: Seconds until the fault was taken back.
      type: float
      sample: 431.0
    quiet_seconds:
      description: Seconds until nothing was wrong and no alarm fired.
      type: float
      sample: 780.4
markdown:
  description: The report as Markdown.
  returned: by the step V(recovered)
  type: str
  sample: "# errors-on-one-route: as expected"
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.operations.experiments import BY_NAME
from ansible_collections.pear.fargate.plugins.module_utils.operations.gameday_step import RECOVERED, STEADY, WATCH, run
from ansible_collections.pear.fargate.plugins.module_utils.operations.service_triage import TRIAGE_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.release.options import PLACE_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.service.existing import EXISTING_CONSTRAINTS

ARGUMENT_SPEC = {
    **PLACE_ARGUMENTS,
    **TRIAGE_ARGUMENTS,
    "experiment": {"type": "str", "required": True, "choices": list(BY_NAME)},
    "step": {"type": "str", "required": True, "choices": [STEADY, WATCH, RECOVERED]},
    "began": {"type": "float"},
    "live": {"type": "str", "choices": ["", "blue", "green"], "default": ""},
    "refusal": {"type": "str", "default": ""},
    "outcome": {"type": "str", "default": ""},
    "steady_at": {"type": "float", "default": 0},
    "watched": {"type": "dict", "default": {}},
    "report_path": {"type": "path"},
    "steady_periods": {"type": "int", "default": 15},
    "recovery_periods": {"type": "int", "default": 30},
    "alarm_period_seconds": {"type": "int", "default": 60},
}
CONSTRAINTS = {
    **EXISTING_CONSTRAINTS,
    "required_if": [("step", WATCH, ("began",)), ("step", RECOVERED, ("began", "watched"))],
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run, CONSTRAINTS)


if __name__ == "__main__":
    main()
