"""The ledger on DynamoDB: fencing numbers decide who writes, outcomes never change, nothing is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import dynamodb
from ansible_collections.pear.fargate.plugins.module_utils.release.ledger import DynamoLedger
from ansible_collections.pear.fargate.plugins.module_utils.release.ledger_items import LEASE as LEASE_ENTRY
from ansible_collections.pear.fargate.plugins.module_utils.release.ledger_items import (
    REQUEST,
    key,
    new_id,
    release_item,
    release_of,
)
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import LeaseLostError, PortError
from ansible_collections.pear.fargate.plugins.module_utils.rollout.lease import Lease
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Kind,
    OperatorRequest,
    Outcome,
    RequestKind,
    Result,
    Verdict,
)

from .given import RELEASE

LEASE = Lease("scoreboard", "ada", "r1", 1, 1000.0, 1090.0)


def test_an_empty_ledger_has_no_lease_no_request_and_no_history(ledger: DynamoLedger) -> None:
    assert (ledger.lease(), ledger.operator_request(), list(ledger.history().releases)) == (None, None, [])


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
    assert list(ledger.history().releases) == [RELEASE]


def test_an_outcome_never_changes(ledger: DynamoLedger) -> None:
    ledger.take(LEASE, 0)
    done = replace(RELEASE, outcome=Outcome.SUCCEEDED)
    ledger.save(done, LEASE)
    ledger.save(replace(done, closed=True), LEASE)
    with pytest.raises(PortError):
        ledger.save(replace(done, outcome=Outcome.ROLLED_BACK), LEASE)
    assert list(ledger.history().releases) == [replace(done, closed=True)]


def test_evidence_is_kept_apart_and_a_later_save_does_not_lose_it(ledger: DynamoLedger) -> None:
    ledger.take(LEASE, 0)
    ledger.save(replace(RELEASE, evidence={"events": ["no capacity"]}), LEASE)
    (read,) = ledger.history().releases
    assert read.evidence == {}
    ledger.save(replace(read, outcome=Outcome.ROLLED_BACK), LEASE)
    assert ledger.evidence(RELEASE.id) == {"events": ["no capacity"]}


def test_history_comes_in_the_order_in_which_releases_began(ledger: DynamoLedger) -> None:
    ledger.take(LEASE, 0)
    ids = [new_id(Kind.DEPLOY, moment, token) for moment, token in ((1e9, "zz"), (1.5e9, "aa"), (2e9, "mm"))]
    for one in reversed(ids):
        ledger.save(replace(RELEASE, id=one), LEASE)
    assert [one.id for one in ledger.history().releases] == ids


def test_a_request_reaches_who_reads_it(ledger: DynamoLedger) -> None:
    operator_request = OperatorRequest(RELEASE.id, RequestKind.PROMOTE, 1, "grace")
    ledger.submit(operator_request)
    assert ledger.operator_request() == operator_request


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        pytest.param({"record": {"S": "no JSON"}}, "Expecting value", id="no JSON"),
        pytest.param({"record": {"S": "[1, 2]"}}, "lacks", id="not a mapping"),
        pytest.param({"record": {"S": '{"id": "r"}'}}, "lacks", id="incomplete"),
        pytest.param({"record": {"N": "1"}}, "no record", id="not a text"),
        pytest.param({"schema": {"N": "99"}}, "a newer version", id="written by a newer version"),
        pytest.param({"phase!": "levitating"}, "levitating", id="unknown phase"),
        pytest.param({"outcome!": "glorious"}, "glorious", id="unknown outcome"),
        pytest.param({"policy!": {"inconclusive": "maybe"}}, "maybe", id="unknown value deep inside"),
        pytest.param({"step!": 7}, "step 8 of", id="a step that its plan does not have"),
        pytest.param({"step!": -1}, "step 0 of", id="a step before the first"),
        pytest.param({"step!": float("inf")}, "OverflowError", id="an infinite step"),
        pytest.param({"record": {"S": "[" * 100_000}}, "RecursionError", id="nested too deeply"),
        pytest.param({"plan!": {"strategy": "steps", "steps": [{"weight": 250}]}}, "250 %", id="a weight above 100"),
        pytest.param({"started_at!": 1e30}, "started_at is 1e+30", id="a time that no calendar has"),
        pytest.param({"warm_until!": float("nan")}, "warm_until is nan", id="a time that is no number"),
        pytest.param({"plan!": {"strategy": "steps", "steps": []}, "phase!": "shifting"}, "of 0", id="no steps"),
    ],
)
def test_a_record_that_cannot_be_read_is_reported_by_its_key_and_hides_no_other(
    ledger: DynamoLedger, damage: dict[str, Any], reason: str
) -> None:
    ledger.take(LEASE, 0)
    ledger.save(RELEASE, LEASE)
    item: dict[str, Any] = release_item(replace(RELEASE, id="damaged"))
    record = json.loads(item["record"]["S"])
    record |= {name.rstrip("!"): value for name, value in damage.items() if name.endswith("!")}
    item["record"] = {"S": json.dumps(record)}
    item |= {name: value for name, value in damage.items() if not name.endswith("!")}
    dynamodb.put(ledger.aws, ledger.table, item)
    history = ledger.history()
    assert list(history.releases) == [RELEASE]
    (unreadable,) = history.unreadable
    assert (unreadable.key, unreadable.ended) == ("scoreboard release/damaged", False)
    assert reason in unreadable.reason


def test_an_unreadable_record_says_whether_its_release_has_ended(ledger: DynamoLedger) -> None:
    item = release_item(replace(RELEASE, outcome=Outcome.SUCCEEDED)) | {"record": {"S": "no JSON"}}
    dynamodb.put(ledger.aws, ledger.table, item)
    assert [record.ended for record in ledger.history().unreadable] == [True]


def test_a_lease_without_a_number_guards_nothing_and_a_request_that_cannot_be_read_is_none(
    ledger: DynamoLedger,
) -> None:
    dynamodb.put(ledger.aws, ledger.table, {**key("scoreboard", LEASE_ENTRY), "owner": {"S": "ada"}})
    dynamodb.put(ledger.aws, ledger.table, {**key("scoreboard", REQUEST), "record": {"S": "no JSON"}})
    assert (ledger.lease(), ledger.operator_request()) == (None, None)
    assert ledger.take(LEASE, 0)


@pytest.mark.parametrize("text", ["{half", "[1]", "null", "[" * 100_000], ids=lambda text: text[:5])
def test_evidence_that_cannot_be_read_is_named_by_its_entry(ledger: DynamoLedger, text: str) -> None:
    dynamodb.put(ledger.aws, ledger.table, {**key("scoreboard", "evidence/r"), "evidence": {"S": text}})
    with pytest.raises(PortError, match="entry evidence/r of the ledger cannot be read"):
        ledger.evidence("r")


def test_a_request_for_an_infinite_step_is_none(ledger: DynamoLedger) -> None:
    request = {"release_id": "r", "kind": "promote", "step": float("inf"), "by": "ada"}
    dynamodb.put(ledger.aws, ledger.table, {**key("scoreboard", REQUEST), "record": {"S": json.dumps(request)}})
    assert ledger.operator_request() is None


def test_another_service_sees_nothing_of_it(ledger: DynamoLedger) -> None:
    ledger.take(LEASE, 0)
    ledger.save(RELEASE, LEASE)
    other = replace(ledger, service="scoreboard-2")
    assert (other.lease(), list(other.history().releases)) == (None, [])


def test_a_table_that_does_not_exist_is_said_in_a_sentence(ledger: DynamoLedger) -> None:
    with pytest.raises(PortError, match="Failed to read an entry of table staging-releases"):
        replace(ledger, table="staging-releases").lease()


def test_a_release_keeps_its_shape_in_the_table() -> None:
    assert release_of(release_item(RELEASE)) == RELEASE


def test_a_release_whose_check_was_answered_a_megabyte_is_recorded(ledger: DynamoLedger) -> None:
    ledger.take(LEASE, 0)
    said = Verdict(Result.FAIL, "\x1b[31mheader x is " + "é" * 1_000_000 + "\nnext {{ line }}")
    release = replace(RELEASE, proofs={"smoke": said}, reason=said.reason, outcome=Outcome.ROLLED_BACK)
    ledger.save(replace(release, evidence={"logs": ["é" * 1_000_000]}), LEASE)
    (read,) = ledger.history().releases
    assert read.reason.startswith("header x is éé")
    assert len(read.reason) < 3_000
    assert read.proofs["smoke"].result is Result.FAIL
    evidence = ledger.evidence(RELEASE.id)
    assert evidence is not None
    assert evidence["cut"] is True


@pytest.mark.parametrize("fence", [{"S": "three"}, {"N": "1.5"}, {"N": "-3"}, {"BOOL": True}], ids=str)
def test_a_lease_whose_number_is_none_is_replaced_once(ledger: DynamoLedger, fence: dict[str, Any]) -> None:
    dynamodb.put(ledger.aws, ledger.table, {**key("scoreboard", LEASE_ENTRY), "owner": {"S": "ada"}, "fence": fence})
    assert ledger.lease() is None
    assert ledger.take(LEASE, 0)
    assert not ledger.take(replace(LEASE, owner="grace"), 0)
    assert ledger.lease() == LEASE
