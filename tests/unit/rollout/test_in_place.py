"""A release in place, one decision at a time: what is observed, the next action, and its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.rollout.actions import (
    Action,
    Collect,
    Prove,
    Record,
    Replace,
    Wait,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import (
    Begun,
    Order,
    Refused,
    Unchanged,
    begin_deploy,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.decide import decide
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Bound,
    Colour,
    ColourState,
    Fleet,
    Gates,
    Kind,
    Observed,
    Outcome,
    Phase,
    Plan,
    Readings,
    Release,
    Result,
    Step,
    Verdict,
    Weights,
)

NOW, BLUE, GREEN = 10_000.0, Colour.BLUE, Colour.GREEN
PLAN = Plan("rolling", (Step(100),), bake_seconds=60)
RELEASE = Release(
    id="r2",
    service="scoreboard",
    kind=Kind.DEPLOY,
    digest="sha256:2",
    live=BLUE,
    candidate=BLUE,
    plan=PLAN,
    started_at=NOW - 10,
    by="ada",
    task_definition="family/app:2",
    gates=Gates(alarms=("errors",)),
    checks=("migrate",),
    verifications=("smoke",),
    stable_task_definition="family/app:1",
    replaced_deployment="old",
    phase=Phase.STAGING,
    entered_at=NOW - 5,
)
OLD = ColourState(BLUE, "family/app:1", 2, 2, 2, deployment_id="old")
OURS = ColourState(BLUE, "family/app:2", 2, 2, 2, deployment_id="ours")
WATCHED = replace(OURS, steady=False, watched_by=("errors",))
BAKED = replace(RELEASE.at(Phase.BAKING, NOW - 100, 1), since=NOW - 100)
FOLLOWING = RELEASE.at(Phase.SHIFTING, NOW - 5)
RETURNING = replace(RELEASE.at(Phase.RETURNING, NOW - 5), cause=Outcome.ROLLED_BACK, reason="it is slow")
PASSED, FAILED = Verdict(Result.PASS, "smoke passed"), Verdict(Result.FAIL, "smoke: answers 500")


def seen(blue: ColourState, alarm: str = "OK") -> Observed:
    return Observed(Fleet(Weights(100, 0), blue, ColourState(GREEN)), readings=Readings(alarms={"errors": alarm}))


def row(id: str, observed: Observed, release: Release, action: Action, reason: str) -> Any:
    return pytest.param(observed, release, action, reason, id=id)


REPLACE, RETURN = Replace(BLUE, "family/app:2"), Replace(BLUE, "family/app:1", specified=False)
ROWS = [
    row("starts the deployment", seen(OLD), RELEASE, REPLACE, "the task definition differs"),
    row(
        "names what differs",
        seen(replace(OLD, task_definition="family/app:2", deviations=("settings differ: subnets",))),
        RELEASE,
        REPLACE,
        "settings differ: subnets",
    ),
    row("a deployment that is there is followed", seen(OURS), RELEASE, Record(), "ECS has the deployment"),
    row(
        "what an earlier release failed at is started anew",
        seen(replace(OURS, deployment_id="old", failure="3 tasks stopped", healthy=0, running=0, steady=False)),
        RELEASE,
        replace(REPLACE, fresh=True),
        "3 tasks stopped",
    ),
    row("migrations run before", seen(OLD), RELEASE.at(Phase.PROVING, NOW), Prove("migrate"), "before the deployment"),
    row(
        "after them the deployment",
        seen(OLD),
        replace(RELEASE.at(Phase.PROVING, NOW), proofs={"migrate": PASSED}),
        Record(),
        "passed",
    ),
    row("a read behind the write", seen(OLD), FOLLOWING, Wait(2.0), "waiting for ECS to show"),
    row(
        "a write that never took effect",
        seen(OLD),
        RELEASE.at(Phase.SHIFTING, NOW - 40),
        Record(),
        "does not show the deployment",
    ),
    row("follows ECS", seen(replace(OURS, healthy=1, steady=False)), FOLLOWING, Wait(2.0), "1 healthy of 2 running"),
    row("completed is not yet healthy", seen(replace(OURS, healthy=1)), FOLLOWING, Wait(2.0), "1 healthy"),
    row("a task has gone since", seen(replace(OURS, running=1)), FOLLOWING, Wait(2.0), "of 1 running"),
    row("ECS watches its alarms, the checks go on", seen(WATCHED), FOLLOWING, Record(), "now the checks smoke"),
    row(
        "it bakes meanwhile",
        seen(WATCHED),
        replace(FOLLOWING, verifications=()),
        Record(),
        "tasks replaced: baking for 60 s",
    ),
    row(
        "a success waits until ECS is done",
        seen(WATCHED),
        BAKED,
        Wait(5.0),
        "before it completes the deployment (2 minutes so far)",
    ),
    row(
        "a task is added while ECS watches",
        seen(replace(WATCHED, watched_by=(), desired=3)),
        BAKED,
        Wait(5.0),
        "ECS has not completed the deployment",
    ),
    row("ECS is done", seen(OURS), BAKED, Record(), "bake passed"),
    row(
        "a read behind the start of the same version",
        seen(replace(OURS, deployment_id="old")),
        replace(FOLLOWING, restart=True),
        Wait(2.0),
        "waiting for ECS to show",
    ),
    row("the same version once more", seen(OURS), replace(FOLLOWING, restart=True), Record(), "now the checks smoke"),
    row("a gate fails while ECS watches", seen(WATCHED, "ALARM"), BAKED, RETURN, "alarm errors"),
    row(
        "the version before serves, and ECS watches it",
        seen(replace(WATCHED, task_definition="family/app:1", deployment_id="back")),
        replace(RETURNING, evidence={}),
        Record(),
        "it is slow",
    ),
    row("then the checks", seen(OURS), FOLLOWING, Record(), "now the checks smoke"),
    row("without checks it bakes", seen(OURS), replace(FOLLOWING, verifications=()), Record(), "baking for 60 s"),
    row("asks", seen(OURS), RELEASE.at(Phase.VERIFYING, NOW), Prove("smoke"), "which has all traffic"),
    row(
        "a failed check returns to the last good version",
        seen(OURS),
        replace(RELEASE.at(Phase.VERIFYING, NOW), proofs={"smoke": FAILED}),
        RETURN,
        "smoke: answers 500",
    ),
    row(
        "a failed migration leaves what runs",
        seen(OLD),
        replace(RELEASE.at(Phase.PROVING, NOW), proofs={"migrate": FAILED}),
        Record(),
        "answers 500",
    ),
    row("an alarm", seen(replace(OURS, steady=False), "ALARM"), FOLLOWING, RETURN, "alarm errors"),
    row(
        "tasks that crash",
        seen(replace(OURS, failure="3 tasks stopped: exit code 3", steady=False)),
        FOLLOWING,
        RETURN,
        "exit code 3",
    ),
    row(
        "ECS put the version before back",
        seen(replace(OLD, deployment_id="back", ecs_rollback="tasks failed to start")),
        FOLLOWING,
        Record(),
        "ECS rolled back: tasks failed to start",
    ),
    row(
        "somebody else deployed",
        seen(replace(OURS, task_definition="family/app:9", deployment_id="theirs")),
        FOLLOWING,
        Record(),
        "another deployment replaced it",
    ),
    row(
        "not done in time",
        seen(replace(OURS, healthy=0, steady=False)),
        RELEASE.at(Phase.SHIFTING, NOW - 1000),
        RETURN,
        "not done after 900 seconds",
    ),
    row("keeps the evidence", seen(replace(OLD, deployment_id="back")), RETURNING, Collect(), "evidence"),
    row(
        "waits for the version before",
        seen(replace(OLD, deployment_id="back", healthy=1, steady=False)),
        replace(RETURNING, evidence={}),
        Wait(2.0),
        "returning to app:1",
    ),
]


@pytest.mark.parametrize(("observed", "release", "action", "reason"), ROWS)
def test_each_state_has_its_next_action_and_its_reason(
    observed: Observed, release: Release, action: Action, reason: str
) -> None:
    decision = decide(observed, release, NOW)
    assert decision.action == action, decision.reason
    assert reason in decision.reason


@pytest.mark.parametrize(
    ("values", "action", "reason"),
    [
        pytest.param((900.0,), RETURN, "metric backlog", id="leaves its range"),
        pytest.param((9.0,), Record(), "bake passed", id="in its range"),
        pytest.param((), Wait(5.0), "backlog", id="no data is no pass"),
    ],
)
def test_a_worker_is_judged_by_a_metric(values: tuple[float, ...], action: Action, reason: str) -> None:
    """It has no requests: what it works off is what tells a bad version."""
    fleet = Fleet(Weights(100, 0), OURS, ColourState(GREEN), routed=False)
    observed = Observed(fleet, readings=Readings(metrics={"backlog": values}))
    baked = replace(BAKED, gates=Gates(bounds=(Bound("backlog", maximum=100.0),)))
    decision = decide(observed, baked, NOW)
    assert decision.action == action, decision.reason
    assert reason in decision.reason


@pytest.mark.parametrize(
    ("blue", "release", "outcome", "reason"),
    [
        pytest.param(OLD, RETURNING, Outcome.ROLLED_BACK, "it is slow", id="the version before serves"),
        pytest.param(
            replace(OURS, deployment_id="theirs", task_definition="family/app:9"),
            RETURNING,
            Outcome.SUPERSEDED,
            "it is slow",
            id="somebody else deployed",
        ),
        pytest.param(
            OURS,
            replace(RETURNING, stable_task_definition="", first=True),
            Outcome.FAILED,
            "no version before it",
            id="a first release",
        ),
        pytest.param(
            replace(OLD, healthy=0),
            replace(RETURNING, entered_at=NOW - 10_000),
            Outcome.FAILED,
            "the return is not complete",
            id="the version before does not come up either",
        ),
        pytest.param(
            OURS,
            replace(RETURNING, stable_task_definition="family/app:2"),
            Outcome.FAILED,
            "also the version before",
            id="settings of the same version",
        ),
    ],
)
def test_how_a_return_ends(blue: ColourState, release: Release, outcome: Outcome, reason: str) -> None:
    decision = decide(seen(blue), replace(release, evidence={}), NOW)
    assert decision.release.outcome is outcome
    assert reason in decision.reason


ORDER = Order("r3", "scoreboard", "ada", "sha256:2", "print", PLAN)
MADE = replace(RELEASE, id="r1", task_definition="family/app:1", outcome=Outcome.SUCCEEDED, closed=True)


@pytest.mark.parametrize(
    ("blue", "stable"),
    [
        pytest.param(replace(OLD, deviations=("settings differ",)), "family/app:1", id="what a release made"),
        pytest.param(
            replace(OURS, failure="crashes"), "family/app:1", id="what never succeeded is not the version before"
        ),
        pytest.param(ColourState(BLUE), "family/app:1", id="the ledger knows more than ECS"),
    ],
)
def test_the_version_to_return_to_is_the_last_good_one(blue: ColourState, stable: str) -> None:
    begun = begin_deploy(ORDER, Fleet(Weights(100, 0), blue, ColourState(GREEN)), [MADE], NOW)
    assert isinstance(begun, Begun)
    assert begun.release.in_place
    assert begun.release.stable_task_definition == stable


def test_a_healthy_version_that_no_release_made_can_be_returned_to_and_a_failing_one_cannot() -> None:
    for blue, stable in ((replace(OLD, deviations=("x",)), "family/app:1"), (replace(OLD, failure="x"), "")):
        begun = begin_deploy(ORDER, Fleet(Weights(100, 0), blue, ColourState(GREEN)), [], NOW)
        assert isinstance(begun, Begun)
        assert (begun.release.stable_task_definition, begun.release.first) == (stable, not stable)


@pytest.mark.parametrize(
    ("blue", "weights", "unchanged"),
    [
        pytest.param(OLD, Weights(100, 0), True, id="as specified"),
        pytest.param(replace(OLD, healthy=0), Weights(100, 0), False, id="not healthy"),
        pytest.param(replace(OLD, deviations=("tags differ",)), Weights(100, 0), False, id="differs"),
        pytest.param(replace(OLD, failure="crashes"), Weights(100, 0), False, id="its deployment failed"),
        pytest.param(
            replace(OLD, desired=0, running=0, healthy=0), Weights(100, 0), True, id="no task is specified, none runs"
        ),
        pytest.param(OLD, Weights(90, 10), False, id="traffic was left split"),
    ],
)
def test_what_serves_as_specified_is_no_change(blue: ColourState, weights: Weights, unchanged: bool) -> None:
    begun = begin_deploy(ORDER, Fleet(weights, blue, ColourState(GREEN)), [MADE], NOW)
    assert isinstance(begun, Unchanged) is unchanged


@pytest.mark.parametrize(
    ("besides", "said"),
    [
        (
            {"further_target_groups": ("staging-scoreboard-game",)},
            "tasks of blue are registered in staging-scoreboard-game too",
        ),
        ({"names": ("scores", "srv-1")}, "other services find tasks of blue by the names scores and srv-1"),
    ],
)
def test_weights_move_nothing_while_tasks_have_other_clients_too(besides: dict[str, Any], said: str) -> None:
    live = replace(OLD, **besides)
    fleet = Fleet(Weights(100, 0), live, ColourState(GREEN))
    order = Order("r2", "scoreboard", "ada", "sha256:2", "f", Plan("canary", (Step(10), Step(100))))
    refused = begin_deploy(order, fleet, [], NOW)
    assert isinstance(refused, Refused)
    assert said in refused.reason
    again = replace(fleet, blue=replace(live, deviations=("settings differ: load_balancers",)))
    assert isinstance(begin_deploy(replace(order, plan=PLAN), again, [], NOW), Begun)
