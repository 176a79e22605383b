"""The event source of alarms: what becomes an event, what is deleted, how long a message is held, and what comes again."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.operations import sqs_message
from ansible_collections.pear.fargate.plugins.modules import sqs_message as module
from moto import mock_aws

from tests.support.plays import ROOT

from ..clocks import QuickClock

REGION = "eu-central-1"
EDA = ROOT / "extensions/eda"


def _loaded() -> Any:
    spec = importlib.util.spec_from_file_location("sqs_alarms", EDA / "plugins/event_source/sqs_alarms.py")
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up.
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


sqs_alarms = _loaded()


def notification(name: str = "production/scoreboard/critical", state: str = "ALARM", **more: Any) -> dict[str, Any]:
    """As CloudWatch sends it: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html"""
    return {
        "AlarmName": name,
        "NewStateValue": state,
        "NewStateReason": "Threshold Crossed",
        "StateChangeTime": "2026-11-29T10:15:00.000+0000",
        "OldStateValue": "OK",
        **more,
    }


def enveloped(message: dict[str, Any]) -> str:
    return json.dumps({"Type": "Notification", "MessageId": "m", "Message": json.dumps(message)})


@pytest.mark.parametrize(
    "body", [enveloped(notification()), json.dumps(notification())], ids=["by SNS", "delivered raw"]
)
def test_a_notification_is_read_in_its_envelope_and_raw(body: str) -> None:
    alarm = sqs_alarms.alarm_of(body)
    assert (alarm.environment, alarm.service, alarm.kind, alarm.state) == (
        "production",
        "scoreboard",
        "critical",
        "ALARM",
    )
    assert alarm.at == 1795947300.0


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        "[]",
        '"text"',
        json.dumps({"Message": "hello"}),
        json.dumps(notification("somebody-elses-alarm")),
        json.dumps({**notification(), "StateChangeTime": "soon"}),
        json.dumps({**notification(), "StateChangeTime": None}),
    ],
)
def test_what_is_no_alarm_of_a_service_is_none(body: str) -> None:
    assert sqs_alarms.alarm_of(body) is None


@pytest.mark.parametrize(
    ("args", "why"), [({}, "queue_url is missing"), ({"queue_url": "q", "wait_seconds": 30}, "SQS takes 0 to 20")]
)
def test_wrong_options_are_refused_before_anything_is_received(args: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        sqs_alarms.Options.of(args)


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Queue:
    """A queue with dead letters after the second receipt, and a source that reads it."""

    def __init__(self, **options: Any) -> None:
        self.sqs = boto3.client("sqs", REGION)
        self.dead = self.sqs.create_queue(QueueName="dead")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
        self.url = self.sqs.create_queue(QueueName="rollbacks", Attributes={"RedrivePolicy": redrive})["QueueUrl"]
        self.clock = Clock()
        asked = {"queue_url": self.url, "wait_seconds": 0, **options}
        self.source = sqs_alarms.Source(sqs_alarms.Options.of(asked), self.sqs, self.clock)

    def send(self, body: str) -> None:
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def counts(self, url: str = "") -> tuple[int, int]:
        """Messages that are visible, and those that are hidden."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=url or self.url, AttributeNames=names)["Attributes"]
        return int(found[names[0]]), int(found[names[1]])

    def end(self, event: dict[str, Any], outcome: str, check_mode: bool = False) -> None:
        """What the playbook's last task does."""
        validated = ArgumentSpecValidator(module.ARGUMENT_SPEC).validate({**event["message"], "outcome": outcome})
        assert not validated.error_messages
        call = Invocation(validated.validated_parameters, Aws({"region": REGION}), check_mode, QuickClock())
        assert sqs_message.run(call)["changed"]


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield


def test_an_alarm_is_an_event_and_its_message_is_hidden_until_the_playbook_deletes_it() -> None:
    queue = Queue()
    queue.send(enveloped(notification()))
    (event,) = queue.source.receive()
    assert event["alarm"]["service"] == "scoreboard" and event["alarm"]["at"] == 1795947300.0
    assert queue.counts() == (0, 1)
    queue.source.extend()
    assert queue.source.held and queue.counts() == (0, 1)
    queue.end(event, "done", check_mode=True)
    assert queue.counts() == (0, 1), "check mode deletes nothing"
    queue.end(event, "done")
    assert queue.counts() == (0, 0)
    queue.source.extend()
    assert not queue.source.held, "a message that is gone is not extended for ever"


def test_what_is_handed_back_comes_again_and_ends_as_a_dead_letter() -> None:
    queue = Queue()
    queue.send(enveloped(notification()))
    (first,) = queue.source.receive()
    queue.end(first, "retry")
    (again,) = queue.source.receive()
    assert again["alarm"] == first["alarm"]
    assert again["message"]["receipt_handle"] != first["message"]["receipt_handle"]
    assert [held.receipt for held in queue.source.held.values()] == [again["message"]["receipt_handle"]]
    queue.end(again, "retry")
    assert queue.source.receive() == []
    assert queue.counts() == (0, 0) and queue.counts(queue.dead)[0] == 1


def test_a_notification_that_was_delivered_twice_is_one_event() -> None:
    queue = Queue()
    for _copy in range(2):
        queue.send(enveloped(notification()))
    queue.send(enveloped(notification(StateChangeTime="2026-11-29T11:00:00.000+0000")))
    events = [event for _call in range(3) for event in queue.source.receive()]
    assert sorted(event["alarm"]["at"] for event in events) == [1795947300.0, 1795950000.0]
    assert queue.counts() == (0, 2), "the copy is deleted, and both alarms are being worked on"


@pytest.mark.parametrize(
    "message", [notification(state="OK"), notification("production/scoreboard/cpu")], ids=["over", "of another kind"]
)
def test_what_needs_no_rollback_is_deleted(message: dict[str, Any]) -> None:
    queue = Queue()
    queue.send(enveloped(message))
    assert queue.source.receive() == [] and queue.counts() == (0, 0)


def test_kinds_are_of_ones_choice() -> None:
    queue = Queue(kinds=["cpu"])
    queue.send(enveloped(notification("production/scoreboard/cpu")))
    (event,) = queue.source.receive()
    assert event["alarm"]["kind"] == "cpu"


def test_what_is_no_alarm_is_left_to_the_dead_letters() -> None:
    queue = Queue(visibility_seconds=0)
    queue.send("hello")
    assert [queue.source.receive() for _call in range(3)] == [[], [], []]
    assert queue.counts(queue.dead)[0] == 1


def test_a_message_whose_playbook_died_is_not_held_for_ever() -> None:
    queue = Queue(longest_seconds=600)
    queue.send(enveloped(notification()))
    queue.source.receive()
    queue.clock.seconds = 600.0
    queue.source.extend()
    assert queue.source.held
    queue.clock.seconds = 601.0
    queue.source.extend()
    assert not queue.source.held


def test_what_no_playbook_ends_is_a_dead_letter_before_the_queue_forgets_it() -> None:
    (play,) = yaml.safe_load((EDA / "queue.yml").read_text())
    queues = [task["community.aws.sqs_queue"] for task in play["tasks"] if "community.aws.sqs_queue" in task]
    (queue,) = [queue for queue in queues if "redrive_policy" in queue]
    options = sqs_alarms.Options("q")
    # Hidden once more at the last look, which comes every half of the time that it is hidden for.
    longest_receipt = options.longest_seconds + 1.5 * options.visibility_seconds
    assert queue["redrive_policy"]["maxReceiveCount"] * longest_receipt < queue["message_retention_period"]


def test_the_loop_puts_events_and_survives_an_error_of_sqs(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue()
    answers: list[Any] = [
        queue.sqs.exceptions.ClientError({"Error": {"Code": "InternalError"}}, "ReceiveMessage"),
        [{"alarm": 1}],
    ]

    def receive() -> Any:
        answer = answers.pop(0) if answers else []
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def run() -> Any:
        events: asyncio.Queue[Any] = asyncio.Queue()
        loop = asyncio.create_task(sqs_alarms._repeat(receive, 0.0, events.put))
        found = await asyncio.wait_for(events.get(), 60)
        loop.cancel()
        return found

    monkeypatch.setattr(sqs_alarms, "_PAUSE_SECONDS", 0.0)
    assert asyncio.run(run()) == {"alarm": 1}


def test_the_rulebook_runs_the_playbook_with_what_the_source_gives() -> None:
    (ruleset,) = yaml.safe_load((EDA / "rulebooks/rollback_on_alarm.yml").read_text())
    (source,) = ruleset["sources"]
    options = yaml.safe_load(sqs_alarms.DOCUMENTATION)["options"]
    assert set(source["pear.fargate.sqs_alarms"]) <= set(options) == set(sqs_alarms.Options.__dataclass_fields__)
    assert options["longest_seconds"]["default"] == sqs_alarms.Options("q").longest_seconds
    (rule,) = ruleset["rules"]
    action = rule["action"]["run_playbook"]
    playbook = (ROOT / "playbooks" / f"{action['name'].rpartition('.')[2]}.yml").read_text()
    assert all(name in playbook for name in action["extra_vars"])
    # The queue is read by one: two events of one service at once would be two rollbacks.
    assert ruleset["execution_strategy"] == "sequential"
