"""The journal of a release: what differs is kept, each step's last verdicts are, and each write of the release takes it along."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.release.journal import Journal, Moment, MomentKind
from ansible_collections.pear.fargate.plugins.module_utils.release.ledger import DynamoLedger
from ansible_collections.pear.fargate.plugins.module_utils.release.ledger_items import journal_item
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import LeaseLostError, Ports
from ansible_collections.pear.fargate.plugins.module_utils.release.recorded import (
    RecordedJudges,
    RecordedProgress,
    RecordedProvider,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.lease import Lease
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    ColourState,
    Fleet,
    Gates,
    Outcome,
    Phase,
    Readings,
    Release,
    Result,
    Verdict,
    Weights,
)

from .given import RELEASE

LEASE = Lease("scoreboard", "ada", "r1", 1, 1000.0, 1090.0)
STEP_1 = replace(RELEASE, phase=Phase.SHIFTING)
STEP_2 = replace(RELEASE, phase=Phase.SHIFTING, step=1)
GOOD, BETTER, BAD = (
    Verdict(Result.PASS, "0 of 100"),
    Verdict(Result.PASS, "0 of 200"),
    Verdict(Result.FAIL, "90 of 200"),
)


def fleet(blue: int = 100, **green: Any) -> Fleet:
    return Fleet(
        Weights(blue, 100 - blue), ColourState(Colour.BLUE, "a:1", 2, 2, 2), ColourState(Colour.GREEN, "a:2", **green)
    )


def texts(moments: tuple[Moment, ...], kind: MomentKind) -> list[str]:
    return [moment.text for moment in moments if moment.kind is kind]


def test_what_is_seen_again_is_written_once() -> None:
    journal = Journal()
    for at in (1.0, 2.0):
        journal.fleet(at, fleet(desired=2))
    journal.fleet(3.0, fleet(desired=2, running=2, healthy=2))
    journal.weights(4.0, Weights(90, 10))
    journal.fleet(5.0, fleet(90, desired=2, running=2, healthy=2))
    found = journal.batch(RELEASE)
    assert texts(found, MomentKind.WEIGHTS) == ["blue 100 % green 0 %", "blue 90 % green 10 %"]
    assert texts(found, MomentKind.TASKS) == [
        "blue 2 healthy of 2 running, 2 desired",
        "green 0 healthy of 0 running, 2 desired",
        "green 2 healthy of 2 running, 2 desired",
    ]


def test_a_worker_has_no_weights() -> None:
    journal = Journal()
    journal.fleet(1.0, replace(fleet(), routed=False))
    assert texts(journal.batch(RELEASE), MomentKind.WEIGHTS) == []


def test_a_verdict_is_kept_where_it_changes_and_as_it_was_when_its_step_ended() -> None:
    journal = Journal()
    for at, verdict in ((1.0, GOOD), (2.0, BETTER)):
        journal.verdicts(at, "step 1 of 2", {"errors": verdict})
    assert texts(journal.batch(STEP_1), MomentKind.VERDICT) == ["0 of 100"]
    found = [moment for moment in journal.batch(STEP_2) if moment.kind is MomentKind.VERDICT]
    assert [(moment.at, moment.text, moment.step) for moment in found] == [
        (1.0, "0 of 100", "step 1 of 2"),
        (2.0, "0 of 200", "step 1 of 2"),
    ]


def test_the_verdict_that_ends_a_release_is_in_the_batch_of_its_outcome() -> None:
    journal = Journal()
    journal.verdicts(1.0, "step 1 of 2", {"errors": GOOD, "target health": GOOD})
    journal.verdicts(2.0, "step 1 of 2", {"errors": BAD, "target health": BETTER})
    ended = journal.batch(replace(STEP_1, outcome=Outcome.ROLLED_BACK))
    assert texts(ended, MomentKind.VERDICT) == ["0 of 100", "0 of 100", "90 of 200", "0 of 200"]


def test_a_release_that_begins_after_another_one_was_ended_has_the_weights_it_begins_with() -> None:
    journal = Journal()
    journal.fleet(1.0, fleet(90, desired=1))
    journal.batch(RELEASE)
    journal.written()
    journal.line(2.0, "the next one")
    following = journal.batch(replace(RELEASE, id="next"))
    assert texts(following, MomentKind.WEIGHTS) == ["blue 90 % green 10 %"]
    assert texts(following, MomentKind.LINE) == ["the next one"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("text", "gate"),
    [("é" * 5000, ""), ('"' * 5000, ""), ("\\" * 5000, "😀" * 5000), ("{{" * 5000, '"' * 5000)],
    ids=["letters of two bytes", "quotes", "long gates", "templates"],
)
def test_a_batch_fits_into_an_item_and_says_what_it_leaves_out(text: str, gate: str) -> None:
    """A write that DynamoDB refuses would end the release."""
    journal = Journal()
    for at in range(500):
        journal.line(float(at), text)
        journal.verdicts(float(at), "bake", {f"{at}{gate}": replace(BAD, reason=text)})
    found = journal.batch(RELEASE)
    item = journal_item(RELEASE, found, 0)
    assert len(item["record"]["S"].encode()) < 210_000
    assert "more entries do not fit" in found[-1].text


def test_text_that_nothing_can_encode_ends_no_release(ledger: DynamoLedger) -> None:
    ledger.take(LEASE, 0)
    ledger.journal.line(1000.5, "half of a character: \ud83d")
    ledger.save(replace(RELEASE, reason="half \ud83d"), LEASE)
    moments, unread = ledger.moments(RELEASE.id)
    assert [moment.text for moment in moments] == ["half of a character:  "] and not unread


def test_the_ledger_keeps_the_journal_in_its_order_apart_from_the_history(ledger: DynamoLedger) -> None:
    ledger.take(LEASE, 0)
    ledger.journal.line(1000.5, "first — ünïcode")
    ledger.save(RELEASE, LEASE)
    ledger.journal.line(1000.5, "second, in the same millisecond")
    ledger.journal.verdicts(1001.0, "step 1 of 2", {"errors": GOOD})
    ledger.journal.weights(1002.0, Weights(90, 10))
    ledger.save(STEP_2, LEASE)
    ledger.save(STEP_2, LEASE)
    found, unread = ledger.moments(RELEASE.id)
    assert unread == []
    assert [moment.text for moment in found] == [
        "first — ünïcode",
        "second, in the same millisecond",
        "0 of 100",
        "blue 90 % green 10 %",
    ]
    assert found[2].result is Result.PASS and found[3].weights == Weights(90, 10)
    assert list(ledger.history().releases) == [STEP_2]
    assert ledger.moments("20260102T030405Z-deploy-ab") == ([], []), "another release's id may begin alike"


def test_what_could_not_be_written_is_written_the_next_time(ledger: DynamoLedger) -> None:
    ledger.take(LEASE, 0)
    ledger.journal.line(1.0, "kept")
    with pytest.raises(LeaseLostError):
        ledger.save(RELEASE, replace(LEASE, fence=7))
    ledger.save(RELEASE, LEASE)
    assert [moment.text for moment in ledger.moments(RELEASE.id)[0]] == ["kept"]


class Inner:
    """The ports that are recorded, as far as this is about them."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def now(self) -> float:
        return 7.0

    def line(self, text: str) -> None:
        self.said.append(text)

    def heartbeat(self, text: str) -> None:
        self.said.append(f"… {text}")

    def read(self, count_unended: bool = False) -> Fleet:
        return fleet(desired=1, unended=int(count_unended))

    def shift(self, weights: Weights, until: float) -> None:
        if weights.blue == 0:
            raise RuntimeError("refused")

    def readings(self, release: Release, seen: Fleet, now: float) -> Readings:
        return Readings(alarms={"high": "ALARM"})


def test_ports_answer_as_before_and_what_passes_is_in_the_journal() -> None:
    inner, journal = cast(Any, Inner()), Journal()
    progress, provider = RecordedProgress(inner, journal, inner), RecordedProvider(inner, journal, inner)
    judges = RecordedJudges(inner, journal, inner)
    ports = Ports(provider, judges, cast(Any, None), inner, progress)
    ports.progress.line("staging")
    ports.progress.heartbeat("still staging")
    seen = ports.provider.read(True)
    ports.provider.shift(Weights(90, 10), 99.0)
    with pytest.raises(RuntimeError):
        ports.provider.shift(Weights(0, 100), 99.0)
    gated = replace(STEP_1, gates=Gates(alarms=("high",)))
    assert ports.judges.readings(gated, seen, 8.0).alarms == {"high": "ALARM"}
    assert seen.green.unended == 1 and inner.said == ["staging", "… still staging"]
    assert [(moment.kind, moment.gate or moment.text) for moment in journal.batch(gated)] == [
        (MomentKind.LINE, "staging"),
        (MomentKind.WEIGHTS, "blue 100 % green 0 %"),
        (MomentKind.TASKS, "blue 2 healthy of 2 running, 2 desired"),
        (MomentKind.TASKS, "green 0 healthy of 0 running, 1 desired"),
        (MomentKind.WEIGHTS, "blue 90 % green 10 %"),
        (MomentKind.VERDICT, "target health"),
        (MomentKind.VERDICT, "alarm high"),
    ]
