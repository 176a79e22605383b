"""The state of the API process: what all parts share, with the parts themselves and the calls that arrived."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..core import Core
from ..fargate import Fargate
from .targets import Targets

_READ_ONLY = re.compile(r"^(Describe|List|Get|BatchGet|BatchCheck|Head|Query|Scan|Search|Lookup|Simulate|Test|Filter)")


@dataclass(frozen=True)
class Call:
    """One API call as it arrived; what proves that check mode writes nothing."""

    service: str
    operation: str
    at: float

    @property
    def mutating(self) -> bool:
        return not _READ_ONLY.match(self.operation)


def _no_policy(policy_arn: str, excess: float, now: float) -> None:
    """Until the policies are installed, none is carried out."""


def _no_tags(arn: str) -> Mapping[str, str]:
    """Until X-Ray's rules and groups are served, there are none."""
    return {}


@dataclass
class Sandbox(Core):
    """Given to every overlay."""

    calls: list[Call] = field(default_factory=list)
    # What an alarm that fires calls: a scaling policy's ARN, how far the metric is above the threshold, and the time.
    scaling_alarm: Callable[[str, float, float], None] = _no_policy
    # The tags of one of X-Ray's rules or groups, which moto has not.
    trace_tags: Callable[[str], Mapping[str, str]] = _no_tags
    targets: Targets = field(init=False)
    fargate: Fargate = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.targets = Targets(self)
        self.fargate = Fargate(self, self.targets)

    @property
    def slower(self) -> dict[str, float]:
        """How many times longer a second of work takes, by process."""
        return {"api": self.lateness.stretch(), "edge": self.targets.edge_stretch}
