"""Services that others made: what served before the first release is on record, and no task of theirs is scaled in."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pear.fargate.plugins.module_utils.release.controller import Controller
from ansible_collections.pear.fargate.plugins.module_utils.release.loop import Ending
from ansible_collections.pear.fargate.plugins.module_utils.rollout.abort_rules import abort_reason
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import ReturnOrder
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    ColourState,
    Fleet,
    Kind,
    Observed,
    OldColour,
    Outcome,
    Phase,
    Policy,
    Release,
    Weights,
)

from .runs import PLAN, POLICY, order
from .world import BLUE, GREEN, World

KEEP = replace(POLICY, old_colour=OldColour.KEEP)


class MadeByOthers(World):
    def register(self, release: Release) -> str:
        """The version is a task definition that is registered already."""
        return release.fingerprint


def made_by_others() -> World:
    """Blue serves, green runs the same version beside it; the ledger is empty."""
    world = MadeByOthers(alarms={"errors": "OK"})
    for colour in (BLUE, GREEN):
        world.live(colour, "task:before")
    return world


def cut_over(world: World, name: str, policy: Policy = KEEP) -> Ending:
    wanted = replace(order(name, len(world.records)), fingerprint=f"task:{name}", policy=policy, adopts=True)
    return Controller(world.ports(), "ada").deploy(wanted)


def return_traffic(world: World, policy: Policy = KEEP) -> Ending:
    return Controller(world.ports(), "grace").rollback(ReturnOrder("rollback-1", "scoreboard", "grace", policy))


def test_the_first_rollback_goes_back_to_what_served_before_the_first_release() -> None:
    world = made_by_others()
    assert cut_over(world, "two").outcome is Outcome.SUCCEEDED
    assert world.weights == Weights.all_to(GREEN)
    assert return_traffic(world).outcome is Outcome.SUCCEEDED
    assert world.weights == Weights.all_to(BLUE)
    assert world.fleet.blue.task_definition == "task:before"


def test_no_colour_is_scaled_in_and_the_old_one_stays_as_large_as_it_was() -> None:
    world = made_by_others()
    cut_over(world, "two")
    world.pass_time(POLICY.window_seconds + 1)
    assert world.fleet.blue.desired == 2
    assert {name for name, _ in world.writes}.isdisjoint({"scale_in", "schedule_scale_in", "cancel_scale_in"})


def test_with_the_policy_scale_in_the_old_colour_goes_once_the_window_is_over() -> None:
    world = made_by_others()
    cut_over(world, "two", POLICY)
    world.pass_time(POLICY.window_seconds + 1)
    assert world.fleet.blue.desired == 0


def test_a_candidate_that_fails_stays_too() -> None:
    world = made_by_others()
    world.sick.add("task:two")
    assert cut_over(world, "two").outcome is Outcome.ROLLED_BACK
    assert world.weights == Weights.all_to(BLUE)
    assert world.fleet.green.desired == 2


def test_releasing_what_serves_changes_nothing_although_the_ledger_is_empty() -> None:
    world = made_by_others()
    ending = cut_over(world, "before")
    assert (ending.outcome, ending.changed) == (None, False)
    assert (world.records, world.writes) == ({}, [])


def test_what_is_on_record_already_is_not_recorded_again() -> None:
    world = made_by_others()
    cut_over(world, "two")
    cut_over(world, "three")
    assert [release.plan.strategy for release in world.releases()].count("adopted") == 1


def test_a_candidate_that_ecs_put_back_by_itself_ends_the_release() -> None:
    release = Release(
        "r1", "web", Kind.DEPLOY, "", BLUE, GREEN, PLAN, 1.0, "ada", "web:2", phase=Phase.STAGING, entered_at=1.0,
        replaced_deployment="d1",
    )  # fmt: skip
    live = ColourState(BLUE, "web:1", 2, 2, 2)
    put_back = ColourState(GREEN, "web:1", 2, 2, 2, deployment_id="d3", ecs_rollback="tasks failed to start")
    observed = Observed(Fleet(Weights(100, 0), live, put_back))
    found = abort_reason(observed, release, 2.0)
    assert found is not None
    assert (found.outcome, found.reason) == (Outcome.ROLLED_BACK, "green does not run: tasks failed to start")
    # Nothing was staged yet: it is an earlier deployment that ECS put back.
    waiting = replace(release, replaced_deployment="d3")
    assert abort_reason(observed, waiting, 2.0) is None
