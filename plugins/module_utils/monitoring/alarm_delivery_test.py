# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prove that alarms reach people: let an alarm of each topic fire, and follow its notification to every subscription."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..aws import cloudwatch, sns
from ..aws.cloudwatch import Metric, Window
from ..aws.errors import Failure
from ..common.invocation import Invocation
from ..common.operator import operator
from ..common.waiting import Wait, WaitTimeoutError, wait_until
from .alarms import is_composite

_NAMESPACE = "AWS/SNS"
_DELIVERED, _FAILED = "NumberOfNotificationsDelivered", "NumberOfNotificationsFailed"
_PERIOD_SECONDS = 60


@dataclass(frozen=True)
class Counts:
    """What SNS counted of a topic since the test began."""

    delivered: int
    failed: int

    def __str__(self) -> str:
        return f"{self.delivered} delivered, {self.failed} failed"


@dataclass(frozen=True)
class Delivery:
    """What became of the notification of one topic."""

    topic: str
    alarm: str = ""
    action: str = ""
    subscriptions: Sequence[sns.SubscriptionState] = ()
    counts: Counts = Counts(0, 0)
    problems: Sequence[str] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "topic_arn": self.topic,
            "alarm": self.alarm,
            "action": self.action,
            "subscriptions": [vars(subscription) for subscription in self.subscriptions],
            "delivered": self.counts.delivered,
            "failed": self.counts.failed,
            "problems": list(self.problems),
        }


def run(call: Invocation) -> dict[str, Any]:
    """Return what became of each topic's notification; fail where one did not reach every subscription."""
    told, unused = dict.fromkeys(call.params["topic_arns"]), dict.fromkeys(call.params["release_topic_arns"])
    deliveries = [_of_topic(_there(call, topic), topic, _test) for topic in told]
    deliveries += [_of_topic(_there(call, topic), topic) for topic in unused if topic not in told]
    found = [problem for delivery in deliveries for problem in delivery.problems]
    result = {"changed": not call.check_mode, "topics": [delivery.as_dict() for delivery in deliveries]}
    if found:
        raise Failure(f"Notifications do not reach everybody: {'; '.join(found)}.", **result)
    return result


def _there(call: Invocation, topic: str) -> Invocation:
    """In the topic's region: alarms tell topics of their own region alone."""
    return replace(call, aws=call.aws.elsewhere(topic.split(":")[3]))


def _of_topic(call: Invocation, topic: str, test: Callable[[Invocation, Delivery], Delivery] | None = None) -> Delivery:
    """Who has subscribed, and what became of the test, where there is one."""
    if sns.attributes(call.aws, topic) is None:
        return Delivery(topic, problems=[f"topic {topic.rpartition(':')[2]} does not exist: run provision.yml"])
    delivery = _subscribed(call, topic)
    return test(call, delivery) if test else delivery


def _subscribed(call: Invocation, topic: str) -> Delivery:
    name = topic.rpartition(":")[2]
    subscriptions = sns.subscription_states(call.aws, topic)
    problems = [
        f"{target.protocol} {target.endpoint} has not confirmed its subscription to {name}"
        for target in subscriptions
        if not target.confirmed
    ]
    if not any(target.confirmed for target in subscriptions):
        problems.append(f"nobody has subscribed to {name}: set monitoring_subscriptions")
    return Delivery(topic, subscriptions=subscriptions, problems=problems)


def _test(call: Invocation, delivery: Delivery) -> Delivery:
    topic, problems = delivery.topic, [*delivery.problems]
    name = topic.rpartition(":")[2]
    alarm = chosen(cloudwatch.alarms(call.aws, call.params["alarm_prefix"]), topic, call.params["topic_arns"])
    if alarm is None:
        problems.append(
            f"no alarm below {call.params['alarm_prefix']} that is not firing already tells {name}, and nobody else"
        )
    if alarm is None or call.check_mode:
        return replace(delivery, alarm=alarm["AlarmName"] if alarm else "", problems=problems)
    began = call.clock.now()
    _fire(call, alarm)
    action = _action(call, alarm["AlarmName"], topic, began)
    if not action.startswith("Successfully"):
        problems.append(f"{name}: {action}")
        return replace(delivery, alarm=alarm["AlarmName"], action=action, problems=problems)
    # Both changes of the state are told, where the alarm tells both: one endpoint's two are no proof of another's one.
    sent = sum(target.confirmed for target in delivery.subscriptions) * (1 + (topic in alarm.get("OKActions", [])))
    counts = _delivered(call, name, began, sent)
    if counts.failed or counts.delivered < sent:
        problems.append(f"{name}: {counts} of {sent} within {call.params['timeout_seconds']} s")
    return replace(delivery, alarm=alarm["AlarmName"], action=action, counts=counts, problems=problems)


def chosen(alarms: Sequence[Mapping[str, Any]], topic: str, tested: Collection[str]) -> Mapping[str, Any] | None:
    """An alarm of the topic that does not fire. CloudWatch ends the state of a metric alarm by itself, so one of those first.

    Not one that would do more than tell the topics under test: stop an instance, scale a service, wake up another team.
    """
    able = [
        alarm
        for alarm in alarms
        if topic in alarm.get("AlarmActions", [])
        and alarm["StateValue"] != "ALARM"
        and alarm.get("ActionsEnabled", True)
        and {*alarm["AlarmActions"], *alarm.get("OKActions", [])} <= {*tested}
    ]
    return min(able, key=lambda alarm: (is_composite(alarm), alarm["AlarmName"]), default=None)


def _fire(call: Invocation, alarm: Mapping[str, Any]) -> None:
    """Set the state, and set it back. CloudWatch tells both changes."""
    name, reason = alarm["AlarmName"], f"Test of notifications by {operator(call.params)}: nothing is wrong."
    call.progress.line(f"alarm {name}: set to ALARM for a test")
    cloudwatch.set_alarm_state(call.aws, name, "ALARM", reason)
    cloudwatch.set_alarm_state(call.aws, name, "OK", reason)


def _action(call: Invocation, alarm: str, topic: str, began: float) -> str:
    """What CloudWatch's history of the alarm says of telling the topic."""

    def observe() -> str:
        summaries = cloudwatch.alarm_actions(call.aws, alarm, began - 1)
        return next((summary for summary in summaries if topic in summary), "")

    wait = Wait(f"alarm {alarm} to tell its topic", observe, bool, call.params["timeout_seconds"])
    try:
        return wait_until(call.clock, call.progress, wait)
    except WaitTimeoutError as late:
        return f"no action in the history of {alarm}: {late}"


def _delivered(call: Invocation, topic: str, began: float, sent: int) -> Counts:
    metrics = {name: Metric(_NAMESPACE, name, "Sum", {"TopicName": topic}) for name in (_DELIVERED, _FAILED)}

    def observe() -> Counts:
        # SNS dates a delivery to its minute.
        window = Window(began // _PERIOD_SECONDS * _PERIOD_SECONDS, call.clock.now() + _PERIOD_SECONDS, _PERIOD_SECONDS)
        found = cloudwatch.values(call.aws, metrics, window)
        return Counts(int(sum(found[_DELIVERED])), int(sum(found[_FAILED])))

    wait = Wait(
        f"{topic} to deliver {sent} notifications",
        observe,
        lambda counts: counts.delivered + counts.failed >= sent,
        call.params["timeout_seconds"],
        longest_pause=5.0,
    )
    try:
        counts = wait_until(call.clock, call.progress, wait)
    except WaitTimeoutError as late:
        counts = late.last
    call.progress.line(f"topic {topic}: {counts}")
    return counts
