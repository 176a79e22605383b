"""A bad minute of live beside or before a candidate: it hides no candidate that fails, and fails no healthy one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.rollout import gates
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Counts,
    ErrorGate,
    Readings,
    Result,
    Traffic,
    Verdict,
)

PASS, UNCLEAR, FAIL = Result.PASS, Result.INCONCLUSIVE, Result.FAIL
BEFORE, NOW = 0.0, 3_600.0
MINUTES = 15
REQUESTS = 600


def traffic(errors: Iterable[int], *, requests: int | Sequence[int] = REQUESTS, since: float = NOW) -> Traffic:
    """The errors of each minute; all requests of it were answered."""
    found = tuple(errors)
    each = (requests,) * len(found) if isinstance(requests, int) else requests
    periods = {
        since + 60 * place: Counts(count, count, wrong)
        for place, (count, wrong) in enumerate(zip(each, found, strict=True))
    }
    counted = sum(periods.values(), Counts(0, 0))
    return Traffic(counted.requests, counted.errors, periods=periods)


def judged(candidate: Traffic, live: Traffic, gate: ErrorGate | None = None) -> Verdict:
    return gates.errors(gate or ErrorGate(), Readings(candidate, live, looks=5))


def usual_errors(chance: random.Random, minutes: int, share: float = 0.003) -> list[int]:
    """What a healthy version has in each minute."""
    return [sum(chance.random() < share for _request in range(REQUESTS)) for _minute in range(minutes)]


@pytest.mark.parametrize("bad", range(MINUTES))
def test_one_bad_minute_of_the_baseline_hides_no_version_that_fails(bad: int) -> None:
    chance = random.Random(bad)
    before = usual_errors(chance, MINUTES)
    before[bad] = 540
    candidate = traffic([30, 28, 33, 31])
    verdict = judged(candidate, traffic(before, since=BEFORE))
    assert verdict.result is FAIL, verdict.reason
    assert "an incident of live (1 period, 90.00% of 600)" in verdict.reason
    # This is how it was hidden: live's share over all minutes is as large.
    assert judged(candidate, replace(traffic(before, since=BEFORE), periods={})).result is PASS


@pytest.mark.parametrize("bad", range(MINUTES - 2))
def test_an_incident_of_some_minutes_hides_none_either(bad: int) -> None:
    before = usual_errors(random.Random(bad), MINUTES)
    before[bad : bad + 3] = 200, 590, 150
    assert judged(traffic([30, 28, 33, 31]), traffic(before, since=BEFORE)).result is FAIL


@pytest.mark.parametrize("bad", range(3))
def test_a_bad_minute_of_live_beside_the_candidate_hides_it_for_no_longer_than_three_minutes(bad: int) -> None:
    live = [2, 1, 2]
    live[bad] = 300
    assert judged(traffic([8, 9, 8], requests=150), traffic(live)).result is FAIL


@pytest.mark.parametrize("bad", range(5))
def test_an_incident_that_both_have_fails_no_version(bad: int) -> None:
    chance = random.Random(bad)
    live, candidate = usual_errors(chance, 5), usual_errors(chance, 5)
    live[bad], candidate[bad] = 310, 300
    verdict = judged(traffic(candidate), traffic(live))
    assert verdict.result is PASS, verdict.reason


def test_a_version_that_fails_where_live_has_an_incident_is_still_held_against_all_of_live() -> None:
    # It may be what made live fail: the minute counts in one of the two comparisons.
    verdict = judged(traffic([1, 2, 600, 1]), traffic([1, 2, 120, 1]))
    assert verdict.result is FAIL, verdict.reason
    assert "incident" not in verdict.reason


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(
            [60 if minute % 5 == 2 else 1 for minute in range(MINUTES)], id="a job that fails every five minutes"
        ),
        pytest.param([12, 20, 15, 9, 18, 14, 21, 11, 16, 13, 19, 10, 17, 15, 12], id="never the same"),
        pytest.param([300] * 9 + [1] * 6, id="most of the time"),
    ],
)
def test_errors_that_come_back_are_how_live_is(before: list[int]) -> None:
    share = sum(before) / (MINUTES * REQUESTS)
    verdict = judged(traffic([round(share * REQUESTS)] * 5), traffic(before, since=BEFORE))
    assert verdict.result is PASS, verdict.reason
    assert "incident" not in verdict.reason


def test_of_two_minutes_none_is_known_to_be_the_odd_one() -> None:
    assert "incident" not in judged(traffic([30, 30]), traffic([1, 300])).reason


def test_a_minute_counts_by_its_requests() -> None:
    # One minute has nearly all of the requests: it is what live does, however few the others with few requests had.
    live = traffic([0, 0, 300, 0, 0], requests=(10, 10, 6000, 10, 10), since=BEFORE)
    verdict = judged(traffic([30, 31, 29]), live)
    assert (verdict.result, "incident" in verdict.reason) == (PASS, False), verdict.reason


def test_both_comparisons_are_told() -> None:
    verdict = judged(traffic([1, 2, 1]), traffic([1, 1, 400, 2, 1, 1, 2], since=BEFORE))
    assert verdict.result is PASS
    assert "against live's 9.71% of 4200" in verdict.reason
    assert "without what looks like an incident of live (1 period, 66.67% of 600): 5xx share 0.22%" in verdict.reason


def test_requests_that_no_target_answered_make_an_incident_too() -> None:
    hanging = traffic([1, 2, 1, 2, 1], since=BEFORE)
    periods = {**hanging.periods, BEFORE + 60: Counts(REQUESTS, 200)}
    counted = sum(periods.values(), Counts(0, 0))
    live = Traffic(counted.requests, counted.errors, unanswered=counted.unanswered, periods=periods)
    assert judged(traffic([30, 31, 29]), live).result is FAIL


Share = Callable[[random.Random, int], float]
RUNS = 100


def steady(chance: random.Random, minute: int) -> float:
    return 0.02


def noisy(chance: random.Random, minute: int) -> float:
    """2 % with a standard deviation of one point: as much as the gate tolerates."""
    return chance.betavariate(4, 196)


def at_every_fifth_minute(chance: random.Random, minute: int) -> float:
    return 0.1 if minute % 5 == 2 else 0.002


@pytest.mark.long
@pytest.mark.parametrize("beside", [False, True], ids=["minutes before", "the same minutes"])
@pytest.mark.parametrize("share", [steady, noisy, at_every_fifth_minute], ids=lambda share: str(share.__name__))
def test_leaving_incidents_out_fails_no_healthy_version_more(share: Share, beside: bool) -> None:
    """Both sides have errors from the same source: a gate that fails one of these releases fails it by chance."""
    chance = random.Random(11)
    results, without = [], []
    for _run in range(RUNS):
        live = drawn(chance, share, NOW if beside else BEFORE, 5 if beside else MINUTES)
        candidate = drawn(chance, share, NOW, 5)
        results.append(judged(candidate, live).result)
        without.append(judged(candidate, replace(live, periods={})).result)
    if share is not noisy:
        assert results.count(FAIL) <= RUNS * ErrorGate().significance, results
    assert results.count(FAIL) <= without.count(FAIL)
    assert results.count(PASS) >= without.count(PASS)


def drawn(chance: random.Random, share: Share, since: float, minutes: int) -> Traffic:
    """By the normal distribution, which is near the binomial one for so many requests."""
    errors = []
    for minute in range(minutes):
        p = share(chance, minute)
        errors.append(round(chance.gauss(REQUESTS * p, (REQUESTS * p * (1 - p)) ** 0.5)))
    return traffic([min(REQUESTS, max(0, wrong)) for wrong in errors], since=since)
