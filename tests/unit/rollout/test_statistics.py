"""The exact tests against values worked out by counting, and their behaviour at the edges."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.rollout.statistics import (
    binomial_tail,
    difference_of_shares,
    fisher,
    mann_whitney,
    quantile_interval,
    share_interval,
    weighted_median,
)
from hypothesis import given
from hypothesis import strategies as st


def counted_fisher(a: int, m: int, b: int, n: int) -> Fraction:
    """The tail by summing whole numbers."""
    hits = a + b
    ways = sum(math.comb(m, x) * math.comb(n, hits - x) for x in range(a, min(m, hits) + 1) if hits - x <= n)
    return Fraction(ways, math.comb(m + n, hits))


@given(st.integers(1, 40), st.integers(1, 40), st.data())
def test_fishers_test_is_what_counting_gives(m: int, n: int, data: st.DataObject) -> None:
    a, b = data.draw(st.integers(0, m)), data.draw(st.integers(0, n))
    assert fisher(a, m, b, n) == pytest.approx(float(counted_fisher(a, m, b, n)), rel=1e-9, abs=1e-12)


@given(st.integers(1, 60), st.data(), st.integers(1, 99))
def test_the_binomial_tail_is_what_counting_gives(n: int, data: st.DataObject, percent: int) -> None:
    hits, share = data.draw(st.integers(0, n)), Fraction(percent, 100)
    counted = sum(math.comb(n, x) * share**x * (1 - share) ** (n - x) for x in range(hits, n + 1))
    assert binomial_tail(hits, n, percent / 100) == pytest.approx(float(counted), rel=1e-8, abs=1e-12)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        pytest.param(0, 10, 0.0, 0.30850, id="nothing seen is not nothing there"),
        pytest.param(1, 10, 0.00253, 0.44502, id="one of ten"),
        pytest.param(5, 100, 0.01643, 0.11284, id="five of a hundred"),
        pytest.param(10, 10, 0.69150, 1.0, id="all of them"),
        pytest.param(0, 0, 0.0, 1.0, id="no data says nothing"),
    ],
)
def test_the_interval_of_a_share_is_clopper_and_pearsons(hits: int, n: int, low: float, high: float) -> None:
    assert share_interval(hits, n) == (pytest.approx(low, abs=1e-5), pytest.approx(high, abs=1e-5))


@pytest.mark.parametrize(
    ("candidate", "live", "p"),
    [
        pytest.param([4.0, 5.0, 6.0], [1.0, 2.0, 3.0], 1 / 20, id="all above all: one of twenty orders"),
        pytest.param([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], 1.0, id="all below all"),
        pytest.param([2.0, 4.0], [1.0, 3.0], 2 / 6, id="interleaved"),
    ],
)
def test_the_rank_test_counts_orders(candidate: list[float], live: list[float], p: float) -> None:
    assert mann_whitney(candidate, live).p == pytest.approx(p)


def test_equal_values_on_both_sides_are_no_evidence() -> None:
    assert mann_whitney([1.0] * 6, [1.0] * 6).p == 1.0


@given(st.integers(1, 100_000), st.integers(1, 100_000), st.data())
def test_the_interval_of_a_difference_holds_its_estimate_and_stays_between_minus_one_and_one(
    m: int, n: int, data: st.DataObject
) -> None:
    test = difference_of_shares(data.draw(st.integers(0, m)), m, data.draw(st.integers(0, n)), n)
    assert -1.0 <= test.low <= test.estimate + 1e-9 and test.estimate - 1e-9 <= test.high <= 1.0
    assert 0.0 <= test.p <= 1.0


@given(st.integers(50, 5_000), st.integers(50, 5_000), st.data())
def test_one_error_more_never_looks_better(m: int, n: int, data: st.DataObject) -> None:
    a, b = data.draw(st.integers(0, m - 1)), data.draw(st.integers(0, n))
    assert fisher(a + 1, m, b, n) <= fisher(a, m, b, n) + 1e-12


@pytest.mark.parametrize(
    ("values", "weights", "middle"),
    [
        ((), (), None),
        ((1.0,), (0.0,), None),
        ((3.0, 1.0, 2.0), (1, 1, 1), 2.0),
        ((1.0, 3.0), (1, 1), 2.0),
        ((1.0, 3.0), (1, 3), 3.0),
        ((1.0, 2.0, 9.0), (1, 1, 100), 9.0),
        ((9.0, 1.0, 2.0), (1, 40, 60), 2.0),
    ],
)
def test_the_weighted_median_has_half_of_the_weight_on_each_side(
    values: tuple[float, ...], weights: tuple[float, ...], middle: float | None
) -> None:
    assert weighted_median(values, weights) == middle


@pytest.mark.parametrize(
    ("n", "low", "high"),
    [
        # Of 368 values the largest lies below the 99th percentile with less than 2.5 %, of 367 with more.
        (367, 359 / 367, None),
        (368, 360 / 368, 1.0),
        (1, 1.0, None),
        (0, 0.0, None),
    ],
)
def test_the_interval_of_a_p99_has_an_upper_bound_from_368_values_on(n: int, low: float, high: float | None) -> None:
    assert quantile_interval(0.99, n) == (pytest.approx(low), high)


@given(st.integers(1, 400), st.sampled_from([0.5, 0.95, 0.99]))
def test_the_interval_of_a_quantile_misses_it_as_seldom_as_it_says(n: int, quantile: float) -> None:
    low, high = quantile_interval(quantile, n)
    assert low * n <= math.ceil(quantile * n) + 1e-9
    # The value of that rank lies above the quantile, or below it, with at most 2.5 %.
    assert low == 0 or 1 - binomial_tail(round(low * n), n, quantile) <= 0.025
    assert high is None or binomial_tail(round(high * n), n, quantile) <= 0.025
