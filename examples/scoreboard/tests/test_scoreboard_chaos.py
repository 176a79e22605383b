"""Chaos: repeatable, shaped as asked, and only where asked."""

from __future__ import annotations

import statistics

import pytest
from scoreboard.chaos import Chaos, Mischief
from scoreboard.settings import Settings, SettingsError
from scoreboard_process import running


def chaos(**environment: str) -> Chaos:
    return Chaos(Settings.read({"CHAOS_ENABLED": "true", **environment}).chaos)


def test_the_same_seed_gives_the_same_sequence_and_another_seed_another() -> None:
    def sequence(seed: str) -> list[Mischief]:
        program = chaos(CHAOS_SEED=seed, CHAOS_ERROR_RATE="0.5", CHAOS_LATENCY_MS_P50="10", CHAOS_LATENCY_MS_P99="50")
        return [program.strike("/score") for _ in range(200)]

    assert sequence("7") == sequence("7")
    assert sequence("7") != sequence("8")


def test_requests_that_are_spared_do_not_shift_the_sequence() -> None:
    plain, mixed = chaos(CHAOS_ERROR_RATE="0.5"), chaos(CHAOS_ERROR_RATE="0.5")
    expected = [plain.strike("/score") for _ in range(50)]
    seen = []
    for _ in range(50):
        assert mixed.strike("/healthz") == Mischief()
        seen.append(mixed.strike("/score"))
    assert seen == expected


def test_rate_and_percentiles_are_what_was_asked_for() -> None:
    program = chaos(CHAOS_ERROR_RATE="0.1", CHAOS_LATENCY_MS_P50="20", CHAOS_LATENCY_MS_P99="200")
    struck = [program.strike("/score") for _ in range(20_000)]
    cuts = statistics.quantiles([mischief.seconds for mischief in struck], n=100)
    assert sum(mischief.fail for mischief in struck) / len(struck) == pytest.approx(0.1, rel=0.1)
    assert cuts[49] == pytest.approx(0.020, rel=0.05)
    assert cuts[98] == pytest.approx(0.200, rel=0.15)


@pytest.mark.parametrize(
    ("routes", "struck", "spared"),
    [
        pytest.param("", {"/", "/score", "/leaderboard"}, {"/healthz", "/readyz", "/metrics"}, id="all but health"),
        pytest.param("/score", {"/score"}, {"/", "/leaderboard", "/readyz"}, id="named"),
        pytest.param("/readyz, /score", {"/readyz", "/score"}, {"/"}, id="health, when named"),
    ],
)
def test_only_covered_routes_are_struck(routes: str, struck: set[str], spared: set[str]) -> None:
    program = chaos(CHAOS_ERROR_RATE="1", CHAOS_ROUTES=routes)
    assert all(program.strike(route).fail for route in struck)
    assert not any(program.strike(route).fail for route in spared)


def test_nothing_happens_where_chaos_is_not_enabled() -> None:
    assert chaos(CHAOS_ENABLED="false", CHAOS_ERROR_RATE="1").strike("/score") == Mischief()


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"CHAOS_LATENCY_MS_P50": "50", "CHAOS_LATENCY_MS_P99": "10"}, id="P99 below P50"),
        pytest.param({"CHAOS_LATENCY_MS_P99": "10"}, id="P99 alone"),
        pytest.param({"CHAOS_ERROR_RATE": "nan"}, id="no number"),
        pytest.param({"CHAOS_SEED": "x"}, id="seed that is no number"),
    ],
)
def test_chaos_that_makes_no_sense_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="CHAOS_"):
        Settings.read(environment)


def test_a_struck_request_fails_with_500_and_is_counted() -> None:
    with running(CHAOS_ENABLED="true", CHAOS_ERROR_RATE="1") as service:
        assert service.ask("/leaderboard").status == 500
        assert service.ask("/readyz").status == 200
        assert 'route="/leaderboard",status="500"} 1' in service.ask("/metrics").body


def test_above_its_limit_it_fails_and_below_again_it_does_not() -> None:
    now = [0.0]
    program = Chaos(
        Settings.read({"CHAOS_ENABLED": "true", "CHAOS_ERRORS_ABOVE_PER_SECOND": "5"}).chaos, lambda: now[0]
    )
    assert not any(program.strike("/score").fail for _ in range(10))
    assert program.strike("/score").fail
    now[0] = 3.0
    assert not program.strike("/score").fail


def test_what_leaks_is_kept_and_what_is_busy_is_told() -> None:
    program = chaos(CHAOS_LEAK_KIB="2", CHAOS_BUSY_MS="20")
    assert [program.strike("/score").busy_seconds for _ in range(3)] == [0.02] * 3
    assert [len(kept) for kept in program._kept] == [2048] * 3
    assert program.strike("/healthz") == Mischief()


def test_it_ends_by_itself_where_it_is_told_to() -> None:
    with running(CHAOS_ENABLED="true", CHAOS_CRASH_AFTER_SECONDS="0.5") as scoreboard:
        assert scoreboard.process.wait(timeout=60) == 3
