"""A rolling release has all that other strategies have: checks, gates, a report, the lease, and a way back."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.pages import ReadPage
from tests.support.plays import PlayResult

from .arcade import CLUSTER, GATES, Arcade, arcade, end, finished
from .load import assert_not_one_failed

__all__ = ["arcade"]
# Without the alarm that ECS watches for some minutes more, but in the test of that.
ROLLING = {"service_strategy": "rolling", "service_checks": [], "service_deployment_alarms": []}
# Long enough for somebody to act while tasks are replaced.
SLOW_START = {
    "service_command": ["/bin/busybox", "sh", "-c", "trap 'exit 0' TERM; sleep 15 & wait; exec python3 -m scoreboard"]
}


def definition(arcade: Arcade) -> str:
    return str(arcade.services()[arcade.live()]["taskDefinition"])


def roll(arcade: Arcade, version: str, **variables: Any) -> PlayResult:
    return arcade.release(version, **{**ROLLING, **variables})


@pytest.fixture(scope="module")
def rolled(arcade: Arcade) -> Arcade:
    """Released once more, in place."""
    roll(arcade, "rolled").succeeded()
    return arcade


def test_migrations_run_before_and_smoke_checks_after_and_all_of_it_is_in_the_report(
    rolled: Arcade, tmp_path: Path
) -> None:
    report = tmp_path / "release.json"
    checks = [
        {"name": "migrate", "command": ["python3", "-c", "print('moved the schema')"], "timeout_seconds": 60},
        {"name": "storage", "path": "/readyz", "expect_json": {"storage_mode": "sqlite"}},
    ]
    colour = rolled.live()
    with rolled.under_load() as running:
        ended = roll(rolled, "migrated", service_checks=checks, service_report=str(report)).succeeded()
        summary = running.stop()
    assert_not_one_failed(summary, 300)
    assert rolled.live() == colour
    order = [ended.output.index(text) for text in ("task migrate started", "starting the deployment", "check storage")]
    assert order == sorted(order), ended.output
    written = json.loads(report.read_text())
    assert written["outcome"] == "succeeded"
    assert written["release"]["plan"]["strategy"] == "rolling"
    assert {name: proof["result"] for name, proof in written["release"]["proofs"].items()} == {
        "migrate": "pass",
        "storage": "pass",
    }


@pytest.mark.long
def test_a_migration_that_fails_deploys_nothing(rolled: Arcade) -> None:
    before = definition(rolled)
    checks = [{"name": "migrate", "command": ["python3", "-c", "raise SystemExit(3)"], "timeout_seconds": 60}]
    failed = roll(rolled, "unmigrated", service_checks=checks).failed()
    assert "rolled_back" in failed.output, failed.output
    assert "exit code 3" in failed.output, failed.output
    assert definition(rolled) == before
    assert len(rolled.services()[rolled.live()]["deployments"]) == 1


def test_a_smoke_check_that_fails_returns_to_the_version_before_without_a_failed_request(
    rolled: Arcade, tmp_path: Path
) -> None:
    before = definition(rolled)
    checks = [{"name": "version", "path": "/readyz", "expect_json": {"storage_mode": "postgres"}, "tries": 1}]
    with rolled.under_load() as running:
        failed = roll(rolled, "unwanted", service_checks=checks, service_report=str(tmp_path / "page.html")).failed()
        summary = running.stop()
    assert_not_one_failed(summary, 300)
    assert 'storage_mode is "sqlite", wanted "postgres"' in failed.output, failed.output
    assert definition(rolled) == before
    status = rolled.play("status").succeeded().output
    assert before.rpartition("/")[2] in status, status
    page = ReadPage((tmp_path / "page.html").read_text())
    assert "rolled back" in page.text.partition("Traffic")[0] and "rolling" in page.text, page.text
    (judged,) = [row for row in page.rows["verdicts"] if row[2] == "check version"]
    assert judged[3] == "fail" and "storage_mode" in judged[4], judged
    assert "requests" in page.figures, page.figures
    assert rolled.live() in {row[0] for row in page.rows["totals"]}, page.rows["totals"]


def test_a_success_waits_for_the_alarm_that_ecs_watches_and_the_checks_do_not(rolled: Arcade) -> None:
    alarm = f"{CLUSTER}/arcade/error-share"
    checks = [{"name": "storage", "path": "/readyz", "expect_json": {"storage_mode": "sqlite"}}]
    with rolled.under_load() as running:
        output = roll(rolled, "watched", service_checks=checks, service_deployment_alarms=[alarm]).succeeded().output
        summary = running.stop()
    assert_not_one_failed(summary, 300)
    order = [
        output.index(text)
        for text in ("check storage", f"ECS watches {alarm} before it completes", "deployment completed")
    ]
    assert order == sorted(order), output
    (state,) = rolled.stage.client("ecs").describe_services(cluster=CLUSTER, services=[f"arcade-{rolled.live()}"])[
        "services"
    ]
    assert [deployment["rolloutState"] for deployment in state["deployments"]] == ["COMPLETED"]


@pytest.mark.long
def test_errors_in_the_bake_return_to_the_version_before(rolled: Arcade) -> None:
    before = definition(rolled)
    chaos = {"CHAOS_ENABLED": "true", "CHAOS_ERROR_RATE": "0.3", "CHAOS_ROUTES": "/leaderboard"}
    with rolled.under_load(75, keep_alive=False):
        failed = roll(
            rolled,
            "erring",
            environment=chaos,
            service_strategy_options={"bake_seconds": 30},
            service_gates=GATES,
        ).failed()
    assert "5xx share" in failed.output, failed.output
    assert definition(rolled) == before


@pytest.mark.long
def test_what_cannot_be_done_in_place_is_refused_and_an_abort_returns(rolled: Arcade) -> None:
    before = definition(rolled)
    process = rolled.begin("aborted", **ROLLING, **SLOW_START)
    try:
        rolled.wait_for(lambda: definition(rolled) != before)
        refused = rolled.play("pause").failed()
        assert "replaces tasks in place" in refused.output, refused.output
        rolled.play("abort", reason="wrong version").succeeded()
        ended = finished(process).failed()
    finally:
        end(process)
    assert "wrong version" in ended.output, ended.output
    assert definition(rolled) == before


@pytest.mark.long
def test_ctrl_c_returns_to_the_version_before(rolled: Arcade) -> None:
    before = definition(rolled)
    process = rolled.begin("interrupted", **ROLLING, **SLOW_START)
    try:
        rolled.wait_for(lambda: definition(rolled) != before)
        os.killpg(process.pid, signal.SIGINT)
        rolled.wait_for(lambda: definition(rolled) == before)
        assert finished(process).status != 0
    finally:
        end(process)


@pytest.mark.long
def test_a_rollback_after_a_rolling_release_goes_to_the_version_before_on_the_other_colour(rolled: Arcade) -> None:
    roll(rolled, "later").succeeded()
    later, colour = definition(rolled), rolled.live()
    rolled.play("rollback").succeeded()
    assert rolled.live() != colour
    assert definition(rolled) != later
    ecs = rolled.stage.client("ecs")
    (state,) = ecs.describe_services(cluster=CLUSTER, services=[f"arcade-{rolled.live()}"])["services"]
    assert state["runningCount"] == state["desiredCount"] > 0


def test_an_option_that_means_nothing_in_place_is_refused_by_name(rolled: Arcade) -> None:
    refused = roll(rolled, "odd", service_release_policy={"capacity_percent": 50}).failed()
    assert "capacity_percent is 50" in refused.output, refused.output
