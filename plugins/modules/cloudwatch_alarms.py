#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_alarms
short_description: Manage a set of CloudWatch alarms
version_added: 0.1.0
description:
  - Reads all alarms of the set at once, writes those that differ, and deletes those that are no longer listed.
  - Ignores the order of dimensions and actions, and defaults that CloudWatch fills in.
seealso:
  - module: pear.fargate.sns_alarm_topic
  - module: pear.fargate.cloudwatch_dashboard
  - module: amazon.aws.cloudwatch_metric_alarm
author:
  - pear.fargate contributors (@pear-fargate)
options:
  alarms:
    description: The alarms.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the alarm.
        type: str
        required: true
      description:
        description: Meaning and remedy. Every notification contains it.
        type: str
        default: ""
      metrics:
        description:
          - One metric, or several with an expression as the last entry, which the alarm evaluates.
          - None for an alarm with O(alarms[].rule).
        type: list
        elements: dict
        default: []
        suboptions:
          id:
            description: Name of the metric in expressions.
            type: str
            default: m1
          namespace:
            description: Namespace of the metric.
            type: str
          metric:
            description: Name of the metric.
            type: str
          dimensions:
            description: Dimensions of the metric.
            type: dict
            default: {}
          statistic:
            description: Statistic or percentile, such as V(Sum) or V(p99).
            type: str
            default: Average
          period_seconds:
            description: Length of a datapoint.
            type: int
            default: 60
          expression:
            description: Metric math over the other metrics, instead of a metric.
            type: str
          label:
            description: Label in the console.
            type: str
      comparison:
        description: Comparison of the value with the threshold that counts as breaching.
        type: str
        choices: [">", ">=", "<", "<="]
        default: ">"
      threshold:
        description: The threshold. One of this, O(alarms[].band_deviations) and O(alarms[].rule) is required.
        type: float
      band_deviations:
        description:
          - Width, in standard deviations, of the band that CloudWatch expects the metric in by its own past (anomaly detection),
            instead of a threshold.
          - With the comparison V(>) a value above the band is breaching, with V(<) one below it.
        type: float
        version_added: 0.2.0
      rule:
        description: "Rule of a composite alarm over other alarms, such as V(ALARM(\"one\") AND NOT ALARM(\"other\")), instead of metrics."
        type: str
        default: ""
        version_added: 0.2.0
      periods:
        description: Number of datapoints that are evaluated.
        type: int
        default: 1
      datapoints:
        description: Number of datapoints that must be breaching. The default is all of O(alarms[].periods).
        type: int
      missing_data:
        description: How a missing datapoint is treated.
        type: str
        choices: [missing, ignore, breaching, notBreaching]
        default: missing
      actions_enabled:
        description: Whether actions are enabled.
        type: bool
        default: true
      starts_in_alarm:
        description:
          - Whether the state is ALARM as soon as the alarm is created, and nobody is notified of that. For what cannot be OK yet.
          - The first notification is of the recovery, and from then on of each change. An alarm that exists keeps its state.
        type: bool
        default: false
        version_added: 0.2.0
      alarm_actions:
        description: ARNs to notify when the state changes to ALARM.
        type: list
        elements: str
        default: []
      ok_actions:
        description: ARNs to notify when the state changes to OK.
        type: list
        elements: str
        default: []
      insufficient_data_actions:
        description: ARNs to notify when the state changes to INSUFFICIENT_DATA.
        type: list
        elements: str
        default: []
  purge_prefix:
    description: Deletes alarms with this name prefix that are not in O(alarms). Deletes none if omitted.
    type: str
  tags:
    description: Tags of alarms that are created. CloudWatch ignores them for alarms that exist.
    type: dict
    default: {}
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - pear.fargate.attributes
  - pear.fargate.ownership
"""

EXAMPLES = r"""
- name: More than one answer in fifty is an error of ours
  pear.fargate.cloudwatch_alarms:
    purge_prefix: production/scoreboard/
    alarms:
      - name: production/scoreboard/error-share
        description: The score board fails. Return to the release before with playbooks/rollback.yml.
        metrics:
          - {id: errors, namespace: AWS/ApplicationELB, metric: HTTPCode_Target_5XX_Count, statistic: Sum,
             dimensions: {LoadBalancer: app/production/0123456789abcdef}}
          - {id: requests, namespace: AWS/ApplicationELB, metric: RequestCount, statistic: Sum,
             dimensions: {LoadBalancer: app/production/0123456789abcdef}}
          - {id: share, expression: "100 * FILL(errors, 0) / requests", label: errors in percent}
        threshold: 2
        periods: 5
        datapoints: 3
        missing_data: notBreaching
        alarm_actions: ["arn:aws:sns:eu-central-1:123456789012:production-alarms"]
"""

RETURN = r"""
alarms:
  description: Names of the alarms of the set.
  returned: always
  type: list
  elements: str
  sample: [production/scoreboard/error-share]
put:
  description: Names of those that were created or changed.
  returned: always
  type: list
  elements: str
  sample: [production/scoreboard/error-share]
deleted:
  description: Names of those that were deleted.
  returned: always
  type: list
  elements: str
  sample: []
foreign:
  description: Names of alarms with the prefix that others made and that are not in O(alarms). They stay, and a warning names them.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.cloudwatch_alarms import run

_METRIC = {
    "id": {"type": "str", "default": "m1"},
    "namespace": {"type": "str"},
    "metric": {"type": "str"},
    "dimensions": {"type": "dict", "default": {}},
    "statistic": {"type": "str", "default": "Average"},
    "period_seconds": {"type": "int", "default": 60},
    "expression": {"type": "str"},
    "label": {"type": "str"},
}
_ALARM = {
    "name": {"type": "str", "required": True},
    "description": {"type": "str", "default": ""},
    "metrics": {"type": "list", "elements": "dict", "default": [], "options": _METRIC},
    "comparison": {"type": "str", "choices": [">", ">=", "<", "<="], "default": ">"},
    "threshold": {"type": "float"},
    "band_deviations": {"type": "float"},
    "rule": {"type": "str", "default": ""},
    "periods": {"type": "int", "default": 1},
    "datapoints": {"type": "int"},
    "missing_data": {
        "type": "str",
        "choices": ["missing", "ignore", "breaching", "notBreaching"],
        "default": "missing",
    },
    "actions_enabled": {"type": "bool", "default": True},
    "starts_in_alarm": {"type": "bool", "default": False},
    "alarm_actions": {"type": "list", "elements": "str", "default": []},
    "ok_actions": {"type": "list", "elements": "str", "default": []},
    "insufficient_data_actions": {"type": "list", "elements": "str", "default": []},
}
ARGUMENT_SPEC = {
    "alarms": {"type": "list", "elements": "dict", "required": True, "options": _ALARM},
    "purge_prefix": {"type": "str"},
    "adopt": {"type": "bool", "default": False},
    "tags": {"type": "dict", "default": {}},
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
