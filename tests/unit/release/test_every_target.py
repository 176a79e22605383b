"""A check asks every healthy target: how often, and what its verdict says about one target among several."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.release.check_options import CHECK
from ansible_collections.pear.fargate.plugins.module_utils.release.every_target import (
    MISSED,
    Route,
    requests_needed,
    smoke,
)
from ansible_collections.pear.fargate.plugins.module_utils.release.options import filled
from ansible_collections.pear.fargate.plugins.module_utils.release.smoke import Answer, Endpoint
from ansible_collections.pear.fargate.plugins.module_utils.rollout.model import Result, Verdict

SQLITE, MEMORY = {"storage_mode": "sqlite"}, {"storage_mode": "memory"}
TESTERS = {"x-release": "candidate"}


@dataclass
class Target:
    """One task: what it answers, request by request; the last answer is repeated."""

    name: str
    bodies: list[Any]
    seconds: float = 0.02
    status: int = 200

    def answer(self) -> Answer:
        body = self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]
        if isinstance(body, OSError):
            raise body
        content = json.dumps({**body, "task": self.name}).encode()
        return Answer(self.status, {"x-instance": self.name}, content, self.seconds)


@dataclass
class Balancer:
    """Chooses the target of each request, as a load balancer does."""

    order: Iterator[Target]
    asked: list[Mapping[str, str]] = field(default_factory=list)

    def request(self, check: Mapping[str, Any], headers: Mapping[str, str], stopped: object = None) -> Answer:
        self.asked.append(headers)
        return next(self.order).answer()


def in_turn(*targets: Target) -> Balancer:
    return Balancer(itertools.cycle(targets))


def ask(
    balancer: Balancer, targets: int = 2, stopped: Callable[[], bool] = lambda: False, **options: Any
) -> tuple[Verdict, list[float]]:
    pauses: list[float] = []
    wanted = {"name": "ready", "path": "/readyz", "expect_json": SQLITE, **options}
    route = Route(cast(Endpoint, balancer), targets, TESTERS, stopped=stopped, pause=pauses.append)
    return smoke(route, filled(wanted, CHECK)), pauses


@pytest.mark.parametrize(("targets", "requests"), [(0, 1), (1, 1), (2, 11), (3, 20), (10, 88)])
def test_the_number_of_requests_grows_with_the_targets(targets: int, requests: int) -> None:
    assert requests_needed(targets) == requests


@pytest.mark.parametrize("targets", [2, 3, 5])
def test_targets_chosen_at_random_are_left_out_no_more_often_than_said(targets: int) -> None:
    chance = random.Random(targets)
    rounds = 20_000
    missed = sum(
        len({chance.randrange(targets) for _ in range(requests_needed(targets))}) < targets for _ in range(rounds)
    )
    assert missed / rounds <= 1.5 * MISSED


@pytest.mark.parametrize("good_first", [True, False])
def test_one_of_two_targets_on_memory_fails_the_check(good_first: bool) -> None:
    targets = [Target("a", [SQLITE]), Target("b", [MEMORY])]
    verdict, _ = ask(in_turn(*(targets if good_first else reversed(targets))))
    assert verdict.result is Result.FAIL
    assert 'storage_mode is "memory", wanted "sqlite" (5 times)' in verdict.reason
    assert "5 of 11 answers of 2 healthy targets are wrong" in verdict.reason


def test_with_an_identity_the_target_is_named_and_two_requests_are_enough() -> None:
    balancer = in_turn(Target("a", [SQLITE]), Target("b", [MEMORY]))
    verdict, _ = ask(balancer, identity="X-Instance")
    assert verdict.result is Result.FAIL
    assert "1 of 2 targets asked answered wrong" in verdict.reason
    assert "(by b)" in verdict.reason
    assert len(balancer.asked) == 2


def test_an_identity_may_be_a_path_in_the_json() -> None:
    verdict, _ = ask(in_turn(Target("a", [SQLITE]), Target("b", [SQLITE])), identity="task")
    assert verdict.result is Result.PASS
    assert "all 2 targets answered right" in verdict.reason


def test_a_target_that_is_never_reached_leaves_the_check_undecided() -> None:
    verdict, _ = ask(in_turn(Target("a", [SQLITE])), identity="task")
    assert verdict.result is Result.INCONCLUSIVE
    assert "only 1 of 2 healthy targets answered 11 requests" in verdict.reason


def test_without_a_healthy_target_nothing_is_asked_and_nothing_passes() -> None:
    """A load balancer without a healthy target may send requests to any: the answer would prove nothing."""
    balancer = in_turn(Target("a", [SQLITE]))
    verdict, _ = ask(balancer, targets=0)
    assert (verdict.result, balancer.asked) == (Result.INCONCLUSIVE, [])
    assert "no target is healthy" in verdict.reason


def test_an_answer_without_the_identity_is_wrong() -> None:
    verdict, _ = ask(in_turn(Target("a", [SQLITE])), identity="x-task")
    assert verdict.result is Result.FAIL
    assert "x-task is neither a header of the answer nor a value of its JSON" in verdict.reason


def test_a_pass_says_how_many_answers_of_how_many_targets() -> None:
    balancer = in_turn(Target("a", [SQLITE], 0.012), Target("b", [SQLITE], 0.03))
    verdict, pauses = ask(balancer)
    assert verdict.result is Result.PASS
    assert verdict.reason == (
        "check ready: GET /readyz answers 200 in 12 to 30 ms: all of 11 answers of 2 healthy targets are right"
    )
    assert len(balancer.asked) == 11
    assert pauses == []


def test_a_version_may_warm_up_until_its_first_right_answer() -> None:
    verdict, pauses = ask(in_turn(Target("a", [MEMORY, MEMORY, SQLITE])), targets=1, tries=3)
    assert verdict.result is Result.PASS
    assert pauses == [2.0, 2.0]


def test_a_wrong_answer_after_the_first_right_one_fails() -> None:
    verdict, _ = ask(in_turn(Target("a", [SQLITE, SQLITE, MEMORY, SQLITE])))
    assert verdict.result is Result.FAIL
    assert "1 of 11 answers" in verdict.reason


def test_a_target_that_hangs_ends_the_check() -> None:
    balancer = in_turn(Target("a", [SQLITE]), Target("b", [TimeoutError("timed out")]))
    verdict, _ = ask(balancer)
    assert verdict.result is Result.FAIL
    assert "no answer: timed out" in verdict.reason
    assert len(balancer.asked) == 2


@pytest.mark.parametrize(
    "body",
    [pytest.param(MEMORY, id="wrong"), pytest.param(OSError("gone"), id="none"), pytest.param(SQLITE, id="slow")],
)
def test_a_request_that_must_not_be_repeated_is_sent_once_whatever_its_answer_is(body: object) -> None:
    balancer = in_turn(Target("a", [body, SQLITE], seconds=2.0))
    verdict, pauses = ask(balancer, every_target=False, method="POST", maximum_milliseconds=100)
    assert verdict.result is Result.FAIL
    assert (len(balancer.asked), pauses) == (1, [])


def test_attempts_ask_every_target_again_after_the_interval() -> None:
    a, b = Target("a", [SQLITE]), Target("b", [SQLITE, SQLITE, MEMORY])
    verdict, pauses = ask(in_turn(a, b), identity="task", attempts=3, interval_seconds=7)
    assert verdict.result is Result.FAIL
    assert pauses == [2, 2, 2, 1] * 2


def test_a_request_that_must_not_be_repeated_is_made_once() -> None:
    balancer = in_turn(Target("a", [SQLITE]))
    verdict, _ = ask(balancer, every_target=False, method="POST")
    assert (verdict.result, len(balancer.asked)) == (Result.PASS, 1)
    assert "1 answer is right" in verdict.reason


def test_one_slow_answer_of_many_is_chance_and_a_slow_target_is_not() -> None:
    fast, slow = Target("a", [SQLITE]), Target("b", [SQLITE], 0.9)
    once = Balancer(itertools.chain([fast, slow], itertools.repeat(fast)))
    assert ask(once, maximum_milliseconds=100)[0].result is Result.PASS
    verdict, _ = ask(in_turn(fast, slow), maximum_milliseconds=100, tries=2)
    assert verdict.result is Result.FAIL
    assert "answers took longer than 100 ms, the slowest 900 ms" in verdict.reason


def test_a_release_that_ends_meanwhile_stops_the_check() -> None:
    verdict, _ = ask(in_turn(Target("a", [MEMORY])), stopped=lambda: True)
    assert verdict.result is Result.INCONCLUSIVE
    assert verdict.reason == "check ready was stopped"


def test_a_long_interval_keeps_the_lease_and_ends_with_the_release() -> None:
    heard: list[bool] = []

    def stopped() -> bool:
        heard.append(True)
        return len(heard) > 3

    verdict, pauses = ask(in_turn(Target("a", [MEMORY])), targets=1, stopped=stopped, interval_seconds=600)
    assert verdict.reason == "check ready was stopped"
    assert pauses == [2, 2, 2]


@pytest.mark.parametrize("in_header", [True, False])
def test_an_endless_identity_is_bounded(in_header: bool) -> None:
    headers = {"task": "x" * 60_000} if in_header else {}
    body = json.dumps({"task": "x" * 900_000, **SQLITE}).encode()
    right = Answer(200, headers, body, 0.02)
    answers = itertools.chain([right], itertools.repeat(replace(right, status=500)))
    balancer = Balancer(iter([]))
    balancer.request = lambda *_request, **_options: next(answers)  # type: ignore[method-assign]
    verdict, _ = ask(balancer, identity="task", tries=1)
    assert verdict.result is Result.FAIL
    assert "(by xxx" in verdict.reason and len(verdict.reason) < 1_000


def test_an_identity_in_json_that_is_nested_too_deeply_is_missing() -> None:
    deep = Answer(200, {}, b"[" * 1_000_000, 0.02)
    balancer = Balancer(iter([]))
    balancer.request = lambda *_request, **_options: deep  # type: ignore[method-assign]
    verdict, _ = ask(balancer, targets=1, expect_json={}, identity="task", tries=1)
    assert verdict.result is Result.FAIL
    assert "task is neither a header of the answer nor a value of its JSON" in verdict.reason


def test_requests_have_the_headers_of_their_route() -> None:
    balancer = in_turn(Target("a", [SQLITE]))
    ask(balancer, targets=1)
    assert balancer.asked == [{"x-release": "candidate"}]
