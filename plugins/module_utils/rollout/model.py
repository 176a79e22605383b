# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The words of a release as frozen values: colours, weights, steps, verdicts, the release, and what is observed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Colour(StrEnum):
    BLUE = "blue"
    GREEN = "green"

    @property
    def other(self) -> Colour:
        return Colour.GREEN if self is Colour.BLUE else Colour.BLUE


class Outcome(StrEnum):
    """How a release ended. Only `succeeded` is a success of the task that ran it."""

    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled_back"
    SUPERSEDED = "superseded"
    INCONCLUSIVE = "inconclusive"
    APPROVAL_EXPIRED = "approval_expired"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    REFUSED = "refused"


class Phase(StrEnum):
    PREPARING = "preparing"
    STAGING = "staging"
    PROVING = "proving"
    SHIFTING = "shifting"
    VERIFYING = "verifying"
    BAKING = "baking"
    RETURNING = "returning"


class Kind(StrEnum):
    DEPLOY = "deploy"
    ROLLBACK = "rollback"


class Result(StrEnum):
    PASS = "pass"
    INCONCLUSIVE = "inconclusive"
    FAIL = "fail"


class OnInconclusive(StrEnum):
    """What is done when the gates still cannot tell after the step's duration and the patience on top of it."""

    RETURN = "return"
    APPROVAL = "approval"
    CONTINUE = "continue"


class WhenStableIsDown(StrEnum):
    """What a release does when the stable colour loses all its healthy targets while the candidate has some."""

    PROMOTE = "promote"
    HOLD = "hold"
    ASK = "ask"


class MissingData(StrEnum):
    """What it means for a gate that a metric has no data point."""

    INCONCLUSIVE = "inconclusive"
    ZERO = "zero"
    PASS = "pass"


class OldColour(StrEnum):
    """Whether the colour without traffic is scaled in at the end of a release: the old one, or a candidate that failed."""

    SCALE_IN = "scale_in"
    KEEP = "keep"


class RequestKind(StrEnum):
    PROMOTE = "promote"
    PROMOTE_ALL = "promote_all"
    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"


def _is_percent(weight: object) -> bool:
    return isinstance(weight, int) and not isinstance(weight, bool) and 0 <= weight <= 100


@dataclass(frozen=True)
class Weights:
    """Shares of production traffic in whole percents. No value of this type can break invariant I1."""

    blue: int
    green: int

    def __post_init__(self) -> None:
        if not all(_is_percent(weight) for weight in (self.blue, self.green)):
            raise ValueError(
                f"weights are whole percents between 0 and 100, not blue {self.blue!r} green {self.green!r}"
            )
        if self.blue + self.green != 100:
            raise ValueError(f"weights sum to 100, not {self.blue} + {self.green} = {self.blue + self.green}")

    @classmethod
    def split(cls, colour: Colour, percent: int) -> Weights:
        """Give percent to colour and the rest to the other one."""
        return cls(percent, 100 - percent) if colour is Colour.BLUE else cls(100 - percent, percent)

    @classmethod
    def all_to(cls, colour: Colour) -> Weights:
        return cls.split(colour, 100)

    def of(self, colour: Colour) -> int:
        return self.blue if colour is Colour.BLUE else self.green

    @property
    def leader(self) -> Colour | None:
        """The colour with the larger share; None where both have half."""
        if self.blue == self.green:
            return None
        return Colour.BLUE if self.blue > self.green else Colour.GREEN

    def __str__(self) -> str:
        return f"blue {self.blue} % green {self.green} %"


@dataclass(frozen=True)
class ColourState:
    """One colour as it was observed: its ECS service and its target group."""

    colour: Colour
    task_definition: str = ""
    desired: int = 0
    running: int = 0
    healthy: int = 0
    # Tasks whose program may still run, those that are stopping included; counted only where one task at a time may write.
    unended: int = 0
    steady: bool = True
    failure: str = ""
    # Why targets are unhealthy, as the load balancer tells it.
    unhealthy: str = ""
    scale_in_at: float | None = None
    # The releases that scheduled scale-ins of this colour were made for; empty text where one does not say.
    scale_in_for: tuple[str, ...] = ()
    # Whether autoscaling may take no task away; None where it does not own the count.
    scale_in_suspended: bool | None = None
    # The deployment that ECS works on or has completed; empty where the colour has no ECS service.
    deployment_id: str = ""
    # Why ECS put the deployment before this one back by itself; empty where it did not.
    ecs_rollback: str = ""
    # How the colour differs from the specification of the release, where that is compared.
    deviations: tuple[str, ...] = ()
    # The same of a live colour that releases do not change: settings that need new tasks, and those that do not.
    redeployments: tuple[str, ...] = ()
    adjustments: tuple[str, ...] = ()
    # Names of target groups that its tasks are registered in beside the colour's own: no weight moves the traffic of these.
    further_target_groups: tuple[str, ...] = ()
    # Names of Service Connect and services of Cloud Map by which others find its tasks, which no weight moves either.
    names: tuple[str, ...] = ()
    # Alarms by which ECS watches a deployment that has replaced all tasks: it is completed when none of them fires for a while.
    watched_by: tuple[str, ...] = ()

    @property
    def answers_besides(self) -> bool:
        """Its tasks have clients that no weight moves: two versions at once would answer them, so they are replaced in place."""
        return bool(self.further_target_groups or self.names)

    @property
    def replaced(self) -> bool:
        """No task of another deployment runs. ECS has completed the deployment, or only watches its alarms."""
        return bool(self.steady or self.watched_by)

    @property
    def settled(self) -> bool:
        """No task of another deployment runs, and every task that should run is healthy. ECS may still watch its alarms."""
        return self.replaced and self.running >= self.desired and self.healthy >= self.desired

    def __str__(self) -> str:
        return f"{self.colour} {self.healthy} healthy of {self.running} running, {self.desired} desired"


@dataclass(frozen=True)
class Fleet:
    """A service as it was observed: the weights of its production rules and both colours.

    A service that is not routed (a worker) has one colour and no rule: its weights never change.
    `weights` are those of the rule that is written first, `others` those of its further rules. A controller that died between two
    writes leaves rules that disagree: the first rule says what was meant.
    """

    weights: Weights
    blue: ColourState
    green: ColourState
    routed: bool = True
    # When the run that reads it changed a rule last. One that has just begun does not know of the weights: its beginning.
    weights_changed_at: float = 0.0
    test_rule_changed_at: float = 0.0
    others: tuple[Weights, ...] = ()
    # Whether connections are what weights distribute: a network load balancer's, whose nodes take longer to have them.
    of_connections: bool = False

    def state(self, colour: Colour) -> ColourState:
        return self.blue if colour is Colour.BLUE else self.green

    @property
    def routing(self) -> str:
        """What has the weights, for people."""
        return "listener" if self.of_connections else "rule"

    @property
    def rules_agree(self) -> bool:
        return all(weights == self.weights for weights in self.others)

    def is_at(self, weights: Weights) -> bool:
        """Whether all rules have these weights."""
        return self.weights == weights and self.rules_agree

    def share(self, colour: Colour) -> int:
        """The largest share that any rule gives the colour: at 0 it has no production traffic."""
        return max(weights.of(colour) for weights in (self.weights, *self.others))

    @property
    def traffic(self) -> str:
        """The weights for people, with those of the rules that disagree with the first."""
        differing = sorted({str(weights) for weights in self.others if weights != self.weights})
        return str(self.weights) + (f" (further rules: {'; '.join(differing)})" if differing else "")


@dataclass(frozen=True)
class Step:
    """Hold `weight` percent on the candidate for a time; with `approval`, until a person promotes."""

    weight: int
    duration_seconds: int = 0
    approval: bool = False
    approval_timeout_seconds: int = 3600


@dataclass(frozen=True)
class Plan:
    """What a release is going to do to traffic."""

    strategy: str
    steps: tuple[Step, ...]
    bake_seconds: int = 0

    @property
    def in_place(self) -> bool:
        """New tasks replace the old ones of the live colour; no candidate stands beside it."""
        return self.strategy == "rolling"

    @property
    def duration_seconds(self) -> int:
        """Time from the first shift to the end of the bake when nothing waits for a person."""
        return sum(step.duration_seconds for step in self.steps) + self.bake_seconds


@dataclass(frozen=True)
class Verdict:
    result: Result
    reason: str


@dataclass(frozen=True)
class ErrorGate:
    """Judges the share of 5xx answers of the candidate against that of live."""

    tolerance_percent: float = 1.0
    significance: float = 0.01
    minimum_requests: int = 100
    ceiling_percent: float | None = None


@dataclass(frozen=True)
class LatencyGate:
    """Judges the candidate's p99 response time against live's, and against a ceiling of its own.

    Without a ratio the ceiling alone decides: a first release has no live version.
    """

    maximum_ratio: float | None = 1.5
    significance: float = 0.01
    minimum_requests: int = 100
    ceiling_seconds: float | None = None


@dataclass(frozen=True)
class Bound:
    """A CloudWatch metric of the user's and the range it has to stay in. `missing` is what no data point means."""

    name: str
    minimum: float | None = None
    maximum: float | None = None
    missing: MissingData = MissingData.INCONCLUSIVE


@dataclass(frozen=True)
class Gates:
    """What has to be judged before the next step. Target health is always judged."""

    alarms: tuple[str, ...] = ()
    errors: ErrorGate | None = None
    latency: LatencyGate | None = None
    bounds: tuple[Bound, ...] = ()

    @property
    def need_metrics(self) -> bool:
        return bool(self.errors or self.latency or self.bounds)


@dataclass(frozen=True)
class Policy:
    """The settings of a release that are neither its steps nor its gates."""

    minimum_healthy: int = 1
    capacity_percent: int = 100
    stage_timeout_seconds: int = 900
    inconclusive: OnInconclusive = OnInconclusive.RETURN
    patience_seconds: int = 300
    pause_timeout_seconds: int = 3600
    return_timeout_seconds: int = 600
    window_seconds: int = 3600
    settle_seconds: int = 0
    hold_when_interrupted: bool = False
    when_stable_is_down: WhenStableIsDown = WhenStableIsDown.PROMOTE
    old_colour: OldColour = OldColour.SCALE_IN


@dataclass(frozen=True)
class Counts:
    """What the load balancer counted of a target group: requests, those that a target answered, those of them with a 5xx, and
    connections that failed. One request may fail to connect more than once.
    """

    requests: int
    answered: int
    wrong: int = 0
    refused: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.requests + other.requests,
            self.answered + other.answered,
            self.wrong + other.wrong,
            self.refused + other.refused,
        )

    @property
    def errors(self) -> int:
        return min(self.requests, self.wrong + max(self.refused, self.requests - self.answered))

    @property
    def unanswered(self) -> int:
        return self.errors - min(self.requests, self.wrong + self.refused)


@dataclass(frozen=True)
class Traffic:
    """What a target group answered over a window: counts, one p99 per period, and the middle one of these by requests.

    `periods` is what was counted, by the time at which each period began.
    `answered` is how many requests a target answered in each of the periods of `samples`.
    `unanswered` is the part of the errors that no target answered and no failed connection explains: a target that timed
    out or closed the connection, but also a client that left. So it is only ever compared, never held against a ceiling.
    """

    requests: int
    errors: int
    p99_seconds: float | None = None
    samples: tuple[float, ...] = ()
    unanswered: int = 0
    answered: tuple[int, ...] = ()
    periods: Mapping[float, Counts] = field(default_factory=dict)

    @property
    def certain_errors(self) -> int:
        """5xx answers and failed connections."""
        return self.errors - self.unanswered


@dataclass(frozen=True)
class Readings:
    """What the gates judge. `looks` is how often this step's data is looked at, for the share of error per look."""

    candidate: Traffic | None = None
    live: Traffic | None = None
    looks: int = 1
    alarms: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class OperatorRequest:
    """What a person asked of a release from another terminal. It names the step it was made for, so that
    neither a slow clock nor a slow reader applies it to a later one."""

    release_id: str
    kind: RequestKind
    step: int
    by: str
    outcome: Outcome = Outcome.INTERRUPTED
    reason: str = ""


@dataclass(frozen=True)
class Release:
    """One attempt to make an image live, as the ledger keeps it."""

    id: str
    service: str
    kind: Kind
    digest: str
    live: Colour
    candidate: Colour
    plan: Plan
    started_at: float
    by: str
    task_definition: str = ""
    # What people call the version: the image's tag, where it is known.
    version: str = ""
    target: str = ""
    fingerprint: str = ""
    gates: Gates = Gates()
    policy: Policy = Policy()
    # Before the candidate has production traffic, and once it has all of it.
    checks: tuple[str, ...] = ()
    verifications: tuple[str, ...] = ()
    capacity: int = 1
    # What a release in place returns to, and the deployment that the candidate's colour had before this release.
    stable_task_definition: str = ""
    replaced_deployment: str = ""
    contract: bool = False
    # Why it was released whatever the error budgets said; empty where they had to allow it.
    budget_override: str = ""
    # No task of one version runs beside one of the other.
    single_writer: bool = False
    first: bool = False
    # The version that serves is started again, for what its tasks read at their start.
    restart: bool = False
    # Traffic was not all with the stable colour when it began, and is returned there first.
    puts_right: bool = False
    phase: Phase = Phase.PREPARING
    step: int = 0
    entered_at: float = 0.0
    since: float | None = None
    paused_since: float | None = None
    # Since when the stable colour has traffic and no healthy target.
    stable_down_since: float | None = None
    # Traffic returns to the stable colour whatever its health: a person insisted.
    forced: bool = False
    proofs: Mapping[str, Verdict] = field(default_factory=dict)
    cause: Outcome | None = None
    outcome: Outcome | None = None
    reason: str = ""
    evidence: Mapping[str, Any] | None = None
    ended_at: float | None = None
    warm_until: float | None = None
    closed: bool = False
    # What notification targets were told of it: a run that goes on with it does not tell that again.
    notified: tuple[str, ...] = ()

    @property
    def in_place(self) -> bool:
        return self.live is self.candidate

    @property
    def revision(self) -> str:
        """family:revision of the task definition."""
        return self.task_definition.rpartition("/")[2]

    @property
    def label(self) -> str:
        """The version as people know it: its tag, or else its image (twelve digits of a digest), and the revision."""
        # Without a digest it is the image's whole reference.
        image = self.digest[: len("sha256:") + 12] if self.digest.startswith("sha256:") else self.digest
        name = self.version or image
        if name and self.revision:
            return f"{name} ({self.revision})"
        return name or self.revision or "this version"

    @property
    def is_rewriting(self) -> bool:
        """A rollback writes its weights again: one late write of the controller that it overtook may still arrive."""
        return self.kind is Kind.ROLLBACK and self.phase is Phase.SHIFTING

    def inherits(self, state: ColourState) -> bool:
        """The colour's deployment is not this release's own: it was there before this release wrote anything."""
        return state.deployment_id == self.replaced_deployment

    @property
    def returnable(self) -> bool:
        """A release in place has a version before it to return to."""
        return self.stable_task_definition not in ("", self.task_definition)

    @property
    def stable_weights(self) -> Weights:
        return Weights.all_to(self.live)

    @property
    def candidate_weights(self) -> Weights:
        return Weights.all_to(self.candidate)

    @property
    def goes_forward(self) -> bool:
        """It has no outcome yet and is not on its way back."""
        return self.outcome is None and self.phase is not Phase.RETURNING

    def at(self, phase: Phase, now: float, step: int = 0) -> Release:
        return replace(self, phase=phase, step=step, entered_at=now, since=None, paused_since=None)


@dataclass(frozen=True)
class Observed:
    """Everything a decision depends on, read in one go."""

    fleet: Fleet
    readings: Readings = Readings()
    operator_request: OperatorRequest | None = None
    probe: Verdict | None = None
    # Until when a write may still arrive that no controller waits for: of a controller that was overtaken, or an unanswered one.
    late_until: float = 0.0
    # A rollback waits for this release's end: what has to wait is scheduled.
    hurried: bool = False
