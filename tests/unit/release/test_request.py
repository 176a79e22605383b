"""A request to a release under way: what could only wait is refused, and no line offers what nobody would do."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws.errors import Failure
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.common.invocation import Invocation
from ansible_collections.pear.fargate.plugins.module_utils.release import bluegreen_request

from ..rollout.runs import killed_at_half, stuck_canary
from ..rollout.world import World

LOST_SECONDS = 200.0


def ask(monkeypatch: pytest.MonkeyPatch, world: World, request: str, check_mode: bool = False) -> dict[str, Any]:
    ports = world.ports()
    monkeypatch.setattr(
        bluegreen_request, "locate_by", lambda *_: SimpleNamespace(ledger="releases", service="scoreboard")
    )
    monkeypatch.setattr(bluegreen_request, "DynamoLedger", lambda *_: ports.ledger)
    monkeypatch.setattr(bluegreen_request, "ServiceFleet", lambda *_: None)
    monkeypatch.setattr(bluegreen_request, "ServiceProvider", lambda _: ports.provider)
    options = {"request": request, "by": "grace", "reason": ""}
    call = Invocation(options, cast(Aws, None), check_mode, clock=ports.clock)
    return bluegreen_request.run(call)


def held(world: World) -> World:
    assert world.lease is not None
    world.lease = replace(world.lease, owner="ada", expires_at=world.time + 90)
    return world


def without_a_healthy_candidate(world: World) -> World:
    for colour, side in world.sides.items():
        world.sides[colour] = replace(side, healthy=0)
    return world


@pytest.mark.parametrize("request_kind", ["promote", "promote_all"])
def test_a_promotion_of_a_candidate_that_serves_is_taken_up(monkeypatch: pytest.MonkeyPatch, request_kind: str) -> None:
    world = held(stuck_canary())
    said = ask(monkeypatch, world, request_kind)["reason"]
    assert said.endswith("its controller takes it up within seconds")
    assert world.operator_request is not None and str(world.operator_request.kind) == request_kind


@pytest.mark.parametrize("request_kind", ["promote", "promote_all"])
def test_a_promotion_that_no_healthy_target_could_serve_is_refused(
    monkeypatch: pytest.MonkeyPatch, request_kind: str
) -> None:
    world = without_a_healthy_candidate(held(stuck_canary()))
    with pytest.raises(Failure, match=r"cannot be promoted: .*100 % of requests are not served.*has none either"):
        ask(monkeypatch, world, request_kind)
    assert world.operator_request is None


def test_an_abort_that_could_only_wait_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    world = held(stuck_canary())
    with pytest.raises(Failure, match=r"cannot return its traffic: .*promote.yml.*rollback_force=true"):
        ask(monkeypatch, world, "abort")
    assert world.operator_request is None


@pytest.mark.parametrize("stuck", [True, False])
def test_a_request_that_no_controller_reads_says_who_has_to_act(monkeypatch: pytest.MonkeyPatch, stuck: bool) -> None:
    world = stuck_canary() if stuck else killed_at_half()
    world.pass_time(LOST_SECONDS)
    said = ask(monkeypatch, world, "promote")["reason"]
    assert "no controller is at work: run deploy.yml to go on" in said
    assert ("or rollback.yml" in said) is not stuck, "a rollback of a release that is stuck is refused"


def test_check_mode_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    world = held(stuck_canary())
    assert ask(monkeypatch, world, "promote_all", check_mode=True)["changed"]
    assert world.operator_request is None
