"""The statistics of the gates, which need the standard library alone, give what scipy gives."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.rollout.statistics import (
    EXACT_RANK_LIMIT,
    binomial_tail,
    fisher,
    hypergeometric_tail,
    incomplete_beta,
    mann_whitney,
    share_interval,
)
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.long


def scipy() -> Any:
    """Read by the tests alone: it takes a second, which a run without them does not need."""
    return importlib.import_module("scipy")


# Times of requests, in milliseconds: whole numbers, so that ties occur.
TIMES = st.lists(st.integers(1, 400).map(float), min_size=1, max_size=30)


@given(st.integers(1, 200_000), st.integers(1, 200_000), st.data())
@settings(deadline=None)
def test_fishers_p(m: int, n: int, data: st.DataObject) -> None:
    a, b = data.draw(st.integers(0, min(m, 500))), data.draw(st.integers(0, min(n, 500)))
    theirs = scipy().stats.fisher_exact([[a, m - a], [b, n - b]], alternative="greater").pvalue
    assert fisher(a, m, b, n) == pytest.approx(theirs, rel=1e-5, abs=1e-12)


@given(st.integers(1, 5_000), st.data())
@settings(deadline=None)
def test_the_tail_of_the_hypergeometric_distribution(total: int, data: st.DataObject) -> None:
    drawn, marked = data.draw(st.integers(0, total)), data.draw(st.integers(0, total))
    hits = data.draw(st.integers(0, total))
    theirs = scipy().stats.hypergeom.sf(hits - 1, total, marked, drawn)
    assert hypergeometric_tail(hits, drawn, marked, total) == pytest.approx(theirs, rel=1e-6, abs=1e-12)


@given(st.integers(1, 100_000), st.data(), st.floats(0.0001, 0.9999))
@settings(deadline=None)
def test_the_tail_of_the_binomial_distribution(n: int, data: st.DataObject, share: float) -> None:
    hits = data.draw(st.integers(0, n))
    theirs = scipy().stats.binom.sf(hits - 1, n, share)
    assert binomial_tail(hits, n, share) == pytest.approx(theirs, rel=1e-6, abs=1e-12)


@given(st.floats(0.5, 20_000), st.floats(0.5, 20_000), st.floats(0.0, 1.0))
@settings(deadline=None)
def test_the_incomplete_beta_function(a: float, b: float, x: float) -> None:
    assert incomplete_beta(a, b, x) == pytest.approx(scipy().special.betainc(a, b, x), rel=1e-6, abs=1e-12)


@given(st.integers(1, 100_000), st.data(), st.sampled_from([0.9, 0.95, 0.99]))
@settings(deadline=None)
def test_the_interval_of_clopper_and_pearson(n: int, data: st.DataObject, confidence: float) -> None:
    hits = data.draw(st.integers(0, n))
    theirs = scipy().stats.binomtest(hits, n).proportion_ci(confidence, method="exact")
    assert share_interval(hits, n, confidence) == (
        pytest.approx(theirs.low, abs=1e-9),
        pytest.approx(theirs.high, abs=1e-9),
    )


@given(TIMES, TIMES)
@settings(deadline=None)
def test_the_p_of_mann_and_whitney(candidate: list[float], live: list[float]) -> None:
    untied = len({*candidate, *live}) == len(candidate) + len(live)
    exact = untied and len(candidate) * len(live) <= EXACT_RANK_LIMIT
    if len({*candidate, *live}) == 1:
        # Without any difference the approximation has no variance, and scipy answers NaN.
        assert mann_whitney(candidate, live).p == 1.0
        return
    method = "exact" if exact else "asymptotic"
    theirs = scipy().stats.mannwhitneyu(candidate, live, alternative="greater", method=method).pvalue
    assert mann_whitney(candidate, live).p == pytest.approx(theirs, rel=1e-6, abs=1e-12)
