"""The controller dies, or is refused, at every single call in turn: the next deploy or rollback still ends well.

The default takes every tenth call; PEAR_FAULTS=all takes each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.release.controller import Controller
from ansible_collections.pear.fargate.plugins.module_utils.release.loop import Ending
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import PortError, UnreadableRecord
from ansible_collections.pear.fargate.plugins.module_utils.release.results import serves_now
from ansible_collections.pear.fargate.plugins.module_utils.rollout.actions import (
    Adjust,
    CancelScaleIn,
    Replace,
    ScaleIn,
    ScheduleScaleIn,
    SetScaleIn,
    Stage,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    OperatorRequest,
    Outcome,
    Phase,
    Plan,
    RequestKind,
    Result,
    Verdict,
)

from .faults import sampled
from .runs import (
    ONE_WRITER,
    PLAN,
    POLICY,
    ROLLING,
    Story,
    check_end,
    deploy,
    fire_at_half,
    fire_for_three,
    fire_in_the_bake,
    fire_in_the_bake_while_live_is_short,
    fire_while_ecs_watches,
    keep_the_old_version_short,
    order,
    quiet,
    restart,
    roll,
    roll_back,
    with_cold_blue,
    with_ecs_rollback,
    with_ecs_watching,
    with_many_tasks,
    with_one_writer,
    with_two_releases,
    with_two_rolled_releases,
    with_two_rules,
    with_two_worker_releases,
)
from .world import BLUE, FURTHER_SHIFT, GREEN, Death, World, denied, throttled, timed_out

STORIES = (
    Story(
        "first deploy",
        lambda: World(alarms={"errors": "OK"}),
        lambda world: deploy(world, "one"),
        Outcome.SUCCEEDED,
        without_a_target=(Outcome.REFUSED, Outcome.INTERRUPTED),
    ),
    Story("deploy", with_two_releases, lambda world: deploy(world, "three"), Outcome.SUCCEEDED),
    Story(
        "deploy that fails at half",
        with_two_releases,
        lambda world: deploy(world, "three"),
        Outcome.ROLLED_BACK,
        fire_at_half,
    ),
    Story(
        "deploy that never runs",
        with_two_releases,
        lambda world: deploy(world, "three"),
        Outcome.ROLLED_BACK,
        lambda world: world.sick.add("task:three"),
    ),
    Story("warm rollback", with_two_releases, roll_back, Outcome.SUCCEEDED),
    Story("cold rollback", with_cold_blue, roll_back, Outcome.SUCCEEDED),
    Story(
        "first deploy behind two rules",
        lambda: with_two_rules(World(alarms={"errors": "OK"})),
        lambda world: deploy(world, "one"),
        Outcome.SUCCEEDED,
        without_a_target=(Outcome.REFUSED, Outcome.INTERRUPTED),
    ),
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
    Story("cold rollback behind two rules", lambda: with_two_rules(with_cold_blue()), roll_back, Outcome.SUCCEEDED),
    Story(
        "deploy with one writer behind two rules that fails in the bake",
        lambda: with_two_rules(with_one_writer(ONE_WRITER)),
        lambda world: deploy(world, "three", ONE_WRITER),
        Outcome.ROLLED_BACK,
        fire_for_three,
        plan=ONE_WRITER,
    ),
    Story(
        "deploy that fails in the bake while live is short of tasks",
        with_many_tasks,
        lambda world: deploy(world, "three"),
        Outcome.ROLLED_BACK,
        fire_in_the_bake_while_live_is_short,
    ),
    Story(
        "warm rollback to a version that is short of tasks",
        with_many_tasks,
        roll_back,
        Outcome.SUCCEEDED,
        keep_the_old_version_short,
    ),
    Story(
        "first rolling deploy",
        lambda: World(alarms={"errors": "OK"}),
        lambda world: roll(world, "one"),
        Outcome.SUCCEEDED,
        without_a_target=(Outcome.REFUSED, Outcome.INTERRUPTED),
        plan=ROLLING,
    ),
    Story(
        "rolling deploy", with_two_rolled_releases, lambda world: roll(world, "three"), Outcome.SUCCEEDED, plan=ROLLING
    ),
    Story(
        "rolling deploy that fails in the bake",
        with_two_rolled_releases,
        lambda world: roll(world, "three"),
        Outcome.ROLLED_BACK,
        fire_in_the_bake,
        plan=ROLLING,
    ),
    Story(
        "rolling deploy that never runs",
        with_two_rolled_releases,
        lambda world: roll(world, "three"),
        Outcome.ROLLED_BACK,
        lambda world: world.sick.add("task:three"),
        plan=ROLLING,
    ),
    Story(
        "rolling deploy that ECS rolls back",
        with_ecs_rollback,
        lambda world: roll(world, "three"),
        Outcome.ROLLED_BACK,
        lambda world: world.sick.add("task:three"),
        plan=ROLLING,
    ),
    Story(
        "rolling deploy that ECS watches",
        with_ecs_watching,
        lambda world: roll(world, "three"),
        Outcome.SUCCEEDED,
        plan=ROLLING,
    ),
    Story(
        "rolling deploy that fails while ECS watches",
        with_ecs_watching,
        lambda world: roll(world, "three"),
        Outcome.ROLLED_BACK,
        fire_while_ecs_watches,
        plan=ROLLING,
    ),
    Story(
        "rolling deploy whose smoke check fails",
        with_two_rolled_releases,
        lambda world: roll(world, "three"),
        Outcome.ROLLED_BACK,
        lambda world: world.proofs.update(smoke=Verdict(Result.FAIL, "smoke fails")),
        plan=ROLLING,
    ),
    Story(
        "worker deploy", with_two_worker_releases, lambda world: roll(world, "three"), Outcome.SUCCEEDED, plan=ROLLING
    ),
    Story(
        "worker deploy that never runs",
        with_two_worker_releases,
        lambda world: roll(world, "three"),
        Outcome.ROLLED_BACK,
        lambda world: world.sick.add("task:three"),
        plan=ROLLING,
    ),
    Story(
        "worker deploy that fails in the bake",
        with_two_worker_releases,
        lambda world: roll(world, "three"),
        Outcome.ROLLED_BACK,
        fire_in_the_bake,
        plan=ROLLING,
    ),
    Story("restart", with_two_releases, lambda world: restart(world, "two"), Outcome.SUCCEEDED),
    Story(
        "rolling restart",
        with_two_rolled_releases,
        lambda world: restart(world, "two", ROLLING),
        Outcome.SUCCEEDED,
        plan=ROLLING,
    ),
    Story("worker rollback", with_two_worker_releases, roll_back, Outcome.SUCCEEDED, plan=ROLLING),
    Story(
        "worker rollback to a version that does not run any more",
        with_two_worker_releases,
        roll_back,
        Outcome.ROLLED_BACK,
        lambda world: world.sick.add("task:one"),
        plan=ROLLING,
    ),
    *(
        Story(
            f"{plan.strategy} with one writer{title}",
            lambda plan=plan: with_one_writer(plan),  # type: ignore[misc]
            lambda world, plan=plan: deploy(world, "three", plan),  # type: ignore[misc]
            outcome,
            spoil,
            plan=plan,
        )
        for plan in (ONE_WRITER, ROLLING)
        for title, outcome, spoil in (
            ("", Outcome.SUCCEEDED, lambda world: None),
            (
                " that fails in the bake",
                Outcome.ROLLED_BACK,
                fire_in_the_bake if plan.in_place else fire_for_three,
            ),
            (" that never runs", Outcome.ROLLED_BACK, lambda world: world.sick.add("task:three")),
        )
    ),
    Story(
        "rollback with one writer",
        lambda: with_one_writer(ONE_WRITER),
        roll_back,
        Outcome.SUCCEEDED,
        plan=ONE_WRITER,
    ),
)
NEXT: dict[str, Callable[[World, Plan], Ending]] = {
    "the same deploy": lambda world, plan: deploy(world, "three", plan),
    "another deploy": lambda world, plan: deploy(world, "four", plan),
    "a rollback": lambda world, plan: roll_back(world),
}


def calls_of(story: Story) -> int:
    world = story.world()
    world.as_text = True
    story.spoil(world)
    ending = story.act(world)
    assert ending.outcome is story.outcome, ending
    check_end(world)
    return world.calls


def serving_count(world: World) -> int:
    """How many tasks the live colour has, or gets from a first release."""
    live = world.weights.leader
    assert live is not None
    return world.sides[live].desired if world.releases() else world.specified_count


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_death_at_any_call_is_made_good_by_whatever_runs_next(story: Story) -> None:
    cases = 0
    for number in sampled(calls_of(story), 0):
        for moment in ("before", "after"):
            for then, follow in NEXT.items():
                world = story.world()
                count = serving_count(world)
                story.spoil(world)
                spoiled = world.after_call

                def die(
                    at: int, name: str, number: int = number, also: Callable[[int, str], None] | None = None
                ) -> None:
                    if also:
                        also(at, name)
                    # The dead do nothing more, whatever a handler of theirs would have liked to.
                    if at >= number:
                        raise Death

                if moment == "before":
                    world.before_call = die
                else:
                    world.after_call = lambda at, name, also=spoiled, die=die: die(at, name, also=also)  # type: ignore[misc]
                with pytest.raises(Death):
                    story.act(world)
                quiet(world)
                # Target tracking goes on while nobody holds the release.
                world.track_load()
                if then != "a rollback":
                    world.pass_time(200)
                ending = follow(world, story.plan)
                told = f"{story.name}: death {moment} call {number}, then {then}: {ending.reason}"
                nothing_to_go_back_to = then == "a rollback" and ending.outcome in story.without_a_target
                assert ending.outcome in (Outcome.SUCCEEDED, None) or nothing_to_go_back_to, told
                check_end(world)
                assert nothing_to_go_back_to or serving_count(world) == count, f"{told}: {world.sides}"
                cases += 1
    print(f"\n{story.name}: {cases} deaths")


@pytest.mark.long
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
@pytest.mark.parametrize("failure", [throttled, denied], ids=["throttled", "denied"])
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
def test_a_refused_call_is_made_good_by_whatever_runs_next(
    story: Story, failure: Callable[[str], PortError], lasting: bool
) -> None:
    cases = 0
    for number in sampled(calls_of(story), 1):
        for then, follow in NEXT.items():
            world = story.world()
            story.spoil(world)
            refused: list[str] = []

            def refuse(at: int, name: str, number: int = number, refused: list[str] = refused) -> None:
                if at == number or (lasting and name in refused):
                    refused.append(name)
                    raise failure(name)

            world.before_call = refuse
            try:
                ending = story.act(world)
            except PortError:
                ending = None
            if failure is throttled and not lasting and number > 4:
                assert ending is not None, f"{story.name}: one throttled call ({refused}) ended the release"
            quiet(world)
            if then != "a rollback":
                world.pass_time(200)
            ending = follow(world, story.plan)
            nothing_to_go_back_to = then == "a rollback" and ending.outcome in story.without_a_target
            told = f"{story.name}: {refused} refused at call {number}, then {then}: {ending.reason}"
            assert ending.outcome in (Outcome.SUCCEEDED, None) or nothing_to_go_back_to, told
            check_end(world)
            cases += 1
    print(f"\n{story.name}: {cases} refusals")


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_an_answer_that_is_lost_on_its_way_back_changes_nothing(story: Story) -> None:
    """The call took effect, and the controller was told that it timed out."""
    cases = 0
    for number in sampled(calls_of(story), 2):
        world = story.world()
        story.spoil(world)
        spoiled = world.after_call

        def lose(at: int, name: str, number: int = number, spoiled: Callable[[int, str], None] = spoiled) -> None:
            spoiled(at, name)
            if at == number:
                raise timed_out(name)

        world.after_call = lose
        assert story.act(world).outcome is story.outcome, f"{story.name}: answer {number} lost"
        check_end(world)
        cases += 1
    print(f"\n{story.name}: {cases} lost answers")


ACTIONS = (Stage, Replace, Adjust, ScaleIn, ScheduleScaleIn, CancelScaleIn, SetScaleIn)
WRITES = frozenset({"save", "shift", FURTHER_SHIFT, *(action.__name__ for action in ACTIONS)})


def written_without_renewal(calls: list[str]) -> list[str]:
    """Writes that neither a renewal of the lease nor one of the rules before it comes directly before; the ledger's own say the lease."""
    first = calls.index("take") if "take" in calls else len(calls)
    early = [name for name in calls[:first] if name in WRITES]
    return early + [
        name
        for before, name in pairwise(["", *calls])
        if name in WRITES - {"save"}
        and not (before == "renew" or (name == FURTHER_SHIFT and before in (name, "shift")))
    ]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_controller_that_stalls_until_its_lease_is_over_writes_nothing_when_it_wakes(story: Story) -> None:
    """Suspended after any call, such as the renewal before a write, while another controller takes the service over.

    One that had not begun yet may release after it, with a lease of its own.
    """
    cases = written = 0
    # The first calls come before it has a lease.
    for number in sorted({1, 2, 3, *sampled(calls_of(story), 3)}):
        world = story.world()
        story.spoil(world)
        spoiled = world.after_call
        woken: list[int] = []
        # What took effect after it woke.
        calls: list[str] = []

        def stall(
            at: int,
            name: str,
            number: int = number,
            world: World = world,
            woken: list[int] = woken,
            calls: list[str] = calls,
            spoiled: Callable[[int, str], None] = spoiled,
        ) -> None:
            if woken:
                calls.append(name)
                return
            if at != number:
                spoiled(at, name)
                return
            woken.append(0)
            before, after = world.before_call, world.after_call
            quiet(world)
            world.pass_time(200)
            rival = deploy(world, "rival", story.plan)
            assert rival.outcome is Outcome.SUCCEEDED, f"{story.name}: stalled after call {at} ({name}): {rival.reason}"
            world.before_call, world.after_call = before, after
            woken[0] = len(world.writes)

        world.after_call = stall
        ending = story.act(world)
        assert woken, f"{story.name}: call {number} was never made"
        if ending.outcome is Outcome.SUPERSEDED:
            assert len(world.writes) == woken[0], f"{story.name}, call {number}: {world.writes[woken[0] :]}"
        else:
            assert not written_without_renewal(calls), f"{story.name}, call {number}: {calls}"
            assert len(world.writes) - woken[0] == sum(name in WRITES for name in calls)
            written += len(world.writes) - woken[0]
        quiet(world)
        check_end(world)
        cases += 1
    print(f"\n{story.name}: {cases} stalls, {written} writes with a lease taken afterwards")


@pytest.mark.parametrize("plan", [PLAN, ROLLING], ids=lambda plan: plan.strategy)
def test_a_version_that_failed_can_be_tried_again_once_the_cause_is_gone(plan: Plan) -> None:
    world = with_two_rolled_releases() if plan.in_place else with_two_releases()
    world.sick.add("task:three")
    assert deploy(world, "three", plan).outcome is Outcome.ROLLED_BACK
    assert deploy(world, "three", plan).outcome is Outcome.ROLLED_BACK
    world.sick.clear()
    ending = deploy(world, "three", plan)
    assert ending.outcome is Outcome.SUCCEEDED, ending.reason
    check_end(world)


@pytest.mark.parametrize("plan", [PLAN, ROLLING], ids=lambda plan: plan.strategy)
def test_a_first_release_that_fails_says_that_there_is_nothing_to_return_to(plan: Plan) -> None:
    world = World(alarms={"errors": "OK"}, sick={"task:one"})
    ending = deploy(world, "one", plan)
    assert ending.outcome is Outcome.FAILED
    assert "no version before it" in ending.reason
    world.sick.clear()
    assert deploy(world, "one", plan).outcome is Outcome.SUCCEEDED


def test_a_record_that_cannot_be_read_never_stops_a_rollback() -> None:
    world = with_two_releases()
    world.unreadable.append(UnreadableRecord("scoreboard release/x", "unknown phase levitating", ended=False))
    before = len(world.writes)
    refused = deploy(world, "three")
    assert refused.outcome is Outcome.REFUSED
    assert "release/x of the ledger cannot be read: unknown phase levitating" in refused.reason
    assert "delete this item" in refused.reason
    assert len(world.writes) == before
    assert roll_back(world).outcome is Outcome.SUCCEEDED


def test_an_unreadable_record_of_a_release_that_has_ended_stops_no_other_run() -> None:
    world = with_two_releases()
    world.unreadable.append(UnreadableRecord("scoreboard release/x", "no JSON", ended=True))
    assert deploy(world, "three").outcome is Outcome.SUCCEEDED


def test_a_rolling_release_that_is_interrupted_returns_to_the_version_before() -> None:
    world = with_two_rolled_releases()
    controller = Controller(world.ports(), "ada")
    world.specified = "task:three"

    def interrupt(number: int, name: str) -> None:
        if name == "Replace":
            controller.interrupt("SIGTERM")

    world.after_call = interrupt
    ending = controller.deploy(order("three", 2, ROLLING))
    assert ending.outcome is Outcome.INTERRUPTED
    assert world.sides[BLUE].task_definition == "task:two"
    check_end(world)


def test_a_rolling_release_that_is_to_be_held_stays_as_it_is() -> None:
    world = with_two_rolled_releases()
    controller = Controller(world.ports(), "ada")
    world.specified = "task:three"
    holding = replace(order("three", 2, ROLLING), policy=replace(POLICY, hold_when_interrupted=True))

    def interrupt(number: int, name: str) -> None:
        if name == "Replace":
            controller.interrupt("SIGTERM")

    world.after_call = interrupt
    assert controller.deploy(holding).outcome is Outcome.INTERRUPTED
    quiet(world)
    assert world.sides[BLUE].task_definition == "task:three"
    # The next run goes on with it.
    assert roll(world, "three").outcome is Outcome.SUCCEEDED
    check_end(world)


def test_a_release_that_is_to_be_held_returns_no_traffic_whenever_the_signal_comes() -> None:
    holding = replace(order("three"), policy=replace(POLICY, hold_when_interrupted=True))
    world = with_two_releases()
    world.looks = 3
    before = world.calls
    assert Controller(world.ports(), "ada").deploy(holding).outcome is Outcome.SUCCEEDED
    held = 0
    for number in range(before + 1, world.calls + 1):
        world = with_two_releases()
        world.looks = 3
        controller = Controller(world.ports(), "ada")

        def interrupt(at: int, name: str, number: int = number, controller: Controller = controller) -> None:
            if at == number:
                controller.interrupt("SIGTERM")

        world.after_call = interrupt
        ending = controller.deploy(holding)
        quiet(world)
        if ending.outcome is Outcome.INTERRUPTED:
            held += 1
            assert ending.fleet is None or ending.fleet.weights == world.weights, f"call {number}: {ending}"
            assert not [one for one in world.releases() if one.phase is Phase.RETURNING], f"call {number}: {ending}"
            assert deploy(world, "three").outcome is Outcome.SUCCEEDED, f"call {number}: {ending}"
        check_end(world)
    assert held > 10


def test_a_registration_that_waits_its_turn_behind_fifty_others_ends_no_release() -> None:
    world = with_two_releases()
    until = world.time + 40

    def bucket_is_empty(_at: int, name: str) -> None:
        if name == "register" and world.time < until:
            raise throttled(name)

    world.before_call = bucket_is_empty
    ending = deploy(world, "three")
    assert ending.outcome is Outcome.SUCCEEDED, ending.reason
    assert world.time >= until


def test_an_unexpected_error_gives_the_lease_back() -> None:
    world = with_two_releases()

    def defect(_at: int, name: str) -> None:
        if name == "register":
            raise ZeroDivisionError

    world.before_call = defect
    with pytest.raises(ZeroDivisionError):
        deploy(world, "three")
    quiet(world)
    # Without waiting for the lease to run out.
    assert deploy(world, "three").outcome is Outcome.SUCCEEDED
    check_end(world)


def test_on_failure_the_first_write_is_the_return_of_traffic() -> None:
    world = with_two_releases()
    fire_at_half(world)
    before = len(world.writes)
    assert deploy(world, "three").outcome is Outcome.ROLLED_BACK
    writes = [kind if kind != "shift" else str(value) for kind, value in world.writes[before:]]
    half = writes.index("blue 50 % green 50 %")
    after = writes[half + 1 :]
    assert after[0] == "blue 100 % green 0 %"
    assert after[-4:] == ["save", "ScaleIn", "SetScaleIn", "save"]


def test_a_rollback_takes_the_lease_and_the_running_cutover_leaves_without_another_write() -> None:
    world = with_two_releases()
    taken: list[Ending] = []

    def interfere(number: int, name: str) -> None:
        if world.weights.blue == 50 and not taken:
            taken.append(Ending(None, "under way"))
            taken.append(roll_back(world))
            world.writes.append(("end of rollback", None))

    world.after_call = interfere
    overtaken = deploy(world, "three")
    assert overtaken.outcome is Outcome.SUPERSEDED
    assert taken[1].outcome is Outcome.SUCCEEDED
    end = world.writes.index(("end of rollback", None))
    assert [kind for kind, _ in world.writes[end + 1 :]] == []
    assert world.weights.blue == 100
    check_end(world)


def test_two_deploys_at_once_one_wins_and_the_other_says_who_holds_the_lease() -> None:
    world = with_two_releases()
    second: list[Ending] = []

    def race(number: int, name: str) -> None:
        if name == "Stage" and not second:
            second.append(Ending(None, "under way"))
            second.append(deploy(world, "four"))

    world.after_call = race
    assert deploy(world, "three").outcome is Outcome.SUCCEEDED
    assert second[1].outcome is Outcome.REFUSED
    assert "deployer of three holds scoreboard for release deploy-three-2 since" in second[1].reason


def test_rolling_back_twice_goes_back_two_releases() -> None:
    world = with_two_releases()
    assert deploy(world, "three").outcome is Outcome.SUCCEEDED
    assert roll_back(world).release.digest == "sha256:two"
    world.pass_time(1)
    assert roll_back(world).release.digest == "sha256:one"
    world.pass_time(1)
    assert roll_back(world).outcome is Outcome.REFUSED
    leader = world.weights.leader
    assert leader and world.sides[leader].task_definition == "task:one"


def test_releasing_what_is_live_changes_nothing_and_writes_nothing() -> None:
    world = with_two_releases()
    before = len(world.writes)
    ending = deploy(world, "two")
    assert (ending.outcome, ending.changed, len(world.writes)) == (None, False, before)


@pytest.mark.parametrize("plan", [PLAN, ROLLING], ids=lambda plan: plan.strategy)
def test_a_restart_starts_new_tasks_each_time_and_a_rollback_passes_over_it(plan: Plan) -> None:
    world = (with_two_rolled_releases if plan.in_place else with_two_releases)()
    deployments = set()
    for _ in range(3):
        ending = restart(world, "two", plan)
        assert (ending.outcome, ending.changed) == (Outcome.SUCCEEDED, True)
        live = world.weights.leader
        assert live is not None
        assert world.sides[live].task_definition == "task:two"
        deployments.add(world.sides[live].deployment_id)
    assert len(deployments) == 3
    world.specified = ""
    assert roll_back(world).outcome is Outcome.SUCCEEDED
    live = world.weights.leader
    assert live is not None
    assert world.sides[live].task_definition == "task:one"


def test_ten_releases_alternate_and_leave_nothing_over() -> None:
    world = World(alarms={"errors": "OK"})
    colours = []
    for number in range(10):
        ending = deploy(world, f"n{number}")
        assert ending.outcome is Outcome.SUCCEEDED
        colours.append(world.weights.leader)
        check_end(world)
    assert colours == [GREEN, BLUE] * 5


def test_an_interruption_brings_traffic_home() -> None:
    world = with_two_releases()
    controller = Controller(world.ports(), "ada")

    def interrupt(number: int, name: str) -> None:
        if world.weights.green == 10:
            controller.interrupt("SIGTERM")

    world.after_call = interrupt
    ending = controller.deploy(order("three"))
    assert ending.outcome is Outcome.INTERRUPTED
    assert "SIGTERM" in ending.reason
    assert ending.fleet and ending.release
    assert serves_now(ending.outcome, ending.release, ending.fleet) == (
        f"Now {ending.release.live} serves all traffic with the version before."
    )
    check_end(world)


def test_a_check_that_takes_longer_than_a_lease_keeps_it() -> None:
    world = with_two_releases()
    world.looks = 60
    rivals: list[Ending] = []

    def race(number: int, name: str) -> None:
        if name == "prove" and not rivals:
            rivals.append(Ending(None, "under way"))
            rivals.append(deploy(world, "four"))

    world.after_call = race
    assert deploy(world, "three").outcome is Outcome.SUCCEEDED
    assert rivals[1].outcome is Outcome.REFUSED
    assert "holds scoreboard" in rivals[1].reason


def test_a_long_check_ends_when_somebody_aborts_the_release() -> None:
    world = with_two_releases()
    world.looks = 1_000
    began = world.time

    def abort(number: int, name: str) -> None:
        if name == "operator_request" and world.time - began > 60 and world.operator_request is None:
            world.operator_request = OperatorRequest(
                "deploy-three-2", RequestKind.ABORT, 0, "grace", reason="wrong version"
            )

    world.after_call = abort
    ending = deploy(world, "three")
    assert ending.outcome is Outcome.INTERRUPTED
    assert "stopped by grace: wrong version" in ending.reason
    assert world.time - began < 120
    check_end(world)


def test_a_long_check_ends_when_its_controller_is_interrupted() -> None:
    world = with_two_releases()
    world.looks = 1_000
    began = world.time
    controller = Controller(world.ports(), "ada")

    def interrupt(number: int, name: str) -> None:
        if name == "operator_request" and world.time - began > 60:
            controller.interrupt("SIGTERM")

    world.after_call = interrupt
    ending = controller.deploy(order("three"))
    assert ending.outcome is Outcome.INTERRUPTED
    assert world.time - began < 120
    check_end(world)


def test_a_release_with_findings_is_refused_before_any_write() -> None:
    world = with_two_releases()
    before = len(world.writes)
    ending = Controller(world.ports(), "ada").deploy(
        order("three"), lambda fleet: ["alarm errors is firing", "no quota"]
    )
    assert ending.outcome is Outcome.REFUSED
    assert "alarm errors is firing; no quota" in ending.reason
    assert len(world.writes) == before


def test_live_grown_by_autoscaling_makes_the_candidate_grow_before_it_gets_more() -> None:
    world = with_two_releases()

    def grow(number: int, name: str) -> None:
        if world.weights.green == 10 and world.sides[BLUE].running == 2:
            world.sides[BLUE] = replace(world.sides[BLUE], desired=5, running=5, healthy=5)

    world.after_call = grow
    assert deploy(world, "three").outcome is Outcome.SUCCEEDED
    assert world.sides[GREEN].desired == 5
