# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A check asks every healthy target, and its verdict says how many answers of how many targets were as expected.

A load balancer does not say which target answered. With `identity` the answer itself says it. Without it the number of
requests is such that every target is asked even if each request chose its target at random; in turn, as an application
load balancer does by default, it takes fewer.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
"""

from __future__ import annotations

import http.client
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..common.text import bounded
from ..rollout.gates import failed, passed, unclear
from ..rollout.model import Verdict
from .smoke import Answer, Endpoint, dig, mistakes, never, parsed

# The probability that a round of requests misses a target.
MISSED = 0.001
# Who has to be asked in between (the lease, a person's request) is asked this often.
_STOP_SECONDS = 2.0
_MISTAKES_SHOWN = 3
# What an answer says of its target stands in the verdict, and an answer may say a megabyte.
_IDENTITY_CHARACTERS = 200
# One slow answer in ten is chance; a target that is slow shows in more.
_FAST_SHARE = 0.9


@dataclass(frozen=True)
class Route:
    """How the requests of a check reach the targets of a colour: through the production rule, or with the test rule's headers."""

    endpoint: Endpoint
    targets: int
    headers: Mapping[str, str] = field(default_factory=dict)
    stopped: Callable[[], bool] = never
    pause: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Reply:
    """One request and what is wrong with its answer; without an answer, why there is none."""

    mistake: str
    answer: Answer | None = None
    identity: str = ""


def requests_needed(targets: int) -> int:
    """Requests after which no target is left out, but for one case in a thousand, if each goes to a target at random."""
    if targets <= 1:
        return 1
    return math.ceil(math.log(MISSED / targets) / math.log(1 - 1 / targets))


def smoke(route: Route, check: Mapping[str, Any]) -> Verdict:
    """Ask until there is a first right answer, then every target: from there on one wrong answer fails the check."""
    return _CheckRun(route, check).verdict()


class _Stopped(Exception):
    """The release has to end: nothing more is asked."""


class _CheckRun:
    def __init__(self, route: Route, check: Mapping[str, Any]) -> None:
        self.route, self.check = route, check
        self.title = f"check {check['name']}: {check['method']} {check['path']}"
        # Times are judged over a whole round.
        self._content = {**check, "maximum_milliseconds": None}
        self._headers = {**check["headers"], **route.headers}
        # A request that must not be repeated is sent once, whatever its answer is.
        self._tries: int = check["tries"] if check["every_target"] else 1
        self._attempts: int = check["attempts"] if check["every_target"] else 1
        self._asked_to_stop_at = time.monotonic()

    def verdict(self) -> Verdict:
        if self.route.targets == 0:
            # Without a healthy one a load balancer may send requests to any target: its answer proves nothing.
            return unclear(f"{self.title}: no target is healthy, so none could be asked")
        replies: list[Reply] = []
        try:
            first = self._first_right()
            if first.mistake:
                return failed(f"{self.title}: {first.mistake}")
            for number in range(self._attempts):
                if number:
                    self._wait()
                replies += self._round([first] if number == 0 else [])
                if any(reply.mistake for reply in replies):
                    break
        except _Stopped:
            return unclear(f"check {self.check['name']} was stopped")
        return self._judge(replies)

    def _first_right(self) -> Reply:
        reply = self._ask()
        for _attempt in range(self._tries - 1):
            if not reply.mistake:
                break
            self._wait()
            reply = self._ask()
        return reply

    def _round(self, replies: list[Reply]) -> list[Reply]:
        """The replies of every target; slow ones are given another round, as a version may have to warm up."""
        for number in range(self._tries):
            if number:
                self._wait()
                replies = []
            replies = self._every_target(replies)
            if any(reply.mistake for reply in replies) or not self._too_slow(replies):
                break
        return replies

    def _every_target(self, replies: list[Reply]) -> list[Reply]:
        replies = list(replies)
        while not self._complete(replies):
            if time.monotonic() - self._asked_to_stop_at >= _STOP_SECONDS:
                self._hear_stop()
            replies.append(self._ask())
            if replies[-1].answer is None:
                break
        return replies

    def _complete(self, replies: Sequence[Reply]) -> bool:
        if not self.check["every_target"]:
            return len(replies) >= 1
        if self.check["identity"] and len(_identities(replies)) >= self.route.targets:
            return True
        return len(replies) >= requests_needed(self.route.targets)

    def _ask(self) -> Reply:
        try:
            answer = self.route.endpoint.request(self.check, self._headers, self.route.stopped)
        except InterruptedError:
            raise _Stopped from None
        except (OSError, http.client.HTTPException) as refused:
            return Reply(f"no answer: {refused or type(refused).__name__}")
        found = list(mistakes(self._content, answer))
        identity = _identity(self.check["identity"], answer) if self.check["identity"] else ""
        if self.check["identity"] and not identity and not found:
            found.append(f"{self.check['identity']} is neither a header of the answer nor a value of its JSON")
        return Reply("; ".join(found), answer, identity)

    def _wait(self) -> None:
        self._hear_stop()
        left = self.check["interval_seconds"]
        while left > 0:
            self.route.pause(min(left, _STOP_SECONDS))
            left -= _STOP_SECONDS
            self._hear_stop()

    def _hear_stop(self) -> None:
        self._asked_to_stop_at = time.monotonic()
        if self.route.stopped():
            raise _Stopped

    def _judge(self, replies: Sequence[Reply]) -> Verdict:
        wrong = [reply for reply in replies if reply.mistake]
        if wrong:
            return failed(f"{self.title}: {self._counted(replies, wrong)}: {'; '.join(_counted_mistakes(wrong))}")
        slow = self._too_slow(replies)
        if slow:
            return failed(f"{self.title}: {slow}")
        known = len(_identities(replies))
        if self.check["identity"] and self.check["every_target"] and known < self.route.targets:
            return unclear(
                f"{self.title}: only {known} of {self.route.targets} healthy targets answered {len(replies)} requests, "
                f"by {self.check['identity']}: the others could not be asked"
            )
        return passed(f"{self.title} answers {_summary(replies)}: {self._counted(replies, [])}")

    def _counted(self, replies: Sequence[Reply], wrong: Sequence[Reply]) -> str:
        if not self.check["every_target"]:
            return "1 answer is wrong" if wrong else "1 answer is right"
        targets = f"{self.route.targets} healthy target{'' if self.route.targets == 1 else 's'}"
        answers = f"{len(replies)} answer{'' if len(replies) == 1 else 's'}"
        if self.check["identity"]:
            bad, known = len(_identities(wrong)), len(_identities(replies))
            said = f"{bad} of {known} targets asked answered wrong" if wrong else f"all {known} targets answered right"
            return f"{said} ({answers} of {targets})"
        return f"{len(wrong) or 'all'} of {answers} of {targets} {'are wrong' if wrong else 'are right'}"

    def _too_slow(self, replies: Sequence[Reply]) -> str:
        limit = self.check["maximum_milliseconds"]
        times = sorted(_milliseconds(replies))
        if limit is None or not times:
            return ""
        at = times[math.ceil(_FAST_SHARE * len(times)) - 1]
        if at <= limit:
            return ""
        slow = sum(seconds > limit for seconds in times)
        return f"{slow} of {len(times)} answers took longer than {limit} ms, the slowest {times[-1]:.0f} ms"


def _identity(name: str, answer: Answer) -> str:
    """What tells the target: a header of the answer, or else a value of its JSON."""
    header = answer.headers.get(name.lower())
    if header is not None:
        return bounded(header, _IDENTITY_CHARACTERS)
    try:
        found = dig(parsed(answer.body), name)
    except ValueError:
        return ""
    return "" if found is None else bounded(str(found), _IDENTITY_CHARACTERS)


def _identities(replies: Sequence[Reply]) -> set[str]:
    return {reply.identity for reply in replies if reply.identity}


def _counted_mistakes(wrong: Sequence[Reply]) -> Iterator[str]:
    """The mistakes, the most frequent first, each with its number or the targets that made it."""
    counted = Counter(reply.mistake for reply in wrong)
    for mistake, count in counted.most_common(_MISTAKES_SHOWN):
        by = sorted(_identities([reply for reply in wrong if reply.mistake == mistake]))
        yield f"{mistake} (by {', '.join(by)})" if by else f"{mistake}{f' ({count} times)' if count > 1 else ''}"
    if len(counted) > _MISTAKES_SHOWN:
        yield f"and {len(counted) - _MISTAKES_SHOWN} more kinds"


def _milliseconds(replies: Sequence[Reply]) -> list[float]:
    return [reply.answer.seconds * 1000 for reply in replies if reply.answer]


def _summary(replies: Sequence[Reply]) -> str:
    statuses = sorted({reply.answer.status for reply in replies if reply.answer})
    times = _milliseconds(replies)
    low, high = f"{min(times):.0f}", f"{max(times):.0f}"
    return f"{' and '.join(map(str, statuses))} in {low if low == high else f'{low} to {high}'} ms"
