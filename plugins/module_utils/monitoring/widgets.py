# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What dashboards are made of: graphs in two columns, and the states of alarms. Pure.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

HEIGHT = 6
_WIDTH, _COLUMNS = 12, 2


def alarm_states(arns: Sequence[str]) -> list[dict[str, Any]]:
    properties = {"title": "Alarms", "alarms": list(arns)}
    return [{"type": "alarm", "x": 0, "y": 0, "width": 24, "height": 3, "properties": properties}]


def graph(region: str, title: str, metrics: list[list[Any]], stacked: bool = False) -> dict[str, Any]:
    properties = {
        "title": title,
        "region": region,
        "view": "timeSeries",
        "stacked": stacked,
        "period": 60,
        "yAxis": {"left": {"min": 0}},
        "metrics": metrics,
    }
    return widget("metric", properties)


def widget(kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": kind, "width": _WIDTH, "height": HEIGHT, "properties": dict(properties)}


def placed(widgets: Sequence[Mapping[str, Any]], y: int) -> list[dict[str, Any]]:
    """In columns, from this height on."""
    return [
        {**found, "x": number % _COLUMNS * _WIDTH, "y": y + number // _COLUMNS * HEIGHT}
        for number, found in enumerate(widgets)
    ]


def height_of(widgets: Sequence[Mapping[str, Any]]) -> int:
    return (len(widgets) + _COLUMNS - 1) // _COLUMNS * HEIGHT
