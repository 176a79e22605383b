"""Blue and green under steady load: traffic moves without a failed request, and comes back from a bad version."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.pages import ReadPage
from tests.support.plays import Player, PlayResult

from .arcade import CANARY, CLUSTER, GATES, HOST, RELEASE, Arcade, app_containers, arcade, end, finished, tasks
from .calls import mutating_calls
from .load import assert_not_one_failed

__all__ = ["arcade"]


def test_releasing_what_is_live_changes_nothing(arcade: Arcade) -> None:
    before = len(mutating_calls(arcade.stage))
    again = arcade.release("r1").succeeded()
    assert again.changed == 0, again.output
    assert mutating_calls(arcade.stage)[before:] == []


def test_check_mode_tells_the_plan_and_writes_nothing(arcade: Arcade) -> None:
    before = len(mutating_calls(arcade.stage))
    told = arcade.release("r2", check=True, **CANARY).succeeded()
    for line in ("step 1 of 2: 20 %", "step 2 of 2: 100 %", "check storage", '+          "value": "r2"'):
        assert line in told.output, told.output
    assert mutating_calls(arcade.stage)[before:] == []


def test_canary_then_linear_then_two_rollbacks_without_one_failed_request(arcade: Arcade) -> None:
    first = arcade.live()
    with arcade.under_load() as running:
        arcade.release("r2", **CANARY).succeeded()
        assert arcade.live() != first
        linear = {"service_strategy": "linear", "service_strategy_options": {"step_percent": 34, "interval_seconds": 3}}
        arcade.release("r3", **linear).succeeded()
        assert arcade.live() == first
        arcade.play("rollback").succeeded()
        assert arcade.live() != first
        # r1 is not warm any more: it is brought up again beside r2 first.
        arcade.play("rollback").succeeded()
        assert arcade.live() == first
        summary = running.stop()
    assert_not_one_failed(summary, 2000)
    assert {"r1", "r2", "r3"} <= set(summary["by_header"])
    history = arcade.play("history").succeeded().output
    assert history.count("succeeded") >= 5, history


def test_a_version_that_answers_wrongly_gets_no_request(arcade: Arcade) -> None:
    before = arcade.live()
    with arcade.under_load() as running:
        failed = arcade.release("memory", environment={"SCORE_DB_PATH": "/nowhere/db.sqlite"}).failed()
        summary = running.stop()
    assert "storage_mode" in failed.output
    assert_not_one_failed(summary, 500)
    assert "memory" not in summary["by_header"]
    assert arcade.live() == before


@pytest.mark.long
def test_one_of_two_tasks_that_fell_back_to_memory_fails_the_release(arcade: Arcade) -> None:
    before = arcade.live()
    # The first task makes the directory; the other one finds it, and keeps its scores in memory.
    program = """
import os
try:
    os.mkdir("/data/first")
except FileExistsError:
    os.environ["SCORE_DB_PATH"] = "/nowhere/db.sqlite"
os.execvp("python3", ["python3", "-m", "scoreboard"])
"""
    failed = arcade.release(
        "half",
        service_command=["python3", "-c", program],
        service_volumes=[{"name": "data", "path": "/data", "access_point": "scoreboard", "shared": True}],
    ).failed()
    assert "of 11 answers of 2 healthy targets are wrong" in failed.output, failed.output
    assert 'storage_mode is "memory", wanted "sqlite"' in failed.output
    assert f"Now {before} serves all traffic with the version before." in failed.output
    assert arcade.live() == before


@pytest.mark.long
def test_a_migration_that_fails_ends_the_release_before_any_traffic(arcade: Arcade) -> None:
    before = arcade.live()
    program = "import sys; print('table scores is locked', file=sys.stderr); sys.exit(3)"
    passes = {"name": "schema", "command": ["python3", "-c", "print('nothing to migrate')"], "timeout_seconds": 60}
    fails = {"name": "migration", "command": ["python3", "-c", program], "timeout_seconds": 60}
    failed = arcade.release("migrates", service_checks=[passes, fails]).failed()
    for told in ("task schema ended with exit code 0", "task migration failed: exit code 3", "table scores is locked"):
        assert told in failed.output, failed.output
    assert arcade.live() == before


@pytest.mark.long
def test_a_canary_whose_live_colour_dies_takes_all_traffic(arcade: Arcade) -> None:
    before = arcade.live()
    candidate = {"blue": "green", "green": "blue"}[before]
    options = {"percent": 20, "duration_seconds": 300}
    release = arcade.begin("rescue", service_strategy="canary", service_strategy_options=options)
    arcade.wait_for(lambda: arcade.weights()[candidate] == 20)
    arcade.stage.client("ecs").update_service(cluster=CLUSTER, service=f"arcade-{before}", desiredCount=0)
    ended = finished(release, 120).succeeded()
    assert f"80 % of requests are not served: {before} has no healthy target" in ended.output, ended.output
    assert arcade.live() == candidate


@pytest.mark.long
def test_a_rollback_that_has_nowhere_to_go_says_so_at_once_and_a_promotion_serves(arcade: Arcade) -> None:
    before = arcade.live()
    candidate = {"blue": "green", "green": "blue"}[before]
    options = {"percent": 20, "duration_seconds": 600}
    policy = {"when_stable_is_down": "hold"}
    release = arcade.begin(
        "held", service_strategy="canary", service_strategy_options=options, service_release_policy=policy
    )
    try:
        arcade.wait_for(lambda: arcade.weights()[candidate] == 20)
        arcade.stage.client("ecs").update_service(cluster=CLUSTER, service=f"arcade-{before}", desiredCount=0)
        arcade.wait_for(lambda: arcade.services()[before]["runningCount"] == 0)
        refused = arcade.play("rollback").failed()
        for told in (
            f"{before} cannot take traffic back: it has 0 healthy targets",
            "80 % of requests are not served",
            "playbooks/promote.yml -l arcade -e promote_all=true",
            "-e rollback_force=true",
        ):
            assert told in refused.output, refused.output
        assert arcade.weights()[candidate] == 20
        assert "80 % of requests are not served" in arcade.play("status").succeeded().output
        arcade.play("promote", promote_all=True).succeeded()
        finished(release).succeeded()
    finally:
        end(release)
    assert arcade.live() == candidate


@pytest.mark.long
def test_a_good_version_passes_a_canary_and_a_bake_that_metrics_judge(arcade: Arcade, tmp_path: Path) -> None:
    before = arcade.live()
    report = {"service_report": str(tmp_path / "good.html")}
    options = {"percent": 20, "duration_seconds": 30, "bake_seconds": 30}
    with arcade.under_load() as running:
        released = arcade.release(
            "good", service_strategy="canary", service_strategy_options=options, service_gates=GATES, **report
        ).succeeded()
        summary = running.stop()
    assert "baking" in released.output, released.output
    assert "step 1 of 2 passed: " in released.output and "5xx share" in released.output, released.output
    assert arcade.live() != before
    assert_not_one_failed(summary, 1000)
    page = ReadPage((tmp_path / "good.html").read_text())
    candidate = arcade.live()
    assert "succeeded" in page.text
    assert _shares(page, candidate) == ["0 %", "20 %", "100 %"]
    assert {"weights", "requests", "errors", "latency"} <= page.figures
    passed = [(row[1], row[2]) for row in page.rows["verdicts"][1:] if row[3] == "pass"]
    assert {("proving", "check storage"), ("step 1 of 2", "errors"), ("bake", "errors")} <= set(passed), page.rows
    assert {candidate, before} <= {row[0] for row in page.rows["totals"]}, page.rows["totals"]
    assert any(f"{candidate} 2 healthy of 2 running" in row[1] for row in page.rows["counts"]), page.rows["counts"]


def _shares(page: ReadPage, colour: str) -> list[str]:
    """The weights of a colour, one after the other."""
    rows = page.rows["weights"]
    return [row[rows[0].index(colour)] for row in rows[1:]]


def test_errors_of_the_candidate_return_traffic(arcade: Arcade, tmp_path: Path) -> None:
    before = arcade.live()
    report = {"service_report": str(tmp_path / "chaos.html")}
    chaos = {"CHAOS_ENABLED": "true", "CHAOS_ERROR_RATE": "0.3"}
    options = {"percent": 20, "duration_seconds": 40, "bake_seconds": 30}
    with arcade.under_load() as running:
        values = {"service_strategy": "canary", "service_strategy_options": options, "service_gates": GATES, **report}
        failed = arcade.release("chaos", environment=chaos, **values).failed()
        summary = running.stop()
    assert "5xx share" in failed.output, failed.output
    assert "rolled_back" in failed.output
    assert arcade.weights()[before] == 100
    # A fifth of the requests, of which three in ten fail, and that not for the whole time.
    assert 0 < summary["failed"] < summary["sent"] * 0.2 * 0.35, summary
    release = re.findall(r"-e report_of=([\w-]+)", failed.output)[0]
    again = tmp_path / "again.html"
    arcade.play("report", report_of=release, report_path=str(again)).succeeded()
    for path in (tmp_path / "chaos.html", again):
        page = ReadPage(path.read_text())
        assert "rolled back" in page.text and release in page.text
        assert _shares(page, before) == ["100 %", "80 %", "100 %"], page.rows["weights"]
        (judged,) = [row for row in page.rows["verdicts"] if row[3] == "fail"]
        assert judged[1:3] == ["step 1 of 2", "errors"] and "5xx share" in judged[4], judged
        assert judged[4] in page.text.partition("Traffic")[0], "the reason of the release is another one"
        assert page.rows["totals"][-1][2] != "0" or page.rows["totals"][1][2] != "0", page.rows["totals"]


@pytest.mark.long
def test_a_spent_error_budget_refuses_a_release_unless_a_reason_overrides_it(arcade: Arcade) -> None:
    """The story before has failed some hundred requests."""
    before = arcade.live()
    slos = {"service_slos": [{"name": "availability", "target_percent": 99.99}]}
    refused = arcade.release("risky", **slos).failed()
    assert "error budget of availability: -" in refused.output and "refused" in refused.output, refused.output
    assert "released all the same" not in refused.output
    assert arcade.live() == before
    assert "error budget of availability: -" in arcade.play("status", **slos).succeeded().output
    override = {"service_budget": "override", "service_budget_reason": "mends the errors"}
    released = arcade.release("mended", **slos, **override).succeeded()
    assert "released all the same, since mends the errors" in released.output, released.output
    # A rollback is not held back.
    arcade.play("rollback", **slos).succeeded()


@pytest.mark.long
def test_slowness_of_the_candidate_returns_traffic(arcade: Arcade) -> None:
    before = arcade.live()
    chaos = {"CHAOS_ENABLED": "true", "CHAOS_LATENCY_MS_P50": "800", "CHAOS_LATENCY_MS_P99": "3000"}
    options = {"percent": 20, "duration_seconds": 40, "bake_seconds": 30}
    gates = {**GATES, "latency": {"maximum_ratio": 2.0, "minimum_requests": 50}}
    with arcade.under_load() as running:
        failed = arcade.release(
            "slow", environment=chaos, service_strategy="canary", service_strategy_options=options, service_gates=gates
        ).failed()
        summary = running.stop()
    assert "p99" in failed.output, failed.output
    assert "rolled_back" in failed.output
    assert arcade.weights()[before] == 100
    # Slow answers are answers.
    assert_not_one_failed(summary, 1000)


@pytest.mark.long
def test_a_slow_version_is_returned_in_the_bake_although_live_had_one_bad_minute(arcade: Arcade) -> None:
    """The baseline of a bake is live's time before: one bad period in it hides no slowness of every period."""
    before = arcade.live()
    chaos = {"CHAOS_ENABLED": "true", "CHAOS_LATENCY_MS_P50": "150", "CHAOS_LATENCY_MS_P99": "600"}
    gates = {**GATES, "latency": {"maximum_ratio": 2.0, "minimum_requests": 50}}
    with arcade.under_load() as running:
        # A minute of CloudWatch lasts five seconds on the stage: a baseline of nine of them, one of them bad.
        time.sleep(25)
        # Shorter than what a health check waits.
        for _ in range(6):
            with frozen(arcade, before):
                time.sleep(0.4)
            time.sleep(0.2)
        time.sleep(20)
        failed = arcade.release(
            "slow-all",
            environment=chaos,
            service_strategy="all_at_once",
            service_strategy_options={"bake_seconds": 60},
            service_gates=gates,
        ).failed()
        summary = running.stop()
    assert "rolled_back" in failed.output and "p99" in failed.output, failed.output
    assert arcade.weights()[before] == 100
    assert_not_one_failed(summary, 1000)


@contextmanager
def frozen(arcade: Arcade, colour: str) -> Iterator[None]:
    """The containers of a colour answer nothing meanwhile, and everything afterwards."""
    containers = [container for task in tasks(arcade, colour) for container in app_containers(arcade.stage, task)]
    arcade.stage.engine("pause", *containers)
    try:
        yield
    finally:
        arcade.stage.engine("unpause", *containers)


def test_check_mode_plans_the_first_release_of_a_service_that_is_not_provisioned(arcade: Arcade) -> None:
    before = len(mutating_calls(arcade.stage))
    player = Player(arcade.stage.environment, ("inventories/local", "tests/stories/newcomer"))
    told = player.run(RELEASE, "-l", "newcomer", variables=CANARY, check=True).succeeded()
    assert "newcomer is not provisioned" in told.output, told.output
    assert "to blue" in told.output, told.output
    assert mutating_calls(arcade.stage)[before:] == []


def test_a_service_whose_requests_another_rule_answers_first_is_refused_before_anything_is_made(arcade: Arcade) -> None:
    """The same host and paths at a later priority: it would never get a request."""
    before = len(mutating_calls(arcade.stage))
    player = Player(arcade.stage.environment, ("inventories/local", "tests/stories/newcomer"))
    refused = player.run("playbooks/provision.yml", "-l", "newcomer", variables={"service_hosts": [HOST]}).failed()
    one_line = " ".join(refused.output.split())
    assert f"every request for {HOST}" in one_line and "local-arcade" in one_line, refused.output
    assert mutating_calls(arcade.stage)[before:] == []


@pytest.mark.long
def test_a_desired_count_is_applied_without_a_release_and_zero_stops_the_service(arcade: Arcade) -> None:
    arcade.release("counted").succeeded()
    live, history = arcade.live(), arcade.play("history").output.count("-deploy-")

    def counted(number: int) -> PlayResult:
        return arcade.release("counted", service_desired_count=number)

    for number in (3, 0):
        changed = counted(number).succeeded()
        assert changed.recap["arcade"]["changed"] == 1, changed.output
        assert arcade.services()[live]["desiredCount"] == number
        assert counted(number).succeeded().recap["arcade"]["changed"] == 0
    arcade.wait_for(lambda: arcade.services()[live]["runningCount"] == 0)
    assert arcade.play("history").output.count("-deploy-") == history
    counted(2).succeeded()
    assert arcade.services()[arcade.live()]["runningCount"] == 2


@pytest.mark.long
def test_a_restart_gives_the_version_that_serves_new_tasks(arcade: Arcade) -> None:
    arcade.release("restarted").succeeded()
    before, definition = arcade.live(), arcade.services()[arcade.live()]["taskDefinition"]
    arcade.release("restarted", service_restart=True).succeeded()
    assert arcade.live() != before
    assert arcade.services()[arcade.live()]["taskDefinition"] == definition
