"""SQS: moto keeps queues and messages; long polls wait here, and what is in queues, and for how long, becomes metrics of AWS/SQS."""

from __future__ import annotations

import threading
import time
from typing import Any

from moto.sqs.models import SQSBackend

from ..metrics.balancers import sampled
from ..metrics.store import Metric
from ..periodic import Periodic
from .overlay import patch
from .state import Sandbox

NAMESPACE = "AWS/SQS"
_SAMPLE_SECONDS = 20  # of CloudWatch's time
_LOOK_SECONDS = 0.2


class QueueSampler:
    """Samples every queue, three times a minute of CloudWatch's time."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        store = sandbox.metrics.of(sandbox.settings.region)
        pause = max(1.0, store.seconds(_SAMPLE_SECONDS))
        self._loop = Periodic("queues", pause, lambda: self.sample(time.time()))

    def start(self) -> None:
        self._loop.start(self._sandbox.stopping)

    def sample(self, now: float) -> None:
        # Looked up for each sample: restoring a snapshot replaces the store.
        store = self._sandbox.metrics.of(self._sandbox.settings.region)
        with self._sandbox.lock:
            queues = self._sandbox.backend("sqs").queues.values()
            found = [(queue.name, queue.approximate_number_of_messages, _age(queue.messages, now)) for queue in queues]
        for name, waiting, age in found:
            for metric, value, unit in (
                ("ApproximateNumberOfMessagesVisible", waiting, "Count"),
                ("ApproximateAgeOfOldestMessage", age, "Seconds"),
            ):
                store.add(Metric.of(NAMESPACE, metric, {"QueueName": name}), now, sampled(value), unit)
        store.told_until(NAMESPACE, now)


def _age(messages: list[object], now: float) -> float:
    """Of the oldest message; moto dates them in milliseconds."""
    sent = [float(message.sent_timestamp) / 1000 for message in messages]  # type: ignore[attr-defined]
    return max(0.0, now - min(sent)) if sent else 0.0


def install(sandbox: Sandbox) -> None:
    # Moto waits under the lock, and nobody else's call would be answered until a message comes.
    unlocked = threading.Condition(sandbox.lock)
    parameters = (
        "self",
        "queue_name",
        "count",
        "wait_seconds_timeout",
        "visibility_timeout",
        "message_attribute_names",
    )

    @patch(SQSBackend, "receive_message", parameters)
    def receive(
        original: Any,
        self: Any,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> Any:
        until = time.monotonic() + wait_seconds_timeout
        while True:
            found = original(self, queue_name, count, 0, visibility_timeout, message_attribute_names)
            if found or time.monotonic() >= until:
                return found
            unlocked.wait(_LOOK_SECONDS)

    sandbox.starts.append(QueueSampler(sandbox).start)
