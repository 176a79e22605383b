"""The decisions of a release, one row each: what was observed, what is done, and a part of the sentence that says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.rollout.actions import (
    Action,
    CancelScaleIn,
    Collect,
    Done,
    Prove,
    Record,
    Register,
    ScaleIn,
    ScheduleScaleIn,
    Shift,
    Stage,
    Wait,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.decide import decide
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Observed,
    OnInconclusive,
    Outcome,
    Phase,
    Plan,
    Release,
    RequestKind,
    Result,
    Step,
    Verdict,
    Weights,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.nodes import NODES_SECONDS
from ansible_collections.pear.fargate.plugins.module_utils.rollout.restore import AFTER_LATE_WRITES_SECONDS

from .states import (
    ALL,
    BLUE,
    EMPTY,
    FAILED,
    FIRING,
    GREEN,
    HOME,
    LIVE,
    NOW,
    PASSED,
    READY,
    RELEASE,
    TENTH,
    UNKNOWN,
    at,
    requested,
    seen,
)


def row(name: str, observed: Observed, release: Release, action: Action, said: str, *more: Any) -> Any:
    return pytest.param(observed, release, action, said, *more, id=name)


JUDGED = "step 1 of 3 passed: green has 4 healthy targets (minimum 1); alarm errors is quiet"
# Status, path, matcher and reason code, as the load balancer has them.
MISMATCH = "4 unhealthy: Target.ResponseCodeMismatch: Health checks failed with these codes: [404] (GET /healthz expecting 200)"
PREPARING, STAGING = at(Phase.PREPARING), at(Phase.STAGING)
PUTS_RIGHT = replace(PREPARING, puts_right=True)
WATCHED = replace(READY, steady=False, watched_by=("errors",))


def changed(observed: Observed, seconds: float) -> Observed:
    """Both rules were changed so many seconds ago."""
    at = NOW - seconds
    return replace(observed, fleet=replace(observed.fleet, weights_changed_at=at, test_rule_changed_at=at))


ROWS = (
    row("nothing registered", seen(), at(Phase.PREPARING, task_definition=""), Register(), "has to be registered"),
    row("traffic left elsewhere", seen(TENTH), PREPARING, Record(), "returning it to blue first"),
    row("and that is on record", seen(TENTH), PUTS_RIGHT, Shift(HOME), "returning it to blue first"),
    row(
        "not every node has it back",
        changed(seen(), 5),
        PUTS_RIGHT,
        Wait(10.0),
        "green gets its tasks in 10 s, when every node",
    ),
    row("every node has it back", changed(seen(), 15), PUTS_RIGHT, Record(), "staging green"),
    row("prepared", seen(), PREPARING, Record(), "staging green"),
    row("colour empty", seen(green=EMPTY), STAGING, Stage(GREEN, "task:2", 4), "gets 4 tasks"),
    row(
        "colour holds an older release",
        seen(green=replace(READY, task_definition="task:0", scale_in_at=NOW + 60)),
        STAGING,
        Stage(GREEN, "task:2", 4),
        "gets 4 tasks",
    ),
    row("its scale-in is due", seen(green=replace(READY, scale_in_at=NOW + 60)), STAGING, CancelScaleIn(GREEN), "off"),
    row(
        "live has grown",
        seen(blue=replace(LIVE, desired=9, running=9, healthy=9)),
        STAGING,
        Stage(GREEN, "task:2", 9),
        "as many as live",
    ),
    row("not healthy yet", seen(green=replace(READY, healthy=3)), STAGING, Wait(2.0), "needs 4 healthy"),
    row(
        "unhealthy says why at once",
        seen(green=replace(READY, healthy=0, unhealthy=MISMATCH)),
        STAGING,
        Wait(2.0),
        f"100 % needs 4 healthy: green 0 healthy of 4 running, 4 desired ({MISMATCH})",
    ),
    row(
        "unhealthy says why when it is too late",
        seen(green=replace(READY, healthy=0, unhealthy=MISMATCH)),
        at(Phase.STAGING, entered_at=NOW - 301),
        Record(),
        MISMATCH,
    ),
    row(
        "unhealthy says why before a step",
        seen(green=replace(READY, healthy=0, unhealthy=MISMATCH)),
        RELEASE,
        Wait(2.0),
        MISMATCH,
    ),
    row("not steady yet", seen(green=replace(READY, steady=False)), STAGING, Wait(2.0), "not steady"),
    row("ECS only watches its alarms", seen(green=WATCHED), STAGING, Record(), "now the checks migrate, smoke"),
    row(
        "ECS watches its alarms for longer than staging may take",
        seen(green=WATCHED),
        at(Phase.STAGING, entered_at=NOW - 301),
        Record(),
        "now the checks migrate, smoke",
    ),
    row(
        "ECS put the version before back under traffic",
        seen(TENTH, green=replace(READY, task_definition="task:0", ecs_rollback="alarm detected: errors")),
        at(Phase.SHIFTING, since=NOW - 5),
        Shift(HOME),
        "green does not run: alarm detected: errors",
    ),
    row(
        "crash loop", seen(green=replace(READY, failure="exit code 1")), STAGING, Record(), "does not run: exit code 1"
    ),
    row("too slow", seen(green=EMPTY), at(Phase.STAGING, entered_at=NOW - 301), Record(), "not ready after 300"),
    row("staged", seen(), STAGING, Record(), "now the checks migrate, smoke"),
    row("first check", seen(), at(Phase.PROVING), Prove("migrate"), "before it has any traffic"),
    row("failed check", seen(), at(Phase.PROVING, proofs=FAILED), Record(), "migrate exited with 1"),
    row("all checks passed", seen(), at(Phase.PROVING, proofs=PASSED), Record(), "every check passed"),
    row("first step", seen(), RELEASE, Shift(TENTH), "step 1 of 3: blue 90 % green 10 %"),
    row("alarm firing before it", seen(readings=FIRING), RELEASE, Wait(2.0), "alarm errors is firing"),
    row("shifted", seen(TENTH), RELEASE, Record(), "step 1 of 3"),
    row("lease_holder", seen(TENTH), replace(RELEASE, since=NOW - 20), Wait(5.0), "40 s left"),
    row("held and judged", seen(TENTH), replace(RELEASE, since=NOW - 61), Record(), JUDGED),
    row("alarm", seen(TENTH, readings=FIRING), replace(RELEASE, since=NOW), Shift(HOME), "alarm errors is firing"),
    row("sick", seen(TENTH, replace(READY, healthy=0)), replace(RELEASE, since=NOW), Shift(HOME), "fewer than its"),
    row("unclear", seen(TENTH, readings=UNKNOWN), replace(RELEASE, since=NOW - 70), Wait(5.0), "20 s of patience"),
    row(
        "unclear for too long",
        seen(TENTH, readings=UNKNOWN),
        replace(RELEASE, since=NOW - 99),
        Shift(HOME),
        "cannot tell",
    ),
    row(
        "unclear and a person may decide",
        seen(TENTH, readings=UNKNOWN),
        replace(RELEASE, since=NOW - 99, policy=replace(RELEASE.policy, inconclusive=OnInconclusive.APPROVAL)),
        Wait(5.0, for_approval=True),
        "waiting for promote",
    ),
    row(
        "unclear and that is enough",
        seen(TENTH, readings=UNKNOWN),
        replace(RELEASE, since=NOW - 99, policy=replace(RELEASE.policy, inconclusive=OnInconclusive.CONTINUE)),
        Record(),
        "step 1 of 3 goes on although it cannot be told: alarm errors has no data",
    ),
    row("promoted past a step", seen(TENTH), replace(RELEASE, step=2), Shift(ALL), "step 3 of 3"),
    row("moved by others", seen(Weights(30, 70)), replace(RELEASE, since=NOW), Shift(HOME), "somebody else"),
    row(
        "replaced by others",
        seen(TENTH, replace(READY, task_definition="task:9")),
        replace(RELEASE, since=NOW),
        Shift(HOME),
        "somebody else changed it",
    ),
    row(
        "promoted",
        seen(TENTH, operator_request=requested(RequestKind.PROMOTE)),
        replace(RELEASE, since=NOW),
        Record(),
        "step 1 of 3 promoted by grace",
    ),
    row(
        "promoted at an earlier step",
        seen(Weights(50, 50), operator_request=requested(RequestKind.PROMOTE, 0)),
        replace(RELEASE, step=1, since=NOW),
        Wait(5.0, for_approval=True),
        "waiting for promote",
    ),
    row(
        "promoted to the end",
        seen(TENTH, operator_request=requested(RequestKind.PROMOTE_ALL)),
        replace(RELEASE, since=NOW),
        Record(),
        "last step by grace",
    ),
    row(
        "promoted another",
        seen(TENTH, operator_request=requested(RequestKind.PROMOTE, 0, "r1")),
        replace(RELEASE, since=NOW),
        Wait(5.0),
        "60 s",
    ),
    row(
        "promotion cannot outvote an alarm",
        seen(TENTH, readings=FIRING, operator_request=requested(RequestKind.PROMOTE_ALL)),
        replace(RELEASE, since=NOW),
        Shift(HOME),
        "alarm errors",
    ),
    row(
        "asked to stop",
        seen(TENTH, operator_request=requested(RequestKind.ABORT)),
        RELEASE,
        Shift(HOME),
        "stopped by grace: pager",
    ),
    row(
        "asked to pause",
        seen(TENTH, operator_request=requested(RequestKind.PAUSE)),
        replace(RELEASE, since=NOW),
        Record(),
        "paused by",
    ),
    row(
        "not approved in time",
        seen(Weights(50, 50)),
        replace(RELEASE, step=1, since=NOW - 601),
        Shift(HOME),
        "not promoted within 600",
    ),
    row(
        "paused too long",
        seen(TENTH),
        replace(RELEASE, since=NOW - 700, paused_since=NOW - 601),
        Shift(HOME),
        "paused for longer",
    ),
    row("baking", seen(ALL), at(Phase.BAKING, step=3, since=NOW - 20), Wait(5.0), "100 s left"),
    row("baked", seen(ALL), at(Phase.BAKING, step=3, since=NOW - 121), Record(), "bake passed: green has 4"),
    row(
        "ill in the bake", seen(ALL, readings=FIRING), at(Phase.BAKING, step=3, since=NOW), Shift(HOME), "alarm errors"
    ),
    row(
        "another version answers",
        seen(ALL, probe=Verdict(Result.FAIL, "version is 1")),
        at(Phase.BAKING, step=3, since=NOW - 200),
        Shift(HOME),
        "version is 1",
    ),
    row("evidence first", seen(HOME), at(Phase.RETURNING, reason="sick"), Collect(), "evidence"),
    row(
        "home is sick too",
        seen(ALL, blue=replace(LIVE, healthy=0, failure="exit code 1")),
        at(Phase.RETURNING, reason="x"),
        Wait(2.0, urgent=True),
        "traffic cannot return to blue yet: blue 0 healthy of 4 running, 4 desired (exit code 1), 1 healthy needed",
    ),
    row(
        "and how to force it is said",
        seen(ALL, blue=replace(LIVE, healthy=0)),
        at(Phase.RETURNING, reason="x"),
        Wait(2.0, urgent=True),
        "playbooks/rollback.yml -e rollback_force=true",
    ),
    row(
        "home lacks tasks",
        seen(ALL, blue=replace(LIVE, desired=0, running=0, healthy=0)),
        at(Phase.RETURNING, reason="x"),
        Stage(BLUE, LIVE.task_definition, 4, as_it_is=True),
        "it gets 4 tasks, so that traffic can return to it",
    ),
    row(
        "forced home, healthy or not",
        seen(ALL, blue=replace(LIVE, healthy=0)),
        replace(at(Phase.RETURNING, reason="x"), forced=True),
        Shift(HOME),
        "returning traffic to blue",
    ),
    row(
        "outcome recorded",
        seen(HOME),
        at(Phase.RETURNING, reason="sick", cause=Outcome.ROLLED_BACK, evidence={}),
        Record(),
        "sick",
    ),
)


@pytest.mark.parametrize(("observed", "release", "action", "said"), ROWS)
def test_each_state_has_its_next_action_and_its_reason(
    observed: Observed, release: Release, action: Action, said: str
) -> None:
    decision = decide(observed, release, NOW)
    assert decision.action == action, decision.reason
    assert said in decision.reason


OVER = replace(RELEASE, outcome=Outcome.SUCCEEDED, warm_until=NOW + 600, reason="done")
BACK = at(Phase.RETURNING, outcome=Outcome.ROLLED_BACK, reason="sick", evidence={})


@pytest.mark.parametrize(
    ("observed", "release", "action"),
    [
        pytest.param(
            seen(ALL), OVER, ScheduleScaleIn(BLUE, NOW + 600, RELEASE.id), id="the old colour is kept warm by AWS"
        ),
        pytest.param(seen(ALL), replace(OVER, warm_until=NOW - 1), ScaleIn(BLUE), id="no longer than its window"),
        pytest.param(
            seen(ALL, blue=replace(LIVE, scale_in_at=NOW + 600, scale_in_for=(RELEASE.id,))),
            OVER,
            Record(),
            id="scheduled already",
        ),
        pytest.param(
            seen(ALL, blue=replace(LIVE, scale_in_at=NOW + 9, scale_in_for=("another",))),
            OVER,
            ScheduleScaleIn(BLUE, NOW + 600, RELEASE.id),
            id="a schedule of another release is replaced",
        ),
        pytest.param(seen(HOME), BACK, ScaleIn(GREEN), id="a failed candidate is put away"),
        pytest.param(seen(ALL), BACK, Record(), id="but never one that has traffic"),
        pytest.param(seen(HOME, EMPTY), replace(BACK, closed=True), Done(Outcome.ROLLED_BACK), id="nothing is left"),
    ],
)
def test_an_ended_release_leaves_nothing_over(observed: Observed, release: Release, action: Action) -> None:
    assert decide(observed, release, NOW).action == action


PROVING = at(Phase.PROVING, proofs={"migrate": PASSED["migrate"]})
LAST_STEP = replace(RELEASE, plan=Plan("all_at_once", (Step(100),)), since=NOW - 1)
OLD_ANSWERS = Verdict(Result.FAIL, "version is 1")
NODES = (
    pytest.param(seen(HOME), BACK, ScaleIn(GREEN), "green is scaled in", id="a failed candidate"),
    pytest.param(seen(ALL), replace(OVER, warm_until=NOW - 1), ScaleIn(BLUE), "blue is scaled in", id="the old colour"),
    pytest.param(seen(HOME), PROVING, Prove("smoke"), "check smoke begins", id="a check by the test rule"),
)


@pytest.mark.parametrize(("observed", "release", "action", "said"), NODES)
def test_what_depends_on_a_rule_waits_until_every_node_has_it(
    observed: Observed, release: Release, action: Action, said: str
) -> None:
    early = decide(changed(observed, 4), release, NOW)
    assert early.action == Wait(NODES_SECONDS - 4) and f"{said} in 11 s" in early.reason
    assert decide(changed(observed, NODES_SECONDS), release, NOW).action == action


def test_whoever_waits_for_the_end_of_a_success_has_its_scale_in_scheduled_instead() -> None:
    observed = replace(changed(seen(ALL), 4), hurried=True)
    scheduled = decide(observed, replace(OVER, warm_until=NOW - 1), NOW).action
    assert scheduled == ScheduleScaleIn(BLUE, NOW - 4 + NODES_SECONDS, RELEASE.id)
    # And well after a write may still arrive that moves traffic back there.
    late = replace(observed, late_until=NOW + 20)
    scheduled = decide(late, replace(OVER, warm_until=NOW - 1), NOW).action
    assert scheduled == ScheduleScaleIn(BLUE, NOW + 20 + AFTER_LATE_WRITES_SECONDS, RELEASE.id)


def test_an_old_answer_to_the_probe_counts_once_every_node_has_the_weights() -> None:
    impatient = replace(LAST_STEP, policy=replace(RELEASE.policy, patience_seconds=0))
    observed = seen(ALL, probe=OLD_ANSWERS)
    assert isinstance(decide(changed(observed, 4), impatient, NOW).action, Wait)
    late = decide(changed(observed, NODES_SECONDS), impatient, NOW)
    assert late.release.cause is Outcome.ROLLED_BACK and "version is 1" in late.reason


@pytest.mark.parametrize("make", [lambda: seen(TENTH, readings=FIRING), lambda: seen(Weights(30, 70))])
def test_a_return_says_its_outcome_before_anything_else_is_known(make: Callable[[], Observed]) -> None:
    turned = decide(make(), replace(RELEASE, since=NOW), NOW).release
    assert turned.phase is Phase.RETURNING and turned.cause is not None and turned.reason
