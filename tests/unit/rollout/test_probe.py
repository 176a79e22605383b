"""The version probe of a run: asked once the candidate has all traffic and its answer decides, and a wrong answer returns traffic."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Outcome, Plan, Result, Verdict, Weights

from .runs import PLAN, ROLLING, deploy, with_two_releases
from .world import World

OLD_ANSWERS = Verdict(Result.FAIL, "version is two")
RIGHT = Verdict(Result.PASS, "version is three")
PLANS = [
    pytest.param(PLAN, id="after the bake"),
    pytest.param(replace(PLAN, bake_seconds=0), id="after the last step"),
    pytest.param(ROLLING, id="after the bake of a release in place"),
]


def probed(world: World) -> list[Weights]:
    """The weights at each probe."""
    found: list[Weights] = []
    world.before_call = lambda _number, name: found.append(world.weights) if name == "probe" else None
    return found


@pytest.mark.parametrize("plan", PLANS)
def test_a_version_that_the_probe_does_not_find_is_returned(plan: Plan) -> None:
    world = with_two_releases()
    home = world.weights
    world.probe = OLD_ANSWERS
    ending = deploy(world, "three", plan)
    assert (ending.outcome, world.weights) == (Outcome.ROLLED_BACK, home)
    assert "version is two" in ending.reason


@pytest.mark.parametrize("plan", PLANS)
def test_the_probe_is_asked_once_the_candidate_has_all_traffic(plan: Plan) -> None:
    world = with_two_releases()
    world.probe = RIGHT
    looks = probed(world)
    assert deploy(world, "three", plan).outcome is Outcome.SUCCEEDED
    assert looks and {*looks} == {world.weights}
