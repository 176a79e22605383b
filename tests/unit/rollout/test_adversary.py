"""A release against an adversarial fleet: whatever happens between two decisions, the invariants hold."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.rollout.actions import (
    Collect,
    Done,
    Prove,
    Record,
    Register,
    Shift,
    Wait,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import Begun, begin_deploy
from ansible_collections.pear.fargate.plugins.module_utils.rollout.decide import decide
from ansible_collections.pear.fargate.plugins.module_utils.rollout.history import resumed, unfinished
from ansible_collections.pear.fargate.plugins.module_utils.rollout.lease import Lease
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    Observed,
    OperatorRequest,
    Outcome,
    Phase,
    Readings,
    Release,
    RequestKind,
    Result,
    Verdict,
    Weights,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.partial_return import returned_weights
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from .runs import check_end, deploy, order, quiet, with_two_releases

COLOURS = st.sampled_from(list(Colour))


class Adversary(RuleBasedStateMachine):
    """Steps of a release, and everything that can go wrong between them, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = with_two_releases()
        self.world.lease = Lease("scoreboard", "ada", "", 99, 0.0, 9e9)
        self.release: Release | None = None
        self.operator_request: OperatorRequest | None = None
        self.number = 0

    # --- the controller, one decision at a time ---

    @precondition(lambda self: self.release is None and unfinished(self.world.releases()) is None)
    @rule()
    def begin(self) -> None:
        self.number += 1
        wanted = order(f"n{self.number}", self.number)
        begun = begin_deploy(wanted, self.world.fleet, self.world.releases(), self.world.time)
        if isinstance(begun, Begun):
            self.release, self.operator_request = begun.release, None
            self.save(begun.release)

    @precondition(lambda self: self.release is not None)
    @rule(times=st.integers(1, 12))
    def go_on(self, times: int) -> None:
        for _time in range(times):
            if self.release is not None:
                self.one_decision(self.release)

    def one_decision(self, release: Release) -> None:
        world = self.world
        exposed = release.phase in (Phase.SHIFTING, Phase.BAKING)
        seen = Observed(
            world.compared,
            readings=Readings(alarms=dict(world.alarms)) if exposed else Readings(),
            operator_request=self.operator_request,
        )
        decision = decide(seen, release, world.time)
        assert decision.reason, f"{decision.action} without a reason"
        # A release that only prepares has moved nothing: what others do to traffic meanwhile is not its to undo.
        moved = release.phase is not Phase.PREPARING
        turned = moved and release.goes_forward and decision.release.phase is Phase.RETURNING
        if turned and world.weights != release.stable_weights and world.sides[release.live].healthy >= 1:
            returned = returned_weights(world.fleet, decision.release, world.time)
            first = Record() if returned == world.weights else Shift(returned)
            assert decision.action == first, f"I4: {decision.action} came before the return"
            assert returned.of(release.live) >= world.weights.of(release.live), f"I4: {returned} is no return"
        after: Release | None = decision.release
        assert after is not None
        match decision.action:
            case Done():
                after = None
            case Wait(seconds):
                world.pass_time(seconds)
            case Record():
                self.save(after)
            case Register():
                after = replace(after, task_definition=world.register(after))
                self.save(after)
            case Prove(check):
                after = replace(after, proofs={**after.proofs, check: Verdict(Result.PASS, "fine")})
                self.save(after)
            case Collect():
                after = replace(after, evidence={})
                self.save(after)
            case Shift(weights):
                world.shift(weights)
            case other:
                world.change(other)
        self.release = after

    def save(self, release: Release) -> None:
        assert self.world.lease is not None
        self.world.save(release, self.world.lease)

    @precondition(lambda self: self.release is not None)
    @rule()
    def die_and_be_taken_up(self) -> None:
        left = unfinished(self.world.releases())
        self.release = resumed(left, self.world.time) if left else None

    # --- the world against it ---

    @rule(colour=COLOURS, healthy=st.integers(0, 2))
    def health_flips(self, colour: Colour, healthy: int) -> None:
        side = self.world.sides[colour]
        self.world.sides[colour] = replace(side, healthy=min(healthy, side.running))

    @rule(colour=COLOURS)
    def tasks_die(self, colour: Colour) -> None:
        self.world.sides[colour] = replace(self.world.sides[colour], running=0, healthy=0, steady=False)

    @rule(colour=COLOURS, failure=st.sampled_from(["", "3 tasks stopped: exit code 137"]))
    def a_side_is_in_trouble(self, colour: Colour, failure: str) -> None:
        self.world.sides[colour] = replace(self.world.sides[colour], failure=failure)

    @rule(state=st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA"]))
    def the_alarm_changes(self, state: str) -> None:
        self.world.alarms["errors"] = state

    @precondition(lambda self: self.release is not None)
    @rule(blue=st.integers(0, 100))
    def somebody_moves_traffic(self, blue: int) -> None:
        wanted = Weights(blue, 100 - blue)
        if all(self.world.sides[colour].healthy or not wanted.of(colour) for colour in Colour):
            self.world.weights = wanted

    @rule(seconds=st.sampled_from([1, 30, 900]))
    def time_passes(self, seconds: int) -> None:
        self.world.pass_time(seconds)

    @precondition(lambda self: self.release is not None)
    @rule(kind=st.sampled_from(list(RequestKind)))
    def a_person_wishes(self, kind: RequestKind) -> None:
        assert self.release is not None
        self.operator_request = OperatorRequest(self.release.id, kind, self.release.step, "grace", Outcome.INTERRUPTED)

    # --- what has to hold ---

    @invariant()
    def the_ledger_holds_at_most_one_release_without_an_end(self) -> None:
        assert len([one for one in self.world.releases() if not one.closed]) <= 1

    def teardown(self) -> None:
        """When the storm is over, the next deploy succeeds and nothing is left over."""
        quiet(self.world)
        self.world.pass_time(1_000)
        assert self.world.lease is not None
        self.world.lease = replace(self.world.lease, owner="", expires_at=0.0)
        for colour in Colour:
            side = self.world.sides[colour]
            self.world.sides[colour] = replace(side, steady=True, failure="")
        ending = deploy(self.world, "the last one")
        assert ending.outcome is Outcome.SUCCEEDED, ending.reason
        check_end(self.world)


TestAdversary = pytest.mark.long(Adversary.TestCase)
# The same storms in every run: what fails is the change's doing. 6000 random ones of 50 steps take two minutes.
TestAdversary.settings = settings(
    max_examples=400, stateful_step_count=40, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
