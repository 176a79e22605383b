"""Check mode: what a release would do is told also while something momentary would have it refused."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.release import prediction
from ansible_collections.pear.fargate.plugins.module_utils.release.ports import UnreadableRecord
from ansible_collections.pear.fargate.plugins.module_utils.release.prediction import predicted, predicted_first
from ansible_collections.pear.fargate.plugins.module_utils.release.preflight import Finding
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import ReturnOrder
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Outcome, Plan
from ansible_collections.pear.fargate.plugins.module_utils.service.specification import Specification

from ..clocks import RecordedProgress
from ..rollout.runs import (
    ONE_WRITER,
    POLICY,
    ROLLING,
    deploy,
    killed_at_half,
    order,
    stuck_canary,
    with_one_writer,
    with_two_releases,
    with_two_worker_releases,
)
from ..rollout.world import FakeClock, FakeProvider, World, timed_out

FIRING = Finding("alarm errors is firing already", momentary=True)
NO_ROLE = Finding("role app-task does not exist")


def check_mode(monkeypatch: pytest.MonkeyPatch, world: World, wanted: Any, *findings: Finding) -> tuple[Any, list[str]]:
    monkeypatch.setattr(prediction.ecs, "task_definition", lambda *_: {"cpu": "256"})
    said = RecordedProgress()
    spec = cast(Specification, SimpleNamespace(task_definition=lambda: {"cpu": "512"}))
    call = Invocation({}, cast(Aws, None), check_mode=True, progress=said)
    return predicted(call, world.ports(), spec, wanted, lambda fleet: findings), said.lines


def test_a_firing_alarm_is_a_warning_and_the_difference_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told, lines = check_mode(monkeypatch, with_two_releases(), order("three"), FIRING)
    assert told["changed"] and "256" in told["diff"]["before"] and "512" in told["diff"]["after"]
    assert "warning, a release would be refused now: alarm errors is firing already" in lines


@pytest.mark.parametrize(
    ("version", "shown"), [("1.4.2", "stage 1.4.2 on "), ("", "stage sha256:three on ")], ids=["a tag", "none"]
)
def test_the_plan_names_the_version_by_its_tag(monkeypatch: pytest.MonkeyPatch, version: str, shown: str) -> None:
    told, _ = check_mode(monkeypatch, with_two_releases(), replace(order("three"), version=version))
    assert any(line.startswith(shown) for line in told["plan"]), told["plan"]


def test_a_rollback_out_of_a_release_that_cannot_be_read_returns_traffic_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = killed_at_half()
    (left,) = [release for release in world.releases() if not release.closed]
    del world.records[left.id]
    world.unreadable.append(UnreadableRecord(f"scoreboard release/{left.id}", "it has no record", ended=False))
    told, _ = check_mode(monkeypatch, world, ReturnOrder("back", "scoreboard", "grace", POLICY))
    (only,) = told["plan"]
    assert only.startswith("put right: traffic: blue 50 % green 50 %")


@pytest.mark.parametrize("version", ["three", "two"], ids=["another version", "the version that serves"])
def test_beside_a_record_that_may_be_under_way_check_mode_says_what_the_run_says(
    monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    world = with_two_releases()
    world.unreadable.append(UnreadableRecord("scoreboard release/x", "it has no record", ended=False))
    with pytest.raises(Failure) as refused:
        check_mode(monkeypatch, world, order(version))
    ended = deploy(world, version)
    assert (ended.outcome, str(refused.value)) == (Outcome.REFUSED, f"refused: {ended.reason}.")
    assert refused.value.result["outcome"] == "refused"


def test_a_record_of_a_release_that_has_ended_holds_no_plan_back(monkeypatch: pytest.MonkeyPatch) -> None:
    world = with_two_releases()
    world.unreadable.append(UnreadableRecord("scoreboard release/x", "it has no record", ended=True))
    told, _ = check_mode(monkeypatch, world, order("three"))
    assert told["changed"] and deploy(world, "three").outcome is Outcome.SUCCEEDED


def test_a_lease_that_cannot_be_read_is_a_failure_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    world = killed_at_half()

    def refuse(_number: int, name: str) -> None:
        if name == "lease":
            raise timed_out(name)

    world.before_call = refuse
    with pytest.raises(Failure, match="Failed to lease"):
        check_mode(monkeypatch, world, ReturnOrder("back", "scoreboard", "grace", POLICY, only_abandoned=True))


def test_the_plan_of_a_rollback_names_tag_and_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    world = with_two_releases()
    world.records = {key: replace(one, version=f"v-{one.digest[7:]}") for key, one in world.records.items()}
    told, _ = check_mode(monkeypatch, world, ReturnOrder("rollback-1", "scoreboard", "grace", POLICY))
    assert any("v-one (task:one)" in line for line in told["plan"]), told["plan"]


@pytest.mark.parametrize(("version", "shown"), [("1.4.2", "release 1.4.2 to blue"), ("", "release sha256:three to")])
def test_the_plan_of_a_first_release_names_the_version(version: str, shown: str) -> None:
    said = RecordedProgress()
    spec = cast(Specification, SimpleNamespace(task_definition=dict))
    wanted = replace(order("three"), version=version)
    told = predicted_first(Invocation({}, cast(Aws, None), progress=said), spec, wanted, "nothing is there")
    assert told["reason"].startswith(shown)


def test_what_would_stop_a_release_at_any_time_refuses_check_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Failure, match="role app-task does not exist") as refused:
        check_mode(monkeypatch, with_two_releases(), order("three"), FIRING, NO_ROLE)
    assert "firing" not in str(refused.value)


@pytest.mark.parametrize("plan", [ONE_WRITER, ROLLING], ids=lambda plan: plan.strategy)
def test_the_downtime_of_one_writer_is_in_the_plan(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    world = with_one_writer(plan)
    world.specified = "task:three" if plan.in_place else ""
    monkeypatch.setattr(FakeProvider, "difference", lambda *_: {"before": "", "after": ""})
    wanted = replace(order("three", plan=plan), desired_count=1, single_writer=True)
    told, lines = check_mode(monkeypatch, world, wanted)
    stop = next(
        line for line in told["plan"] if line.startswith("stop blue (1 task) and wait until no task of it runs")
    )
    assert "requests are answered with 503 until" in stop and stop in lines
    assert "stays warm" not in " ".join(lines)


def test_a_rollback_of_a_worker_shows_the_version_that_it_returns_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction.ecs, "task_definition", lambda _, reference: {"family": reference})
    call = Invocation({}, cast(Aws, None), check_mode=True, progress=RecordedProgress())
    world = with_two_worker_releases()
    told = predicted(call, world.ports(), None, ReturnOrder("rollback-1", "scoreboard", "grace", POLICY))
    assert told["changed"] and "task:two" in told["diff"]["before"] and "task:one" in told["diff"]["after"]
    assert [line for line in told["plan"] if "in place" in line]
    assert world.writes == with_two_worker_releases().writes


def test_a_rollback_that_has_nowhere_to_go_is_refused_in_check_mode_too(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ReturnOrder("rollback-1", "scoreboard", "grace", POLICY)
    with pytest.raises(Failure, match="cannot take traffic back"):
        check_mode(monkeypatch, stuck_canary(), wanted)


def test_what_a_living_controller_may_still_do_is_no_plan_of_one_that_spares_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanted = ReturnOrder("rollback-1", "scoreboard", "awx", POLICY, only_abandoned=True)
    world = killed_at_half()
    said = RecordedProgress()
    call = Invocation({}, cast(Aws, None), check_mode=True, progress=said, clock=FakeClock(world))
    told = predicted(call, world.ports(), None, wanted)
    assert not told["changed"] and "deployer of three holds the lease" in told["reason"]
    # By the clock of this machine it was over long ago.
    told, _ = check_mode(monkeypatch, world, wanted)
    assert told["changed"] and "to its end" in told["plan"][0] and len(told["plan"]) == 1, told
    told, _ = check_mode(monkeypatch, with_two_releases(), wanted)
    assert (told["changed"], told["reason"]) == (False, "no release is under way")
