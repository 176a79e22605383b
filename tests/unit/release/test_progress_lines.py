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


def test_nothing_is_judged_once_traffic_returns_so_that_the_evidence_is_of_the_look_that_decided() -> None:
    world = with_two_releases()
    calls: list[str] = []
    home = world.weights
    fire_at_half(world)
    fire = world.before_call

    def note(number: int, name: str) -> None:
        calls.append(name)
        fire(number, name)

    world.before_call = note
    ending = Controller(world.ports(), "ada").deploy(order("three"))
    assert ending.outcome is Outcome.ROLLED_BACK and "collect" in calls
    returned = max(place for place, name in enumerate(calls) if name == "shift")
    assert "readings" in calls[:returned] and "readings" not in calls[returned:]
    assert ending.fleet is not None and ending.fleet.weights == home, "what the last words say serves now"


def test_a_release_that_succeeds_tells_each_thing_once_and_last_what_serves() -> None:
    world, lines = with_two_releases(), Lines()
    Controller(replace(world.ports(), progress=lines), "ada").deploy(order("three"))
    said = [line for line in lines.said if not line.startswith("…")]
    assert len(said) == len(set(said)), said
    assert "serves all traffic" in said[-1]
    assert len([line for line in said if "serves all traffic" in line]) == 1
    assert not [line for line in said for other in said if other.startswith(f"{line};")]
