"""The API process is killed while a service runs under load: the next `up` goes on with the same state."""

from __future__ import annotations

import os
import signal
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.conftest import TIME_FACTOR, Running, bring_up, cli, take_down
from tests.sandbox.world import World, build
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("survival") / "home"
    running = bring_up(home, "--time-factor", str(TIME_FACTOR))
    try:
        yield build(running)
    finally:
        take_down(home)


class Load:
    """Requests one after another, in a thread, until the end of the `with` block."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.answered = 0
        self.failures: list[str] = []

    def _run(self) -> None:
        while not self._ended.wait(0.02):
            try:
                urllib.request.urlopen(self._url, timeout=60).read()
                self.answered += 1
            except OSError as failed:
                self.failures.append(str(failed))

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended.set()
        self._thread.join()


def kill_api(running: Running) -> None:
    pid = running.pid("api")
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split())


def up_again(running: Running) -> str:
    done = cli(running.settings.home, "up")
    assert done.returncode == 0, done.stderr
    return done.stderr


def seen(world: World, name: str) -> dict[str, Any]:
    """What a client can tell by the API of a service and of what it stands on."""
    elbv2, table = world.client("elbv2"), world.client("dynamodb")
    service = world.service(name)
    groups = elbv2.describe_target_groups()["TargetGroups"]
    return {
        "service": {key: service[key] for key in ("serviceArn", "taskDefinition", "desiredCount", "runningCount")},
        "deployments": [one["id"] for one in service["deployments"]],
        "tasks": sorted((one["taskArn"], one["startedAt"]) for one in world.tasks(name)),
        "containers": sorted(world.running.engine.containers()),
        "rules": elbv2.describe_rules(ListenerArn=world.listener_arn)["Rules"],
        "groups": groups,
        "items": table.scan(TableName="releases")["Items"],
        "images": world.client("ecr").list_images(repositoryName="app")["imageIds"],
        "streams": world.client("logs").describe_log_groups()["logGroups"],
        "roles": world.client("iam").list_attached_role_policies(RoleName="readers")["AttachedPolicies"],
        "parameter": world.client("ssm").get_parameter(Name="/flag")["Parameter"]["Value"],
    }


def test_a_killed_api_goes_on_with_the_same_state_and_no_request_fails(own: World) -> None:
    world = own
    group = world.target_group("lives", "/lives")
    check = {"command": ["CMD-SHELL", "wget -q -O /dev/null http://127.0.0.1:8080/healthz"], "interval": 5}
    world.client("ssm").put_parameter(Name="/flag", Value="on", Type="String")
    world.client("logs").create_log_group(logGroupName="/lives")
    iam = world.client("iam")
    iam.create_role(RoleName="readers", AssumeRolePolicyDocument="{}")
    iam.attach_role_policy(RoleName="readers", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    dynamodb = world.client("dynamodb")
    dynamodb.create_table(
        TableName="releases",
        KeySchema=[{"AttributeName": "service", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "service", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    world.create_service("lives", world.define("lives", healthCheck=check), group, desired=2)
    eventually(lambda: world.steady("lives"))
    with Load(f"http://{world.address}/lives") as load:
        eventually(lambda: load.answered > 10)
        # The last write before the end is not lost either.
        dynamodb.put_item(TableName="releases", Item={"service": {"S": "lives"}, "release": {"S": "7"}})
        before = seen(world, "lives")
        kill_api(world.running)
        during = load.answered
        eventually(lambda: load.answered > during + 10, message="the edge serves without the API")
        assert "goes on with the state it had" in up_again(world.running)
        eventually(lambda: world.healthy(group) == 2, message="the edge reports to the new one")
        assert seen(world, "lives") == before
        after = load.answered
        eventually(lambda: load.answered > after + 10)
    assert load.failures == []
    # It goes on: a task that dies is replaced, one that is healthy is known to be.
    eventually(lambda: {one["healthStatus"] for one in world.tasks("lives")} == {"HEALTHY"})
    world.client("ecs").update_service(
        cluster="tests", service="lives", taskDefinition=world.define("lives", {"VERSION": "2"})
    )
    eventually(lambda: world.steady("lives"), timeout=120, message="a release by the new process")


@pytest.mark.long
def test_a_release_that_was_under_way_is_carried_through(own: World) -> None:
    world = own
    group = world.target_group("midway", "/midway")
    world.create_service("midway", world.define("midway", {"VERSION": "1"}), group, desired=2)
    eventually(lambda: world.steady("midway"))
    with Load(f"http://{world.address}/midway") as load:
        second = world.define("midway", {"VERSION": "2"})
        world.client("ecs").update_service(cluster="tests", service="midway", taskDefinition=second)
        time.sleep(0.3)
        kill_api(world.running)
        up_again(world.running)
        eventually(lambda: world.steady("midway"), timeout=180)
        assert {one["taskDefinitionArn"] for one in world.tasks("midway")} == {second}
    assert load.failures == []
    running = {one["taskArn"].rpartition("/")[2] for name in ("lives", "midway") for one in world.tasks(name)}
    eventually(
        lambda: {one["Config"]["Labels"]["pear.task"] for one in _inspected(world)} <= running,
        message="no container is left that belongs to no task",
    )


def _inspected(world: World) -> list[dict[str, Any]]:
    return world.running.engine.inspect(*world.running.engine.containers())
