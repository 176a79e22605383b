"""What an alarm does when its state changes: it tells topics, and its history keeps the change and what became of each action."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.models import Alarm
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from .overlay import OverlayMismatch, patch
from .state import Sandbox

_ACTIONS = {"ALARM": "alarm_actions", "OK": "ok_actions", "INSUFFICIENT_DATA": "insufficient_data_actions"}
# AWS keeps a history for 30 days; here it is bounded by a number.
_KEPT = 1000
# The key that AWS manages for SNS: its policy lets no service use it.
_MANAGED_KEY = "alias/aws/sns"


@dataclass(frozen=True)
class Entry:
    """One item of an alarm's history."""

    region: str
    alarm: str
    composite: bool
    kind: str
    summary: str
    data: str
    at: float

    def item(self) -> dict[str, Any]:
        return {
            "AlarmName": self.alarm,
            "AlarmType": "CompositeAlarm" if self.composite else "MetricAlarm",
            "Timestamp": datetime.fromtimestamp(self.at, UTC).replace(tzinfo=None),
            "HistoryItemType": self.kind,
            "HistorySummary": self.summary,
            "HistoryData": self.data,
        }


class AlarmActions:
    """Called with each change of a state; the caller holds the sandbox's lock."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._history: list[Entry] = []
        sandbox.keep("alarm history", self, "_history", growing=True)

    def install(self) -> None:
        patch(Alarm, "update_state", ("self", "reason", "reason_data", "state_value"))(self._update)
        if hasattr(CloudWatchResponse, "describe_alarm_history"):
            raise OverlayMismatch("moto has DescribeAlarmHistory of its own now: this overlay is to be read again")
        CloudWatchResponse.describe_alarm_history = self._described()  # type: ignore[attr-defined]

    def _update(self, original: Any, alarm: Any, reason: str, reason_data: str, state_value: str) -> None:
        before, since = alarm.state_value, alarm.state_updated_timestamp
        original(alarm, reason, reason_data, state_value)
        if before == state_value:
            # Actions are for changes; a state that is set again keeps its time.
            alarm.state_updated_timestamp = since
            return
        data = {"oldState": {"stateValue": before}, "newState": {"stateValue": state_value, "stateReason": reason}}
        self._keep(alarm, "StateUpdate", f"Alarm updated from {before} to {state_value}", data)
        if str(alarm.actions_enabled).lower() == "false":
            return
        for action in getattr(alarm, _ACTIONS[state_value]) or []:
            if ":sns:" in action:
                self._tell(alarm, action, message(alarm, before, self._children(alarm)))

    def _tell(self, alarm: Any, topic_arn: str, text: Mapping[str, Any]) -> None:
        region = topic_arn.split(":")[3]
        backend = self._sandbox.backend("sns", region)
        topic = backend.topics.get(topic_arn)
        if topic is None:
            error = "Resource: " + topic_arn + " does not exist"
        elif topic.kms_master_key_id.endswith(_MANAGED_KEY):
            error = "CloudWatch Alarms does not have authorization to access the SNS topic encryption key."
        else:
            subject = f'{text["NewStateValue"]}: "{alarm.name}" in {alarm.alarm_arn.split(":")[3]}'
            backend.publish(json.dumps(text), topic_arn, subject=subject[:99])
            self._keep(alarm, "Action", f"Successfully executed action {topic_arn}", {"actionState": "Succeeded"})
            return
        data = {"actionState": "Failed", "notificationResource": topic_arn, "error": error}
        self._keep(alarm, "Action", f"Failed to execute action {topic_arn}. Received error: {error!r}", data)

    def _children(self, alarm: Any) -> list[Any]:
        if alarm.rule is None:
            return []
        alarms = self._sandbox.backend("cloudwatch", alarm.alarm_arn.split(":")[3]).alarms
        return [other for name, other in alarms.items() if f'"{name}"' in alarm.rule and other.state_value == "ALARM"]

    def _keep(self, alarm: Any, kind: str, summary: str, data: Mapping[str, Any]) -> None:
        region = alarm.alarm_arn.split(":")[3]
        entry = Entry(region, alarm.name, alarm.rule is not None, kind, summary, json.dumps(data), time.time())
        self._history = [*self._history, entry][-_KEPT:]

    def _described(self) -> Any:
        def describe_alarm_history(response: Any) -> ActionResult:
            asked = response._get_params()
            newest_first = asked.get("ScanBy") != "TimestampAscending"
            found = [entry for entry in self._history if entry.region == response.region and _matches(entry, asked)]
            found.sort(key=lambda entry: entry.at, reverse=newest_first)
            first = int(asked.get("NextToken") or 0)
            after = first + int(asked.get("MaxRecords") or 100)
            page: dict[str, Any] = {"AlarmHistoryItems": [entry.item() for entry in found[first:after]]}
            return ActionResult({**page, "NextToken": str(after)} if after < len(found) else page)

        return describe_alarm_history


def _matches(entry: Entry, asked: Mapping[str, Any]) -> bool:
    start, end = asked.get("StartDate"), asked.get("EndDate")
    return (
        asked.get("AlarmName") in (None, entry.alarm)
        and asked.get("HistoryItemType") in (None, entry.kind)
        and (start is None or _seconds(start) <= entry.at)
        and (end is None or entry.at <= _seconds(end))
        and entry.item()["AlarmType"] in (asked.get("AlarmTypes") or ["MetricAlarm"])
    )


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def message(alarm: Any, before: str, children: Iterable[Any]) -> dict[str, Any]:
    """The notification as CloudWatch writes it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    _, _, _, region, account, *_ = alarm.alarm_arn.split(":")
    text = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": account,
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": alarm.state_updated_timestamp.isoformat(timespec="milliseconds") + "+0000",
        "Region": region,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": before,
        "OKActions": alarm.ok_actions or [],
        "AlarmActions": alarm.alarm_actions or [],
        "InsufficientDataActions": alarm.insufficient_data_actions or [],
    }
    if alarm.rule is None:
        trigger = {
            "Period": alarm.period,
            "EvaluationPeriods": alarm.evaluation_periods,
            "DatapointsToAlarm": alarm.datapoints_to_alarm,
            "ComparisonOperator": alarm.comparison_operator,
            "Threshold": alarm.threshold,
            "TreatMissingData": alarm.treat_missing_data,
        }
        return {**text, "Trigger": trigger}
    states = [
        {
            "Arn": child.alarm_arn,
            "State": {"Value": child.state_value, "Timestamp": child.state_updated_timestamp.isoformat()},
        }
        for child in children
    ]
    return {**text, "AlarmRule": alarm.rule, "TriggeringChildren": states}


def install(sandbox: Sandbox) -> None:
    AlarmActions(sandbox).install()
