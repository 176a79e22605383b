"""What the history says: what a rollback goes back to, and what begins, for each state of fleet and ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import (
    Begun,
    Order,
    Refused,
    ReturnOrder,
    Unchanged,
    begin_deploy,
    begin_rollback,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.history import Target, good_releases, rollback_target
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    ColourState,
    ErrorGate,
    Fleet,
    Gates,
    Kind,
    LatencyGate,
    Outcome,
    Phase,
    Plan,
    Release,
    Step,
    Weights,
)
from ansible_collections.pear.fargate.plugins.module_utils.rollout.record import from_plain, to_plain

BLUE, GREEN = Colour.BLUE, Colour.GREEN
PLAN = Plan("canary", (Step(10, 60), Step(100)))


def release(number: int, outcome: Outcome | None = Outcome.SUCCEEDED, **more: object) -> Release:
    plain = {
        "id": f"r{number}",
        "service": "scoreboard",
        "kind": "deploy",
        "digest": f"sha256:{number}",
        "fingerprint": f"f{number}",
        "task_definition": f"task:{number}",
        "live": "blue" if number % 2 else "green",
        "candidate": "green" if number % 2 else "blue",
        "plan": to_plain(PLAN),
        "started_at": float(number),
        "by": "ada",
        "outcome": outcome.value if outcome else None,
        "closed": outcome is not None,
    }
    return from_plain(Release, {**plain, **more})


def back(number: int, target: int) -> Release:
    return release(number, kind="rollback", target=f"r{target}", digest=f"sha256:{target}")


@pytest.mark.parametrize(
    ("history", "stack"),
    [
        pytest.param([release(1), release(2)], ["r1", "r2"], id="successes are laid on top of each other"),
        pytest.param([release(1), release(2, Outcome.ROLLED_BACK)], ["r1"], id="a failure is not"),
        pytest.param([release(1), release(2), back(3, 1)], ["r1"], id="a rollback takes off what it left"),
        pytest.param([release(1), release(2), back(3, 1), release(4)], ["r1", "r4"], id="the bad one stays off"),
        pytest.param(
            [release(1), release(2), release(3), back(4, 1), back(5, 3)], ["r1", "r3"], id="forward again by name"
        ),
        pytest.param([release(3), release(1)], ["r1", "r3"], id="whatever the order of reading"),
    ],
)
def test_the_stack_of_good_releases(history: list[Release], stack: list[str]) -> None:
    assert [one.id for one in good_releases(history)] == stack


TAGGED = [
    release(
        11,
        id="20260101-a",
        version="1.4.1",
        task_definition="arn:aws:ecs:x:1:task-definition/app:1",
        digest="sha256:ab12ff",
    ),
    release(
        12,
        id="20260102-b",
        version="1.4.11",
        task_definition="arn:aws:ecs:x:1:task-definition/app:11",
        digest="sha256:cd34ff",
    ),
    release(
        13,
        id="20260103-c",
        version="1.4.12",
        task_definition="arn:aws:ecs:x:1:task-definition/app:12",
        digest="sha256:ef56ff",
    ),
]


@pytest.mark.parametrize(
    ("history", "named", "answer"),
    [
        pytest.param([release(1), release(2)], None, "r1", id="the last good one before live"),
        pytest.param([release(1), release(2, Outcome.ROLLED_BACK), release(3)], None, "r1", id="never a failed one"),
        pytest.param([release(1), release(2), release(3)], "r1", "r1", id="a named one"),
        pytest.param([release(1), release(2), release(3)], "sha256:1", "r1", id="by its digest"),
        pytest.param([], None, "no release of this service has succeeded", id="no history"),
        pytest.param([release(1)], None, "nothing before it", id="only one"),
        pytest.param([release(1), release(2)], "r9", "releases to go back to: r1", id="an unknown name"),
        pytest.param([release(1), release(2)], "r2", "is live already", id="what is live"),
        pytest.param([TAGGED[0], TAGGED[1], release(30)], "1.4.1", "20260101-a", id="by its tag"),
        pytest.param([*TAGGED, release(30)], "1.4", "1.4 names 3 releases", id="the beginning of several tags"),
        pytest.param([*TAGGED, release(30)], "app:1", "20260101-a", id="a revision that begins another one"),
        pytest.param([*TAGGED, release(30)], "20260102", "20260102-b", id="the beginning of an id"),
        pytest.param([*TAGGED, release(30)], "ab12", "20260101-a", id="the beginning of a digest"),
        pytest.param([*TAGGED, release(30)], "9", "20260103-c (1.4.12 (app:12)), 20260102-b", id="what there is"),
        pytest.param([release(1), release(2), back(3, 1)], "r2", "r2", id="forward again after a rollback"),
        pytest.param(
            [release(1), release(2), back(3, 1)],
            None,
            "roll forward to sha256:2 (task:2) with -e rollback_to=r2",
            id="bottom",
        ),
        pytest.param([release(1), release(2), back(3, 1)], "r7", "releases to go back to: r2", id="one above is there"),
    ],
)
def test_what_a_rollback_goes_back_to(history: list[Release], named: str | None, answer: str) -> None:
    found = rollback_target(history, named)
    if isinstance(found, Target):
        assert found.release.id == answer
    else:
        assert answer in found


@pytest.mark.parametrize(
    ("version", "digest", "label"),
    [
        pytest.param("1.4.2", "sha256:" + "a" * 64, "1.4.2 (app:7)", id="tag and revision"),
        pytest.param("", "sha256:" + "a" * 64, "sha256:aaaaaaaaaaaa (app:7)", id="twelve digits of a digest"),
        pytest.param("", "registry.example.com/app:1.4.2", "registry.example.com/app:1.4.2 (app:7)", id="a reference"),
    ],
)
def test_how_a_version_is_shown(version: str, digest: str, label: str) -> None:
    task_definition = "arn:aws:ecs:eu-central-1:1:task-definition/app:7"
    assert release(1, version=version, digest=digest, task_definition=task_definition).label == label


def fleet(weights: Weights, blue: ColourState | None = None, green: ColourState | None = None) -> Fleet:
    return Fleet(weights, blue or ColourState(BLUE), green or ColourState(GREEN))


def runs(colour: Colour, number: int, healthy: int = 2, desired: int = 2) -> ColourState:
    return ColourState(colour, f"task:{number}", desired, healthy, healthy)


LIVE_BLUE = Weights(100, 0)
ORDER = Order("new", "scoreboard", "ada", "sha256:3", "f3", PLAN, desired_count=2)


def test_a_deploy_goes_to_the_other_colour_with_as_many_tasks_as_live_runs() -> None:
    begun = begin_deploy(ORDER, fleet(LIVE_BLUE, runs(BLUE, 2, healthy=7, desired=7)), [release(1), release(2)], 9.0)
    assert isinstance(begun, Begun)
    assert (begun.release.live, begun.release.candidate, begun.release.capacity, begun.release.plan) == (
        BLUE,
        GREEN,
        7,
        PLAN,
    )


def test_a_first_deploy_has_nothing_to_shift_in_steps() -> None:
    begun = begin_deploy(ORDER, fleet(LIVE_BLUE), [], 9.0)
    assert isinstance(begun, Begun)
    assert (begun.release.first, begun.release.capacity, begun.release.plan.steps) == (True, 2, (Step(100),))


def test_a_first_deploy_is_judged_by_ceilings_alone() -> None:
    compared = Gates(alarms=("a",), errors=ErrorGate(), latency=LatencyGate(ceiling_seconds=1.0))
    begun = begin_deploy(replace(ORDER, gates=compared), fleet(LIVE_BLUE), [], 9.0)
    assert isinstance(begun, Begun)
    assert begun.release.gates == Gates(alarms=("a",), latency=LatencyGate(maximum_ratio=None, ceiling_seconds=1.0))


@pytest.mark.parametrize(
    ("side", "weights", "unchanged"),
    [
        pytest.param(runs(BLUE, 3), LIVE_BLUE, True, id="live and healthy"),
        pytest.param(runs(BLUE, 3, healthy=0), LIVE_BLUE, False, id="live and sick"),
        pytest.param(runs(BLUE, 3), Weights(90, 10), False, id="not all traffic"),
        pytest.param(runs(BLUE, 4), LIVE_BLUE, False, id="something else runs there"),
    ],
)
def test_a_deploy_of_what_is_live_is_no_change(side: ColourState, weights: Weights, unchanged: bool) -> None:
    history = [release(3, live="green", candidate="blue")]
    assert isinstance(begin_deploy(ORDER, fleet(weights, side), history, 9.0), Unchanged) is unchanged


def test_split_traffic_without_a_history_is_not_interpreted() -> None:
    begun = begin_deploy(ORDER, fleet(Weights(50, 50), runs(BLUE, 1), runs(GREEN, 2)), [], 9.0)
    assert isinstance(begun, Refused)
    assert "which colour is live" in begun.reason


RETURN = ReturnOrder("back", "scoreboard", "grace")
TWO = [release(1), release(2)]


@pytest.mark.parametrize(
    ("order", "green", "history", "answer"),
    [
        pytest.param(RETURN, runs(GREEN, 1), TWO, Phase.SHIFTING, id="warm: traffic at once"),
        pytest.param(RETURN, runs(GREEN, 1, 0, 0), TWO, Phase.STAGING, id="cold: staged first"),
        pytest.param(RETURN, runs(GREEN, 9), TWO, Phase.STAGING, id="something else there: staged first"),
        pytest.param(RETURN, runs(GREEN, 1, healthy=0), TWO, "is sick", id="a sick target is refused"),
        pytest.param(
            RETURN, runs(GREEN, 1), [release(1), release(2, contract=True)], "contract step", id="contract is refused"
        ),
        pytest.param(
            ReturnOrder("back", "scoreboard", "grace", force=True),
            runs(GREEN, 1),
            [release(1), release(2, contract=True)],
            Phase.SHIFTING,
            id="unless forced",
        ),
    ],
)
def test_how_a_rollback_begins(
    order: ReturnOrder, green: ColourState, history: list[Release], answer: Phase | str
) -> None:
    begun = begin_rollback(order, fleet(LIVE_BLUE, runs(BLUE, 2), green), history, 9.0)
    if isinstance(begun, Begun):
        going_back = begun.release
        assert (going_back.kind, going_back.target, going_back.phase, going_back.candidate) == (
            Kind.ROLLBACK,
            "r1",
            answer,
            GREEN,
        )
    else:
        assert isinstance(begun, Refused) and isinstance(answer, str) and answer in begun.reason


@pytest.mark.parametrize("besides", [{"further_target_groups": ("staging-scoreboard-game",)}, {"names": ("scores",)}])
def test_tasks_that_no_weight_moves_alone_are_replaced_by_a_rollback_whatever_the_other_colour_has(
    besides: dict[str, Any],
) -> None:
    live = replace(runs(BLUE, 2), **besides)
    begun = begin_rollback(RETURN, fleet(LIVE_BLUE, live, runs(GREEN, 1)), TWO, 9.0)
    assert isinstance(begun, Begun)
    back = begun.release
    assert (back.in_place, back.live, back.candidate, back.phase) == (True, BLUE, BLUE, Phase.STAGING)
    assert (back.task_definition, back.stable_task_definition) == (TWO[0].task_definition, live.task_definition)


def test_a_sick_target_is_taken_when_forced_for_whatever_runs_there() -> None:
    forced = ReturnOrder("back", "scoreboard", "grace", force=True)
    begun = begin_rollback(forced, fleet(LIVE_BLUE, runs(BLUE, 2), runs(GREEN, 1, healthy=0)), TWO, 9.0)
    assert isinstance(begun, Begun)
    assert (begun.release.phase, begun.release.policy.minimum_healthy) == (Phase.SHIFTING, 0)


def test_a_release_comes_back_from_the_ledger_as_it_went_in() -> None:
    one = release(1, proofs={"smoke": {"result": "pass", "reason": "200"}}, evidence={"events": ["a"]})
    assert from_plain(Release, to_plain(one)) == one


def test_a_ledger_outlives_the_fields_of_a_release() -> None:
    plain = {**to_plain(release(1)), "of_a_later_version": 7}
    del plain["contract"]
    assert from_plain(Release, plain) == release(1)
