# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The alarm on a Route 53 health check: where its metric is, and what it must be. Pure.

Route 53 keeps the metrics of its health checks in one region of each partition, whatever region they look after, and an
alarm is where its metric is: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/monitoring-health-checks.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..monitoring.alarm_parts import HEALTH_CHECK, described
from ..monitoring.alarms import request


@dataclass(frozen=True)
class HealthAlarm:
    """The check that is watched, its host, and who is told where to read on."""

    check_id: str
    host: str
    tell: Sequence[str] = ()
    runbook_url: str = ""


def desired(alarm_name: str, alarm: HealthAlarm) -> dict[str, Any]:
    """The PutMetricAlarm request: the checkers' verdict, which is 1 or 0, was 0 in the last minute."""
    description = f"{alarm.host} fails its health check: Route 53 sees from the internet what users see."
    return request(
        {
            "name": alarm_name,
            "description": described(description, HEALTH_CHECK, alarm.runbook_url),
            "comparison": "<",
            "threshold": 1,
            "periods": 1,
            "datapoints": None,
            # A new check has no data yet: that must neither raise the alarm, nor end one that begins in ALARM.
            "missing_data": "ignore",
            "actions_enabled": True,
            "alarm_actions": alarm.tell,
            "ok_actions": alarm.tell,
            "insufficient_data_actions": [],
            "metrics": [
                {
                    "id": "status",
                    "namespace": "AWS/Route53",
                    "metric": "HealthCheckStatus",
                    "dimensions": {"HealthCheckId": alarm.check_id},
                    "period_seconds": 60,
                    "statistic": "Minimum",
                }
            ],
        }
    )
