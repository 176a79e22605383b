"""Writes of an overtaken controller that arrive after the rollback, at worst a detour; and reads that come late, which cost no lease."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.support.fault_proxy import Fault, FaultProxy, Kind
from tests.support.plays import PlayResult

from .arcade import CLUSTER, Arcade, arcade, end, entries, finished
from .load import assert_not_one_failed
from .proxied import proxy, through

__all__ = ["arcade", "proxy"]

LATE = "a write that arrived late"
SCALE_IN = "pear-rollback-window-over"


def newest_deploy(arcade: Arcade) -> dict[str, Any]:
    return [item for item in entries(arcade) if "-deploy-" in item["entry"]["S"]][-1]


def overtaken(
    arcade: Arcade, proxy: FaultProxy, fault: Fault, share: int = 100, **release: Any
) -> tuple[PlayResult, PlayResult]:
    """A release that hangs at a fault once live has only this share, and a rollback meanwhile.

    The call arrives after the rollback has returned traffic. Both results.
    """
    before = arcade.live()
    process = through(arcade, proxy).begin(f"late-{fault.operation}", **release)
    rollback = None
    try:
        arcade.wait_for(lambda: arcade.weights()[before] <= share)
        proxy.add(fault)
        assert fault.met.wait(240)
        rollback = arcade.player.start("playbooks/rollback.yml", "-l", "arcade")
        arcade.wait_for(lambda: arcade.weights()[before] == 100)
        # From its outcome on, a write of the release is a late one.
        arcade.wait_for(lambda: "outcome" in newest_deploy(arcade))
        fault.let_go.set()
        assert fault.arrived.wait(20)
        arcade.wait_for(lambda: arcade.weights()[before] == 100)
        return finished(rollback), finished(process)
    finally:
        end(process)
        if rollback is not None:
            end(rollback)


@pytest.mark.long
def test_a_shift_of_an_overtaken_release_that_arrives_after_the_rollback_is_undone(
    arcade: Arcade, proxy: FaultProxy
) -> None:
    before = arcade.live()
    options = {"steps": [{"weight": 30, "duration_seconds": 3}, {"weight": 100}]}
    with arcade.under_load(50, keep_alive=False) as running:
        held = Fault("ModifyRule", Kind.HOLD)
        steps = {"service_strategy": "steps", "service_strategy_options": options}
        returned, left = overtaken(arcade, proxy, held, share=70, **steps)
        summary = running.stop()
    assert LATE in returned.succeeded().output, returned.output
    assert "superseded" in left.failed().output, left.output
    assert arcade.weights()[before] == 100
    assert_not_one_failed(summary, 500)


@pytest.mark.long
def test_a_scale_in_of_an_overtaken_release_that_strikes_what_serves_again_is_undone(
    arcade: Arcade, proxy: FaultProxy
) -> None:
    """A release without a rollback window scales the old colour in at once; that call hangs, and the rollback uses the colour."""
    before = arcade.live()
    held = Fault("UpdateService", Kind.HOLD, times=3, body=r'"desiredCount": ?0')
    with arcade.under_load(50, keep_alive=False) as running:
        returned, left = overtaken(arcade, proxy, held, service_release_policy={"window_seconds": 0})
        summary = running.stop()
    assert f"{LATE} scaled {before} in, which serves: undone" in returned.succeeded().output, returned.output
    assert left.status != 0 and "Traceback" not in left.output, left.output
    arcade.wait_for(lambda: arcade.services()[before]["runningCount"] > 0)
    assert arcade.weights()[before] == 100
    # Until the next look nobody answers; the other colour still has its tasks, and takes over.
    assert summary["sent"] - summary["ok"] <= summary["sent"] * 0.1, summary


def scale_ins(arcade: Arcade, colour: str) -> list[str]:
    scaling = arcade.stage.client("application-autoscaling")
    found = scaling.describe_scheduled_actions(
        ServiceNamespace="ecs",
        ResourceId=f"service/{CLUSTER}/arcade-{colour}",
        ScalableDimension="ecs:service:DesiredCount",
    )["ScheduledActions"]
    return [action["ScheduledActionName"] for action in found if action["ScheduledActionName"].startswith(SCALE_IN)]


@pytest.mark.long
def test_a_scheduled_scale_in_of_an_overtaken_release_leaves_nothing_on_what_serves_again(
    arcade: Arcade, proxy: FaultProxy
) -> None:
    """Without autoscaling the rollback took the colour out of it, and Application Auto Scaling refuses what comes late."""
    before = arcade.live()
    held = Fault("PutScheduledAction", Kind.HOLD, times=3)
    with arcade.under_load(50, keep_alive=False) as running:
        returned, left = overtaken(arcade, proxy, held)
        summary = running.stop()
    returned.succeeded()
    assert left.status != 0 and "Traceback" not in left.output, left.output
    assert scale_ins(arcade, before) == []
    assert_not_one_failed(summary, 500)


@pytest.mark.long
@pytest.mark.parametrize("playbook", ["release", "rollback"])
def test_a_scale_in_of_what_serves_is_named_by_status_and_drift_and_put_right_by_the_next_run(
    arcade: Arcade, playbook: str
) -> None:
    arcade.release(f"before-{playbook}").succeeded()
    live = arcade.live()
    scaling = arcade.stage.client("application-autoscaling")
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{CLUSTER}/arcade-{live}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling.register_scalable_target(**target, MinCapacity=0, MaxCapacity=2)
    scaling.put_scheduled_action(
        **target,
        ScheduledActionName=f"{SCALE_IN}-20200101T000000Z-deploy-late",
        Schedule="at(2099-01-01T00:00:00)",
        ScalableTargetAction={"MinCapacity": 0, "MaxCapacity": 0},
    )
    named = f"scheduled scale-in of {live}: at 2099-01-01 00:00:00Z, for 20200101T000000Z-deploy-late"
    assert f"{named}; the ledger and the rule say: it serves" in arcade.play("status").succeeded().output
    drift = arcade.player.run("playbooks/drift.yml", "-l", "arcade", "--tags", "image,release")
    assert drift.status == 2 and f"scheduled scale-in of {live}" in drift.output, drift.output
    run = arcade.release("before-release") if playbook == "release" else arcade.play("rollback")
    assert f"put right: {named}" in run.succeeded().output, run.output
    assert scale_ins(arcade, live) == [] or arcade.live() != live
    assert "late" not in str(scale_ins(arcade, live))


# What a look at the service reads at once.
READS = ("DescribeServices", "DescribeRules", "DescribeTargetHealth", "DescribeScalableTargets")


def lease_left(arcade: Arcade) -> float:
    """For how many seconds the lease is still held; an ended one is given back."""
    (lease,) = [item for item in entries(arcade) if item["entry"]["S"] == "lease"]
    return float(lease["expires_at"]["N"]) - time.time() if lease["owner"]["S"] else 0.0


@pytest.mark.long
def test_a_release_whose_looks_all_hang_keeps_its_lease_and_then_returns_traffic(
    arcade: Arcade, proxy: FaultProxy
) -> None:
    before = arcade.live()
    options = {"steps": [{"weight": 30, "duration_seconds": 600}, {"weight": 100}]}
    left: list[float] = []
    with arcade.under_load(50, keep_alive=False) as running:
        process = through(arcade, proxy).begin(
            "hanging-looks", service_strategy="steps", service_strategy_options=options
        )
        try:
            arcade.wait_for(lambda: arcade.weights()[before] == 70)
            held = [proxy.add(Fault(operation, Kind.HOLD, times=100_000)) for operation in READS]
            until = time.monotonic() + 150
            while time.monotonic() < until and process.poll() is None:
                left.append(lease_left(arcade))
                time.sleep(1)
            for fault in held:
                fault.times = 0
                fault.let_go.set()
            ended = finished(process).failed()
        finally:
            end(process)
        summary = running.stop()
    assert {fault.operation for fault in held if fault.met.is_set()} == set(READS)
    assert min(left) > 0, left
    assert "arcade: interrupted: Failed to read" in ended.output, ended.output
    assert arcade.weights()[before] == 100
    assert_not_one_failed(summary, 500)
