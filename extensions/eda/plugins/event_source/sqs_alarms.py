# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Event source of ansible-rulebook: CloudWatch alarms of services, which SNS delivers to a queue of SQS.

Self-contained: ansible-rulebook runs the file by its path. boto3 is called in threads.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

DOCUMENTATION = r"""
name: sqs_alarms
short_description: CloudWatch alarms of services from an SQS queue
description:
  - Receives the notifications of the alarms that pear.fargate makes, from a queue that is subscribed to the alarm topic.
  - A message stays hidden from other readers while its playbook runs. The playbook deletes it. A message that is not deleted is received
    again, and goes to the queue's dead letters after maxReceiveCount.
  - A notification that was delivered twice is one event. What is no notification of an alarm is left to the dead letters.
options:
  queue_url:
    description: URL of the queue.
    type: str
    required: true
  region:
    description: AWS region. Taken from the environment or the profile if omitted.
    type: str
  profile:
    description: Profile of the AWS configuration. Taken from the environment if omitted.
    type: str
  kinds:
    description: Kinds of alarms that become events, the last part of their names. The others are deleted from the queue.
    type: list
    elements: str
    default: [critical]
  visibility_seconds:
    description: Time for which a message is hidden from other readers. It is extended at half of it, while the message is being worked on.
    type: int
    default: 60
  longest_seconds:
    description: >-
      Time after which a message is not extended any more, because its playbook must have died, or no service of the inventory has the
      alarm. It is then received again. As often as the queue lets it be received, it must fit into the time for which the queue keeps it.
    type: int
    default: 900
  wait_seconds:
    description: Time that one call waits for messages, at most 20.
    type: int
    default: 20
"""
EXAMPLES = r"""
- pear.fargate.sqs_alarms:
    queue_url: https://sqs.eu-central-1.amazonaws.com/123456789012/production-rollbacks
    region: eu-central-1
"""

log = logging.getLogger(__name__)
_REMEMBERED = 1000
_PAUSE_SECONDS = 5.0
# The message is not ours any more: it was deleted, or is visible again. The codes of both protocols of SQS.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html#API_ChangeMessageVisibility_Errors
_GONE = (
    "InvalidParameterValue",
    "MessageNotInflight",
    "ReceiptHandleIsInvalid",
    "AWS.SimpleQueueService.MessageNotInflight",
)


@dataclass(frozen=True)
class Options:
    queue_url: str
    region: str | None = None
    profile: str | None = None
    kinds: tuple[str, ...] = ("critical",)
    visibility_seconds: int = 60
    longest_seconds: int = 900
    wait_seconds: int = 20

    @classmethod
    def of(cls, args: Mapping[str, Any]) -> Options:
        known = {name: value for name, value in args.items() if name in cls.__dataclass_fields__ and value is not None}
        if not known.get("queue_url"):
            raise ValueError(
                "sqs_alarms: queue_url is missing. It is the URL of the queue that is subscribed to the alarm topic."
            )
        found = cls(**{**known, "kinds": tuple(known.get("kinds", cls.kinds))})
        if not 0 <= found.wait_seconds <= 20:
            raise ValueError(f"sqs_alarms: wait_seconds is {found.wait_seconds}; SQS takes 0 to 20.")
        return found


@dataclass(frozen=True)
class Alarm:
    """A change of an alarm's state. `at` is when it changed, in seconds since 1970."""

    name: str
    environment: str
    service: str
    kind: str
    state: str
    at: float
    reason: str

    @property
    def key(self) -> tuple[str, str, float]:
        return self.name, self.state, self.at


def alarm_of(body: str) -> Alarm | None:
    """The alarm of a message, in SNS's envelope or delivered raw; None for anything else."""
    try:
        found = json.loads(body)
        if isinstance(found, dict) and isinstance(found.get("Message"), str):
            found = json.loads(found["Message"])
        environment, service, kind = found["AlarmName"].split("/")
        at = datetime.fromisoformat(found["StateChangeTime"].replace("Z", "+00:00").replace("+0000", "+00:00"))
        state, reason = found["NewStateValue"], found.get("NewStateReason", "")
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return Alarm(found["AlarmName"], environment, service, kind, state, at.timestamp(), reason)


@dataclass
class Held:
    """A message that is being worked on."""

    receipt: str
    since: float


@dataclass
class Source:
    """Receives, extends, and remembers what it has handed over. `client` is boto3's client of SQS."""

    options: Options
    client: Any
    clock: Callable[[], float] = time.monotonic
    held: dict[str, Held] = field(default_factory=dict)
    # Alarms that were handed over, and the message of each.
    seen: OrderedDict[tuple[str, str, float], str] = field(default_factory=OrderedDict)

    def receive(self) -> list[dict[str, Any]]:
        """The events of one call; what needs no playbook is deleted here."""
        answer = self.client.receive_message(
            QueueUrl=self.options.queue_url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=self.options.wait_seconds,
            VisibilityTimeout=self.options.visibility_seconds,
        )
        return [event for message in answer.get("Messages", []) if (event := self._event(message)) is not None]

    def _event(self, message: Mapping[str, Any]) -> dict[str, Any] | None:
        identity, receipt = message["MessageId"], message["ReceiptHandle"]
        alarm = alarm_of(message["Body"])
        if alarm is None:
            log.warning("message %s is no notification of a service's alarm: it is left to the dead letters", identity)
            return None
        if alarm.state != "ALARM" or alarm.kind not in self.options.kinds:
            self._delete(receipt)
            return None
        if self.seen.setdefault(alarm.key, identity) != identity:
            log.info("alarm %s was delivered twice", alarm.name)
            self._delete(receipt)
            return None
        while len(self.seen) > _REMEMBERED:
            self.seen.popitem(last=False)
        self.held[identity] = Held(receipt, self.clock())
        return {"alarm": asdict(alarm), "message": {"queue_url": self.options.queue_url, "receipt_handle": receipt}}

    def _delete(self, receipt: str) -> None:
        self.client.delete_message(QueueUrl=self.options.queue_url, ReceiptHandle=receipt)

    def extend(self) -> None:
        """Hide the messages that are being worked on for longer; forget those that are deleted, handed back or too old."""
        for identity, held in list(self.held.items()):
            if self.clock() - held.since > self.options.longest_seconds:
                log.warning(
                    "message %s was held for %s s: it is received again", identity, self.options.longest_seconds
                )
                self._forget(identity, held)
                continue
            try:
                self.client.change_message_visibility(
                    QueueUrl=self.options.queue_url,
                    ReceiptHandle=held.receipt,
                    VisibilityTimeout=self.options.visibility_seconds,
                )
            except ClientError as refused:
                if refused.response["Error"]["Code"] not in _GONE:
                    raise
                self._forget(identity, held)

    def _forget(self, identity: str, held: Held) -> None:
        # It may have been received again meanwhile, under another receipt.
        if self.held.get(identity) == held:
            del self.held[identity]


async def _repeat(work: Callable[[], Any], pause: float, take: Callable[[Any], Any] | None = None) -> None:
    """Call in a thread, again and again. AWS may fail for a while: that is said, and ends nothing."""
    while True:
        try:
            result = await asyncio.to_thread(work)
        except (BotoCoreError, ClientError) as failed:
            log.error("SQS: %s", failed)
            await asyncio.sleep(_PAUSE_SECONDS)
            continue
        if take is not None:
            for event in result:
                await take(event)
        await asyncio.sleep(pause)


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """What ansible-rulebook calls."""
    options = Options.of(args)
    session = boto3.Session(profile_name=options.profile, region_name=options.region)
    source = Source(options, session.client("sqs"))
    await asyncio.gather(
        _repeat(source.receive, 0.0, queue.put),
        _repeat(source.extend, options.visibility_seconds / 2),
    )
