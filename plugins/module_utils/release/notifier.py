# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Publishes the notices of a release to SNS topics. What cannot be told is a warning of the run, and costs it seconds at most."""

from __future__ import annotations

from collections.abc import Sequence

from ..aws import sns, sts
from ..aws.arns import ArnScope
from ..aws.errors import Failure
from ..aws.session import Aws
from ..rollout.actions import Decision
from ..rollout.model import Release
from .notices import Notice, Sender, due, left, message
from .ports import Clock, Progress

_CONNECT_SECONDS, _READ_SECONDS = 1.0, 3.0
# So long may calls that fail take in all of a run; then nothing more is told.
_LOST_SECONDS = 15.0


class Notifier:
    """Tells each event once to each topic."""

    def __init__(self, aws: Aws, sender: Sender, clock: Clock, progress: Progress) -> None:
        # No repetition: the lease and the candidate's traffic are watched again in between.
        self._aws = aws.fenced(_CONNECT_SECONDS, _READ_SECONDS, lambda: True)
        self._arns: list[str] = []
        self._sender = sender
        self._clock = clock
        self._progress = progress
        self._tried: set[tuple[str, str]] = set()
        self._lost_seconds = 0.0
        self._warnings: list[str] = []

    def tell(self, decision: Decision) -> tuple[str, ...]:
        return tuple(notice.key for notice in due(decision) if self._publish(notice))

    def left(self, release: Release, reason: str) -> None:
        self._publish(left(release, reason))

    @property
    def warnings(self) -> Sequence[str]:
        return self._warnings

    def _publish(self, notice: Notice) -> bool:
        """Whether at least one topic was told."""
        known = (notice.release.id, notice.key)
        if known in self._tried or self._lost_seconds > _LOST_SECONDS:
            return False
        self._tried.add(known)
        published = False
        now = self._clock.now()
        try:
            arns = self._resolved()
        except Failure as failure:
            return self._failed(notice, failure, now)
        for arn in arns:
            now = self._clock.now()
            try:
                sns.publish(self._aws, arn, message(notice, self._sender, now))
                published = True
            except Failure as failure:
                self._failed(notice, failure, now)
        return published

    def _failed(self, notice: Notice, failure: Failure, since: float) -> bool:
        self._lost_seconds += self._clock.now() - since
        said = f"the notification '{notice.event}' of {notice.release.id} was not sent: {failure}"
        self._warnings.append(said)
        self._progress.line(said)
        return False

    def _resolved(self) -> list[str]:
        """The ARNs of the topics: one that is named without is of the caller's account."""
        if not self._arns:
            topics = self._sender.topics
            named = [topic for topic in topics if not topic.startswith("arn:")]
            place = self._place() if named else None
            self._arns = [place.arn("sns", topic) if place and topic in named else topic for topic in topics]
        return self._arns

    def _place(self) -> ArnScope:
        caller = sts.caller(self._aws)
        return ArnScope(self._aws.region, caller["account"], caller["arn"].split(":")[1])
