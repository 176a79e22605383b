"""What a release says while it runs: each passed check, and the cause of its end once."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.pear.fargate.plugins.module_utils.release.controller import Controller
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Outcome, Result, Verdict

from ..rollout.runs import order, with_two_releases
from ..rollout.world import Lines


def test_a_passed_check_is_told_and_the_cause_of_the_end_is_told_once() -> None:
    world, lines = with_two_releases(), Lines()
    world.proofs["smoke"] = Verdict(Result.FAIL, "smoke: 5 of 11 answers are wrong")
    ending = Controller(replace(world.ports(), progress=lines), "ada").deploy(order("three"))
    assert ending.outcome is Outcome.ROLLED_BACK
    assert "scoreboard: migrate passed" in lines.said
    assert [line for line in lines.said if "5 of 11" in line] == ["scoreboard: smoke: 5 of 11 answers are wrong"]
