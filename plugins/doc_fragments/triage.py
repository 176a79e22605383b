# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a service is triaged: options of modules that ask what is wrong with it."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  minutes:
    description: How many minutes back metrics, logs, traces and stopped tasks are looked at. ECS forgets stopped tasks within the hour.
    type: int
    default: 15
  period_seconds:
    description: Period of the metrics. CloudWatch has those of load balancers and ECS once a minute.
    type: int
    default: 60
  timeout_seconds:
    description: How long a check may take. After that it is V(unknown).
    type: int
    default: 20
  host:
    description: Name of the service in the inventory, for the commands. The default is O(service).
    type: str
    default: ""
  inventory:
    description: Inventory that the commands name. They name none if omitted.
    type: str
    default: ""
"""
