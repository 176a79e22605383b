"""A service on a small imaginary AWS, and the ports onto it: every call can be made to fail or to kill its caller."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ansible_collections.pear.fargate.plugins.module_utils.release.ports import (
    History,
    LeaseLostError,
    PortError,
    Ports,
    ReadDeadline,
    UnreadableRecord,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.actions import (
    Adjust,
    CancelScaleIn,
    FleetAction,
    Replace,
    ScaleIn,
    ScheduleScaleIn,
    SetScaleIn,
    Stage,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.lease import SECONDS as LEASE_SECONDS
from ansible_collections.pear.fargate.plugins.module_utils.rollout.lease import Lease
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    ColourState,
    Fleet,
    Kind,
    OperatorRequest,
    Outcome,
    Readings,
    Release,
    Result,
    Verdict,
    Weights,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.record import from_plain, to_plain

BLUE, GREEN = Colour.BLUE, Colour.GREEN
# The same weights for a further rule.
FURTHER_SHIFT = "further shift"
# How long a node of the load balancer goes on by the weights before.
NODES_LAG_SECONDS = 10.0
CONNECTIONS_LAG_SECONDS = 590.0


class Death(BaseException):
    """The controller's process is gone. Not an Exception, as no handler of the controller may survive it."""


def changed(side: ColourState, **fields: Any) -> ColourState:
    """As `replace`, which costs most of a run's time: most looks find nothing that changed."""
    return side if all(getattr(side, name) == value for name, value in fields.items()) else replace(side, **fields)


@dataclass
class World:
    """Weights, two sides, a ledger, a clock. Checks the invariants at each write."""

    weights: Weights = Weights(100, 0)
    sides: dict[Colour, ColourState] = field(
        default_factory=lambda: {BLUE: ColourState(BLUE), GREEN: ColourState(GREEN)}
    )
    time: float = 1_000_000.0
    start_seconds: float = 3.0
    sick: set[str] = field(default_factory=set)
    alarms: dict[str, str] = field(default_factory=dict)
    proofs: dict[str, Verdict] = field(default_factory=dict)
    probe: Verdict | None = None
    records: dict[str, Release] = field(default_factory=dict)
    # Whether each record is written as the ledger holds it and read back: once a story is enough.
    as_text: bool = False
    unreadable: list[UnreadableRecord] = field(default_factory=list)
    lease: Lease | None = None
    operator_request: OperatorRequest | None = None
    writes: list[tuple[str, Any]] = field(default_factory=list)
    calls: int = 0
    before_call: Callable[[int, str], None] = lambda number, name: None
    after_call: Callable[[int, str], None] = lambda number, name: None
    # May carry a call's effect out at another time than now, or lose its answer.
    around_call: Callable[[int, str, Callable[[], Any]], Any] = lambda number, name, effect: effect()
    # All traffic on a colour without a healthy task: for how long at most, and since when now.
    dark_seconds: float = 0.0
    dark_since: float | None = None
    late: bool = False
    # A late write arrived after the last read: it cannot be known yet.
    disturbed: bool = False
    ready_at: dict[Colour, float] = field(default_factory=dict)
    # When each colour's weight became 0: nodes of the load balancer go on sending to it for a while.
    left_at: dict[Colour, float] = field(default_factory=dict)
    # What a controller knows of changes of the weights: its own, and those that it finds.
    weights_known: tuple[Weights, tuple[Weights, ...]] = (Weights(100, 0), ())
    weights_changed_at: float = 0.0
    registered: int = 0
    minimum: int = 1
    deployments: int = 0
    failed_deployments: set[str] = field(default_factory=set)
    before_replacement: dict[Colour, str] = field(default_factory=dict)
    ecs_rolls_back: bool = False
    # For how long ECS watches the alarm after it has replaced all tasks in place, and until when it does.
    watch_seconds: float = 0.0
    watched_until: dict[Colour, float] = field(default_factory=dict)
    specified_count: int = 2
    # What a release in place finds to differ from its specification, by the task definition that runs.
    specified: str = ""
    looks: int = 0
    # Only one task may write: a task that is told to stop goes on for a while, and none may start beside it.
    one_writer: bool = False
    stop_seconds: float = 5.0
    stopped_at: dict[Colour, float] = field(default_factory=dict)
    # How many tasks of a colour can be healthy at most, and until when.
    short: dict[Colour, tuple[int, float]] = field(default_factory=dict)
    # The count that the inventory says, where a release compares the live colour with it.
    wanted_count: int | None = None
    # A worker has no rule and one colour.
    routed: bool = True
    # A network load balancer's nodes take minutes: a colour whose weight became 0 gets connections meanwhile.
    of_connections: bool = False
    # Weights of the rules beside the first, each of which is a write of its own.
    others: tuple[Weights, ...] = ()
    # Of the controller that runs: after it no request of a read is sent.
    read_deadline: ReadDeadline = field(default_factory=ReadDeadline)

    def copy(self) -> World:
        """A world of its own: what the fields hold is frozen, so their containers are all that has to be copied."""
        fresh = World()
        for name, value in vars(self).items():
            setattr(fresh, name, value.copy() if isinstance(value, (dict, list, set)) else value)
        return fresh

    def call(self, name: str, effect: Callable[[], Any]) -> Any:
        self.calls += 1
        number = self.calls
        self.before_call(number, name)
        answer = self.around_call(number, name, effect)
        self.after_call(number, name)
        return answer

    def pass_time(self, seconds: float) -> None:
        self.measure_darkness()
        self.time += seconds
        self.measure_darkness()
        for colour, side in self.sides.items():
            if side.scale_in_at is not None and side.scale_in_at <= self.time:
                self.sides[colour] = replace(side, desired=0, scale_in_at=None, scale_in_for=())
            if side.unended and self.stopped_at[colour] <= self.time:
                self.sides[colour] = replace(side, unended=0)
            self.settle(colour)

    def arrive_late(self, effect: Callable[[], Any]) -> None:
        """A write takes effect that its controller does not wait for any more: it is not checked."""
        self.late = self.disturbed = True
        effect()
        self.late = False

    def measure_darkness(self) -> None:
        if not any(self.is_dark(weights) for weights in (self.weights, *self.others)):
            self.dark_since = None
            return
        self.dark_since = self.time if self.dark_since is None else self.dark_since
        self.dark_seconds = max(self.dark_seconds, self.time - self.dark_since)

    def is_dark(self, weights: Weights) -> bool:
        leader = weights.leader
        return leader is not None and weights.of(leader) == 100 and not self.sides[leader].healthy

    def settle(self, colour: Colour) -> None:
        side = self.sides[colour]
        if not side.steady:
            self.settle_in_place(colour)
            return
        if side.desired == 0:
            # A deployment that ECS gave up stays failed, whatever becomes of the count.
            self.sides[colour] = changed(side, running=0, healthy=0)
        elif side.task_definition in self.sick or side.failure:
            failed = side.failure or (
                "2 tasks stopped: exit code 1" if self.time > self.ready_at.get(colour, 0) else ""
            )
            self.sides[colour] = changed(side, running=0, healthy=0, failure=failed)
        elif self.time >= self.ready_at.get(colour, 0):
            most, until = self.short.get(colour, (side.desired, 0.0))
            healthy = min(most, side.desired) if self.time < until else side.desired
            self.sides[colour] = changed(side, running=side.desired, healthy=healthy, failure="")

    def live(self, colour: Colour, task_definition: str, count: int = 2) -> None:
        deployment = self.new_deployment()
        self.sides[colour] = ColourState(colour, task_definition, count, count, count, deployment_id=deployment)

    def releases(self) -> list[Release]:
        return list(self.records.values())

    def autoscale(self) -> None:
        """From now on policies of target tracking own both counts."""
        for colour, side in self.sides.items():
            self.sides[colour] = replace(side, scale_in_suspended=False)

    def track_load(self) -> None:
        """What target tracking does some minutes later: a colour gets the tasks that its share of the traffic needs."""
        for colour, side in self.sides.items():
            if side.scale_in_suspended is False and side.desired:
                needed = max(self.minimum, side.desired * self.weights.of(colour) // 100)
                self.sides[colour] = replace(side, desired=needed)
                self.settle(colour)

    @property
    def fleet(self) -> Fleet:
        return Fleet(self.weights, self.sides[BLUE], self.sides[GREEN], self.routed, others=self.others)

    def share(self, colour: Colour) -> int:
        return self.fleet.share(colour)

    @property
    def compared(self) -> Fleet:
        """The fleet as a release in place reads it: the live colour is compared with the specification."""
        return self.seen(count_unended=False)

    def seen(self, count_unended: bool) -> Fleet:
        sides = {colour: side if count_unended else changed(side, unended=0) for colour, side in self.sides.items()}
        live = self.weights.leader
        if self.specified and live and sides[live].task_definition != self.specified:
            sides[live] = replace(sides[live], deviations=("the task definition differs",))
        if self.wanted_count is not None and live and sides[live].desired != self.wanted_count:
            counts = f"desired count {sides[live].desired} → {self.wanted_count}"
            sides[live] = replace(sides[live], adjustments=(counts,))
        if (self.weights, self.others) != self.weights_known:
            self.weights_known, self.weights_changed_at = (self.weights, self.others), self.time
        return Fleet(
            self.weights,
            sides[BLUE],
            sides[GREEN],
            self.routed,
            weights_changed_at=self.weights_changed_at,
            others=self.others,
            of_connections=self.of_connections,
        )

    # --- writes, each checked against the invariants ---

    def shift(self, weights: Weights, rule: int = 0) -> None:
        """Write one rule, by its number."""
        assert self.routed, "there is no rule to write weights into"
        now = (self.weights, *self.others)
        for colour in Colour:
            if weights.of(colour) > now[rule].of(colour):
                healthy = self.sides[colour].healthy
                assert self.disturbed or healthy >= self.minimum, f"I2: {weights} with {healthy} healthy on {colour}"
        self.writes.append(("shift", weights))
        self.left_at |= {colour: self.time for colour in Colour if now[rule].of(colour) and not weights.of(colour)}
        self.weights, *others = (*now[:rule], weights, *now[rule + 1 :])
        self.others = tuple(others)
        self.weights_known = (self.weights, self.others)
        self.weights_changed_at = self.time

    def change(self, action: FleetAction) -> None:
        side = self.sides[action.colour]
        assert self.routed or action.colour is BLUE, f"a worker has one colour: {action}"
        if isinstance(action, Replace):
            self.replace(action)
            return
        if isinstance(action, Adjust):
            self.writes.append(("Adjust", action))
            self.sides[action.colour] = replace(side, desired=self.wanted_count or 0)
            self.settle(action.colour)
            return
        if self.one_writer and isinstance(action, Stage):
            self.assert_no_other_writer(action)
        if not isinstance(action, CancelScaleIn | SetScaleIn) and not self.late and not self.one_writer:
            assert self.share(action.colour) == 0 or isinstance(action, Stage), f"I3: {action} under traffic"
        if isinstance(action, ScaleIn | ScheduleScaleIn) and not self.late and not self.one_writer:
            for release in self.releases():
                if not release.closed and release.live is action.colour:
                    assert release.outcome is Outcome.SUCCEEDED, f"I3: {action} before success is recorded"
                    assert isinstance(action, ScheduleScaleIn) or (release.warm_until or 0) <= self.time, "I3: window"
        if isinstance(action, ScaleIn) and not self.late and not self.one_writer:
            self.assert_left(action)
        if isinstance(action, Stage) and side.task_definition != action.task_definition:
            assert self.late or self.share(action.colour) == 0, "I3: a colour with traffic is replaced"
            rolls_back = any(release.kind is Kind.ROLLBACK and not release.closed for release in self.releases())
            if (self.of_connections or self.puts_right()) and not rolls_back:
                self.assert_left(action)
        self.writes.append((type(action).__name__, action))
        match action:
            case Stage():
                staged = replace(side, task_definition=action.task_definition, desired=action.count)
                if action.fresh and side.healthy and side.task_definition == action.task_definition:
                    # ECS starts new tasks before it stops the old ones.
                    staged = replace(staged, deployment_id=self.new_deployment())
                elif side.task_definition != action.task_definition or action.fresh:
                    staged = replace(staged, running=0, healthy=0, failure="", deployment_id=self.new_deployment())
                self.sides[action.colour] = staged
                self.ready_at[action.colour] = self.time + self.start_seconds
            case ScaleIn():
                self.stop(action.colour)
            case ScheduleScaleIn():
                self.sides[action.colour] = replace(side, scale_in_at=action.at, scale_in_for=(action.release_id,))
            case CancelScaleIn():
                self.sides[action.colour] = replace(side, scale_in_at=None, scale_in_for=())
            case SetScaleIn():
                self.sides[action.colour] = replace(side, scale_in_suspended=action.suspended)
        self.settle(action.colour)

    def puts_right(self) -> bool:
        return any(release.puts_right and not release.closed for release in self.releases())

    def assert_left(self, action: ScaleIn | Stage) -> None:
        since = self.time - self.left_at.get(action.colour, float("-inf"))
        lag = CONNECTIONS_LAG_SECONDS if self.of_connections else NODES_LAG_SECONDS
        assert since >= lag, f"I8: {action} {since} s after its weight became 0"

    def stop(self, colour: Colour) -> None:
        side = self.sides[colour]
        if self.one_writer and side.running:
            self.stopped_at[colour] = self.time + self.stop_seconds
            side = replace(side, unended=side.running)
        self.sides[colour] = replace(side, desired=0)

    def assert_no_other_writer(self, action: Stage | Replace) -> None:
        """No task may be left when one is started; the same write again, of a task that runs already, starts none."""
        side, other = self.sides[action.colour], self.sides[action.colour.other]
        told = f"two writers: {action} beside {side} and {other}"
        assert not (other.desired or other.running or other.unended), told
        again = side.task_definition == action.task_definition and side.desired and not action.fresh
        assert again or not (side.running or side.unended), told

    def replace(self, action: Replace) -> None:
        """ECS replaces tasks in place: the old ones answer until the new ones are healthy."""
        if self.one_writer:
            self.assert_no_other_writer(action)
        side = self.sides[action.colour]
        self.writes.append(("Replace", action))
        first = not side.task_definition
        new = action.fresh or side.task_definition != action.task_definition
        if new:
            if not side.watched_by:
                before = side.task_definition if side.deployment_id not in self.failed_deployments else ""
                self.before_replacement[action.colour] = before
            self.watched_until.pop(action.colour, None)
            side = replace(
                side, deployment_id=self.new_deployment(), failure="", ecs_rollback="", steady=False, watched_by=()
            )
            self.ready_at[action.colour] = self.time + self.start_seconds
        desired = self.specified_count if action.specified and (first or side.desired == 0) else side.desired
        if action.count is not None and action.count != side.desired:
            desired = action.count
            self.ready_at[action.colour] = self.time + self.start_seconds
        running = 0 if first else side.running
        self.sides[action.colour] = replace(
            side,
            task_definition=action.task_definition,
            desired=desired,
            running=running,
            healthy=min(side.healthy, running),
        )
        self.settle(action.colour)

    def new_deployment(self) -> str:
        self.deployments += 1
        return f"ecs-svc/{self.deployments}"

    def settle_in_place(self, colour: Colour) -> None:
        """A deployment in place that is due: it completes, or ECS puts the version before it back, or has none."""
        side = self.sides[colour]
        if side.steady or self.time < self.ready_at.get(colour, 0):
            return
        if side.desired == 0:
            self.sides[colour] = replace(side, steady=True, running=0, healthy=0)
            return
        before = self.before_replacement.get(colour, "")
        fires = self.alarms.get("errors") == "ALARM"
        if side.task_definition not in self.sick and not (side.watched_by and fires):
            if self.watch_seconds and not side.watched_by and not fires:
                # An alarm that fires already is not watched.
                self.watched_until[colour] = self.time + self.watch_seconds
            watched = self.time < self.watched_until.get(colour, 0)
            self.sides[colour] = replace(
                side,
                steady=not watched,
                watched_by=("errors",) if watched else (),
                running=side.desired,
                healthy=side.desired,
            )
            return
        self.failed_deployments.add(side.deployment_id)
        if self.ecs_rolls_back and before and before not in self.sick:
            self.sides[colour] = replace(
                side,
                task_definition=before,
                deployment_id=self.new_deployment(),
                ecs_rollback="alarm detected: errors" if side.watched_by else "tasks failed to start",
                watched_by=(),
                steady=True,
                running=side.desired,
                healthy=side.desired,
            )
        else:
            self.sides[colour] = replace(side, failure="3 tasks stopped: exit code 1")

    def register(self, release: Release) -> str:
        self.registered += 1
        return f"task:{release.fingerprint}"

    def take(self, lease: Lease, over: int) -> bool:
        if (self.lease.fence if self.lease else 0) != over:
            return False
        self.lease = lease
        return True

    def renew(self, lease: Lease) -> None:
        if self.lease is None or self.lease.fence != lease.fence:
            raise LeaseLostError
        self.lease = lease

    def save(self, release: Release, lease: Lease) -> None:
        if self.lease is None or self.lease.fence != lease.fence:
            raise LeaseLostError
        held = self.records.get(release.id)
        if held is not None:
            ended = held.outcome
            assert ended is None or release.outcome is ended, f"I5: the outcome {ended} became {release.outcome}"
        self.writes.append(("save", release))
        if self.as_text:
            release = from_plain(Release, json.loads(json.dumps(to_plain(release))))
        self.records[release.id] = release

    def ports(self) -> Ports:
        return Ports(
            provider=FakeProvider(self),
            judges=FakeJudges(self),
            ledger=FakeLedger(self),
            clock=FakeClock(self),
            progress=Lines(),
            read_deadline=self.read_deadline,
        )


@dataclass
class FakeProvider:
    world: World
    began_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.began_at = self.world.time

    def read(self, count_unended: bool = False) -> Fleet:
        answer: Fleet = self.world.call("read", lambda: self.world.seen(count_unended))
        self.world.disturbed = False
        if answer.weights_changed_at >= self.began_at:
            return answer
        # Whoever had the lease before may have changed them just now.
        return replace(answer, weights_changed_at=self.began_at)

    def glance(self) -> Fleet:
        return self.read()

    def read_load_balancer(self) -> Fleet:
        if not self.world.routed:
            raise PortError("Service scoreboard has no load balancer.", transient=False)

        def targets(colour: Colour) -> ColourState:
            healthy = self.world.sides[colour].healthy
            return ColourState(colour, running=healthy, healthy=healthy)

        def seen() -> Fleet:
            return Fleet(self.world.weights, targets(BLUE), targets(GREEN), others=self.world.others)

        answer: Fleet = self.world.call("read_load_balancer", seen)
        return answer

    def difference(self, colour: Colour) -> dict[str, str]:
        raise NotImplementedError

    def register(self, release: Release) -> str:
        return str(self.world.call("register", lambda: self.world.register(release)))

    def apply(self, action: FleetAction, until: float) -> None:
        assert self.world.time <= until, f"{action} is sent too long after the renewal"
        self.world.call(type(action).__name__, lambda: self.world.change(action))

    def shift(self, weights: Weights, until: float) -> None:
        assert self.world.time <= until, f"{weights} are sent too long after the renewal"
        self.world.call("shift", lambda: self.world.shift(weights))
        for rule in range(1, 1 + len(self.world.others)):
            if self.world.time > until:
                raise PortError("not sent so long after the renewal", transient=True)
            self.world.call(FURTHER_SHIFT, partial(self.world.shift, weights, rule))


@dataclass
class FakeJudges:
    world: World

    def readings(self, release: Release, fleet: Fleet, now: float) -> Readings:
        answer: Readings = self.world.call("readings", lambda: Readings(alarms=dict(self.world.alarms)))
        return answer

    def prove(self, release: Release, check: str, stopped: Callable[[], bool]) -> Verdict:
        for _look in range(self.world.looks):
            self.world.pass_time(10.0)
            if stopped():
                return Verdict(Result.INCONCLUSIVE, f"{check} was stopped")
        passed = Verdict(Result.PASS, f"{check} passed")
        answer: Verdict = self.world.call("prove", lambda: self.world.proofs.get(check, passed))
        return answer

    def probe(self, release: Release, stopped: Callable[[], bool]) -> Verdict | None:
        answer: Verdict | None = self.world.call("probe", lambda: self.world.probe)
        return answer

    def collect(self, release: Release, fleet: Fleet) -> dict[str, Any]:
        answer: dict[str, Any] = self.world.call("collect", lambda: {"weights": str(fleet.weights)})
        return answer

    def response_times(self, release: Release) -> dict[str, list[dict[str, Any]]]:
        return {}


@dataclass
class FakeLedger:
    world: World
    service: str = "scoreboard"

    def history(self) -> History:
        return History(self.world.call("history", self.world.releases), tuple(self.world.unreadable))

    def lease(self) -> Lease | None:
        answer: Lease | None = self.world.call("lease", lambda: self.world.lease)
        return answer

    def take(self, lease: Lease, over: int) -> bool:
        return bool(self.world.call("take", lambda: self.world.take(lease, over)))

    def renew(self, lease: Lease) -> None:
        self.world.call("renew", lambda: self.world.renew(lease))

    def save(self, release: Release, lease: Lease) -> None:
        self.world.call("save", lambda: self.world.save(release, lease))

    def operator_request(self) -> OperatorRequest | None:
        answer: OperatorRequest | None = self.world.call("operator_request", lambda: self.world.operator_request)
        return answer

    def submit(self, request: OperatorRequest) -> None:
        self.world.operator_request = request


@dataclass
class FakeClock:
    world: World

    def now(self) -> float:
        return self.world.time

    def sleep(self, seconds: float) -> None:
        assert seconds <= LEASE_SECONDS / 2, (
            f"the lease would end in a sleep of {seconds} s, and no signal would be heard"
        )
        self.world.pass_time(seconds)


@dataclass
class Lines:
    said: list[str] = field(default_factory=list)

    def line(self, text: str) -> None:
        self.said.append(text)

    def heartbeat(self, text: str) -> None:
        self.said.append(f"… {text}")


def denied(name: str) -> PortError:
    return PortError(f"Failed to {name}: AccessDenied", transient=False)


def timed_out(name: str) -> PortError:
    return PortError(f"Failed to {name}: read timeout", transient=True, may_arrive=True)


def throttled(name: str) -> PortError:
    reads = name in READS
    return PortError(f"Failed to {name}: Throttling", transient=True, throttled=True, reads=reads)


# What only reads, by the names of the world's calls.
READS = frozenset({"read", "read_load_balancer", "readings", "history", "lease", "operator_request"})
