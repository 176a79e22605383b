#!/usr/bin/python
# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: logs_saved_queries
short_description: Manage a set of saved queries of CloudWatch Logs Insights
version_added: 0.2.0
description:
  - Saves the queries whose text or log groups differ, and deletes others of O(environment) below the prefix.
  - AWS has no tags for saved queries, so a comment in the first line of each says whose it is.
seealso:
  - module: pear.fargate.cloudwatch_log_group
author:
  - pear.fargate contributors (@pear-fargate)
options:
  environment:
    description:
      - Environment that the queries belong to. It is written into their first line as a comment, C(# pear:environment=NAME).
      - A query without that line is never deleted, and never changed without O(adopt).
      - If omitted, no line is written, and everything below O(prefix) belongs to this module.
    type: str
    default: ""
  adopt:
    description: Whether to replace a query of others that has the name of one of these, after telling what it asks.
    type: bool
    default: false
  prefix:
    description: Beginning of the names. The console shows parts that are separated by slashes as folders.
    type: str
    required: true
  queries:
    description: The queries. P(pear.fargate.saved_queries#filter) has those of a service. None of them is kept with O(state=absent).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name below the prefix.
        type: str
        required: true
      query:
        description: Text in the query language of Logs Insights.
        type: str
        required: true
  log_groups:
    description: Log groups that the queries are asked of.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - pear.fargate.resource
  - pear.fargate.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Save what is asked of the log
  pear.fargate.logs_saved_queries:
    environment: production
    prefix: production/scoreboard/
    log_groups: [/pear/production/scoreboard]
    queries:
      - name: errors by route
        query: |-
          filter status >= 500
          | stats count(*) as errors by route
          | sort errors desc

- name: Remove all of them
  pear.fargate.logs_saved_queries:
    environment: production
    prefix: production/scoreboard/
    state: absent
"""

RETURN = r"""
queries:
  description: Names of the queries that are there, with the prefix.
  returned: always
  type: list
  elements: str
  sample: [production/scoreboard/errors by route]
"""

from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import run_as_module
from ansible_collections.pear.fargate.plugins.module_utils.common.resource import STATE_ARGUMENTS
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.logs_saved_queries import run

ARGUMENT_SPEC = {
    "environment": {"type": "str", "default": ""},
    "adopt": {"type": "bool", "default": False},
    "prefix": {"type": "str", "required": True},
    "queries": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"name": {"type": "str", "required": True}, "query": {"type": "str", "required": True}},
    },
    "log_groups": {"type": "list", "elements": "str", "default": []},
    **STATE_ARGUMENTS,
}


def main() -> None:
    run_as_module(ARGUMENT_SPEC, run)


if __name__ == "__main__":
    main()
