"""Every alarm that is shipped goes OK, ALARM, OK as the metrics that AWS reports go from well to ill to well again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from ansible_collections.pear.fargate.plugins.filter.monitoring import environment_alarms, service_alarms
from ansible_collections.pear.fargate.plugins.module_utils.aws.naming import HealthCheckNames
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from ansible_collections.pear.fargate.plugins.module_utils.monitoring.alarm_parts import SEVERITIES, kind_of
from ansible_collections.pear.fargate.plugins.module_utils.service import health_alarm
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sandbox.api.acm import DaysToExpiry
from sandbox.metrics.samples import Samples
from sandbox.metrics.store import Metric

from .given import REGION, WHOLE
from .world import World, ensure, world

__all__ = ["world"]

DAY = 86_400
Values = Mapping[str, float]
# A minute of a service whose blue colour serves, by the names of AWS's metrics. Green has no task, and reports nothing.
WELL: Values = {
    "RequestCount": 600,
    "TargetResponseTime": 0.02,
    "HTTPCode_Target_2XX_Count": 600,
    "HealthyHostCount": 2,
    "UnHealthyHostCount": 0,
    "CPUUtilization": 30,
    "MemoryUtilization": 40,
    "DesiredTaskCount": 2,
    "RunningTaskCount": 2,
    "DeploymentCount": 1,
    "ApproximateAgeOfOldestMessage": 3,
    "DaysToExpiry": 60,
    "PercentIOLimit": 20,
    "BurstCreditBalance": 2e12,
    "DatabaseConnections": 20,
    "FreeStorageSpace": 20 * 2**30,
    "HealthCheckStatus": 1,
}


@dataclass(frozen=True)
class Ill:
    """What changes in an ill minute, of which number; and for how many such minutes nobody need be told."""

    change: Callable[[int], Mapping[str, float | None]]
    minutes: int


def lasting(minutes: int, **values: float | None) -> Ill:
    return Ill(lambda _number: values, minutes)


ILL = {
    "error-share": lasting(7, HTTPCode_Target_2XX_Count=540, HTTPCode_Target_5XX_Count=60),
    "latency-p99": lasting(5, TargetResponseTime=2.0),
    "unhealthy-targets": lasting(10, HealthyHostCount=1, UnHealthyHostCount=1),
    "no-healthy-target": lasting(4, HealthyHostCount=0, UnHealthyHostCount=2),
    "colour-without-target": lasting(6, HealthyHostCount=0, UnHealthyHostCount=2),
    "cpu": lasting(15, CPUUtilization=95),
    "memory": lasting(15, MemoryUtilization=95),
    "missing-tasks": lasting(11, RunningTaskCount=1),
    "crash-loop": Ill(lambda number: {"RunningTaskCount": 1 + number % 3 / 2}, 15),
    "task-restarts": Ill(lambda number: {"RunningTaskCount": 1 if number % 10 == 0 else 2}, 50),
    "scaling-events": Ill(lambda number: {"DesiredTaskCount": 2 + number % 2, "RunningTaskCount": 3}, 14),
    "deploying": lasting(2, DeploymentCount=2),
    "deployment-stuck": lasting(62, DeploymentCount=2),
    "critical": lasting(7, HTTPCode_Target_2XX_Count=540, HTTPCode_Target_5XX_Count=60),
    "no-running-task": lasting(6, RunningTaskCount=0),
    "queue-age-jobs": lasting(6, ApproximateAgeOfOldestMessage=2000),
    "balancer-errors": lasting(5, HTTPCode_ELB_5XX_Count=50),
    "file-system-io": lasting(16, PercentIOLimit=99),
    "file-system-credits": lasting(4, BurstCreditBalance=5e10),
    "database-connections": lasting(12, DatabaseConnections=190),
    "database-storage": lasting(6, FreeStorageSpace=2**30),
}
# Which colour is live, and a live one without a target beside a warm one: test_live_alarms.py. Bands and objectives have tests too.
ELSEWHERE = {
    "traffic-on-green",
    "without-target",
    "live-without-target",
    "latency-trend",
    "burn-fast",
    "burn-slow",
    "burn-window",
}
OF_DAYS = {"certificate-expiry": {"DaysToExpiry": 10}}
OF_WORKERS = ("no-running-task", "queue-age-jobs")


def shipped(kind: str) -> list[dict[str, Any]]:
    if kind in OF_WORKERS:
        return service_alarms(WHOLE, "mailer", kind="worker", queues=["jobs"])
    alarms = [*service_alarms(WHOLE, "scores"), *environment_alarms(WHOLE)]
    return [alarm for alarm in alarms if kind == "critical" or alarm["name"].endswith(f"/{kind}")]


def metrics_of(alarms: list[dict[str, Any]]) -> Iterator[Metric]:
    found = {
        Metric.of(metric["namespace"], metric["metric"], metric["dimensions"])
        for alarm in alarms
        for metric in alarm.get("metrics", [])
        if "namespace" in metric and "green" not in str(metric["dimensions"])
    }
    yield from sorted(found, key=str)


def pass_time(
    world: World, alarms: list[dict[str, Any]], change: Mapping[str, float | None], seconds: int = 60
) -> None:
    values = {**WELL, **change}
    for metric in metrics_of(alarms):
        value = values.get(metric.name)
        if value is not None:
            samples = Samples()
            answered = metric.name == "TargetResponseTime"
            samples.add(value, values["RequestCount"] or 0 if answered else 1)
            world.metrics.of(REGION).add(metric, world.now + 30, samples)
    world.now += seconds
    for namespace in {metric.namespace for metric in metrics_of(alarms)}:
        world.metrics.of(REGION).told_until(namespace, world.now)
    # Composite alarms are settled too.
    for _again in range(2):
        world.clock.tick(world.now)


def state(world: World, kind: str, region: str = REGION) -> str:
    alarms = world.backend("cloudwatch", region).alarms
    (name,) = [name for name in alarms if name.rpartition("/")[2] == kind]
    return str(alarms[name].state_value)


def test_every_kind_of_alarm_is_among_these() -> None:
    seen = {*map(kind_of, ILL), *OF_DAYS, *ELSEWHERE, "health-check"}
    assert seen == set(SEVERITIES)


@pytest.mark.parametrize("kind", ILL)
def test_an_alarm_fires_while_it_is_ill_and_ends_afterwards(world: World, kind: str) -> None:
    alarms = shipped(kind)
    for _ in range(15):
        pass_time(world, alarms, {})
    ensure(alarms, "staging/")
    pass_time(world, alarms, {})
    assert state(world, kind) == "OK"
    ill = ILL[kind]
    passed = 0
    while state(world, kind) == "OK":
        assert passed < ill.minutes, f"{kind} says nothing after {passed} minutes"
        pass_time(world, alarms, ill.change(passed))
        passed += 1
    assert state(world, kind) == "ALARM"
    for _ in range(61):
        if state(world, kind) == "OK":
            break
        pass_time(world, alarms, {})
    assert state(world, kind) == "OK"


@pytest.mark.parametrize("kind", ["crash-loop", "task-restarts"])
@pytest.mark.parametrize(
    "counts",
    [
        # Desired and running, minute by minute: running is an average.
        pytest.param([(tasks, tasks - late) for tasks in range(2, 12) for late in (0.6, 0.2, 0)], id="tasks are added"),
        pytest.param(
            [(tasks, tasks + late) for tasks in range(12, 2, -1) for late in (0.6, 0)], id="tasks are taken away"
        ),
        pytest.param([(2, 1)] * 30, id="one that cannot be placed is missing-tasks's"),
        pytest.param([(2, 2), (2, 1.7), (2, 1.2), (2, 2)] * 2, id="two tasks ended"),
    ],
)
def test_no_crash_loop_is_seen_where_no_task_ends_again_and_again(
    world: World, kind: str, counts: list[tuple[float, float]]
) -> None:
    alarms = shipped(kind)
    for _ in range(15):
        pass_time(world, alarms, {})
    ensure(alarms, "staging/")
    for desired, running in counts:
        pass_time(world, alarms, {"DesiredTaskCount": desired, "RunningTaskCount": running})
        assert state(world, kind) == "OK", (desired, running)


@pytest.mark.parametrize(("kind", "change"), OF_DAYS.items())
def test_an_alarm_of_days_fires_and_ends_with_the_next_day(world: World, kind: str, change: Values) -> None:
    alarms = shipped(kind)
    ensure(alarms, "staging/")
    states = []
    for today in ({}, change, change, {}):
        pass_time(world, alarms, today, DAY)
        states.append(state(world, kind))
    assert states == ["OK", "ALARM", "ALARM", "OK"]


def test_the_alarm_of_a_health_check_fires_in_the_region_of_its_metrics_and_ends(world: World) -> None:
    elsewhere = "us-east-1"
    name = HealthCheckNames("staging", "eu-central-1").alarm("scores")
    alarm = health_alarm.desired(name, health_alarm.HealthAlarm("check-1", "app.example.com"))
    Aws({"region": elsewhere}).client("cloudwatch").put_metric_alarm(**alarm)
    metric = Metric.of("AWS/Route53", "HealthCheckStatus", {"HealthCheckId": "check-1"})
    states = []
    for status in (1, 0, 0, 1):
        samples = Samples()
        samples.add(status)
        world.metrics.of(elsewhere).add(metric, world.now + 30, samples)
        world.now += 60
        world.metrics.of(elsewhere).told_until(metric.namespace, world.now)
        world.clock.tick(world.now)
        states.append(str(world.backend("cloudwatch", elsewhere).alarms[alarm["AlarmName"]].state_value))
    assert states == ["OK", "ALARM", "ALARM", "OK"]


@pytest.mark.parametrize(
    ("period", "periods", "noticed_after"),
    [
        pytest.param(3600, 1, 1, id="an hour is the newest sixty minutes"),
        pytest.param(86_400, 1, 1, id="a day is the newest twenty-four hours", marks=pytest.mark.long),
        pytest.param(86_400, 2, 61, id="more than a day is looked at once an hour"),
    ],
)
def test_the_window_of_an_alarm_slides(world: World, period: int, periods: int, noticed_after: int) -> None:
    client = boto3.client("cloudwatch", REGION)
    client.put_metric_alarm(
        AlarmName="waiting",
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": "jobs"}],
        Statistic="Maximum",
        Period=period,
        EvaluationPeriods=periods,
        DatapointsToAlarm=1,
        ComparisonOperator="GreaterThanThreshold",
        Threshold=100,
        TreatMissingData="notBreaching",
    )
    metric = Metric.of("AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": "jobs"})
    fired = []
    for minute in range(120 + period * periods // 60):
        samples = Samples()
        samples.add(500 if minute == 0 else 1)
        world.metrics.of(REGION).add(metric, world.now + 30, samples)
        world.now += 60
        world.metrics.of(REGION).told_until(metric.namespace, world.now)
        world.clock.tick(world.now)
        if state(world, "waiting") == "ALARM":
            fired.append(minute + 1)
    assert fired[0] == noticed_after
    assert len(fired) == period * periods // 60


def test_a_certificate_that_ends_in_a_week_fires_until_a_new_one_is_there(world: World) -> None:
    """By what the sandbox itself tells of it, as in the experiment expiring-certificate."""
    client = boto3.client("acm", REGION)
    # moto imports none that has expired by the machine's own clock.
    world.now = time.time() // DAY * DAY
    end = datetime.fromtimestamp(world.now, UTC)

    def certificate(days: int, **replaced: str) -> str:
        pem, key = self_signed(end + timedelta(days=days))
        arn: str = client.import_certificate(Certificate=pem, PrivateKey=key, **replaced)["CertificateArn"]
        return arn

    arn = certificate(397)
    sampler = DaysToExpiry(world)  # type: ignore[arg-type]
    balancer = {**WHOLE["load_balancer"], "certificate_arn": arn}
    ensure(
        [one for one in environment_alarms({**WHOLE, "load_balancer": balancer}) if "expiry" in one["name"]], "staging/"
    )
    states = []
    # The day of the replacement has seen the old one too.
    for days in (397, 7, 397, 397):
        certificate(days, CertificateArn=arn)
        for _half in range(2):
            world.now += DAY / 2
            sampler.sample(world.now)
        world.clock.tick(world.now)
        states.append(state(world, "certificate-expiry"))
    assert states == ["OK", "ALARM", "ALARM", "OK"]


def self_signed(end: datetime) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "staging.example.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = (
        made.serial_number(x509.random_serial_number()).not_valid_before(end - timedelta(days=900)).not_valid_after(end)
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.sign(key, SHA256()).public_bytes(Encoding.PEM), private
