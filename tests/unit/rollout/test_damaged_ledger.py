"""The controller on a real table with damaged entries: a rollback returns traffic, a deploy refuses and names the entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import dynamodb
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.release.controller import Controller
from ansible_collections.pear.fargate.plugins.module_utils.release.lease_holder import LeaseHolder
from ansible_collections.pear.fargate.plugins.module_utils.release.ledger import DynamoLedger
from ansible_collections.pear.fargate.plugins.module_utils.release.ledger_items import key
from ansible_collections.pear.fargate.plugins.module_utils.release.loop import Ending
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import UnreadableRecord
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import ReturnOrder
from ansible_collections.pear.fargate.plugins.module_utils.rollout.lease import Taken
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Outcome, Weights
from moto import mock_aws

from .runs import POLICY, killed_at_half, killed_when, order, roll_back
from .world import World

RECORDS = [
    pytest.param({"record": {"S": "{half"}}, id="no JSON"),
    pytest.param({}, id="no record"),
    pytest.param({"record": {"S": "null"}}, id="null"),
    pytest.param({"record": {"S": '{"phase": "levitating"}'}}, id="unknown phase"),
    pytest.param({"record": {"N": "7"}, "schema": {"S": "x"}}, id="other types"),
]
BESIDE: list[tuple[str, dict[str, Any]]] = [
    ("lease", {"owner": {"S": "ada"}}),
    ("lease", {"owner": {"S": "ada"}, "fence": {"S": "three"}}),
    ("lease", {"owner": {"S": "ada"}, "fence": {"N": "3"}, "expires_at": {"N": "1e12"}, "taken_at": {"N": "-1e100"}}),
    ("lease", {"owner": {"S": "ada"}, "fence": {"N": "3"}, "expires_at": {"N": "1e100"}}),
    ("request", {"record": {"S": "no JSON"}}),
    ("request", {}),
]


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoLedger]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        aws = Aws({"region": "eu-central-1"})
        dynamodb.create_table(aws, "local-releases", {"service": "HASH", "entry": "RANGE"}, {})
        yield DynamoLedger(aws, "local-releases", "scoreboard")


def controller(world: World, ledger: DynamoLedger) -> Controller:
    return Controller(replace(world.ports(), ledger=ledger), "ada")


def deploy(world: World, ledger: DynamoLedger, name: str, number: int) -> Ending:
    return controller(world, ledger).deploy(order(name, number))


def damage(ledger: DynamoLedger, entry: str, attributes: dict[str, Any]) -> None:
    dynamodb.put(ledger.aws, ledger.table, {**key(ledger.service, entry), **attributes})


@pytest.mark.parametrize("attributes", RECORDS)
def test_a_damaged_record_stops_a_deploy_in_a_sentence_and_no_rollback(
    ledger: DynamoLedger, attributes: dict[str, Any]
) -> None:
    world = World(alarms={"errors": "OK"})
    for number, name in enumerate(("one", "two")):
        assert deploy(world, ledger, name, number).outcome is Outcome.SUCCEEDED
    damage(ledger, "release/20990101T000000Z-deploy-x", attributes)
    refused = deploy(world, ledger, "three", 2)
    assert refused.outcome is Outcome.REFUSED
    assert "release/20990101T000000Z-deploy-x of the ledger cannot be read" in refused.reason
    assert "delete this item" in refused.reason
    before = world.weights
    returned = controller(world, ledger).rollback(ReturnOrder("rollback-1", "scoreboard", "grace", POLICY))
    assert returned.outcome is Outcome.SUCCEEDED, returned.reason
    assert world.weights != before


@pytest.mark.parametrize(("entry", "attributes"), BESIDE)
def test_a_damaged_lease_or_request_stops_no_other_run(
    ledger: DynamoLedger, entry: str, attributes: dict[str, Any]
) -> None:
    world = World(alarms={"errors": "OK"})
    assert deploy(world, ledger, "one", 0).outcome is Outcome.SUCCEEDED
    damage(ledger, entry, attributes)
    assert deploy(world, ledger, "two", 1).outcome is Outcome.SUCCEEDED
    damage(ledger, entry, attributes)
    assert controller(world, ledger).rollback(ReturnOrder("rollback-1", "scoreboard", "grace", POLICY)).outcome is (
        Outcome.SUCCEEDED
    )


@pytest.mark.parametrize(
    "attributes", [{"owner": {"S": "ada"}}, {"owner": {"S": "ada"}, "fence": {"S": "one"}}], ids=str
)
def test_the_holder_of_a_damaged_lease_writes_nothing_once_another_has_it(
    ledger: DynamoLedger, attributes: dict[str, Any]
) -> None:
    world = World(alarms={"errors": "OK"})
    written: list[int] = []

    def take_over(_number: int, name: str) -> None:
        if name == "Stage" and not written:
            damage(ledger, "lease", attributes)
            world.pass_time(2)
            assert isinstance(
                LeaseHolder(replace(world.ports(), ledger=ledger), "grace").take("other", force=False), Taken
            )
            written.append(len(world.writes))

    world.after_call = take_over
    assert deploy(world, ledger, "one", 0).outcome is Outcome.SUPERSEDED
    assert len(world.writes) == written[0]


def lose_record(world: World) -> None:
    """The record of the release under way becomes unreadable, and its controller is dead."""
    (left,) = [release for release in world.releases() if not release.closed]
    del world.records[left.id]
    world.unreadable.append(UnreadableRecord(f"scoreboard release/{left.id}", "it has no record", ended=False))
    world.pass_time(200)


def killed_in_the_bake() -> World:
    return killed_when(lambda world: world.weights == Weights(0, 100))


@pytest.mark.parametrize("killed", [killed_at_half, killed_in_the_bake])
def test_a_rollback_of_a_release_whose_record_is_damaged_goes_back_to_the_version_before_it(
    killed: Callable[[], World],
) -> None:
    world = killed()
    lose_record(world)
    ending = roll_back(world)
    assert ending.outcome is Outcome.SUCCEEDED, ending.reason
    leader = world.weights.leader
    assert leader is not None and world.weights.of(leader) == 100
    assert world.sides[leader].task_definition == "task:two"
    assert world.sides[leader].scale_in_at is None
