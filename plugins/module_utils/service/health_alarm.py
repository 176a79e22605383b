# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The alarm on a Route 53 health check: where its metric is, and what it must be. Pure.

Route 53 keeps the metrics of its health checks in one region of each partition, whatever region they look after, and an
alarm is where its metric is: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/monitoring-health-checks.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..aws.naming import EnvironmentNames
from ..monitoring.alarms import request


def name(environment: str, service: str) -> str:
    return EnvironmentNames(environment).health_alarm_prefix + service


def desired(environment: str, service: str, check_id: str, host: str, tell: Sequence[str]) -> dict[str, Any]:
    """The PutMetricAlarm request: the checkers' verdict, which is 1 or 0, was 0 in the last minute."""
    return request(
        {
            "name": name(environment, service),
            "description": f"{host} fails its health check: Route 53 sees from the internet what users see.",
            "comparison": "<",
            "threshold": 1,
            "periods": 1,
            "datapoints": None,
            # A new check has no data yet, which must not raise the alarm.
            "missing_data": "missing",
            "actions_enabled": True,
            "alarm_actions": tell,
            "ok_actions": tell,
            "insufficient_data_actions": [],
            "metrics": [
                {
                    "id": "status",
                    "namespace": "AWS/Route53",
                    "metric": "HealthCheckStatus",
                    "dimensions": {"HealthCheckId": check_id},
                    "period_seconds": 60,
                    "statistic": "Minimum",
                }
            ],
        }
    )
