"""One writer: the old task has ended before the new one starts, forwards and back, and no score is lost."""

from __future__ import annotations

import json
import ssl
from http.client import HTTPSConnection
from typing import Any

import pytest

from tests.support.plays import PlayResult

from .arcade import HOST, Arcade, arcade
from .conftest import Stage

pytestmark = pytest.mark.long

__all__ = ["arcade"]
# Holds a lock as long as its task runs, and notes when another task has it. After SIGTERM it runs on for a while, as a
# program does that finishes its writes.
PROGRAM = """
import fcntl, os, signal, subprocess, sys, time
lock = open("/data/writer.lock", "w")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    open("/data/two-writers", "a").write(os.environ["APP_VERSION"] + "\\n")
app = subprocess.Popen([sys.executable, "-m", "scoreboard"])
signal.signal(signal.SIGTERM, lambda *_: app.terminate())
status = app.wait()
time.sleep(4)
sys.exit(status)
"""
ONE: dict[str, Any] = {
    "service_single_writer": True,
    "service_desired_count": 1,
    "service_command": ["python3", "-c", PROGRAM],
    "service_volumes": [{"name": "data", "path": "/data", "access_point": "scoreboard"}],
    "service_strategy": "all_at_once",
}
FILE = {"SCORE_DB_PATH": "/data/one-writer.sqlite"}


def ask(stage: Stage, method: str, path: str, body: Any = None) -> Any:
    context = ssl._create_unverified_context()
    connection = HTTPSConnection(stage.load_balancer, timeout=10, context=context)
    try:
        headers = {"Host": HOST, "Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status in (200, 201), (answer.status, text)
        return json.loads(text)
    finally:
        connection.close()


def players(stage: Stage) -> set[str]:
    return {row["player"] for row in ask(stage, "GET", "/leaderboard?limit=100")["leaders"]}


def release(arcade: Arcade, version: str, **variables: Any) -> PlayResult:
    environment = {**FILE, **variables.pop("environment", {})}
    return arcade.release(version, environment=environment, **{**ONE, **variables})


@pytest.fixture(scope="module")
def one_writer(arcade: Arcade) -> Arcade:
    """Released once with one writer, and written to."""
    release(arcade, "w1").succeeded()
    ask(arcade.stage, "POST", "/score", {"player": "ann", "score": 7})
    return arcade


def assert_never_two(arcade: Arcade) -> None:
    files = {path.name for path in arcade.stage.home.rglob("*") if path.name in ("writer.lock", "two-writers")}
    assert files == {"writer.lock"}, "two tasks ran at the same time"
    running = [service["desiredCount"] for service in arcade.services().values()]
    assert sorted(running) == [0, 1]


def test_check_mode_tells_the_downtime(one_writer: Arcade) -> None:
    told = release_in_check_mode(one_writer)
    assert f"stop {one_writer.live()} (1 task) and wait until no task of it runs" in told, told
    assert "requests are answered with 503 until" in told


def release_in_check_mode(arcade: Arcade) -> str:
    values = {**ONE, "environment": FILE}
    return arcade.release("w2", check=True, **values).succeeded().output


@pytest.mark.parametrize("strategy", ["all_at_once", "rolling"])
def test_a_release_and_its_rollback_never_run_two_tasks(one_writer: Arcade, strategy: str) -> None:
    stage, live = one_writer.stage, one_writer.live()
    released = release(one_writer, f"w2-{strategy}", service_strategy=strategy).succeeded()
    assert f"stopping {live} (1 running): only one task may write at a time" in released.output, released.output
    assert "ann" in players(stage)
    ask(stage, "POST", "/score", {"player": f"bea-{strategy}", "score": 9})
    one_writer.play("rollback").succeeded()
    assert {"ann", f"bea-{strategy}"} <= players(stage)
    assert_never_two(one_writer)


@pytest.mark.parametrize("strategy", ["all_at_once", "rolling"])
def test_a_version_that_fails_is_stopped_before_the_one_before_it_starts_again(
    one_writer: Arcade, strategy: str
) -> None:
    failed = release(
        one_writer, f"bad-{strategy}", service_strategy=strategy, environment={"SCORE_DB_PATH": "/nowhere/db.sqlite"}
    ).failed()
    assert 'storage_mode is "memory"' in failed.output and "rolled_back" in failed.output, failed.output
    assert "ann" in players(one_writer.stage)
    assert_never_two(one_writer)


def test_what_contradicts_one_writer_is_refused_before_anything_is_changed(one_writer: Arcade) -> None:
    refused = release(one_writer, "w9", service_desired_count=2, service_strategy="canary").failed()
    for finding in ("service_desired_count is 2", "service_strategy is canary"):
        assert f"{finding}, but service_single_writer is true" in refused.output, refused.output
