"""One writer: every task of one version has stopped before one of the other starts, on the way there and back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.rollout.actions import (
    Action,
    Collect,
    Record,
    ScaleIn,
    Stage,
    Wait,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.decide import decide
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    ColourState,
    Fleet,
    Kind,
    Observed,
    Outcome,
    Phase,
    Plan,
    Release,
    Step,
    Weights,
)

from .runs import ONE_WRITER, ROLLING, deploy, roll_back, with_one_writer

BLUE, GREEN, NOW = Colour.BLUE, Colour.GREEN, 1000.0
RELEASE = Release(
    id="d1",
    service="scores",
    kind=Kind.DEPLOY,
    digest="sha256:1",
    live=BLUE,
    candidate=GREEN,
    plan=Plan("all_at_once", (Step(100),)),
    started_at=NOW,
    entered_at=NOW,
    by="ada",
    task_definition="task:2",
    phase=Phase.STAGING,
    single_writer=True,
)
BACK = replace(RELEASE, phase=Phase.RETURNING, cause=Outcome.ROLLED_BACK, reason="it is bad")
LATE = replace(BACK, entered_at=NOW - 601, evidence={})
SERVES = ColourState(BLUE, "task:1", 1, 1, 1)
STOPPING = ColourState(BLUE, "task:1", 0, 0, 0, unended=1)
STOPPED = ColourState(BLUE, "task:1")
STARTING = ColourState(BLUE, "task:1", 1, 0, 0)
NONE = ColourState(GREEN)
WARM = ColourState(GREEN, "task:0", 1, 1, 1)
RUNS = ColourState(GREEN, "task:2", 1, 1, 1)
ENDING = ColourState(GREEN, "task:2", 0, 0, 0, unended=1)
ENDED = ColourState(GREEN, "task:2")
AGAIN = Stage(BLUE, "task:1", 1, as_it_is=True)
ROWS = (
    ("live is stopped first", RELEASE, SERVES, NONE, 0.0, ScaleIn(BLUE), "only one task may write at a time"),
    ("what is warm before that", RELEASE, SERVES, WARM, 0.0, ScaleIn(GREEN), "stopping green"),
    ("a task that stops may still write", RELEASE, STOPPING, NONE, 0.0, Wait(2.0), "until 1 tasks have stopped"),
    ("a late write may start one", RELEASE, STOPPED, NONE, NOW + 9, Wait(2.0), "may still arrive until"),
    ("then the candidate starts", RELEASE, STOPPED, NONE, 0.0, Stage(GREEN, "task:2", 1), "green gets 1 tasks"),
    ("a return stops the candidate first", BACK, STOPPED, RUNS, 0.0, ScaleIn(GREEN), "stopping green"),
    ("and waits for its end", BACK, STOPPED, ENDING, 0.0, Wait(2.0), "until 1 tasks have stopped"),
    ("and for its own", BACK, STOPPING, ENDED, 0.0, Wait(2.0), "blue: waiting until 1 tasks"),
    ("and for late writes", BACK, STOPPED, ENDED, NOW + 9, Wait(2.0), "may still arrive until"),
    ("then live starts again", BACK, STOPPED, ENDED, 0.0, AGAIN, "starting blue again: it is bad"),
    ("and becomes healthy", BACK, STARTING, ENDED, 0.0, Wait(2.0), "blue 0 healthy"),
    ("then the evidence is kept", BACK, SERVES, ENDED, 0.0, Collect(), "keeping the evidence"),
    ("not for ever", LATE, STARTING, ENDED, 0.0, Record(), "not complete after 600 s"),
)


@pytest.mark.parametrize(
    ("release", "live", "candidate", "late_until", "action", "reason"),
    [pytest.param(*row[1:], id=row[0]) for row in ROWS],
)
def test_each_state_has_its_next_action(
    release: Release, live: ColourState, candidate: ColourState, late_until: float, action: Action, reason: str
) -> None:
    observed = Observed(Fleet(Weights(100, 0), live, candidate), late_until=late_until)
    decision = decide(observed, release, NOW)
    assert (decision.action, reason in decision.reason) == (action, True), decision
    if release is LATE:
        assert decision.release.outcome is Outcome.FAILED


@pytest.mark.parametrize("plan", [ONE_WRITER, ROLLING], ids=lambda plan: plan.strategy)
def test_a_rollback_keeps_to_one_writer_and_leaves_nothing_warm(plan: Plan) -> None:
    world = with_one_writer(plan)
    assert deploy(world, "three", plan).outcome is Outcome.SUCCEEDED
    # The world refuses any task that would start beside another one.
    ended = roll_back(world)
    assert ended.outcome is Outcome.SUCCEEDED and ended.release is not None
    assert ended.release.single_writer
    leader = world.weights.leader
    assert leader is not None and world.sides[leader].task_definition == "task:two"
    assert world.sides[leader.other].desired == 0
