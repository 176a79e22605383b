# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judgements: readings in, a verdict with its reason out. No data is never a pass, and the worst verdict wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from .model import (
    Bound,
    ColourState,
    Counts,
    ErrorGate,
    Gates,
    LatencyGate,
    MissingData,
    Readings,
    Result,
    Traffic,
    Verdict,
)
from .statistics import Test, binomial_tail, difference_of_shares, fisher, mann_whitney, share_interval, weighted_median

# The middle one of three periods is right although one of them is odd.
FEWEST_PERIODS = 3
RANK_SAMPLES = 4
# An incident of live lasts at most this part of its periods: errors in more of them, or here and there, are how live is.
INCIDENT_SHARE = 1 / 3
# Hampel's identifier: three standard deviations, estimated from the median absolute deviation.
ODD_DEVIATIONS = 3 * 1.4826
SEVERITY = {Result.PASS: 0, Result.INCONCLUSIVE: 1, Result.FAIL: 2}


def passed(reason: str) -> Verdict:
    return Verdict(Result.PASS, reason)


def unclear(reason: str) -> Verdict:
    return Verdict(Result.INCONCLUSIVE, reason)


def failed(reason: str) -> Verdict:
    return Verdict(Result.FAIL, reason)


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst verdict wins; its reason names everything that is as bad. Nothing judged is not a pass."""
    judged = tuple(verdicts)
    if not judged:
        return unclear("nothing was judged")
    worst = max((verdict.result for verdict in judged), key=SEVERITY.__getitem__)
    reasons = dict.fromkeys(verdict.reason for verdict in judged if verdict.result is worst)
    return Verdict(worst, "; ".join(reasons))


def judge(gates: Gates, readings: Readings, candidate: ColourState, minimum: int) -> Verdict:
    """Everything that is judged while the candidate holds production traffic."""
    return combine(verdicts(gates, readings, candidate, minimum).values())


def verdicts(gates: Gates, readings: Readings, candidate: ColourState, minimum: int) -> dict[str, Verdict]:
    """The verdict of each gate, by what it judges."""
    found = {"target health": health(candidate, minimum)}
    for name, alarm in zip(gates.alarms, alarms(gates.alarms, readings.alarms), strict=True):
        found[f"alarm {name}"] = alarm
    if gates.errors:
        found["errors"] = errors(gates.errors, readings)
    if gates.latency:
        found["latency"] = latency(gates.latency, readings)
    for limit in gates.bounds:
        found[f"metric {limit.name}"] = bound(limit, readings.metrics.get(limit.name))
    return found


def health(state: ColourState, minimum: int) -> Verdict:
    if state.healthy < minimum:
        why = f" ({state.unhealthy})" if state.unhealthy else ""
        return failed(f"{state.colour} has {state.healthy} healthy targets, fewer than its minimum of {minimum}{why}")
    return passed(f"{state.colour} has {state.healthy} healthy targets (minimum {minimum})")


def alarms(names: Sequence[str], states: Mapping[str, str]) -> list[Verdict]:
    return [_alarm(name, states.get(name)) for name in names]


def _alarm(name: str, state: str | None) -> Verdict:
    if state == "ALARM":
        return failed(f"alarm {name} is firing")
    if state == "OK":
        return passed(f"alarm {name} is quiet")
    if state is None:
        return unclear(f"alarm {name} does not exist")
    return unclear(f"alarm {name} has no data ({state})")


def _too_few(gate: ErrorGate | LatencyGate, traffic: Traffic | None, whose: str) -> Verdict | None:
    if traffic is None:
        return unclear(f"no whole period of {whose}'s requests can be read yet, so there is nothing to judge")
    if traffic.requests == 0:
        return unclear(f"{whose} has answered no request in the periods read, so there is nothing to judge")
    if traffic.requests < gate.minimum_requests:
        return unclear(
            f"{whose} has answered {traffic.requests} requests of the {gate.minimum_requests} needed to judge"
        )
    return None


def errors(gate: ErrorGate, readings: Readings) -> Verdict:
    """Share of 5xx, by a target or by the load balancer: absolute ceiling first, then candidate against live by an exact test.

    Failing takes both significance and size: with millions of requests a harmless difference is significant, and with
    a hundred a large one may be chance. Large but not yet significant is inconclusive, so sparse errors do not pass.
    Where live had an incident it is compared without that as well, and the worse verdict counts.
    """
    few = _too_few(gate, readings.candidate, "the candidate")
    if few or readings.candidate is None:
        return few or unclear("the candidate has no readings")
    ours = readings.candidate
    significance = gate.significance / max(1, readings.looks)
    ceiling = _error_ceiling(gate, ours, significance)
    if ceiling and ceiling.result is not Result.PASS:
        return ceiling
    live = readings.live
    few_live = _too_few(gate, live, "live")
    if few_live or live is None:
        return ceiling or few_live or unclear("live has no readings")
    compared, incident = _compared(gate, ours, live, significance), _incident(gate, live)
    # The candidate's requests of the same periods are left out too: what fails for both is no fault of the candidate.
    ours_beside = _without(ours, incident)
    if not incident or not ours_beside.requests or compared.result is Result.FAIL:
        return compared
    usual = _compared(gate, ours_beside, _without(live, incident), significance)
    said = f"without what looks like an incident of live ({_incident_text(live, incident)}): {usual.reason}"
    return combine((compared, replace(usual, reason=said)))


def _compared(gate: ErrorGate, ours: Traffic, live: Traffic, significance: float) -> Verdict:
    test = difference_of_shares(ours.errors, ours.requests, live.errors, live.requests)
    compared = _shares(ours, live, test)
    if test.estimate <= gate.tolerance_percent / 100:
        return passed(f"{compared}: no more than {gate.tolerance_percent:g} points worse")
    if test.p <= significance:
        return failed(f"{compared}: worse by more than {gate.tolerance_percent:g} points, and not by chance")
    return unclear(
        f"{compared}: looks worse, but so few requests cannot rule out chance (needs p ≤ {significance:.2g})"
    )


def _incident(gate: ErrorGate, live: Traffic) -> set[float]:
    """Live's odd periods, where they lie close together and hide more than the gate tolerates.

    A period is odd if its share of errors is far above the middle one, by requests, and not by chance.
    """
    periods = [(at, counts) for at, counts in sorted(live.periods.items()) if counts.requests]
    if len(periods) < FEWEST_PERIODS:
        return set()
    weights = [counts.requests for _at, counts in periods]
    shares = [counts.errors / counts.requests for _at, counts in periods]
    usual = weighted_median(shares, weights) or 0.0
    spread = weighted_median([abs(share - usual) for share in shares], weights) or 0.0
    above = usual + max(gate.tolerance_percent / 100, ODD_DEVIATIONS * spread)
    requests, errors = sum(weights), sum(counts.errors for _at, counts in periods)
    odd = [
        place
        for place, (_at, counts) in enumerate(periods)
        if shares[place] > above
        and fisher(counts.errors, counts.requests, errors - counts.errors, requests - counts.requests)
        <= gate.significance
    ]
    if not odd or odd[-1] - odd[0] + 1 > len(periods) * INCIDENT_SHARE:
        return set()
    incident = {periods[place][0] for place in odd}
    rest = _without(live, incident)
    moved = errors / requests - rest.errors / rest.requests
    return incident if moved > gate.tolerance_percent / 100 else set()


def _without(traffic: Traffic, left_out: set[float]) -> Traffic:
    """The counts of the other periods."""
    rest = sum((counts for at, counts in traffic.periods.items() if at not in left_out), Counts(0, 0))
    return Traffic(rest.requests, rest.errors, unanswered=rest.unanswered)


def _incident_text(live: Traffic, incident: set[float]) -> str:
    odd = _without(live, set(live.periods) - incident)
    count = f"{len(incident)} period{'' if len(incident) == 1 else 's'}"
    return f"{count}, {odd.errors / odd.requests:.2%} of {odd.requests}"


def _error_ceiling(gate: ErrorGate, ours: Traffic, significance: float) -> Verdict | None:
    if gate.ceiling_percent is None:
        return None
    errors = ours.certain_errors
    share = errors / ours.requests
    low, high = share_interval(errors, ours.requests)
    measured = (
        f"5xx share {share:.2%} of {ours.requests} (95 % interval {low:.2%} to {high:.2%}), "
        f"ceiling {gate.ceiling_percent:g} %"
    )
    if share * 100 <= gate.ceiling_percent:
        return passed(measured)
    p = binomial_tail(errors, ours.requests, gate.ceiling_percent / 100)
    if p <= significance:
        return failed(f"{measured}, p {p:.2g}: above it, and not by chance")
    return unclear(f"{measured}, p {p:.2g}: above it, but so few requests cannot rule out chance")


def _shares(ours: Traffic, live: Traffic, test: Test) -> str:
    return (
        f"5xx share {ours.errors / ours.requests:.2%} of {ours.requests}{_unanswered(ours)} against live's "
        f"{live.errors / live.requests:.2%} of {live.requests}{_unanswered(live)} "
        f"(difference {test.estimate * 100:+.2f} points, 95 % from {test.low * 100:+.2f} to {test.high * 100:+.2f}, "
        f"p {test.p:.2g})"
    )


def _unanswered(traffic: Traffic) -> str:
    """A hanging version has no 5xx of its own to be found in its logs."""
    return f" (no target answered {traffic.unanswered} of them)" if traffic.unanswered else ""


def latency(gate: LatencyGate, readings: Readings) -> Verdict:
    """The middle p99 of the periods: absolute ceiling, then the ratio to live.

    A ratio above the limit fails, unless too few periods were read to know or the rank test says chance.
    """
    few = _too_few(gate, readings.candidate, "the candidate")
    if few or readings.candidate is None:
        return few or unclear("the candidate has no readings")
    ours = readings.candidate
    if ours.p99_seconds is None:
        return unclear("the candidate has no response times yet")
    if gate.ceiling_seconds is not None and ours.p99_seconds > gate.ceiling_seconds:
        return failed(
            f"p99 {_spread(ours)} of {ours.requests} requests is above the ceiling of "
            f"{gate.ceiling_seconds * 1000:.0f} ms"
        )
    if gate.maximum_ratio is None:
        return passed(f"p99 {_spread(ours)} of {ours.requests} requests is below its ceiling")
    if few_live := _too_few(gate, readings.live, "live"):
        return few_live
    live = readings.live
    if live is None or not live.p99_seconds:
        return unclear("live has no response times to compare with")
    ratio = ours.p99_seconds / live.p99_seconds
    compared = (
        f"p99 {_spread(ours)} of {ours.requests} requests against live's {_spread(live)} of {live.requests} "
        f"(ratio {ratio:.2f}, limit {gate.maximum_ratio:g})"
    )
    if ratio <= gate.maximum_ratio:
        return passed(compared)
    periods = min(len(ours.samples), len(live.samples))
    if periods < FEWEST_PERIODS:
        return unclear(
            f"{compared}: looks slower, but one odd period may be all of it (needs {FEWEST_PERIODS} of each)"
        )
    if periods < RANK_SAMPLES:
        return failed(f"{compared}; fewer than {RANK_SAMPLES} periods each, so the ratio alone decides")
    test = mann_whitney(ours.samples, live.samples)
    ranks = (
        f"rank test over {len(ours.samples)} and {len(live.samples)} periods: shift {test.estimate * 1000:+.0f} ms "
        f"({test.low * 1000:+.0f} to {test.high * 1000:+.0f}), p {test.p:.2g}"
    )
    # Four periods against four cannot reach a p below 1/70, however clear they are.
    reachable = 1 / _orderings(len(ours.samples), len(live.samples))
    if test.p <= max(gate.significance / max(1, readings.looks), reachable):
        return failed(f"{compared}; {ranks}: slower, and not by chance")
    return unclear(f"{compared}; {ranks}: looks slower, but the periods do not agree")


def _spread(traffic: Traffic) -> str:
    """The middle p99, and between which values those of the periods lie."""
    middle = f"{(traffic.p99_seconds or 0.0) * 1000:.0f} ms"
    if len(traffic.samples) < 2:
        return middle
    low, high = min(traffic.samples) * 1000, max(traffic.samples) * 1000
    return f"{middle} ({low:.0f} to {high:.0f} ms in {len(traffic.samples)} periods)"


def alone(gates: Gates) -> Gates:
    """The gates of a first release: there is no live colour that it could be compared with, so ceilings are all that is left."""
    return replace(
        gates,
        errors=gates.errors if gates.errors and gates.errors.ceiling_percent is not None else None,
        latency=replace(gates.latency, maximum_ratio=None)
        if gates.latency and gates.latency.ceiling_seconds is not None
        else None,
    )


def _orderings(m: int, n: int) -> float:
    total = 1.0
    for i in range(1, m + 1):
        total *= (n + i) / i
    return total


def bound(limit: Bound, values: Sequence[float] | None) -> Verdict:
    """A metric of the user's, by its latest value. None: there was no whole period to read yet."""
    if values is None:
        return unclear(f"metric {limit.name} has no whole period yet")
    if not values:
        match limit.missing:
            case MissingData.PASS:
                return passed(f"metric {limit.name} has no data, which passes")
            case MissingData.INCONCLUSIVE:
                return unclear(f"metric {limit.name} has no data (missing: zero or pass, where that is no fault)")
    latest = values[-1] if values else 0.0
    if limit.maximum is not None and latest > limit.maximum:
        return failed(f"metric {limit.name} is {latest:g}, above {limit.maximum:g}")
    if limit.minimum is not None and latest < limit.minimum:
        return failed(f"metric {limit.name} is {latest:g}, below {limit.minimum:g}")
    return passed(f"metric {limit.name} is {latest:g}")
