# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The first check: what users are answered. 5xx, latency, and whether anybody is answered at all. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ..rollout.model import Colour, Release
from ..rollout.statistics import weighted_median
from .facts import Answers, Certificate, Facts, Period, Unread
from .findings import Findings, State, Symptom, age, at, many

NAME = "5xx"
# The newest periods are judged, against those before them.
RECENT = 5
_SHARE_PERCENT = 2.0
_PROBLEM_PERCENT = 5.0
_ENOUGH_REQUESTS = 20
# CloudWatch has a minute up to three minutes late: only a longer silence is one.
_SILENCE_SECONDS = 360.0
_SLOWER = 2.0
_SLOWER_SECONDS = 0.2
_MORE_LOAD = 1.3
_CERTIFICATE_WARNING_SECONDS = 21 * 86400.0
_BALANCER_ERRORS = 10


def judge(facts: Facts) -> Findings:
    found = Findings(NAME)
    answers = facts.answers
    if isinstance(answers, Unread):
        found.say(State.UNKNOWN, answers.why)
        return found
    if not answers.routed:
        found.say(State.OK, "a worker: it is sent no requests")
        return found
    _certificate(found, answers.certificate, facts.now)
    both = together(answers)
    if not any(period.requests for period in both):
        found.say(State.UNKNOWN, f"no request was counted in the last {facts.minutes} minutes")
        _balancer(found, answers, facts)
        return found
    _errors(found, facts, answers, both)
    _silence(found, facts, both)
    _latency(found, facts, both)
    _balancer(found, answers, facts)
    for colour, periods in answers.colours.items():
        if any(period.requests for period in periods):
            found.evidence.append(f"{colour}: {_counted(periods[-RECENT:])} in the newest {_minutes(periods)}")
    return found


def together(answers: Answers) -> list[Period]:
    """Both colours as one."""
    by_time: dict[float, list[Period]] = {}
    for periods in answers.colours.values():
        for period in periods:
            by_time.setdefault(period.at, []).append(period)
    return [
        Period(
            moment,
            sum(period.requests for period in periods),
            sum(period.errors for period in periods),
            max((period.p99 for period in periods if period.p99 is not None), default=None),
        )
        for moment, periods in sorted(by_time.items())
    ]


def share(periods: Sequence[Period]) -> float:
    """Percent of the requests that failed."""
    requests = sum(period.requests for period in periods)
    return 100 * sum(period.errors for period in periods) / requests if requests else 0.0


def _errors(found: Findings, facts: Facts, answers: Answers, both: Sequence[Period]) -> None:
    bad = {
        colour: periods
        for colour, periods in answers.colours.items()
        if share(periods[-RECENT:]) > _SHARE_PERCENT
        and sum(period.requests for period in periods[-RECENT:]) >= _ENOUGH_REQUESTS
    }
    if not bad:
        _past_errors(found, both)
        return
    periods = max(bad.values(), key=lambda each: share(each[-RECENT:]))
    colours = " and ".join(str(colour) for colour in bad)
    percent, since = share(periods[-RECENT:]), _bad_since(periods)
    state = State.PROBLEM if percent > _PROBLEM_PERCENT else State.WARNING
    found.say(
        state,
        f"{percent:.1f} % of the requests to {colours} fail ({_counted(periods[-RECENT:])}), since {at(since)}",
        Symptom.ERRORS,
    )
    release = facts.changed_by
    # A colour whose first period in view is bad may have been bad before.
    if release is not None and _began_with(release, since, periods):
        found.show(
            f"the errors began at {at(since)}, after release {release.id} began at {at(release.started_at)}",
            Symptom.ERRORS_SINCE_RELEASE,
        )
        _of_new_colour(found, release, answers, set(bad))
    _with_load(found, periods)


def _began_with(release: Release, since: float, periods: Sequence[Period]) -> bool:
    """A period is dated by its beginning, so the release may have begun within it."""
    return since > release.started_at - _length(periods)


def _length(periods: Sequence[Period]) -> float:
    return min((after.at - before.at for before, after in pairwise(periods)), default=60.0)


def _of_new_colour(found: Findings, release: Release, answers: Answers, bad: set[Colour]) -> None:
    other = answers.colours.get(release.candidate.other, ())
    beside = [period for period in other if period.at >= release.started_at]
    if release.in_place or bad != {release.candidate} or sum(period.requests for period in beside) < _ENOUGH_REQUESTS:
        return
    found.show(
        f"only {release.candidate}, which the release tries, fails: of the requests to {release.candidate.other} over the same "
        f"minutes {share(beside):.1f} % fail",
        Symptom.ERRORS_OF_NEW_COLOUR,
    )


def _with_load(found: Findings, periods: Sequence[Period]) -> None:
    """Errors that come with more requests, and not before: of the same colour, so of the same version or the one before."""
    enough = [period for period in periods if period.requests >= _ENOUGH_REQUESTS]
    bad = [period for period in enough if share([period]) > _SHARE_PERCENT]
    since = bad[0].at if bad else 0.0
    good = [period for period in enough if period.at < since]
    if len(good) < 3 or len(bad) < 2:
        return
    before, now = (sum(period.requests for period in some) / len(some) for some in (good, bad))
    if now >= _MORE_LOAD * before:
        found.show(
            f"the errors came with more traffic: {now:.0f} requests a minute while it fails, {before:.0f} before",
            Symptom.ERRORS_WITH_LOAD,
        )


def _past_errors(found: Findings, both: Sequence[Period]) -> None:
    bad = [period for period in both if period.errors and share([period]) > _SHARE_PERCENT]
    recent = both[-RECENT:]
    errors = sum(period.errors for period in both)
    if bad and bad[-1].at < recent[0].at and sum(period.errors for period in bad) >= _ENOUGH_REQUESTS:
        found.say(
            State.OK,
            f"{_counted(recent)} now; {many(sum(p.errors for p in bad), 'request')} failed between {at(bad[0].at)} and {at(bad[-1].at)}",
        )
    else:
        found.say(State.OK, f"{_counted(recent)}" + (f", {errors:,} in all the minutes" if errors else ""))


def _silence(found: Findings, facts: Facts, both: Sequence[Period]) -> None:
    last = max(period.at for period in both if period.requests)
    if facts.now - last > _SILENCE_SECONDS:
        found.say(
            State.WARNING,
            f"no request was counted since {at(last)}, {age(facts.now - last)} ago",
            Symptom.NO_REQUESTS,
        )


def _latency(found: Findings, facts: Facts, both: Sequence[Period]) -> None:
    timed = [period for period in both if period.p99 is not None and period.requests]
    recent, before = timed[-RECENT:], timed[:-RECENT]
    now = _p99(recent)
    if now is None:
        return
    usual = _p99(before) if len(before) >= RECENT else None
    found.evidence.append(f"p99 {now:.2f} s" + (f", before {usual:.2f} s" if usual is not None else ""))
    if usual is None or now < _SLOWER * usual or now - usual < _SLOWER_SECONDS:
        return
    since = next(
        (period.at for period in timed if (period.p99 or 0.0) >= (usual + now) / 2 and period.at >= recent[0].at),
        recent[0].at,
    )
    found.say(State.WARNING, f"p99 is {now:.2f} s, and was {usual:.2f} s before {at(since)}", Symptom.SLOW)
    release = facts.changed_by
    if release is not None and _began_with(release, since, timed):
        found.show(
            f"it is slower since {at(since)}, and release {release.id} began at {at(release.started_at)}",
            Symptom.SLOW_SINCE_RELEASE,
        )


def _p99(periods: Sequence[Period]) -> float | None:
    return weighted_median(
        [period.p99 for period in periods if period.p99 is not None], [float(period.requests) for period in periods]
    )


def _balancer(found: Findings, answers: Answers, facts: Facts) -> None:
    count = int(sum(value for _time, value in answers.balancer_errors))
    if count < _BALANCER_ERRORS:
        return
    first, last = answers.balancer_errors[0][0], answers.balancer_errors[-1][0]
    sentence = (
        f"the load balancer answered {many(count, 'request')} with 5xx itself, for any of its services, "
        f"between {at(first)} and {at(last)}"
    )
    # Services share a load balancer: by itself this says nothing of one of them.
    found.show(sentence, Symptom.BALANCER_ERRORS)
    found.evidence.append(sentence)


def _certificate(found: Findings, certificate: Certificate | Unread | None, now: float) -> None:
    if isinstance(certificate, Unread):
        found.evidence.append(f"the certificate was not read: {certificate.why}")
    elif certificate is not None and certificate.expires_at <= now:
        found.say(
            State.PROBLEM,
            f"the certificate of {certificate.domain} expired {age(now - certificate.expires_at)} ago: clients refuse the connection",
            Symptom.CERTIFICATE_EXPIRED,
        )
    elif certificate is not None and certificate.expires_at - now < _CERTIFICATE_WARNING_SECONDS:
        days = (certificate.expires_at - now) / 86400
        found.say(
            State.WARNING,
            f"the certificate of {certificate.domain} expires in {days:.0f} days",
            Symptom.CERTIFICATE_EXPIRES,
        )


def _bad_since(periods: Sequence[Period]) -> float:
    """The beginning of the bad periods that last until now; good ones with too few requests in between do not end them.

    A colour that got no request for a while was without traffic: what it answered before that was another version's.
    """
    since = later = periods[-1].at
    pause = RECENT * _length(periods)
    for period in reversed([period for period in periods if period.requests]):
        if later - period.at > pause:
            break
        later = period.at
        if share([period]) > _SHARE_PERCENT:
            since = period.at
        elif period.requests >= _ENOUGH_REQUESTS and period.at < periods[-RECENT:][0].at:
            break
    return since


def _counted(periods: Sequence[Period]) -> str:
    requests, errors = (sum(getattr(period, name) for period in periods) for name in ("requests", "errors"))
    return f"{errors:,} of {requests:,} requests failed"


def _minutes(periods: Sequence[Period]) -> str:
    return many(len(periods[-RECENT:]), "period")
