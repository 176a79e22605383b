# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the report of a release, or of an experiment, shows, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...rollout.model import Colour, Release, Weights
from ...rollout.statistics import share_interval
from ..journal import Moment, MomentKind


@dataclass(frozen=True)
class Latency:
    """A response time in seconds, and its 95 % interval. Of few requests the largest is known, but no upper bound."""

    value: float
    low: float
    high: float
    bounded: bool


@dataclass(frozen=True)
class Period:
    """One period of a colour's traffic."""

    at: float
    requests: int
    errors: int
    p50: float | None = None
    p99: Latency | None = None

    @property
    def share(self) -> float:
        return self.errors / self.requests

    @property
    def share_interval(self) -> tuple[float, float]:
        return share_interval(self.errors, self.requests)


@dataclass(frozen=True)
class ColourTraffic:
    """A colour's traffic by periods.

    `unanswered` is the part of all requests that no target answered: one that timed out or closed the connection, or a
    client that left. A single period cannot tell it from a request that is answered in the next one.
    """

    periods: tuple[Period, ...] = ()
    unanswered: int = 0

    @property
    def requests(self) -> int:
        return sum(period.requests for period in self.periods)

    @property
    def errors(self) -> int:
        return sum(period.errors for period in self.periods) + self.unanswered

    @property
    def share(self) -> str:
        low, high = share_interval(self.errors, self.requests)
        return f"{self.errors / self.requests:.2%} (95 % interval {low:.2%} to {high:.2%})" if self.requests else ""


@dataclass(frozen=True)
class TaskRow:
    colour: Colour
    id: str
    revision: str
    zone: str
    status: str
    started_at: float | None
    stopped_at: float | None
    cause: str


@dataclass(frozen=True)
class Facts:
    """`release` is None where none was begun. `unread` says what could not be read, and why."""

    service: str
    environment: str
    outcome: str
    reason: str
    release: Release | None = None
    routed: bool = True
    moments: tuple[Moment, ...] = ()
    traffic: Mapping[Colour, ColourTraffic] = field(default_factory=dict)
    period_seconds: int = 60
    tasks: tuple[TaskRow, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    # Of what is no release, such as an experiment of a game day: when it was, and what is said of it.
    span: tuple[float, float] | None = None
    details: Mapping[str, str] = field(default_factory=dict)

    @property
    def times(self) -> tuple[float, float] | None:
        """From when to when it went on; None where nothing was begun."""
        if self.span or self.release is None:
            return self.span
        return self.release.started_at, self.release.ended_at or self.release.started_at

    @property
    def marks(self) -> tuple[float, ...]:
        """When something changed, for the charts: the weights, or what happened in an experiment."""
        if self.span:
            return tuple(moment.at for moment in self.of(MomentKind.LINE))
        return tuple(at for at, _weights in self.weights[1:])

    @property
    def weights(self) -> list[tuple[float, Weights]]:
        """The weights from the release's beginning on, each with when they were seen first."""
        weights = [(moment.at, moment.weights) for moment in self.moments if moment.weights is not None]
        return weights if self.routed else []

    def of(self, kind: MomentKind) -> list[Moment]:
        return [moment for moment in self.moments if moment.kind is kind]
