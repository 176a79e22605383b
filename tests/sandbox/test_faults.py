"""Faults on demand, as the callers, the load balancer's clients and the scheduler meet them."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Running, cli
from tests.sandbox.world import World
from tests.support.waiting import eventually


def fault(running: Running, *arguments: str) -> str:
    done = cli(running.settings.home, "fault", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(autouse=True)
def cleared(sandbox: Running) -> Iterator[None]:
    yield
    fault(sandbox, "clear")


@pytest.fixture(scope="module")
def group(world: World) -> Iterator[str]:
    """The target group of a service with two tasks; its name is also the path."""
    arn = world.target_group("spoiled", "/spoiled")
    world.create_service("spoiled", world.define("spoiled"), arn, desired=2)
    eventually(lambda: world.steady("spoiled"), message="the service is up")
    yield arn
    world.delete_service("spoiled")


def impatient(running: Running, service: str) -> Any:
    """A client that does not try again."""
    import boto3

    from sandbox.config import ACCESS_KEY, SECRET_KEY

    session = boto3.Session(ACCESS_KEY, SECRET_KEY, region_name=running.settings.region)
    config = Config(retries={"total_max_attempts": 1})
    return session.client(service, endpoint_url=running.settings.endpoint, config=config)  # type: ignore[call-overload]


def code_of(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**request)
    return str(refused.value.response["Error"]["Code"])


def get(world: World, path: str = "/spoiled") -> int:
    try:
        with urllib.request.urlopen(f"http://{world.address}{path}", timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def test_calls_are_refused_as_each_service_says_it(sandbox: Running) -> None:
    ecs, elbv2, efs = (impatient(sandbox, one) for one in ("ecs", "elbv2", "efs"))
    fault(sandbox, "add", "throttle", "elbv2:DescribeLoadBalancers", "--count", "2")
    fault(sandbox, "add", "deny", "ecs:ListClusters")
    fault(sandbox, "add", "error", "efs:Describe*", "--code", "ServiceUnavailable", "--status", "503")
    assert code_of(elbv2.describe_load_balancers) == "ThrottlingException"
    assert code_of(ecs.list_clusters) == "AccessDeniedException"
    assert code_of(efs.describe_file_systems) == "ServiceUnavailable"
    assert "ecs:ListClusters" in (listing := fault(sandbox, "list")) and "met 1 times" in listing
    assert sandbox.client("elbv2").describe_load_balancers()["LoadBalancers"] is not None, "boto3 tries again"
    fault(sandbox, "clear")
    assert ecs.list_clusters() and efs.describe_file_systems()


def test_a_lost_answer_is_of_a_call_that_was_carried_out(sandbox: Running) -> None:
    ecs = impatient(sandbox, "ecs")
    fault(sandbox, "add", "error", "ecs:CreateCluster", "--after")
    assert code_of(ecs.create_cluster, clusterName="lost-answer") == "InternalFailure"
    assert [one for one in ecs.list_clusters()["clusterArns"] if one.endswith("/lost-answer")]
    ecs.delete_cluster(cluster="lost-answer")


def test_calls_take_longer(sandbox: Running) -> None:
    fault(sandbox, "add", "latency", "sts:GetCallerIdentity", "--milliseconds", "300")
    began = time.monotonic()
    sandbox.client("sts").get_caller_identity()
    assert time.monotonic() - began >= 0.3


def test_a_fault_of_nothing_is_refused(sandbox: Running) -> None:
    done = cli(sandbox.settings.home, "fault", "add", "slow", "nobody", "--milliseconds", "5")
    assert done.returncode == 1
    assert "No target group and no task is named 'nobody'" in done.stderr


def test_targets_are_slow_and_erroring(world: World, group: str) -> None:
    made = fault(world.running, "add", "slow", "spoiled", "--milliseconds", "400").split()[0]

    def slow() -> bool:
        began = time.monotonic()
        return get(world) == 200 and time.monotonic() - began >= 0.4

    eventually(slow, timeout=5, message="requests are slow")
    fault(world.running, "clear", made)
    eventually(lambda: not slow(), timeout=5, message="requests are fast again")
    task = world.tasks("spoiled")[0]["taskArn"].rpartition("/")[2]
    fault(world.running, "add", "erroring", task, "--status", "503")
    eventually(lambda: get(world) == 503, timeout=5, message="one task fails")
    statuses = [get(world) for _ in range(20)]
    assert statuses.count(503) == statuses.count(200) == 10, "the other one does not"


@pytest.mark.long
def test_a_vanished_target_group_answers_502_and_is_unhealthy(world: World, group: str) -> None:
    fault(world.running, "add", "vanish", "spoiled")
    eventually(lambda: get(world) == 502, timeout=5, message="nobody takes connections")

    def unhealthy() -> bool:
        # The scheduler replaces an unhealthy task so soon that its target is hardly ever seen: its words stay.
        said = [event["message"] for event in world.service("spoiled")["events"]]
        return any(
            f"is unhealthy in (target-group {group}) due to (reason Health checks failed)" in one for one in said
        )

    eventually(unhealthy, timeout=30, message="health checks see it")
    fault(world.running, "clear")
    eventually(
        lambda: world.steady("spoiled") and world.healthy(group) == 2 and get(world) == 200,
        message="it comes back",
    )


def test_a_task_is_killed(world: World, group: str) -> None:
    eventually(lambda: world.steady("spoiled") and world.healthy(group) == 2, message="nothing is being replaced")
    before = {one["taskArn"] for one in world.tasks("spoiled")}
    killed = fault(world.running, "kill", "spoiled").split()[1]
    eventually(lambda: killed not in {one["taskArn"].rpartition("/")[2] for one in world.tasks("spoiled")})
    eventually(lambda: world.steady("spoiled") and len(world.tasks("spoiled")) == 2, message="it is replaced")
    assert {one["taskArn"] for one in world.tasks("spoiled")} != before


@pytest.mark.long
def test_a_zone_is_lost_and_none_is_placed_there_until_it_is_back(world: World, group: str) -> None:
    def zones() -> set[str]:
        return {one["availabilityZone"] for one in world.tasks("spoiled")}

    lost = sorted(zones())[0]
    dead = fault(world.running, "add", "zone", lost)
    assert "killed:" in dead
    eventually(
        lambda: world.steady("spoiled") and len(world.tasks("spoiled")) == 2 and lost not in zones(),
        message="the service moves",
    )
    subnet = world.subnets["abc".index(lost[-1])]
    placed = world.client("ecs").run_task(
        cluster="tests",
        taskDefinition="spoiled",
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}},
    )
    assert placed["tasks"] == []
    assert "Capacity is unavailable at this time" in placed["failures"][0]["reason"]


@pytest.mark.long
def test_a_subnet_that_is_cut_off_answers_nobody_and_no_task_starts_there(world: World, group: str) -> None:
    (task, *_others) = world.tasks("spoiled")
    subnet = next(one["value"] for one in task["attachments"][0]["details"] if one["name"] == "subnetId")
    fault(world.running, "add", "subnet", subnet)
    ecs = world.client("ecs")
    # Placement does not know of it.
    (started,) = ecs.run_task(
        cluster="tests",
        taskDefinition="spoiled",
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}},
    )["tasks"]

    def reason() -> str:
        (found,) = ecs.describe_tasks(cluster="tests", tasks=[started["taskArn"]])["tasks"]
        return str(found.get("stoppedReason", ""))

    assert "i/o timeout" in eventually(reason, message="the task fails to start")
    gone = lambda: task["taskArn"] not in {one["taskArn"] for one in world.tasks("spoiled")}  # noqa: E731
    eventually(gone, message="the task that is not reached is replaced")
    fault(world.running, "clear")
    eventually(lambda: world.steady("spoiled") and world.healthy(group) == 2, message="the service is whole again")


def test_calls_are_throttled_as_aws_publishes_it(sandbox: Running) -> None:
    """Many callers at once empty the bucket that all Describe calls of load balancers share; one that waits gets through."""
    elbv2, codes = impatient(sandbox, "elbv2"), []

    def call(_number: int) -> None:
        try:
            elbv2.describe_load_balancers()
        except ClientError as refused:
            codes.append(refused.response["Error"]["Code"])

    with ThreadPoolExecutor(16) as callers:
        for _round in range(20):
            list(callers.map(call, range(64)))
            if codes:
                break
    assert set(codes) == {"ThrottlingException"}
    assert eventually(lambda: sandbox.client("elbv2").describe_load_balancers(), timeout=30)
