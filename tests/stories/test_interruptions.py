"""A release that is disturbed: by its tasks' death, by people, by signals, by the death of its controller."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from sandbox.config import Settings
from sandbox.processes import alive
from tests.support.plays import ROOT

from .arcade import CLUSTER, Arcade, arcade, descendants, end, finished, kill, kill_whole, tasks
from .load import assert_not_one_failed

__all__ = ["arcade"]


@pytest.mark.long
def test_a_candidate_that_dies_returns_traffic(arcade: Arcade) -> None:
    before = arcade.live()
    options = {"steps": [{"weight": 50, "duration_seconds": 60}, {"weight": 100}]}
    process = arcade.begin("dies", service_strategy="steps", service_strategy_options=options)
    try:
        arcade.wait_for(lambda: arcade.weights()[before] == 50)
        # Tasks that come back die too: here they are back within seconds, and one odd look is no verdict.
        while process.poll() is None and arcade.weights()[before] == 50:
            for task in tasks(arcade, "green" if before == "blue" else "blue"):
                with suppress(AssertionError):  # it has ended meanwhile
                    kill(arcade.stage, task)
        ended = finished(process).failed()
    finally:
        end(process)
    assert "rolled_back" in ended.output, ended.output
    assert arcade.weights()[before] == 100


@pytest.mark.long
def test_provisioning_moves_no_traffic_while_live_grows_and_a_second_release_is_refused(arcade: Arcade) -> None:
    before = arcade.live()
    options = {"steps": [{"weight": 30, "approval": True, "approval_timeout_seconds": 1500}, {"weight": 100}]}
    with arcade.under_load() as running:
        process = arcade.begin("r4", service_strategy="steps", service_strategy_options=options)
        try:
            arcade.wait_for(lambda: arcade.weights()[before] == 70)
            arcade.player.run("playbooks/provision.yml", "-l", "arcade").succeeded()
            assert arcade.weights()[before] == 70
            refused = arcade.release("r5").failed()
            assert "holds arcade" in refused.output, refused.output
            ecs = arcade.stage.client("ecs")
            ecs.update_service(cluster=CLUSTER, service=f"arcade-{before}", desiredCount=3)
            arcade.wait_for(lambda: arcade.services()[before]["runningCount"] == 3)
            arcade.play("promote").succeeded()
            ended = finished(process).succeeded()
        finally:
            end(process)
        summary = running.stop()
    assert "as many as live" in ended.output, ended.output
    live = arcade.live()
    assert live != before
    assert arcade.services()[live]["runningCount"] == 3
    assert_not_one_failed(summary, 1000)


@pytest.mark.long
def test_a_rollback_stops_the_release_under_way(arcade: Arcade) -> None:
    before = arcade.live()
    options = {"percent": 40, "duration_seconds": 120}
    with arcade.under_load(50, keep_alive=False) as running:
        process = arcade.begin("r6", service_strategy="canary", service_strategy_options=options)
        try:
            arcade.wait_for(lambda: arcade.weights()[before] == 60)
            arcade.play("rollback").succeeded()
            assert arcade.weights()[before] == 100
            ended = finished(process).failed()
        finally:
            end(process)
        summary = running.stop()
    assert "superseded" in ended.output, ended.output
    assert_not_one_failed(summary, 500)


@pytest.mark.long
def test_ctrl_c_returns_traffic(arcade: Arcade) -> None:
    before = arcade.live()
    options = {"percent": 40, "duration_seconds": 120}
    process = arcade.begin("r7", service_strategy="canary", service_strategy_options=options)
    try:
        arcade.wait_for(lambda: arcade.weights()[before] == 60)
        os.killpg(process.pid, signal.SIGINT)
        arcade.wait_for(lambda: arcade.weights()[before] == 100)
        assert finished(process).status != 0
    finally:
        end(process)


def test_a_killed_controller_is_followed_by_the_next_one(arcade: Arcade) -> None:
    before = arcade.live()
    steps = {"steps": [{"weight": 50, "duration_seconds": 8}, {"weight": 100}]}
    with arcade.under_load() as running:
        process = arcade.begin("r8", service_strategy="steps", service_strategy_options=steps)
        try:
            arcade.wait_for(lambda: arcade.weights()[before] == 50)
        finally:
            kill_whole(process)
        # Nobody gave the lease back: it ends by itself.
        ended = arcade.release("r8", service_strategy="steps", service_strategy_options=steps)
        deadline = time.monotonic() + 150
        while ended.status != 0 and "holds arcade" in ended.output and time.monotonic() < deadline:
            time.sleep(5)
            ended = arcade.release("r8", service_strategy="steps", service_strategy_options=steps)
        ended.succeeded()
        summary = running.stop()
    assert "resuming" in ended.output, ended.output
    assert arcade.live() != before
    assert_not_one_failed(summary, 500)


@pytest.mark.long
def test_aws_that_is_away_for_a_while_loses_nothing(arcade: Arcade) -> None:
    """The sandbox's API is killed in the middle of a release, and started again: the release, or the next one, gets through."""
    before = arcade.live()
    options = {"steps": [{"weight": 50, "duration_seconds": 20}, {"weight": 100}]}
    settings = Settings.load(arcade.stage.home)
    with arcade.under_load(50, keep_alive=False) as running:
        process = arcade.begin("away", service_strategy="steps", service_strategy_options=options)
        try:
            arcade.wait_for(lambda: arcade.weights()[before] == 50)
            services = {side: one["serviceArn"] for side, one in arcade.services().items()}
            there = set(tasks(arcade, before))
            pid = alive(settings, "api")
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            environment = {**os.environ, **arcade.stage.environment}
            subprocess.run([sys.executable, "-m", "sandbox", "up"], cwd=ROOT, env=environment, check=True)
            assert alive(settings, "api") not in (None, pid)
            assert {side: one["serviceArn"] for side, one in arcade.services().items()} == services
            assert set(tasks(arcade, before)) == there
            ended = finished(process)
        finally:
            end(process)
        deadline = time.monotonic() + 150
        while ended.status != 0 and time.monotonic() < deadline:
            # The lease of one that gave up ends by itself.
            ended = arcade.release("away", service_strategy="steps", service_strategy_options=options)
        ended.succeeded()
        summary = running.stop()
    live = arcade.live()
    assert live != before
    assert arcade.weights()[live] == 100
    assert_not_one_failed(summary, 500)


@pytest.mark.long
def test_sigterm_leaves_traffic_where_it_is_where_that_is_asked_for(arcade: Arcade) -> None:
    before = arcade.live()
    steps = {
        "service_strategy": "steps",
        "service_strategy_options": {"steps": [{"weight": 40, "duration_seconds": 12}, {"weight": 100}]},
        "service_release_policy": {"hold_when_interrupted": True},
    }
    process = arcade.begin("r9", **steps)
    try:
        arcade.wait_for(lambda: arcade.weights()[before] == 60)
        controllers = descendants(process.pid)
        os.killpg(process.pid, signal.SIGTERM)
        ended = finished(process).failed()
        # ansible-playbook may be gone before its worker has put the release down and given the lease back.
        arcade.wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in controllers))
    finally:
        end(process)
    assert arcade.weights()[before] == 60, ended.output
    # The lease was given back: the next one goes on at once.
    ended = arcade.release("r9", **steps).succeeded()
    assert "resuming" in ended.output, ended.output
    assert arcade.live() != before
