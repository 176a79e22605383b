"""What is no version: counts and settings of the live colour are put right without a release, or by one where tasks have to be new."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.rollout.actions import Adjust
from ansible_collections.pear.fargate.plugins.module_utils.rollout.begin import Begun, Unchanged, begin_deploy
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import (
    Colour,
    ColourState,
    Fleet,
    Kind,
    Outcome,
    Release,
    Weights,
)

from .runs import PLAN, deploy, order, with_two_releases
from .world import BLUE, GREEN

LIVE = ColourState(GREEN, "task:one", 2, 2, 2, deployment_id="d1")
COUNTED = replace(LIVE, adjustments=("desired count 2 → 3",))
ORDER = order("one")
MADE = Release(
    id="r1",
    service="scoreboard",
    kind=Kind.DEPLOY,
    digest="sha256:one",
    live=BLUE,
    candidate=GREEN,
    plan=PLAN,
    started_at=1.0,
    by="ada",
    fingerprint="one",
    task_definition="task:one",
    outcome=Outcome.SUCCEEDED,
    closed=True,
)


def begun(live: ColourState, **options: object) -> object:
    fleet = Fleet(Weights.all_to(Colour.GREEN), ColourState(BLUE), live)
    return begin_deploy(replace(ORDER, **options), fleet, [MADE], 10.0)  # type: ignore[arg-type]


def test_a_count_of_the_live_version_is_adjusted_without_a_release() -> None:
    found = begun(COUNTED, desired_count=3)
    assert isinstance(found, Unchanged)
    assert (found.adjust, found.adjustments) == (Adjust(GREEN), COUNTED.adjustments)


def test_nothing_is_adjusted_where_a_new_version_is_released() -> None:
    found = begun(COUNTED, fingerprint="two")
    assert isinstance(found, Begun)
    assert not found.release.restart


def test_settings_that_need_new_tasks_are_released_like_a_version() -> None:
    found = begun(replace(LIVE, redeployments=("settings differ: subnets",)))
    assert isinstance(found, Begun)
    assert (found.release.candidate, found.release.restart) == (BLUE, True)


@pytest.mark.parametrize("live", [LIVE, replace(LIVE, desired=0, running=0, healthy=0)], ids=["running", "stopped"])
def test_no_tasks_at_all_is_a_count_like_any_other(live: ColourState) -> None:
    found = begun(live, desired_count=0)
    assert isinstance(found, Unchanged)


def test_a_new_version_that_is_to_run_nowhere_is_put_in_place_without_a_check() -> None:
    stopped = replace(LIVE, desired=0, running=0, healthy=0)
    found = begun(stopped, fingerprint="two", desired_count=0)
    assert isinstance(found, Begun)
    assert found.release.in_place
    assert (found.release.checks, found.release.verifications) == ((), ())


def test_a_stopped_service_is_started_by_a_release() -> None:
    stopped = replace(LIVE, desired=0, running=0, healthy=0)
    found = begun(stopped, desired_count=2)
    assert isinstance(found, Begun)
    assert found.release.first


def test_a_count_is_written_once_under_the_lease_and_no_release_is_recorded() -> None:
    world = with_two_releases()
    world.wanted_count = 3
    records, writes = len(world.records), len(world.writes)
    ending = deploy(world, "two")
    assert (ending.outcome, ending.changed) == (None, True)
    assert "desired count 2 → 3" in ending.reason
    live = world.weights.leader
    assert live is not None
    assert world.sides[live].desired == 3
    assert (len(world.records), len(world.writes)) == (records, writes + 1)
    assert not deploy(world, "two").changed
    assert len(world.writes) == writes + 1
