"""Alarms that change tell their topics; topics reach endpoints, addresses and queues; the history keeps it; a test of it all."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.alarm_delivery_test import run
from moto import mock_aws
from moto.backends import get_backend
from moto.cloudwatch.responses import CloudWatchResponse

from sandbox.api import alarm_actions, overlay, sns
from sandbox.api.cloudwatch import MetricCalls
from sandbox.config import Settings
from sandbox.errors import ApiError
from sandbox.metrics.store import Regions

from ..clocks import QuickClock

REGION = "eu-central-1"
METRIC = {"Namespace": "n", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1}


@dataclass
class World:
    """What the overlays need of a sandbox, without its processes."""

    settings: Settings
    metrics: Regions = field(default_factory=lambda: Regions(60.0))
    lock: Any = field(default_factory=threading.RLock)
    starts: list[Any] = field(default_factory=list)
    deliveries: Any = None

    def keep(self, name: str, owner: Any, *attributes: str, growing: bool = False) -> None:
        assert all(hasattr(owner, attribute) for attribute in attributes)

    def backend(self, service: str, region: str | None = None) -> Any:
        return get_backend(service)[self.settings.account][region or REGION]  # type: ignore[call-overload]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setattr(CloudWatchResponse, "put_composite_alarm", CloudWatchResponse.put_metric_alarm, raising=False)
    made = World(Settings(home=tmp_path, prefix="127.77", engine="podman", network="n"))
    before = len(overlay.registered.patches)
    with mock_aws():
        MetricCalls(made.metrics).install()
        alarm_actions.install(made)  # type: ignore[arg-type]
        made.deliveries = sns.Deliveries(made)  # type: ignore[arg-type]
        made.deliveries.install()
        yield made
    for owner, name, original in reversed(overlay.registered.patches[before:]):
        setattr(owner, name, original)
    del overlay.registered.patches[before:]
    del CloudWatchResponse.describe_alarm_history  # type: ignore[attr-defined]


def client(service: str) -> Any:
    return boto3.client(service, REGION)  # type: ignore[call-overload]


def topic(**attributes: str) -> str:
    return str(client("sns").create_topic(Name="staging-alarms", Attributes=attributes)["TopicArn"])


def alarm(*actions: str, name: str = "staging/scores/memory") -> None:
    client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=list(actions),
        OKActions=list(actions),
        **METRIC,
    )


def fire(state: str = "ALARM", name: str = "staging/scores/memory") -> None:
    client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="by hand")


def history(kind: str, name: str = "staging/scores/memory") -> list[str]:
    found = client("cloudwatch").describe_alarm_history(
        AlarmName=name, HistoryItemType=kind, ScanBy="TimestampAscending"
    )
    return [item["HistorySummary"] for item in found["AlarmHistoryItems"]]


class Endpoint:
    """A paging service: keeps what is posted, and confirms what it is asked to confirm."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.received.append({**json.loads(body), "type": self.headers["x-amz-sns-message-type"]})
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/page"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()
    yield made
    made.server.shutdown()
    made.server.server_close()


def confirm(world: World, link: str) -> None:
    route = overlay.registered.routes["GET", "/_sandbox/sns/confirm"]
    assert route({"Token": link.partition("Token=")[2]}, None)["SubscriptionArn"].startswith("arn:")


def test_a_change_of_state_tells_the_topic_once_and_the_history_keeps_it(world: World) -> None:
    queue = client("sqs").create_queue(QueueName="pages")["QueueUrl"]
    arn = topic()
    client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:123456789012:pages")
    alarm(arn)
    fire()
    fire()
    (told,) = client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    text = json.loads(json.loads(told["Body"])["Message"])
    assert (text["AlarmName"], text["OldStateValue"], text["NewStateValue"]) == ("staging/scores/memory", "OK", "ALARM")
    assert text["Trigger"]["EvaluationPeriods"] == 1
    assert history("StateUpdate") == ["Alarm updated from OK to ALARM"]
    assert history("Action") == [f"Successfully executed action {arn}"]


def test_a_long_history_comes_in_pages(world: World) -> None:
    alarm()
    for number in range(7):
        fire("ALARM" if number % 2 == 0 else "OK")
    pages = client("cloudwatch").get_paginator("describe_alarm_history")
    asked = {"AlarmName": "staging/scores/memory", "HistoryItemType": "StateUpdate", "ScanBy": "TimestampAscending"}
    found = [page["AlarmHistoryItems"] for page in pages.paginate(**asked, PaginationConfig={"PageSize": 3})]
    assert [len(items) for items in found] == [3, 3, 1]
    assert [item["HistorySummary"] for items in found for item in items] == history("StateUpdate")


def test_an_endpoint_is_asked_first_and_told_then(world: World, endpoint: Endpoint) -> None:
    arn = topic()
    client("sns").subscribe(TopicArn=arn, Protocol="http", Endpoint=endpoint.url)
    alarm(arn)
    fire()
    world.deliveries.carry(time.time())
    assert [message["type"] for message in endpoint.received] == ["SubscriptionConfirmation"]
    (listed,) = client("sns").list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"
    confirm(world, endpoint.received[0]["SubscribeURL"])
    fire("OK")
    world.deliveries.carry(time.time())
    assert endpoint.received[-1]["type"] == "Notification"
    assert endpoint.received[-1]["Subject"] == f'OK: "staging/scores/memory" in {REGION}'
    (listed,) = client("sns").list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    assert listed["SubscriptionArn"].startswith("arn:")


def test_an_address_gets_files(world: World) -> None:
    arn = topic()
    client("sns").subscribe(TopicArn=arn, Protocol="email", Endpoint="oncall@example.com")
    folder = world.settings.home / "mail/oncall@example.com"
    (asked,) = folder.iterdir()
    confirm(world, asked.read_text().strip())
    alarm(arn)
    fire()
    assert "NewStateValue" in max(folder.iterdir()).read_text()


@pytest.mark.parametrize(
    ("attributes", "why"),
    [({"KmsMasterKeyId": "alias/aws/sns"}, "encryption key"), (None, "does not exist")],
)
def test_an_action_that_fails_is_in_the_history(world: World, attributes: dict[str, str] | None, why: str) -> None:
    alarm(topic(**attributes) if attributes else f"arn:aws:sns:{REGION}:123456789012:gone")
    fire()
    (summary,) = history("Action")
    assert summary.startswith("Failed to execute action") and why in summary


def test_a_composite_alarm_names_what_made_it_fire(world: World) -> None:
    arn = topic()
    client("sns").subscribe(TopicArn=arn, Protocol="email-json", Endpoint="a@example.com")
    folder = world.settings.home / "mail/a@example.com"
    confirm(world, max(folder.iterdir()).read_text().strip())
    alarm(name="staging/scores/memory")
    fire()
    client("cloudwatch").put_composite_alarm(
        AlarmName="staging/scores/critical", AlarmRule='ALARM("staging/scores/memory")', AlarmActions=[arn]
    )
    fire(name="staging/scores/critical")
    text = json.loads(max(folder.iterdir()).read_text().partition("\n\n")[2])
    assert [child["Arn"].rpartition(":")[2] for child in text["TriggeringChildren"]] == ["staging/scores/memory"]


# --- notify_test.yml ---


def delivered(world: World, *topics: str, check_mode: bool = False) -> dict[str, Any]:
    options = {"topic_arns": list(topics), "alarm_prefix": "staging/", "timeout_seconds": 5, "release_topic_arns": []}
    return run(Invocation(options, Aws({"region": REGION}), check_mode, Now()))


class Now(QuickClock):
    """Waits are over at once; their seconds have gone by."""

    def __init__(self) -> None:
        self.seconds = time.time()


def test_every_subscription_is_proven(world: World) -> None:
    arn = topic()
    client("sqs").create_queue(QueueName="pages")
    client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:123456789012:pages")
    alarm(arn)
    world.metrics.of(REGION).told_until(sns.NAMESPACE, time.time() + 60)
    (told,) = delivered(world, arn, arn)["topics"]
    assert (told["alarm"], told["failed"], told["problems"]) == ("staging/scores/memory", 0, [])
    assert told["delivered"] == 2
    (found,) = client("cloudwatch").describe_alarms(AlarmNames=["staging/scores/memory"])["MetricAlarms"]
    assert found["StateValue"] == "OK"


def test_check_mode_tells_nobody_and_names_who_has_not_confirmed(world: World) -> None:
    arn = topic()
    client("sns").subscribe(TopicArn=arn, Protocol="email", Endpoint="oncall@example.com")
    alarm(arn)
    with pytest.raises(Failure, match=r"email oncall@example\.com has not confirmed its subscription"):
        delivered(world, arn, check_mode=True)
    assert history("StateUpdate") == []


def test_a_topic_of_another_region_is_tested_by_an_alarm_that_is_there(world: World) -> None:
    """That of health checks: an e-mail address has to agree to it by itself, and alarms of this region tell it nothing."""
    here, alarms, topics = topic(), boto3.client("cloudwatch", "us-east-1"), boto3.client("sns", "us-east-1")
    there = topics.create_topic(Name="staging-eu-central-1-alarms")["TopicArn"]
    boto3.client("sqs", "us-east-1").create_queue(QueueName="pages")
    topics.subscribe(TopicArn=there, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:pages")
    topics.subscribe(TopicArn=there, Protocol="email", Endpoint="oncall@example.com")
    name = "staging/*health-check-eu-central-1/scores"
    above = {"ComparisonOperator": "GreaterThanThreshold", "AlarmActions": [there], "OKActions": [there]}
    alarms.put_metric_alarm(AlarmName=name, **above, **METRIC)
    alarm(here)
    client("sns").subscribe(TopicArn=here, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:123456789012:pages")
    client("sqs").create_queue(QueueName="pages")
    for region in (REGION, "us-east-1"):
        world.metrics.of(region).told_until(sns.NAMESPACE, time.time() + 60)
    with pytest.raises(
        Failure, match=r"^Notifications do not reach everybody: email oncall@example\.com has not con"
    ) as failed:
        delivered(world, here, there)
    told = {found["topic_arn"]: found for found in failed.value.result["topics"]}
    assert (told[there]["alarm"], told[there]["delivered"]) == (name, 2)
    assert (told[here]["alarm"], told[here]["problems"]) == ("staging/scores/memory", [])


def test_of_a_topic_that_no_alarm_tells_the_subscriptions_are_looked_at(world: World) -> None:
    arn = client("sns").create_topic(Name="staging-releases")["TopicArn"]
    client("sns").subscribe(TopicArn=arn, Protocol="email", Endpoint="team@example.com")
    options = {"topic_arns": [], "release_topic_arns": [arn], "alarm_prefix": "staging/", "timeout_seconds": 5}
    call = Invocation(options, Aws({"region": REGION}), False, Now())
    with pytest.raises(
        Failure, match=r"email team@example\.com has not confirmed its subscription to staging-releases"
    ):
        run(call)
    (mail,) = (world.settings.home / "mail/team@example.com").iterdir()
    confirm(world, mail.read_text().strip())
    (told,) = run(call)["topics"]
    assert (told["problems"], told["alarm"], told["delivered"]) == ([], "", 0)


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        pytest.param({}, "nobody has subscribed to staging-alarms", id="no subscription"),
        pytest.param(
            {"KmsMasterKeyId": "alias/aws/sns"}, "does not have authorization", id="a key that CloudWatch may not use"
        ),
        pytest.param(None, "topic staging-alarms does not exist", id="no topic"),
    ],
)
def test_what_keeps_people_asleep_is_named(world: World, attributes: dict[str, str] | None, why: str) -> None:
    arn = topic(**attributes) if attributes is not None else f"arn:aws:sns:{REGION}:123456789012:staging-alarms"
    alarm(arn)
    with pytest.raises(Failure, match=why):
        delivered(world, arn)


def test_an_endpoint_that_takes_nothing_is_found(world: World) -> None:
    arn = topic()
    subscription = client("sns").subscribe(TopicArn=arn, Protocol="http", Endpoint="http://127.0.0.1:9/page")
    assert subscription["SubscriptionArn"]
    (found,) = world.backend("sns").subscriptions.values()
    found.attributes["PendingConfirmation"] = False
    alarm(arn)
    with pytest.raises(Failure, match="0 delivered, 0 failed of 2 within 5 s"):
        delivered(world, arn)


def test_an_endpoint_that_takes_all_is_no_proof_of_another(world: World) -> None:
    arn = topic()
    client("sqs").create_queue(QueueName="pages")
    client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:123456789012:pages")
    client("sns").subscribe(TopicArn=arn, Protocol="http", Endpoint="http://127.0.0.1:9/page")
    for found in world.backend("sns").subscriptions.values():
        found.attributes["PendingConfirmation"] = False
    alarm(arn)
    world.metrics.of(REGION).told_until(sns.NAMESPACE, time.time() + 60)
    with pytest.raises(Failure, match="2 delivered, 0 failed of 4 within 5 s"):
        delivered(world, arn)


def test_an_alarm_that_fires_already_is_left_alone(world: World) -> None:
    arn = topic()
    alarm(arn)
    fire()
    with pytest.raises(Failure, match="no alarm below staging/ that is not firing already tells staging-alarms"):
        delivered(world, arn)


def test_an_alarm_that_does_more_than_tell_is_left_alone(world: World) -> None:
    arn = topic()
    alarm(arn, f"arn:aws:automate:{REGION}:ec2:stop", name="staging/bastion/idle")
    with pytest.raises(Failure, match="tells staging-alarms, and nobody else"):
        delivered(world, arn)
    assert history("StateUpdate", "staging/bastion/idle") == []


def test_a_message_may_be_another_one_for_each_protocol(world: World) -> None:
    client, address = boto3.client("sns", REGION), "team@example.test"
    arn = client.create_topic(Name="releases")["TopicArn"]
    client.subscribe(TopicArn=arn, Protocol="email", Endpoint=address)
    confirm(world, max((world.settings.home / "mail" / address).iterdir()).read_text().strip())
    texts = {"default": "{}", "email": "a letter", "sms": "short"}
    client.publish(TopicArn=arn, Subject="s", MessageStructure="json", Message=json.dumps(texts))
    newest = sorted((world.settings.home / "mail" / address).iterdir())[-1]
    assert newest.read_text().endswith("a letter\n")


@pytest.mark.parametrize(
    ("subject", "taken"), [("x" * 99, True), ("x" * 100, False), ("two\nlines", False), ("größer", False)]
)
def test_sns_takes_no_subject_that_aws_refuses(world: World, subject: str, taken: bool) -> None:
    client = boto3.client("sns", REGION)
    arn = client.create_topic(Name="releases")["TopicArn"]
    with nullcontext() if taken else pytest.raises(ApiError, match="Subject"):
        client.publish(TopicArn=arn, Subject=subject, Message="m")
