"""The ledger on DynamoDB: fencing numbers decide who writes, outcomes never change, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.release.ledger import DynamoLedger
from ansible_collections.pear.fargate.plugins.module_utils.release.ledger_items import new_id, release_item, release_of
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import LeaseLostError, PortError
from ansible_collections.pear.fargate.plugins.module_utils.rollout.lease import Lease
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    Kind,
    OperatorRequest,
    Outcome,
    Plan,
    Release,
    RequestKind,
    Step,
)
from moto import mock_aws

LEASE = Lease("scoreboard", "ada", "r1", 1, 1000.0, 1090.0)
RELEASE = Release(
    id="20260102T030405Z-deploy-ab12",
    service="scoreboard",
    kind=Kind.DEPLOY,
    digest="sha256:1",
    live=Colour.BLUE,
    candidate=Colour.GREEN,
    plan=Plan("canary", (Step(10, 60), Step(100))),
    started_at=1000.0,
    by="ada",
)


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoLedger]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        aws = Aws({"region": "eu-central-1"})
        aws.client("dynamodb").create_table(
            TableName="local-releases",
            KeySchema=[
                {"AttributeName": "service", "KeyType": "HASH"},
                {"AttributeName": "entry", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "service", "AttributeType": "S"},
                {"AttributeName": "entry", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        yield DynamoLedger(aws, "local-releases", "scoreboard")


def test_an_empty_ledger_has_no_lease_no_wish_and_no_history(ledger: DynamoLedger) -> None:
    assert (ledger.lease(), ledger.operator_request(), list(ledger.history())) == (None, None, [])


def test_of_two_that_take_the_lease_over_the_same_number_one_has_it(ledger: DynamoLedger) -> None:
    assert ledger.take(LEASE, 0)
    assert not ledger.take(replace(LEASE, owner="grace"), 0)
    assert ledger.take(replace(LEASE, owner="grace", fence=2), 1)
    assert not ledger.take(replace(LEASE, owner="ada", fence=2), 1)
    assert ledger.lease() == replace(LEASE, owner="grace", fence=2)


def test_a_controller_that_was_overtaken_can_neither_renew_nor_save(ledger: DynamoLedger) -> None:
    ledger.take(LEASE, 0)
    ledger.save(RELEASE, LEASE)
    ledger.take(replace(LEASE, owner="grace", fence=2), 1)
    with pytest.raises(LeaseLostError):
        ledger.renew(LEASE)
    with pytest.raises(LeaseLostError):
        ledger.save(replace(RELEASE, step=1), LEASE)
    assert list(ledger.history()) == [RELEASE]


def test_an_outcome_never_changes(ledger: DynamoLedger) -> None:
    ledger.take(LEASE, 0)
    done = replace(RELEASE, outcome=Outcome.SUCCEEDED)
    ledger.save(done, LEASE)
    ledger.save(replace(done, closed=True), LEASE)
    with pytest.raises(PortError):
        ledger.save(replace(done, outcome=Outcome.ROLLED_BACK), LEASE)
    assert list(ledger.history()) == [replace(done, closed=True)]


def test_evidence_is_kept_apart_and_a_later_save_does_not_lose_it(ledger: DynamoLedger) -> None:
    ledger.take(LEASE, 0)
    ledger.save(replace(RELEASE, evidence={"events": ["no capacity"]}), LEASE)
    (read,) = ledger.history()
    assert read.evidence == {}
    ledger.save(replace(read, outcome=Outcome.ROLLED_BACK), LEASE)
    assert ledger.evidence(RELEASE.id) == {"events": ["no capacity"]}


def test_history_comes_in_the_order_in_which_releases_began(ledger: DynamoLedger) -> None:
    ledger.take(LEASE, 0)
    ids = [new_id(Kind.DEPLOY, moment, token) for moment, token in ((1e9, "zz"), (1.5e9, "aa"), (2e9, "mm"))]
    for one in reversed(ids):
        ledger.save(replace(RELEASE, id=one), LEASE)
    assert [one.id for one in ledger.history()] == ids


def test_a_wish_reaches_who_reads_it(ledger: DynamoLedger) -> None:
    operator_request = OperatorRequest(RELEASE.id, RequestKind.PROMOTE, 1, "grace")
    ledger.ask(operator_request)
    assert ledger.operator_request() == operator_request


def test_another_service_sees_nothing_of_it(ledger: DynamoLedger) -> None:
    ledger.take(LEASE, 0)
    ledger.save(RELEASE, LEASE)
    other = replace(ledger, service="scoreboard-2")
    assert (other.lease(), list(other.history())) == (None, [])


def test_a_table_that_does_not_exist_is_said_in_a_sentence(ledger: DynamoLedger) -> None:
    with pytest.raises(PortError, match="Failed to read an entry of table staging-releases"):
        replace(ledger, table="staging-releases").lease()


def test_a_release_keeps_its_shape_in_the_table() -> None:
    assert release_of(release_item(RELEASE)) == RELEASE
