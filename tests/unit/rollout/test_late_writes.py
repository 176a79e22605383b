"""A write of a controller arrives late, at every later call of whatever runs then: at worst a detour, never an outage.

The default takes a sample of the cases; PEAR_FAULTS=all takes all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.release.controller import Controller
from ansible_collections.pear.fargate.plugins.module_utils.release.loop import Ending
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import PortError
from ansible_collections.pear.fargate.plugins.module_utils.rollout import lease as leases
from ansible_collections.pear.fargate.plugins.module_utils.rollout.actions import (
    Action,
    CancelScaleIn,
    Shift,
    Stage,
    Wait,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import ReturnOrder
from ansible_collections.pear.fargate.plugins.module_utils.rollout.late_writes import watch
from ansible_collections.pear.fargate.plugins.module_utils.rollout.lease import LATE_WRITE_SECONDS
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Fleet, Observed, Outcome, Phase, Plan

from . import states
from .faults import sampled
from .runs import (
    ONE_WRITER,
    POLICY,
    ROLLING,
    Story,
    check_end,
    deploy,
    fire_at_half,
    fire_for_three,
    fire_in_the_bake,
    quiet,
    roll,
    roll_back,
    with_cold_blue,
    with_one_writer,
    with_two_releases,
    with_two_rolled_releases,
    with_two_rules,
)
from .states import ALL, HOME, LIVE, NOW, READY
from .world import BLUE, FURTHER_SHIFT, GREEN, FakeProvider, World, throttled, timed_out

WRITES = {"shift", FURTHER_SHIFT, "Stage", "ScaleIn", "ScheduleScaleIn", "CancelScaleIn", "SetScaleIn", "Replace"}
# A controller that watches looks every two seconds, and moves traffic at the next look.
DARK_SECONDS = 6.0


def roll_back_to_the_first(world: World) -> Ending:
    order = ReturnOrder(f"rollback-{world.calls}", "scoreboard", "grace", POLICY, named="deploy-one-0")
    return Controller(world.ports(), "on call").rollback(order)


def without_window(world: World) -> Ending:
    """A release whose old colour is put away at once."""
    from .runs import order

    ordered = replace(order("three", len(world.records)), policy=replace(POLICY, window_seconds=0))
    return Controller(world.ports(), "deployer of three").deploy(ordered)


@dataclass
class Hanging:
    """Holds one write back: `rival` acts while it hangs, and it arrives before that one's call `arrives`."""

    world: World
    at: int
    arrives: int
    rival: Callable[[World], Ending] | None
    name: str = ""
    sent_at: float = 0.0
    effect: Callable[[], Any] | None = None
    arrived: bool = False
    ending: Ending | None = None
    rivals_calls: int = 0
    first_call: int = 0
    seen: list[str] = field(default_factory=list)

    def around(self, number: int, name: str, effect: Callable[[], Any]) -> Any:
        if self.effect is None and number == self.at and name in WRITES:
            return self._hang(name, effect)
        self._arrive_if_due(number)
        return effect()

    def _hang(self, name: str, effect: Callable[[], Any]) -> None:
        self.name, self.effect, self.sent_at, self.first_call = name, effect, self.world.time, self.at
        if self.rival is not None:
            before, after = self.world.before_call, self.world.after_call
            quiet_calls(self.world)
            self.ending = self.rival(self.world)
            self.rivals_calls = self.world.calls - self.at
            self.world.before_call, self.world.after_call = before, after
        else:
            self.world.pass_time(leases.WRITE_CONNECT_SECONDS + leases.WRITE_READ_SECONDS)
        raise timed_out(name)

    def _arrive_if_due(self, number: int) -> None:
        possible = self.world.time < self.sent_at + LATE_WRITE_SECONDS
        if self.effect is None or self.arrived or number != self.first_call + self.arrives or not possible:
            return
        self.arrived = True
        self.world.arrive_late(self.effect)


def quiet_calls(world: World) -> None:
    world.before_call = lambda number, name: None
    world.after_call = lambda number, name: None


STORIES = (
    Story("deploy", with_two_releases, lambda world: deploy(world, "three"), Outcome.SUCCEEDED),
    Story(
        "deploy that fails at half",
        with_two_releases,
        lambda world: deploy(world, "three"),
        Outcome.ROLLED_BACK,
        fire_at_half,
    ),
    Story("deploy without a window", with_two_releases, without_window, Outcome.SUCCEEDED),
    Story("warm rollback", with_two_releases, roll_back, Outcome.SUCCEEDED),
    Story("cold rollback", with_cold_blue, roll_back, Outcome.SUCCEEDED),
    Story(
        "deploy behind two rules",
        lambda: with_two_rules(with_two_releases()),
        lambda world: deploy(world, "three"),
        Outcome.SUCCEEDED,
    ),
    Story(
        "deploy behind two rules that fails at half",
        lambda: with_two_rules(with_two_releases()),
        lambda world: deploy(world, "three"),
        Outcome.ROLLED_BACK,
        fire_at_half,
    ),
    Story("warm rollback behind two rules", lambda: with_two_rules(with_two_releases()), roll_back, Outcome.SUCCEEDED),
    Story("rolling deploy", with_two_rolled_releases, lambda world: roll(world, "three"), Outcome.SUCCEEDED),
    Story(
        "rolling deploy that fails in the bake",
        with_two_rolled_releases,
        lambda world: roll(world, "three"),
        Outcome.ROLLED_BACK,
        fire_in_the_bake,
    ),
)
RIVALS: dict[str, Callable[[World], Ending]] = {
    "a rollback": roll_back,
    "a rollback to the first": roll_back_to_the_first,
}


def writes_of(story: Story) -> Iterator[int]:
    """The numbers of the calls that write, in a run that nothing disturbs."""
    world = story.world()
    story.spoil(world)
    names: list[str] = []
    also = world.before_call

    def note(number: int, name: str) -> None:
        also(number, name)
        names.append(name)

    world.before_call = note
    assert story.act(world).outcome is story.outcome
    yield from (number for number, name in enumerate(names, 1) if name in WRITES)


def run(story: Story, at: int, arrives: int, rival: Callable[[World], Ending] | None) -> Hanging:
    world = story.world()
    story.spoil(world)
    hanging = Hanging(world, at, arrives, rival)
    world.around_call = hanging.around
    try:
        hanging.ending = (story.act(world), hanging.ending)[rival is not None]
    except PortError as failed:
        hanging.seen.append(str(failed))
    return hanging


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_write_of_an_overtaken_controller_that_arrives_late_is_at_worst_a_detour(story: Story, rival: str) -> None:
    tried = 0
    for at in writes_of(story):
        calls = run(story, at, 0, RIVALS[rival]).rivals_calls
        for arrives in sampled(calls, at):
            hanging = run(story, at, arrives, RIVALS[rival])
            if not hanging.arrived:
                # No write can be in flight for that long.
                continue
            tried += 1
            told = f"{story.name}: {hanging.name} at call {at} arrives at call {arrives} of {rival}: {hanging.ending}"
            check_quiet_end(hanging.world, told)
    assert tried, "no write arrived"
    print(f"\n{story.name}, {rival}: {tried} late writes")


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_an_unanswered_write_of_its_own_that_arrives_late_is_at_worst_a_detour(story: Story) -> None:
    tried = 0
    for at in writes_of(story):
        calls = run(story, at, 0, None).world.calls - at
        for arrives in sampled(calls, at):
            hanging = run(story, at, arrives, None)
            if hanging.arrived:
                tried += 1
                told = f"{story.name}: {hanging.name} at call {at} arrives {arrives} calls later: {hanging.ending}"
                check_quiet_end(hanging.world, told)
    assert tried, "no write arrived"
    print(f"\n{story.name}: {tried} late writes of its own")


@pytest.mark.parametrize("rival", [*RIVALS, "none"])
@pytest.mark.parametrize("plan", [ONE_WRITER, ROLLING], ids=lambda plan: plan.strategy)
@pytest.mark.parametrize("fails", [False, True], ids=["succeeds", "fails"])
def test_a_late_write_starts_no_second_writer(plan: Plan, fails: bool, rival: str) -> None:
    """The world refuses every task that would start beside another one."""
    spoil = (fire_in_the_bake if plan.in_place else fire_for_three) if fails else (lambda world: None)
    story = Story(
        "one writer",
        lambda: with_one_writer(plan),
        lambda world: deploy(world, "three", plan),
        Outcome.ROLLED_BACK if fails else Outcome.SUCCEEDED,
        spoil,
    )
    acts = RIVALS.get(rival)
    tried = 0
    for at in writes_of(story):
        first = run(story, at, 0, acts)
        for arrives in sampled(first.rivals_calls if acts else first.world.calls - at, at):
            hanging = run(story, at, arrives, acts)
            if hanging.arrived:
                tried += 1
                quiet(hanging.world)
                hanging.world.pass_time(0)
                check_end(hanging.world)
    assert tried, "no write arrived"


def check_quiet_end(world: World, told: str) -> None:
    quiet(world)
    world.pass_time(0)
    assert world.dark_seconds <= DARK_SECONDS, f"{told}: no target served for {world.dark_seconds} s"
    try:
        check_end(world)
    except AssertionError as broken:
        raise AssertionError(f"{told}: {broken}") from broken


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_every_write_and_every_repeat_of_one_follows_a_renewal_of_the_lease(story: Story) -> None:
    world = story.world()
    story.spoil(world)
    names: list[str] = []
    refused: set[str] = set()

    def refuse_once(number: int, name: str) -> None:
        names.append(name)
        if name in WRITES and name not in refused:
            refused.add(name)
            raise throttled(name)

    world.before_call = refuse_once
    assert story.act(world).outcome is story.outcome
    assert refused
    unfenced = [(before, name) for before, name in pairwise(names) if name in WRITES and before != "renew"]
    # All rules are written after one renewal, which says until when a write may be sent.
    assert set(unfenced) <= {("shift", FURTHER_SHIFT)}


def test_no_write_can_be_in_flight_any_more_when_an_expired_lease_is_adopted() -> None:
    """Whatever two clocks that differ by twice the skew say about it."""
    renewed_at = 1_000.0
    lease = leases.renew(leases.Lease("scoreboard", "ada", "r1", 1, renewed_at, 0.0), renewed_at)
    last_possible = renewed_at + LATE_WRITE_SECONDS
    adopted_by_a_fast_clock = next(
        second for second in range(1_000, 2_000) if lease.expired_for_others(second + 2 * leases.SKEW)
    )
    assert adopted_by_a_fast_clock > last_possible


def test_a_run_that_overtook_a_living_one_and_found_nothing_to_do_keeps_others_out_while_a_write_may_arrive() -> None:
    world = with_two_releases()
    assert world.lease is not None
    world.lease = replace(world.lease, owner="ada", expires_at=world.time + leases.SECONDS)
    nothing = ReturnOrder("rollback-1", "scoreboard", "grace", POLICY, named="no such version")
    assert Controller(world.ports(), "on call").rollback(nothing).outcome is Outcome.REFUSED
    overtaken_at = world.time
    world.pass_time(LATE_WRITE_SECONDS - 1)
    assert "on call holds scoreboard" in deploy(world, "three").reason
    world.pass_time(overtaken_at + LATE_WRITE_SECONDS + 1 - world.time)
    assert deploy(world, "three").outcome is Outcome.SUCCEEDED


def test_while_a_write_may_arrive_every_look_reads_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    world = with_two_releases()
    taken: list[float] = []
    glances: list[float] = []

    def interfere(_number: int, name: str) -> None:
        if world.weights.green == 50 and not taken:
            taken.append(world.time)
            monkeypatch.setattr(FakeProvider, "glance", glance)
            roll_back(world)

    def glance(provider: FakeProvider) -> Fleet:
        glances.append(provider.world.time)
        return provider.read()

    world.after_call = interfere
    deploy(world, "three")
    assert world.time > taken[0] + LATE_WRITE_SECONDS
    assert not [at for at in glances if at < taken[0] + LATE_WRITE_SECONDS]


def test_a_rollback_returns_traffic_before_it_waits_for_late_writes() -> None:
    world = with_two_releases()
    moments: list[float] = []

    def interfere(number: int, name: str) -> None:
        if world.weights.green == 50 and not moments:
            moments.append(world.time)
            roll_back(world)

    def look(number: int, name: str) -> None:
        if len(moments) == 1 and world.weights.green == 0:
            moments.append(world.time)

    world.after_call = interfere
    world.before_call = look
    deploy(world, "three")
    assert moments[1] - moments[0] <= 2.0
    assert world.time - moments[0] >= LATE_WRITE_SECONDS


def test_what_a_late_write_left_behind_is_put_right_by_the_next_run_of_the_version_that_serves() -> None:
    world = with_two_releases()
    serving = world.sides[BLUE]
    world.sides[BLUE] = replace(serving, scale_in_at=world.time + 500)
    ending = deploy(world, "two")
    assert (ending.outcome, ending.changed) == (None, True)
    assert world.sides[BLUE].scale_in_at is None
    assert world.lease is not None
    assert world.lease.owner == ""
    assert not deploy(world, "two").changed


def test_traffic_on_a_colour_without_tasks_goes_to_the_one_that_the_ledger_names() -> None:
    world = with_two_releases()
    world.sides[GREEN] = replace(world.sides[GREEN], desired=0, running=0, healthy=0)
    world.weights = type(world.weights)(0, 100)
    ending = deploy(world, "three")
    assert ending.outcome is Outcome.SUCCEEDED
    assert str(world.writes[-1][1].live) == "blue"
    check_end(world)


UNTIL = NOW + 20
RETURNED = states.at(Phase.RETURNING, outcome=Outcome.ROLLED_BACK, cause=Outcome.ROLLED_BACK, reason="errors")
STOPPED = replace(LIVE, desired=0, running=0, healthy=0)
DOWN = replace(READY, healthy=0)
WATCHED = (
    ("all is well: it waits until none can arrive", Fleet(HOME, LIVE, READY), UNTIL, Wait(2.0)),
    ("a shift is undone", Fleet(ALL, LIVE, READY), UNTIL, Shift(HOME)),
    ("a shift of one rule too", Fleet(HOME, LIVE, READY, others=(ALL,)), UNTIL, Shift(HOME)),
    ("a scale-in: who serves meanwhile", Fleet(HOME, STOPPED, READY), UNTIL, Shift(ALL)),
    ("a scale-in: it grows again", Fleet(ALL, STOPPED, READY), UNTIL, Stage(BLUE, "task:1", 4, as_it_is=True)),
    (
        "where nobody can serve meanwhile too",
        Fleet(HOME, STOPPED, DOWN),
        UNTIL,
        Stage(BLUE, "task:1", 4, as_it_is=True),
    ),
    ("a scale-in: traffic returns once it is healthy", Fleet(ALL, replace(LIVE, healthy=0), READY), NOW - 1, Wait(2.0)),
    ("it returns to the minimum", Fleet(ALL, replace(LIVE, healthy=2), READY), UNTIL, Shift(HOME)),
    ("and to less if that is all that serves", Fleet(ALL, replace(LIVE, healthy=1), DOWN), UNTIL, Shift(HOME)),
    ("but not otherwise", Fleet(ALL, replace(LIVE, healthy=1), READY), UNTIL, Wait(2.0)),
    ("a schedule is called off", Fleet(HOME, replace(LIVE, scale_in_at=NOW + 60), READY), UNTIL, CancelScaleIn(BLUE)),
    ("none can arrive any more", Fleet(HOME, LIVE, READY), NOW - 1, None),
    ("it is not waited for ever", Fleet(ALL, replace(LIVE, healthy=0), READY), NOW - 601, None),
)


@pytest.mark.parametrize(("fleet", "until", "action"), [row[1:] for row in WATCHED], ids=[row[0] for row in WATCHED])
def test_what_is_done_about_a_write_that_arrived_late(fleet: Fleet, until: float, action: Action | None) -> None:
    release = replace(
        RETURNED, capacity=4, policy=replace(RETURNED.policy, minimum_healthy=2, return_timeout_seconds=600)
    )
    decision = watch(Observed(fleet, late_until=until), release, NOW)
    assert (decision and decision.action) == action
