"""Blue and green under steady load: traffic moves without a failed request, and comes back from every kind of bad version."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.plays import Player, PlayResult, parse_recap

from .conftest import Stage
from .load import Traffic, assert_not_one_failed, traffic
from .test_deploy import mutating_calls

HOST = "arcade.local.example.test"
CLUSTER = "local"
INVENTORIES = ("inventories/local", "tests/stories/inventory")
RELEASE = "playbooks/release.yml"
CANARY = {"service_strategy": "canary", "service_strategy_options": {"percent": 20, "duration_seconds": 6}}
# A minute of CloudWatch lasts five seconds on the stage.
GATES = {"errors": {"tolerance_percent": 2, "minimum_requests": 50}, "period_seconds": 5, "delay_seconds": 5}


class Arcade:
    """The service that these stories release."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.player = Player(stage.environment, INVENTORIES)

    def release(self, version: str, check: bool = False, **variables: Any) -> PlayResult:
        return self.player.run(RELEASE, "-l", "arcade", variables=self.values(version, variables), check=check)

    def begin(self, version: str, **variables: Any) -> subprocess.Popen[str]:
        return self.player.start(RELEASE, "-l", "arcade", variables=self.values(version, variables))

    @staticmethod
    def values(version: str, variables: dict[str, Any]) -> dict[str, Any]:
        environment = {"APP_VERSION": version, **variables.pop("environment", {})}
        return {"service_environment": environment, **variables}

    def play(self, playbook: str, **variables: Any) -> PlayResult:
        return self.player.run(f"playbooks/{playbook}.yml", "-l", "arcade", variables=variables or None)

    def weights(self) -> dict[str, int]:
        """The production rule's weights by colour, as the load balancer has them."""
        elbv2 = self.stage.client("elbv2")
        groups = {
            one["TargetGroupArn"]: one["TargetGroupName"].rpartition("-")[2]
            for one in elbv2.describe_target_groups(Names=["local-arcade-blue", "local-arcade-green"])["TargetGroups"]
        }
        balancer = elbv2.describe_load_balancers(Names=["local"])["LoadBalancers"][0]["LoadBalancerArn"]
        for listener in elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"]:
            for rule in elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
                kinds = {condition["Field"] for condition in rule["Conditions"]}
                forward = rule["Actions"][0].get("ForwardConfig", {}).get("TargetGroups", [])
                if "http-header" not in kinds and {one["TargetGroupArn"] for one in forward} == set(groups):
                    return {groups[one["TargetGroupArn"]]: one["Weight"] for one in forward}
        raise AssertionError("arcade has no production rule")

    def live(self) -> str:
        (colour,) = [colour for colour, weight in self.weights().items() if weight == 100]
        return colour

    def services(self) -> dict[str, dict[str, Any]]:
        ecs = self.stage.client("ecs")
        found = ecs.describe_services(cluster=CLUSTER, services=["arcade-blue", "arcade-green"])["services"]
        return {one["serviceName"].rpartition("-")[2]: one for one in found}

    def wait_for(self, what: Callable[[], bool], seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, f"waited {seconds} s; weights {self.weights()}"
            time.sleep(0.3)

    @contextmanager
    def under_load(self, rate: int = 150, keep_alive: bool = True) -> Iterator[Traffic]:
        options = ["--keep-alive"] if keep_alive else ["--no-keep-alive"]
        with traffic(self.stage, "/leaderboard", rate, *options, host=HOST) as running:
            yield running


@pytest.fixture(scope="module")
def arcade(deployed: Player, stage: Stage) -> Arcade:
    """Released once, as version r1."""
    made = Arcade(stage)
    made.player.run("playbooks/provision.yml", "-l", "arcade").succeeded()
    made.release("r1").succeeded()
    return made


def finished(process: subprocess.Popen[str], seconds: float = 120) -> PlayResult:
    output, _ = process.communicate(timeout=seconds)
    return PlayResult(process.returncode, output, parse_recap(output))


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
    with arcade.under_load(200) as running:
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
    assert_not_one_failed(summary, 4000)
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


def test_a_migration_that_fails_ends_the_release_before_any_traffic(arcade: Arcade) -> None:
    before = arcade.live()
    program = "import sys; print('table scores is locked', file=sys.stderr); sys.exit(3)"
    passes = {"name": "schema", "command": ["python3", "-c", "print('nothing to migrate')"], "timeout_seconds": 60}
    fails = {"name": "migration", "command": ["python3", "-c", program], "timeout_seconds": 60}
    # The image's entry point is the program itself; a one-off task needs one that runs the command it is given.
    start = {"service_entry_point": ["/bin/busybox", "env"], "service_command": ["python3", "-m", "scoreboard"]}
    failed = arcade.release("migrates", service_checks=[passes, fails], **start).failed()
    for told in ("task schema ended with exit code 0", "task migration failed: exit code 3", "table scores is locked"):
        assert told in failed.output, failed.output
    assert arcade.live() == before


def test_a_good_version_passes_a_canary_and_a_bake_that_metrics_judge(arcade: Arcade) -> None:
    before = arcade.live()
    options = {"percent": 20, "duration_seconds": 15, "bake_seconds": 15}
    with arcade.under_load() as running:
        released = arcade.release(
            "good", service_strategy="canary", service_strategy_options=options, service_gates=GATES
        ).succeeded()
        summary = running.stop()
    assert "baking" in released.output, released.output
    assert arcade.live() != before
    assert_not_one_failed(summary, 1000)


def test_errors_of_the_candidate_return_traffic(arcade: Arcade) -> None:
    before = arcade.live()
    chaos = {"CHAOS_ENABLED": "true", "CHAOS_ERROR_RATE": "0.3"}
    options = {"percent": 20, "duration_seconds": 40, "bake_seconds": 20}
    with arcade.under_load() as running:
        failed = arcade.release(
            "chaos", environment=chaos, service_strategy="canary", service_strategy_options=options, service_gates=GATES
        ).failed()
        summary = running.stop()
    assert "5xx share" in failed.output, failed.output
    assert "rolled_back" in failed.output
    assert arcade.weights()[before] == 100
    # A fifth of the requests, of which three in ten fail, and that not for the whole time.
    assert 0 < summary["failed"] < summary["sent"] * 0.2 * 0.35, summary


def test_a_candidate_that_dies_returns_traffic(arcade: Arcade) -> None:
    before = arcade.live()
    options = {"steps": [{"weight": 50, "duration_seconds": 60}, {"weight": 100}]}
    process = arcade.begin("dies", service_strategy="steps", service_strategy_options=options)
    try:
        arcade.wait_for(lambda: arcade.weights()[before] == 50)
        for task in _tasks(arcade, "green" if before == "blue" else "blue"):
            _kill(arcade.stage, task)
        ended = finished(process).failed()
    finally:
        _end(process)
    assert "rolled_back" in ended.output, ended.output
    assert arcade.weights()[before] == 100


def test_provisioning_moves_no_traffic_while_live_grows_and_a_second_release_is_refused(arcade: Arcade) -> None:
    before = arcade.live()
    options = {"steps": [{"weight": 30, "approval": True, "approval_timeout_seconds": 120}, {"weight": 100}]}
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
            _end(process)
        summary = running.stop()
    assert "as many as live" in ended.output, ended.output
    live = arcade.live()
    assert live != before
    assert arcade.services()[live]["runningCount"] == 3
    assert_not_one_failed(summary, 1000)


def test_a_rollback_stops_the_release_under_way(arcade: Arcade) -> None:
    before = arcade.live()
    options = {"percent": 40, "duration_seconds": 120}
    with arcade.under_load(50, keep_alive=False) as running:
        process = arcade.begin("r6", service_strategy="canary", service_strategy_options=options)
        try:
            arcade.wait_for(lambda: arcade.weights()[before] == 60)
            arcade.play("rollback").succeeded()
            assert arcade.weights()[before] == 100
            ended = finished(process, 60).failed()
        finally:
            _end(process)
        summary = running.stop()
    assert "superseded" in ended.output, ended.output
    assert_not_one_failed(summary, 500)


def test_ctrl_c_returns_traffic(arcade: Arcade) -> None:
    before = arcade.live()
    options = {"percent": 40, "duration_seconds": 120}
    process = arcade.begin("r7", service_strategy="canary", service_strategy_options=options)
    try:
        arcade.wait_for(lambda: arcade.weights()[before] == 60)
        os.killpg(process.pid, signal.SIGINT)
        arcade.wait_for(lambda: arcade.weights()[before] == 100, 30)
        assert finished(process, 60).status != 0
    finally:
        _end(process)


def test_a_killed_controller_is_followed_by_the_next_one(arcade: Arcade) -> None:
    before = arcade.live()
    steps = {"steps": [{"weight": 50, "duration_seconds": 8}, {"weight": 100}]}
    with arcade.under_load(100) as running:
        process = arcade.begin("r8", service_strategy="steps", service_strategy_options=steps)
        try:
            arcade.wait_for(lambda: arcade.weights()[before] == 50)
        finally:
            _kill_whole(process)
        # Nobody gave the lease back: it ends by itself.
        ended = arcade.release("r8", service_strategy="steps", service_strategy_options=steps)
        deadline = time.monotonic() + 150
        while ended.status != 0 and "holds arcade" in ended.output and time.monotonic() < deadline:
            time.sleep(5)
            ended = arcade.release("r8", service_strategy="steps", service_strategy_options=steps)
        ended.succeeded()
        summary = running.stop()
    assert "going on with" in ended.output, ended.output
    assert arcade.live() != before
    assert_not_one_failed(summary, 500)


def _tasks(arcade: Arcade, colour: str) -> list[str]:
    arns = arcade.stage.client("ecs").list_tasks(cluster=CLUSTER, serviceName=f"arcade-{colour}")["taskArns"]
    return [arn.rpartition("/")[2] for arn in arns]


def _kill(stage: Stage, task_id: str) -> None:
    found = stage.engine("ps", "-q", "--filter", f"label=pear.task={task_id}", "--filter", "label=pear.container=app")
    for container in found.split():
        stage.engine("kill", "--signal", "KILL", container)


def _kill_whole(process: subprocess.Popen[str]) -> None:
    """ansible-playbook's workers have process groups of their own, and would go on without it."""
    for pid in [*_descendants(process.pid), process.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [one for child in children for one in (*_descendants(int(child)), int(child))]


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        _kill_whole(process)
