"""Who is told what of a release: each event once, in words and as data, and never at the price of the release."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import sns, sts
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.release.controller import Controller
from ansible_collections.pear.fargate.plugins.module_utils.release.notices import Sender
from ansible_collections.pear.fargate.plugins.module_utils.release.notifier import Notifier
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import Ports
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import ReturnOrder
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    OperatorRequest,
    Outcome,
    Plan,
    RequestKind,
    Step,
)
from botocore.session import get_session
from botocore.validate import ParamValidator

from ..rollout.runs import PLAN, POLICY, ROLLING, order
from ..rollout.world import BLUE, Death, World

TOPIC = "arn:aws:sns:eu-central-1:123456789012:corp-releases"
_PUBLISH = get_session().get_service_model("sns").operation_model("Publish").input_shape
URL = "https://reports.example.com/{environment}/{service}/{release}.html"


@dataclass
class Topics:
    """What topics were sent; `fails` answers with an error, and may take its time."""

    sent: list[dict[str, Any]] = field(default_factory=list)
    fails: Callable[[str], str] = lambda arn: ""
    before: Callable[[], None] = lambda: None
    calls: int = 0

    def publish(self, aws: Any, arn: str, message: sns.Message) -> None:
        self.calls += 1
        self.before()
        if why := self.fails(arn):
            raise Failure(why)
        attributes = {key: {"DataType": "String", "StringValue": text} for key, text in message.attributes.items()}
        given = {
            "TopicArn": arn,
            "Subject": message.subject,
            "MessageStructure": "json",
            "Message": json.dumps(dict(message.texts)),
            "MessageAttributes": attributes,
        }
        assert not ParamValidator().validate(given, _PUBLISH).has_errors()
        assert len(message.subject) < 100 and message.subject.isascii() and message.subject.isprintable()
        self.sent.append(
            {"arn": arn, "subject": message.subject, "texts": message.texts, **json.loads(message.texts["default"])}
        )

    def events(self) -> list[str]:
        return [message["metadata"]["eventType"].removeprefix("release-") for message in self.sent]

    def facts(self, event: str) -> dict[str, str]:
        (found,) = [message for message in self.sent if message["metadata"]["eventType"] == f"release-{event}"]
        facts: dict[str, str] = found["metadata"]["additionalContext"]
        return facts


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> Topics:
    found = Topics()
    monkeypatch.setattr(sns, "publish", found.publish)
    monkeypatch.setattr(sts, "caller", lambda aws: {"account": "123456789012", "arn": "arn:aws-cn:iam::1:user/ci"})
    return found


def well() -> World:
    """All is well, and records are written as the ledger holds them."""
    return World(alarms={"errors": "OK"}, as_text=True)


class Nowhere:
    region = "cn-north-1"

    def fenced(self, *limits: Any) -> Nowhere:
        return self


def telling(world: World, names: Sequence[str] = (TOPIC,), **sender: Any) -> Ports:
    ports = world.ports()
    found = Sender("staging", tuple(names), **sender)
    return replace(ports, notices=Notifier(cast(Aws, Nowhere()), found, ports.clock, ports.progress))


def release(world: World, name: str, plan: Plan = PLAN, **sender: Any) -> Controller:
    world.specified = f"task:{name}" if plan.in_place else ""
    controller = Controller(telling(world, **sender), f"deployer of {name}")
    controller.deploy(order(name, len(world.records), plan))
    return controller


@pytest.mark.parametrize("plan", [PLAN, ROLLING], ids=["two colours", "in place"])
def test_a_release_tells_that_it_began_and_that_it_succeeded(topics: Topics, plan: Plan) -> None:
    world = well()
    release(world, "v1", plan)
    topics.sent.clear()
    release(world, "v2", plan, report_url=URL)
    assert topics.events() == ["began", "succeeded"]
    (record,) = [record for record in world.records.values() if record.fingerprint == "v2"]
    succeeded = topics.facts("succeeded")
    assert succeeded["outcome"] == "succeeded"
    assert succeeded["release"] == record.id
    assert succeeded["report"] == f"https://reports.example.com/staging/scoreboard/{record.id}.html"
    assert f"serves from {record.candidate}" in succeeded["serves"]
    assert "playbooks/rollback.yml -l scoreboard" in succeeded["next"]
    assert {message["metadata"]["threadId"] for message in topics.sent} == {record.id}
    letter = topics.sent[-1]["texts"]["email"]
    assert (
        letter.startswith("staging scoreboard: release of ") and "Next: playbooks/rollback.yml -l scoreboard" in letter
    )
    assert succeeded["report"] in letter and record.id in letter
    assert "\n" not in topics.sent[-1]["texts"]["sms"]


def test_a_release_that_is_returned_tells_why_and_what_serves(topics: Topics) -> None:
    world = well()
    release(world, "v1")
    topics.sent.clear()
    world.alarms["errors"] = "ALARM"
    release(world, "v2")
    assert topics.events() == ["began", "returned"]
    assert "errors" in topics.facts("returned")["reason"]
    assert "serves all traffic with the version before" in topics.facts("returned")["serves"]


def test_a_rollback_tells_too(topics: Topics) -> None:
    world = well()
    release(world, "v1")
    release(world, "v2")
    topics.sent.clear()
    controller = Controller(telling(world), "ada")
    controller.rollback(ReturnOrder("rollback-1", "scoreboard", "ada", POLICY))
    assert topics.events() == ["succeeded"], "one write: it is over before anybody could be told that it begins"
    assert "rollback to" in topics.sent[0]["subject"]


def test_who_has_to_approve_is_told_once_also_where_another_run_goes_on(topics: Topics) -> None:
    world = well()
    release(world, "v1")
    topics.sent.clear()
    waits = Plan("steps", (Step(10, 4, approval=True, approval_timeout_seconds=600), Step(100)), bake_seconds=4)
    controller = Controller(telling(world), "first")
    started = world.time

    def dies(number: int, name: str) -> None:
        if "approval" in topics.events() and world.time > started + 60:
            raise Death

    world.before_call = dies
    with pytest.raises(Death):
        controller.deploy(order("v2", 1, waits))
    assert topics.events() == ["began", "approval"]
    approval = topics.facts("approval")
    assert "promote.yml -l scoreboard" in approval["next"]
    assert "10 % of the traffic" in approval["serves"]

    world.before_call = lambda number, name: None
    world.time += 3600
    (left,) = [record for record in world.records.values() if record.fingerprint == "v2"]
    world.operator_request = OperatorRequest(left.id, RequestKind.PROMOTE, left.step, "ada")
    Controller(telling(world), "second").deploy(order("v2", 2, waits))
    assert topics.events() == ["began", "approval", "succeeded"]


def test_a_run_that_leaves_its_release_tells_that(topics: Topics) -> None:
    world = well()
    release(world, "v1")
    topics.sent.clear()
    controller = Controller(telling(world), "ada")

    def interrupts(number: int, name: str) -> None:
        if world.weights.of(BLUE) not in (0, 100):
            controller.interrupt("interrupted by SIGTERM")

    world.before_call = interrupts
    given = order("v2", 1)
    controller.deploy(replace(given, policy=replace(given.policy, hold_when_interrupted=True)))
    assert topics.events() == ["began", "left"]
    assert "SIGTERM" in topics.facts("left")["reason"]
    assert "to go on" in topics.facts("left")["next"]


def test_a_topic_that_cannot_be_told_costs_seconds_and_a_warning_and_the_others_are_told(topics: Topics) -> None:
    topics.fails = lambda arn: "it is denied" if arn == TOPIC else ""
    world = well()
    controller = release(world, "v1", names=(TOPIC, "ours"))
    assert [record.outcome for record in world.records.values()] == [Outcome.SUCCEEDED]
    assert {message["arn"] for message in topics.sent} == {"arn:aws-cn:sns:cn-north-1:123456789012:ours"}
    assert topics.events() == ["began", "succeeded"]
    assert len(controller.ports.notices.warnings) == 2
    assert "it is denied" in controller.ports.notices.warnings[0]


def test_a_topic_that_never_answers_does_not_hold_a_release_up(topics: Topics) -> None:
    world = well()
    topics.fails = lambda arn: "no answer"

    def slow() -> None:
        world.time += 8

    topics.before = slow
    release(world, "v1", names=tuple(f"arn:aws:sns:eu-central-1:123456789012:t{n}" for n in range(8)))
    assert [record.outcome for record in world.records.values()] == [Outcome.SUCCEEDED]
    assert topics.calls <= 8


def test_no_write_waits_for_a_notification(topics: Topics) -> None:
    """A rollback has moved the traffic before anybody is told of it."""
    world = well()
    release(world, "v1")
    release(world, "v2")
    moved = len(world.writes)
    writes: list[int] = []
    topics.before = lambda: writes.append(len(world.writes))
    Controller(telling(world), "ada").rollback(ReturnOrder("rollback-1", "scoreboard", "ada", POLICY))
    assert writes[0] > moved


def test_words_that_no_subject_may_have_do_not_get_into_one(topics: Topics) -> None:
    world = well()
    controller = Controller(telling(world), "ada")
    controller.deploy(replace(order("v1", 1), version="Größe-1\n" + "x" * 200))
    assert topics.events() == ["began", "succeeded"]


@pytest.mark.parametrize("by_playbooks", [True, False])
def test_next_is_what_the_reader_can_type(topics: Topics, by_playbooks: bool) -> None:
    release(well(), "v1", by_playbooks=by_playbooks)
    assert all(("playbooks/" in message["content"]["nextSteps"][0]) is by_playbooks for message in topics.sent)
