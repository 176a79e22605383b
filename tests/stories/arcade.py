"""The service that stories of blue and green release, and how to end a controller or a task of it."""

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
from .load import Traffic, traffic

HOST = "arcade.local.example.test"
CLUSTER = "local"
LEDGER = "local-releases"
INVENTORIES = ("inventories/local", "tests/stories/inventory")
RELEASE = "playbooks/release.yml"
CANARY = {"service_strategy": "canary", "service_strategy_options": {"percent": 20, "duration_seconds": 6}}
# A minute of CloudWatch lasts five seconds on the stage.
GATES = {"errors": {"tolerance_percent": 2, "minimum_requests": 50}, "period_seconds": 5, "delay_seconds": 10}


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
        return weights(self.stage, CLUSTER, "arcade")

    def live(self) -> str:
        (colour,) = [colour for colour, weight in self.weights().items() if weight == 100]
        return colour

    def services(self) -> dict[str, dict[str, Any]]:
        ecs = self.stage.client("ecs")
        found = ecs.describe_services(cluster=CLUSTER, services=["arcade-blue", "arcade-green"])["services"]
        return {one["serviceName"].rpartition("-")[2]: one for one in found}

    def have_both_colours(self) -> None:
        """The first release of a colour creates its ECS service; from the next one on it is updated."""
        if len(self.services()) == 1:
            self.release("both").succeeded()

    def wait_for(self, what: Callable[[], bool], seconds: float = 900) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, f"waited {seconds} s; weights {self.weights()}"
            time.sleep(0.3)

    @contextmanager
    def under_load(self, rate: int = 75, keep_alive: bool = True) -> Iterator[Traffic]:
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


def weights(stage: Stage, environment: str, service: str) -> dict[str, int]:
    """The production rule's weights by colour, as the load balancer has them."""
    elbv2 = stage.client("elbv2")
    names = [f"{environment}-{service}-blue", f"{environment}-{service}-green"]
    groups = {
        group["TargetGroupArn"]: group["TargetGroupName"].rpartition("-")[2]
        for group in elbv2.describe_target_groups(Names=names)["TargetGroups"]
    }
    balancer = elbv2.describe_load_balancers(Names=[environment])["LoadBalancers"][0]["LoadBalancerArn"]
    for listener in elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"]:
        for rule in elbv2.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
            kinds = {condition["Field"] for condition in rule["Conditions"]}
            forward = rule["Actions"][0].get("ForwardConfig", {}).get("TargetGroups", [])
            if "http-header" not in kinds and {group["TargetGroupArn"] for group in forward} == set(groups):
                return {groups[group["TargetGroupArn"]]: group["Weight"] for group in forward}
    raise AssertionError(f"{service} has no production rule")


def finished(process: subprocess.Popen[str], seconds: float = 900) -> PlayResult:
    output, _ = process.communicate(timeout=seconds)
    return PlayResult(process.returncode, output, parse_recap(output))


def entries(arcade: Arcade) -> list[dict[str, Any]]:
    """The items of the ledger for this service, oldest first."""
    dynamodb = arcade.stage.client("dynamodb")
    found: list[dict[str, Any]] = dynamodb.query(
        TableName=LEDGER,
        KeyConditionExpression="service = :service",
        ExpressionAttributeValues={":service": {"S": "arcade"}},
    )["Items"]
    return found


def tasks(arcade: Arcade, colour: str) -> list[str]:
    arns = arcade.stage.client("ecs").list_tasks(cluster=CLUSTER, serviceName=f"arcade-{colour}")["taskArns"]
    return [arn.rpartition("/")[2] for arn in arns]


def app_containers(stage: Stage, task_id: str) -> list[str]:
    label = f"label=pear.task={task_id}"
    return stage.engine("ps", "-q", "--filter", label, "--filter", "label=pear.container=app").split()


def kill(stage: Stage, task_id: str) -> None:
    for container in app_containers(stage, task_id):
        stage.engine("kill", "--signal", "KILL", container)


def kill_whole(process: subprocess.Popen[str]) -> None:
    """ansible-playbook's workers have process groups of their own, and would go on without it."""
    for pid in [*descendants(process.pid), process.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that they started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [one for child in children for one in (*descendants(int(child)), int(child))]


def end(process: subprocess.Popen[str]) -> None:
    """End a controller that should have ended by itself; what nobody has read of its output is shown with the failure."""
    if process.poll() is None:
        kill_whole(process)
    if process.stdout is not None and not process.stdout.closed:
        print(process.stdout.read())
