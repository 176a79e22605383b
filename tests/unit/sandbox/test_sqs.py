"""A long poll of a queue keeps no other call waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, cast

import boto3
import pytest
from moto import mock_aws

from sandbox.api import overlay, sqs
from sandbox.api.state import Sandbox


class Locked:
    """What the overlay needs of a sandbox."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.starts: list[Any] = []


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Locked]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setattr(sqs, "QueueSampler", lambda sandbox: threading.Thread())
    made, before = Locked(), len(overlay.registered.patches)
    with mock_aws():
        sqs.install(cast(Sandbox, made))
        yield made
    for owner, name, original in reversed(overlay.registered.patches[before:]):
        setattr(owner, name, original)
    del overlay.registered.patches[before:]


def test_others_are_answered_while_somebody_waits_for_a_message(locked: Locked) -> None:
    client = boto3.client("sqs", "eu-central-1")
    url = client.create_queue(QueueName="alarms")["QueueUrl"]
    received: list[str] = []
    waits = threading.Event()

    def poll() -> None:
        # As the server does: every call of moto's is made under the lock.
        with locked.lock:
            waits.set()
            answer = client.receive_message(QueueUrl=url, WaitTimeSeconds=20)
        received.extend(message["Body"] for message in answer.get("Messages", []))

    poller = threading.Thread(target=poll)
    poller.start()
    assert waits.wait(10)
    assert locked.lock.acquire(timeout=10), "the poll has the lock until a message comes"
    client.send_message(QueueUrl=url, MessageBody="ALARM")
    locked.lock.release()
    poller.join(19)
    assert received == ["ALARM"]


def test_a_poll_of_no_seconds_looks_once(locked: Locked) -> None:
    client = boto3.client("sqs", "eu-central-1")
    url = client.create_queue(QueueName="alarms")["QueueUrl"]
    with locked.lock:
        assert "Messages" not in client.receive_message(QueueUrl=url, WaitTimeSeconds=0)
