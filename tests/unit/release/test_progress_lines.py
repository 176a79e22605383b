"""What a release says while it runs: each passed check, and the cause of its end once."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pear.fargate.plugins.module_utils.release.controller import Controller
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Outcome, Result, Verdict

from ..rollout.runs import fire_at_half, order, with_two_releases
from ..rollout.world import Lines


def test_a_passed_check_is_told_and_the_cause_of_the_end_is_told_once() -> None:
    world, lines = with_two_releases(), Lines()
    world.proofs["smoke"] = Verdict(Result.FAIL, "smoke: 5 of 11 answers are wrong")
    ending = Controller(replace(world.ports(), progress=lines), "ada").deploy(order("three"))
    assert ending.outcome is Outcome.ROLLED_BACK
    assert "scoreboard: migrate passed" in lines.said
    assert [line for line in lines.said if "5 of 11" in line] == ["scoreboard: smoke: 5 of 11 answers are wrong"]


def test_why_traffic_returns_is_told_with_the_return_and_not_again() -> None:
    world, lines = with_two_releases(), Lines()
    fire_at_half(world)
    ending = Controller(replace(world.ports(), progress=lines), "ada").deploy(order("three"))
    assert ending.outcome is Outcome.ROLLED_BACK
    (told,) = [line for line in lines.said if "alarm errors is firing" in line]
    assert told.startswith("scoreboard: returning traffic to")


def test_a_release_that_succeeds_tells_each_thing_once_and_last_what_serves() -> None:
    world, lines = with_two_releases(), Lines()
    Controller(replace(world.ports(), progress=lines), "ada").deploy(order("three"))
    said = [line for line in lines.said if not line.startswith("…")]
    assert len(said) == len(set(said)), said
    assert "serves all traffic" in said[-1]
    assert len([line for line in said if "serves all traffic" in line]) == 1
    assert not [line for line in said for other in said if other.startswith(f"{line};")]
