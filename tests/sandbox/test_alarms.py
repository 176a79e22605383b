"""Shipped alarms go OK, ALARM, OK as something real is broken and mended: what `tests/stories/test_gameday.py` leaves out.

Everything is broken side by side, each in a service of its own: alarms that look back for an hour take two minutes here.
"""

from __future__ import annotations

import contextlib
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.pear.fargate.plugins.filter.monitoring import environment_alarms, service_alarms
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.alarms import (
    in_order,
    is_composite,
    named_in,
    request,
)
from ansible_collections.pear.fargate.plugins.modules import cloudwatch_alarms
from botocore.config import Config

from sandbox.config import ACCESS_KEY, SECRET_KEY
from sandbox.laws import burst_credits
from tests.sandbox.conftest import cli
from tests.sandbox.world import World
from tests.support.waiting import eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]

# A quarter of an hour of this machine, most of which is spent waiting.
LONGEST_SECONDS = 900
ROUND_SECONDS = 0.5
MIB = 2**20
WRITES = f"open('/data/file', 'wb').write(bytes({120 * MIB}))"
HOLDS = f"import time; held = b'x' * {460 * MIB}; time.sleep(3600)"
# Twelve clients with half a second between their requests.
CLIENTS, PAUSE_SECONDS = 12, 0.5
# A share of bad requests beyond both objectives, and two minutes of it do not take long to make up for.
BAD_SHARE = 0.2
SLOS = [{"name": "fast", "target_percent": 99}, {"name": "slow", "target_percent": 90}]

# Alarms, by what breaks them: the services' names are those of the failures.
ALARMS = (
    "crashing/crash-loop",
    "crashing/task-restarts",
    "scaling/scaling-events",
    "stuck/deploying",
    "stuck/deployment-stuck",
    "leaking/memory",
    "gone/no-running-task",
    "gone/missing-tasks",
    "waiting/queue-age-alarmed",
    "*/file-system-credits",
    "slowing/latency-trend",
    "burning/burn-fast-fast",
    "burning/burn-slow-slow",
    "burning/burn-window-fast-1h-of-1h",
    "burning/burn-window-slow-72h-of-72h",
)


class Load:
    """Requests to a path of the load balancer until the end, and how many of them were answered, and how many not."""

    def __init__(self, address: str, path: str) -> None:
        self.address, self.path = address, path
        self.good = self.bad = 0
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]

    def __enter__(self) -> Load:
        for number, thread in enumerate(self._threads):
            thread.start()
            time.sleep(PAUSE_SECONDS / CLIENTS if number else 0)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._ended.wait(PAUSE_SECONDS):
            try:
                urllib.request.urlopen(f"http://{self.address}{self.path}", timeout=30).close()
                answered = True
            except urllib.error.HTTPError:
                answered = False
            with self._lock:
                self.good += answered
                self.bad += not answered

    @property
    def bad_share(self) -> float:
        return self.bad / max(1, self.good + self.bad)


def nothing() -> None:
    """Most failures need no more than their beginning."""


@dataclass
class Failure:
    """What is broken, and the alarms that must tell it. `goes_on` is called again and again until all of them have.

    `went` has the states that each alarm went through since the failure began.
    """

    alarms: tuple[str, ...]
    begin: Callable[[], object]
    mend: Callable[[], object]
    goes_on: Callable[[], object] = nothing
    phase: str = "well"
    went: dict[str, list[str]] = field(default_factory=dict)

    def step(self, states: dict[str, str]) -> None:
        """One round: begin once the alarms are quiet, mend once each of them has fired, end once they are quiet again."""
        quiet = all(states[name] == "OK" for name in self.alarms)
        if self.phase == "well" and quiet:
            self.went = {name: ["OK"] for name in self.alarms}
            self.begin()
            self.phase = "ill"
            return
        for name, went in self.went.items():
            went += [states[name]] if went[-1] != states[name] else []
        if self.phase == "ill" and all("ALARM" in went for went in self.went.values()):
            self.mend()
            self.phase = "mended"
        elif self.phase == "ill":
            self.goes_on()
        elif self.phase == "mended" and quiet:
            self.phase = "over"


def every(seconds: float, what: Callable[[int], object]) -> Callable[[], None]:
    """Do it each so many seconds, with the number of times that it was done."""
    done, last = 0, 0.0

    def turn() -> None:
        nonlocal done, last
        if time.monotonic() - last >= seconds:
            what(done)
            done, last = done + 1, time.monotonic()

    return turn


def patient(world: World) -> Any:
    """A client of CloudWatch that waits for its rates: of PutMetricAlarm three a second."""
    settings = world.running.settings
    return boto3.Session(ACCESS_KEY, SECRET_KEY, region_name=settings.region).client(
        "cloudwatch",
        endpoint_url=settings.endpoint,
        config=Config(retries={"mode": "standard", "total_max_attempts": 20}),
    )


class Broken:
    """The services that are broken, each with its alarms, and how."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ecs, self.cloudwatch = world.client("ecs"), patient(world)
        self.environment: dict[str, Any] = {
            "name": "tests",
            "region": "eu-central-1",
            "account": world.running.settings.account,
            "caller": f"arn:aws:iam::{world.running.settings.account}:user/tests",
            "cluster": {"container_insights": "enabled"},
            "load_balancer": {"name": "tests", "arn": world.balancer["LoadBalancerArn"], "target_groups": {}},
        }
        self.services: list[str] = []
        self.names: list[str] = []

    def put(self, alarms: list[dict[str, Any]]) -> None:
        """Those that are driven, and those that they are made of, as the module cloudwatch_alarms puts them."""
        driven = {f"tests/{name}" for name in ALARMS}
        parts = {part for alarm in alarms if alarm["name"] in driven for part in named_in(alarm.get("rule", ""))}
        needed = [alarm for alarm in alarms if alarm["name"] in driven | parts]
        validated = ArgumentSpecValidator(cloudwatch_alarms.ARGUMENT_SPEC).validate({"alarms": needed})
        assert not validated.error_messages
        requests = {alarm["name"]: request(alarm) for alarm in validated.validated_parameters["alarms"]}
        for name in in_order(requests.values()):
            composite = is_composite(requests[name])
            put = self.cloudwatch.put_composite_alarm if composite else self.cloudwatch.put_metric_alarm
            put(**requests[name])
            self.names.append(name)

    def worker(self, name: str, desired: int = 1, **settings: Any) -> str:
        """A worker that has nothing to do, with its alarms; its ECS service."""
        service = f"{name}-blue"
        self.world.create_service(service, self.world.define(service), None, desired, **settings)
        self.services.append(service)
        self.put(service_alarms(self.environment, name, kind="worker"))
        return service

    def web(self, name: str) -> str:
        """A service behind the load balancer, of which blue is live; the path of its requests."""
        groups = self.environment["load_balancer"]["target_groups"]
        for colour, path in (("blue", f"/{name}"), ("green", f"/no-{name}")):
            groups[f"tests-{name}-{colour}"] = self.world.target_group(f"tests-{name}-{colour}", path)
        service = f"{name}-blue"
        self.world.create_service(service, self.world.define(service), groups[f"tests-{name}-blue"])
        self.services.append(service)
        self.put(service_alarms(self.environment, name, slos=SLOS))
        return f"/{name}"

    def becomes(self, service: str, definition: str, **settings: Any) -> Callable[[], object]:
        return lambda: self.ecs.update_service(cluster="tests", service=service, taskDefinition=definition, **settings)

    def crashing(self) -> Failure:
        service = self.worker("crashing", 2)

        def kill(_number: int) -> None:
            if self.world.service(service)["runningCount"] == 2:
                cli(self.world.running.settings.home, "fault", "kill", service)

        alarms = ("tests/crashing/crash-loop", "tests/crashing/task-restarts")
        return Failure(alarms, nothing, nothing, every(4, kill))

    def scaling(self) -> Failure:
        service = self.worker("scaling")

        def back_and_forth(number: int) -> None:
            self.ecs.update_service(cluster="tests", service=service, desiredCount=2 - number % 2)

        return Failure(("tests/scaling/scaling-events",), nothing, nothing, every(4.5, back_and_forth))

    def stuck(self) -> Failure:
        service = self.worker("stuck")
        sick = {"command": ["CMD", "/bin/false"], "interval": 5, "startPeriod": 300}
        never_healthy = self.world.define("never-healthy", healthCheck=sick)
        return Failure(
            ("tests/stuck/deploying", "tests/stuck/deployment-stuck"),
            self.becomes(service, never_healthy),
            self.becomes(service, service),
        )

    def leaking(self) -> Failure:
        service = self.worker("leaking")
        return Failure(
            ("tests/leaking/memory",),
            self.becomes(service, self.world.define("holding", command=[HOLDS])),
            self.becomes(service, service),
        )

    def gone(self) -> Failure:
        """No image, no task."""
        none_stays = {"minimumHealthyPercent": 0, "maximumPercent": 100}
        service = self.worker("gone", deploymentConfiguration=none_stays)
        without = self.world.define("without-image", image=f"{self.world.image.partition('@')[0]}:none")
        return Failure(
            ("tests/gone/no-running-task", "tests/gone/missing-tasks"),
            self.becomes(service, without),
            self.becomes(service, service),
        )

    def waiting(self) -> Failure:
        """Nobody takes the work, and then somebody does. Messages are dated by this machine's clock."""
        sqs = self.world.client("sqs")
        queue = sqs.create_queue(QueueName="alarmed")["QueueUrl"]
        limits = {"queue_age_seconds": 10}
        self.put(service_alarms(self.environment, "waiting", limits, kind="worker", queues=["alarmed"]))

        def work() -> None:
            (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

        return Failure(
            ("tests/waiting/queue-age-alarmed",), lambda: sqs.send_message(QueueUrl=queue, MessageBody="work"), work
        )

    def writing(self) -> Failure:
        """A task writes more than the file system earns. The threshold is near what a new one has, as no test writes two terabytes."""
        efs = self.world.client("efs")
        system = efs.create_file_system(CreationToken="alarmed", ThroughputMode="bursting")["FileSystemId"]
        for subnet in self.world.subnets:
            efs.create_mount_target(FileSystemId=system, SubnetId=subnet)
        definition = self.world.define(
            "writing",
            command=[WRITES],
            mountPoints=[{"sourceVolume": "data", "containerPath": "/data"}],
            volumes=[{"name": "data", "efsVolumeConfiguration": {"fileSystemId": system}}],
        )
        environment = {**self.environment, "file_system": {"id": system, "throughput_mode": "bursting"}}
        limits = {"file_system_credits_gb": (burst_credits.FIRST - 50 * MIB) / 1e9}
        self.put(environment_alarms(environment, limits))

        def write() -> None:
            network = {"awsvpcConfiguration": {"subnets": self.world.subnets}}
            self.ecs.run_task(
                cluster="tests", taskDefinition=definition, launchType="FARGATE", networkConfiguration=network
            )

        return Failure(("tests/*/file-system-credits",), write, nothing)

    def slowing(self, load: Load) -> Failure:
        well = load.path
        return Failure(("tests/slowing/latency-trend",), self.paths(load, f"{well}/sleep/0.3"), self.paths(load, well))

    def burning(self, load: Load) -> Failure:
        """Requests fail until the share of bad ones is beyond the objectives."""
        well = load.path
        windows = ("tests/burning/burn-window-fast-1h-of-1h", "tests/burning/burn-window-slow-72h-of-72h")

        def keep_the_share() -> None:
            load.path = f"{well}/close" if load.bad_share < BAD_SHARE else well

        return Failure(
            ("tests/burning/burn-fast-fast", "tests/burning/burn-slow-slow", *windows),
            nothing,
            self.paths(load, well),
            keep_the_share,
        )

    @staticmethod
    def paths(load: Load, path: str) -> Callable[[], None]:
        def send() -> None:
            load.path = path

        return send

    def states(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for page in self.cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix="tests/", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        ):
            for alarm in [*page["MetricAlarms"], *page["CompositeAlarms"]]:
                found[alarm["AlarmName"]] = alarm["StateValue"]
        return found

    def clean(self) -> None:
        for service in self.services:
            self.world.delete_service(service)
        requested = self.cloudwatch.describe_alarms(AlarmNamePrefix="tests/", AlarmTypes=["CompositeAlarm"])
        composites = {alarm["AlarmName"]: alarm for alarm in requested["CompositeAlarms"]}
        for name in reversed(in_order(composites.values())):
            self.cloudwatch.delete_alarms(AlarmNames=[name])
        self.cloudwatch.delete_alarms(AlarmNames=[name for name in self.names if name not in composites])


@pytest.fixture(scope="module")
def passed(world: World) -> Iterator[dict[str, list[str]]]:
    """The states that each alarm went through since it was broken, in their order."""
    world.client("ecs").update_cluster(cluster="tests", settings=[{"name": "containerInsights", "value": "enabled"}])
    broken = Broken(world)
    with contextlib.ExitStack() as ending:
        ending.callback(
            world.client("ecs").update_cluster,
            cluster="tests",
            settings=[{"name": "containerInsights", "value": "disabled"}],
        )
        ending.callback(broken.clean)
        of_tasks = [broken.crashing, broken.scaling, broken.stuck, broken.leaking, broken.gone]
        failures = [make() for make in [*of_tasks, broken.waiting, broken.writing]]
        paths = [broken.web(name) for name in ("slowing", "burning")]
        for service in broken.services:
            eventually(lambda service=service: world.steady(service), message=f"{service} is up")  # type: ignore[misc]
        slow, bad = (ending.enter_context(Load(world.address, path)) for path in paths)
        failures += [broken.slowing(slow), broken.burning(bad)]
        deadline = time.monotonic() + LONGEST_SECONDS
        while any(failure.phase != "over" for failure in failures) and time.monotonic() < deadline:
            states = broken.states()
            for failure in failures:
                failure.step(states)
            time.sleep(ROUND_SECONDS)
        yield {name: went for failure in failures for name, went in failure.went.items()}


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_fires_while_something_is_broken_and_ends_afterwards(passed: dict[str, list[str]], alarm: str) -> None:
    went = passed[f"tests/{alarm}"]
    assert went[0] == went[-1] == "OK" and "ALARM" in went, went
