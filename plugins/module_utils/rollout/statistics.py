# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Exact tests on counts and ranks, with the intervals that let a reader check them. Stdlib only."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

EXACT_RANK_LIMIT = 400
CONVERGED = 1e-15


@dataclass(frozen=True)
class Test:
    """The result of a one-sided test: how likely is what was seen if the candidate were no worse."""

    p: float
    estimate: float
    low: float
    high: float


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def hypergeometric_tail(hits: int, drawn: int, marked: int, total: int) -> float:
    """P(X >= hits) when `drawn` of `total` are drawn and `marked` of the total are hits."""
    lowest, highest = max(0, drawn + marked - total), min(drawn, marked)
    if hits <= lowest:
        return 1.0
    if hits > highest:
        return 0.0
    mean = drawn * marked / total
    if hits < mean:
        # The lower tail is the shorter sum here; the mirror image counts the unmarked ones drawn.
        return max(0.0, 1.0 - hypergeometric_tail(drawn - hits + 1, drawn, total - marked, total))
    term = math.exp(_log_choose(marked, hits) + _log_choose(total - marked, drawn - hits) - _log_choose(total, drawn))
    tail = 0.0
    for x in range(hits, highest + 1):
        tail += term
        if term < tail * CONVERGED:
            break
        term *= (marked - x) * (drawn - x) / ((x + 1) * (total - marked - drawn + x + 1))
    return min(1.0, tail)


def fisher(candidate_hits: int, candidate_n: int, live_hits: int, live_n: int) -> float:
    """Fisher's exact one-sided p: the chance of so many hits on the candidate's side if both shares were equal."""
    return hypergeometric_tail(candidate_hits, candidate_n, candidate_hits + live_hits, candidate_n + live_n)


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Continued fraction of the incomplete beta function, evaluated by Lentz's method."""
    tiny = 1e-300
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    value = d
    for m in range(1, 10_000):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 + numerator * d
            c = 1.0 + numerator / c
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = c if abs(c) > tiny else tiny
            value *= c * d
        if abs(c * d - 1.0) < CONVERGED:
            break
    return value


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b)."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _beta_fraction(a, b, x) / a
    return 1.0 - front * _beta_fraction(b, a, 1.0 - x) / b


def binomial_tail(hits: int, n: int, share: float) -> float:
    """P(X >= hits) of n draws that hit with the given share."""
    if hits <= 0:
        return 1.0
    if hits > n:
        return 0.0
    return incomplete_beta(hits, n - hits + 1, share)


def share_interval(hits: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The Clopper-Pearson interval of a share."""
    if n == 0:
        return 0.0, 1.0
    alpha = (1.0 - confidence) / 2.0
    low = 0.0 if hits == 0 else _solve(lambda share: binomial_tail(hits, n, share) - alpha)
    high = 1.0 if hits == n else _solve(lambda share: binomial_tail(hits + 1, n, share) - (1.0 - alpha))
    return low, high


def quantile_interval(quantile: float, n: int, confidence: float = 0.95) -> tuple[float, float | None]:
    """Between which quantiles of n values the quantile of what they were drawn from lies, whatever its distribution.

    By order statistics. None where even the largest of so few values may lie below it.
    """
    alpha = (1.0 - confidence) / 2.0
    ranks = range(n + 1)
    # The value of rank r lies above the quantile if fewer than r values fall below that, and below it if r or more do.
    low = bisect_right(ranks, alpha, key=lambda rank: 1.0 - binomial_tail(rank, n, quantile)) - 1
    high = bisect_left(ranks, -alpha, key=lambda rank: -binomial_tail(rank, n, quantile))
    return (low / n, high / n if high <= n else None) if n else (0.0, None)


def _solve(rising: Callable[[float], float]) -> float:
    """The root between 0 and 1 of a rising function, by bisection."""
    low, high = 0.0, 1.0
    for _halving in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if rising(middle) < 0.0 else (low, middle)
    return (low + high) / 2.0


def difference_of_shares(candidate_hits: int, candidate_n: int, live_hits: int, live_n: int) -> Test:
    """Fisher's test, with the difference of the shares and Newcombe's interval of it made from exact ones."""
    candidate, live = candidate_hits / candidate_n, live_hits / live_n
    candidate_low, candidate_high = share_interval(candidate_hits, candidate_n)
    live_low, live_high = share_interval(live_hits, live_n)
    estimate = candidate - live
    return Test(
        p=fisher(candidate_hits, candidate_n, live_hits, live_n),
        estimate=estimate,
        low=max(-1.0, estimate - math.hypot(candidate - candidate_low, live_high - live)),
        high=min(1.0, estimate + math.hypot(candidate_high - candidate, live - live_low)),
    )


def weighted_median(values: Sequence[float], weights: Sequence[float]) -> float | None:
    """The value with half of the weight on each side; between two values, their mean. None without any weight."""
    half = sum(weights) / 2.0
    if half <= 0:
        return None
    ordered = sorted(zip(values, weights, strict=True))
    below = 0.0
    for position, (value, weight) in enumerate(ordered):
        below += weight
        if math.isclose(below, half) and position + 1 < len(ordered):
            return (value + ordered[position + 1][0]) / 2.0
        if below >= half:
            return value
    return ordered[-1][0]


def _rank_counts(m: int, n: int) -> list[int]:
    """For each value of U, the number of orderings of m candidates among n others that give it."""
    counts = [1] + [0] * (m * n)
    # The generating function is the Gaussian binomial coefficient: multiply by (1 - q^(n+i)), divide by (1 - q^i).
    for i in range(1, m + 1):
        for u in range(m * n, n + i - 1, -1):
            counts[u] -= counts[u - n - i]
        for u in range(i, m * n + 1):
            counts[u] += counts[u - i]
    return counts


def mann_whitney(candidate: Sequence[float], live: Sequence[float]) -> Test:
    """The one-sided rank test that the candidate's values are the larger ones, with the Hodges-Lehmann shift.

    Exact where the samples are small and without ties, otherwise by the normal approximation corrected for both.
    """
    m, n = len(candidate), len(live)
    differences = sorted(ours - theirs for ours in candidate for theirs in live)
    u = sum(1.0 if difference > 0 else 0.5 if difference == 0 else 0.0 for difference in differences)
    pooled = [*candidate, *live]
    sizes = [pooled.count(value) for value in set(pooled)]
    if max(sizes) == 1 and m * n <= EXACT_RANK_LIMIT:
        counts = _rank_counts(m, n)
        p = sum(counts[round(u) :]) / sum(counts)
    else:
        total = m + n
        ties = sum(size**3 - size for size in sizes) / (total * (total - 1))
        variance = m * n / 12.0 * (total + 1 - ties)
        p = 1.0 if variance <= 0 else 0.5 * math.erfc((u - m * n / 2.0 - 0.5) / math.sqrt(2.0 * variance))
    spread = 1.96 * math.sqrt(m * n * (m + n + 1) / 12.0)
    first = max(0, math.floor(m * n / 2.0 - spread))
    return Test(p=p, estimate=median(differences), low=differences[first], high=differences[-first - 1])
