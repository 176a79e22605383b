"""Verdicts: no data is never a pass, the worst wins, and every reason carries the numbers it rests on."""

from __future__ import annotations

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.rollout import gates
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Bound,
    Colour,
    ColourState,
    ErrorGate,
    Gates,
    LatencyGate,
    MissingData,
    Readings,
    Result,
    Traffic,
    Verdict,
)

PASS, UNCLEAR, FAIL = Result.PASS, Result.INCONCLUSIVE, Result.FAIL


@pytest.mark.parametrize(
    ("candidate", "live", "result", "said"),
    [
        pytest.param((1000, 2), (9000, 18), PASS, "0.20% of 1000", id="alike"),
        pytest.param((1000, 300), (9000, 18), FAIL, "not by chance", id="thirty percent of errors"),
        pytest.param((100, 3), (900, 9), UNCLEAR, "cannot rule out chance", id="large but few"),
        pytest.param((1_000_000, 2500), (1_000_000, 2000), PASS, "no more than 1 points", id="significant but small"),
        pytest.param((99, 0), (9000, 0), UNCLEAR, "99 requests of the 100", id="too few on the candidate"),
        pytest.param((1000, 0), (99, 0), UNCLEAR, "live has answered 99", id="too few on live"),
        pytest.param((0, 0), (9000, 0), UNCLEAR, "answered no request in", id="no traffic"),
        pytest.param(None, (9000, 0), UNCLEAR, "no whole period", id="no data"),
        pytest.param((1000, 400), (9000, 3600), PASS, "40.00% of 1000", id="live is as bad"),
    ],
)
def test_the_error_gate_judges_size_and_chance(
    candidate: tuple[int, int] | None, live: tuple[int, int], result: Result, said: str
) -> None:
    readings = Readings(candidate=Traffic(*candidate) if candidate else None, live=Traffic(*live))
    verdict = gates.errors(ErrorGate(), readings)
    assert (verdict.result, said in verdict.reason) == (result, True), verdict


@pytest.mark.parametrize(
    ("candidate", "live", "result"),
    [
        pytest.param((1000, 400), (9000, 3600), FAIL, id="as bad as live is still above the ceiling"),
        pytest.param((1000, 10), (9000, 90), PASS, id="below it"),
        pytest.param((1000, 0), None, PASS, id="below it with no live traffic to compare with"),
        pytest.param((100, 6), (900, 54), UNCLEAR, id="above it, perhaps by chance"),
    ],
)
def test_a_ceiling_of_errors_needs_no_comparison(
    candidate: tuple[int, int], live: tuple[int, int] | None, result: Result
) -> None:
    readings = Readings(candidate=Traffic(*candidate), live=Traffic(*live) if live else None)
    assert gates.errors(ErrorGate(ceiling_percent=5.0), readings).result is result


def test_looking_often_asks_for_more_evidence_each_time() -> None:
    once = Readings(candidate=Traffic(200, 8), live=Traffic(2000, 20))
    often = Readings(candidate=Traffic(200, 8), live=Traffic(2000, 20), looks=50)
    assert gates.errors(ErrorGate(), once).result is FAIL
    assert gates.errors(ErrorGate(), often).result is UNCLEAR


SLOW, FAST = (0.30, 0.31, 0.29, 0.32, 0.33, 0.30), (0.10, 0.11, 0.09, 0.12, 0.10, 0.11)


@pytest.mark.parametrize(
    ("candidate", "live", "result", "said"),
    [
        pytest.param(Traffic(1000, 0, 0.3, SLOW), Traffic(9000, 0, 0.1, FAST), FAIL, "not by chance", id="slower"),
        pytest.param(Traffic(1000, 0, 0.12, FAST), Traffic(9000, 0, 0.1, FAST), PASS, "ratio 1.20", id="alike"),
        pytest.param(
            Traffic(1000, 0, 0.3, (0.1, 0.1, 0.3, 0.05, 0.1)),
            Traffic(9000, 0, 0.1, FAST),
            UNCLEAR,
            "do not agree",
            id="one slow minute",
        ),
        pytest.param(
            Traffic(1000, 0, 0.3, SLOW[:3]),
            Traffic(9000, 0, 0.1, FAST[:3]),
            FAIL,
            "ratio alone",
            id="too few for ranks",
        ),
        pytest.param(
            Traffic(1000, 0, 0.3, SLOW[:2]),
            Traffic(9000, 0, 0.1, FAST),
            UNCLEAR,
            "one odd period",
            id="too few periods",
        ),
        pytest.param(
            Traffic(1000, 0, 0.3, SLOW),
            Traffic(9000, 0, 0.1, FAST[:2]),
            UNCLEAR,
            "one odd period",
            id="too few of live",
        ),
        pytest.param(
            Traffic(1000, 0, 0.12, FAST[:1]), Traffic(9000, 0, 0.1, FAST[:1]), PASS, "ratio 1.20", id="one alike"
        ),
        pytest.param(Traffic(1000, 0, 2.5), Traffic(9000, 0, 2.4), FAIL, "ceiling of 2000 ms", id="above the ceiling"),
        pytest.param(Traffic(1000, 0, None), Traffic(9000, 0, 0.1), UNCLEAR, "no response times", id="no times"),
        pytest.param(Traffic(10, 0, 0.3), Traffic(9000, 0, 0.1), UNCLEAR, "10 requests", id="too few"),
        pytest.param(
            Traffic(1000, 0, 0.3), None, UNCLEAR, "of live's requests can be read yet", id="nothing to compare with"
        ),
    ],
)
def test_the_latency_gate_compares_ratios_and_ranks(
    candidate: Traffic, live: Traffic | None, result: Result, said: str
) -> None:
    verdict = gates.latency(LatencyGate(ceiling_seconds=2.0), Readings(candidate=candidate, live=live))
    assert (verdict.result, said in verdict.reason) == (result, True), verdict


@pytest.mark.parametrize(
    ("state", "result"),
    [("OK", PASS), ("ALARM", FAIL), ("INSUFFICIENT_DATA", UNCLEAR), (None, UNCLEAR)],
)
def test_an_alarm_passes_only_when_it_is_quiet(state: str | None, result: Result) -> None:
    (verdict,) = gates.alarms(("errors",), {"errors": state} if state else {})
    assert verdict.result is result


@pytest.mark.parametrize(
    ("values", "result"),
    [((), UNCLEAR), ((5.0, 0.5), PASS), ((0.5, 5.0), FAIL), ((-1.0,), FAIL)],
    ids=["no data", "latest within", "latest above", "below"],
)
def test_a_bound_judges_the_latest_value(values: tuple[float, ...], result: Result) -> None:
    assert gates.bound(Bound("queue depth", 0.0, 1.0), values).result is result


@pytest.mark.parametrize(
    ("missing", "limits", "result"),
    [
        pytest.param(MissingData.INCONCLUSIVE, {"maximum": 5.0}, UNCLEAR, id="cannot tell"),
        pytest.param(MissingData.PASS, {"minimum": 1.0}, PASS, id="passes"),
        pytest.param(MissingData.ZERO, {"maximum": 5.0}, PASS, id="zero is within"),
        pytest.param(MissingData.ZERO, {"minimum": 1.0}, FAIL, id="zero is below"),
    ],
)
def test_the_metric_says_what_no_data_point_means(
    missing: MissingData, limits: dict[str, float], result: Result
) -> None:
    limit = Bound("errors", missing=missing, **limits)
    assert gates.bound(limit, ()).result is result
    assert gates.bound(limit, None).result is UNCLEAR, "before a whole period nothing is known, whatever it may mean"


def test_requests_that_no_target_answered_are_not_held_against_a_ceiling() -> None:
    # Clients that leave are among them: of those nobody knows how many are usual.
    readings = Readings(candidate=Traffic(1000, 100, unanswered=100), live=Traffic(9000, 900, unanswered=900))
    verdict = gates.errors(ErrorGate(ceiling_percent=5.0), readings)
    assert verdict.result is PASS, verdict.reason


@pytest.mark.parametrize(("p99", "result"), [(0.2, PASS), (1.2, FAIL)], ids=["below its ceiling", "above it"])
def test_a_first_release_is_judged_by_its_ceilings(p99: float, result: Result) -> None:
    given = Gates(latency=LatencyGate(ceiling_seconds=1.0), errors=ErrorGate(ceiling_percent=5.0))
    readings = Readings(candidate=Traffic(500, 1, p99, (p99,)))
    verdict = gates.judge(gates.alone(given), readings, ColourState(Colour.BLUE, healthy=2), 1)
    assert verdict.result is result, verdict.reason


@pytest.mark.parametrize(
    ("results", "worst"),
    [((), UNCLEAR), ((PASS, PASS), PASS), ((PASS, UNCLEAR), UNCLEAR), ((UNCLEAR, FAIL, PASS), FAIL)],
)
def test_the_worst_verdict_wins(results: tuple[Result, ...], worst: Result) -> None:
    assert gates.combine([Verdict(one, one.value) for one in results]).result is worst


def test_everything_that_is_as_bad_is_named() -> None:
    verdict = gates.judge(
        Gates(alarms=("a", "b", "c")),
        Readings(alarms={"a": "ALARM", "b": "OK", "c": "ALARM"}),
        ColourState(Colour.BLUE, healthy=2),
        1,
    )
    assert verdict == Verdict(FAIL, "alarm a is firing; alarm c is firing")
