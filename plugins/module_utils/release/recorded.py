# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ports that write down in the journal what passes through them, and are otherwise those that they stand before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..rollout.actions import FleetAction
from ..rollout.gates import verdicts
from ..rollout.model import Colour, Fleet, Readings, Release, Verdict, Weights
from .journal import Journal, step_title
from .ports import Clock, Judges, Progress, Provider


@dataclass(frozen=True)
class RecordedProgress:
    progress: Progress
    journal: Journal
    clock: Clock

    def line(self, text: str) -> None:
        self.journal.line(self.clock.now(), text)
        self.progress.line(text)

    def heartbeat(self, text: str) -> None:
        self.progress.heartbeat(text)


@dataclass(frozen=True)
class RecordedProvider:
    provider: Provider
    journal: Journal
    clock: Clock

    def read(self, count_unended: bool = False) -> Fleet:
        return self._seen(self.provider.read(count_unended))

    def glance(self) -> Fleet:
        return self._seen(self.provider.glance())

    def read_load_balancer(self) -> Fleet:
        # Not in the journal: it would show colours without tasks.
        return self.provider.read_load_balancer()

    def register(self, release: Release) -> str:
        return self.provider.register(release)

    def apply(self, action: FleetAction, until: float) -> None:
        self.provider.apply(action, until)

    def shift(self, weights: Weights, until: float) -> None:
        self.provider.shift(weights, until)
        self.journal.weights(self.clock.now(), weights)

    def difference(self, colour: Colour) -> dict[str, str]:
        return self.provider.difference(colour)

    def _seen(self, fleet: Fleet) -> Fleet:
        self.journal.fleet(self.clock.now(), fleet)
        return fleet


@dataclass(frozen=True)
class RecordedJudges:
    judges: Judges
    journal: Journal
    clock: Clock

    def readings(self, release: Release, fleet: Fleet, now: float) -> Readings:
        found = self.judges.readings(release, fleet, now)
        judged = verdicts(release.gates, found, fleet.state(release.candidate), release.policy.minimum_healthy)
        self.journal.verdicts(now, step_title(release), judged)
        return found

    def prove(self, release: Release, check: str, stopped: Callable[[], bool]) -> Verdict:
        return self._judged(release, f"check {check}", self.judges.prove(release, check, stopped))

    def probe(self, release: Release, stopped: Callable[[], bool]) -> Verdict | None:
        found = self.judges.probe(release, stopped)
        return None if found is None else self._judged(release, "own address", found)

    def collect(self, release: Release, fleet: Fleet) -> dict[str, Any]:
        return self.judges.collect(release, fleet)

    def response_times(self, release: Release) -> dict[str, list[dict[str, Any]]]:
        return self.judges.response_times(release)

    def _judged(self, release: Release, gate: str, verdict: Verdict) -> Verdict:
        self.journal.verdicts(self.clock.now(), step_title(release), {gate: verdict})
        return verdict
