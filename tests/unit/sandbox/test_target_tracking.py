"""What target tracking wants, and when a schedule is due."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from sandbox.api.state import Sandbox
from sandbox.api.target_tracking import TargetTracking
from sandbox.config import Settings
from sandbox.laws.cron import UnknownExpression, due_between, is_due, rate_seconds
from sandbox.laws.target_tracking import Allowed, Policy, wanted
from sandbox.metrics.samples import Samples
from sandbox.metrics.store import Metric

QUIET = (0.0,) * 15
FREE = Allowed()


@pytest.mark.parametrize(
    ("minutes", "count"),
    [
        pytest.param((50.0,) * 12 + (90.0,) * 3, 18, id="three minutes above"),
        pytest.param((50.0,) * 13 + (90.0,) * 2, 10, id="two minutes above"),
        pytest.param(QUIET, 2, id="a quarter of an hour with nothing goes to the minimum"),
        pytest.param((30.0,) * 15, 6, id="a quarter of an hour below"),
        pytest.param((30.0,) * 14, 10, id="fourteen minutes below"),
        pytest.param((30.0,) * 14 + (46.0,), 10, id="close to the target"),
        pytest.param((30.0,) * 7 + (None,) + (30.0,) * 7, 10, id="missing data is not low use"),
        pytest.param((None,) * 15, 10, id="no data"),
        pytest.param((50.0,) * 12 + (900.0,) * 3, 20, id="never above the maximum"),
    ],
)
def test_the_count_follows_the_metric_within_its_bounds(minutes: tuple[float | None, ...], count: int) -> None:
    assert wanted([Policy(50.0, minutes)], 10, (2, 20), FREE) == count


def test_one_policy_adds_tasks_and_all_of_them_take_them_away() -> None:
    busy, quiet = Policy(50.0, (90.0,) * 15), Policy(50.0, QUIET)
    assert wanted([busy, quiet], 10, (2, 20), FREE) == 18
    assert wanted([Policy(50.0, (48.0,) * 15), quiet], 10, (2, 20), FREE) == 10
    assert wanted([Policy(50.0, QUIET, scales_in=False), Policy(50.0, (25.0,) * 15)], 10, (2, 20), FREE) == 5


def test_what_is_suspended_is_not_done() -> None:
    assert wanted([Policy(50.0, QUIET)], 10, (2, 20), Allowed(scale_in=False)) == 10
    assert wanted([Policy(50.0, (90.0,) * 15)], 10, (2, 20), Allowed(scale_in=False)) == 18
    assert wanted([Policy(50.0, (90.0,) * 15)], 10, (2, 20), Allowed(scale_out=False)) == 10


@pytest.mark.parametrize(
    ("share", "counts"),
    [
        pytest.param(0.0, {"web-blue": 2, "web-green": 10}, id="little use takes tasks from the other one alone"),
        pytest.param(90.0, {"web-blue": 18, "web-green": 18}, id="much use adds tasks to both"),
    ],
)
def test_a_service_that_is_itself_deploying_loses_no_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float, counts: dict[str, int]
) -> None:
    """Scale-in of a service waits for its own deployment, not for that of the other colour."""
    sandbox = Sandbox(Settings(tmp_path, "127.77", "podman", "none"), Mock())
    states = {"web-blue": "COMPLETED", "web-green": "IN_PROGRESS"}
    services = {
        name: SimpleNamespace(cluster="c", name=name, desired=10, primary=SimpleNamespace(rollout_state=state))
        for name, state in states.items()
    }
    resources = {name: f"service/c/{name}" for name in services}
    body = {
        "TargetValue": 50.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
    }
    known: dict[str, Any] = {
        name: SimpleNamespace(
            resource_id=resource,
            policy_type="TargetTrackingScaling",
            target_tracking_scaling_policy_configuration=body,
        )
        for name, resource in resources.items()
    }
    targets = {
        resource: SimpleNamespace(resource_id=resource, min_capacity=2, max_capacity=20, suspended_state={})
        for resource in resources.values()
    }
    backend = SimpleNamespace(policies=known, targets={"ecs:service:DesiredCount": targets})
    monkeypatch.setattr(sandbox, "backend", lambda service: backend)
    store, now = sandbox.metrics.of(sandbox.settings.region), NOON.timestamp()
    for name, service in services.items():
        sandbox.fargate.store.services["c", name] = service  # type: ignore[assignment]
        cpu = Metric.of("AWS/ECS", "CPUUtilization", {"ClusterName": "c", "ServiceName": name})
        for minute in range(1, 21):
            samples = Samples()
            samples.add(share)
            store.add(cpu, now - 60 * minute, samples)
    TargetTracking(sandbox).tick(now)
    assert {name: service.desired for name, service in services.items()} == counts


# A Wednesday.
NOON = datetime(2026, 7, 1, 12, 0)


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("cron(0 12 * * ? *)", True),
        ("cron(0 12 ? * MON-FRI *)", True),
        ("cron(0 12 ? * SAT,SUN *)", False),
        ("cron(0/15 * * * ? *)", True),
        ("cron(1/15 * * * ? *)", False),
        ("cron(0 12 1 JUL ? 2026)", True),
        ("cron(0 12 2 7 ? *)", False),
        ("cron(0 7-12 ? * 4 *)", True),
    ],
)
def test_a_cron_expression_names_its_minutes(expression: str, due: bool) -> None:
    assert is_due(expression, NOON) is due


@pytest.mark.parametrize("expression", ["cron(0 12 L * ? *)", "cron(0 12 * * ?)", "at(2026-07-01T12:00:00)"])
def test_what_is_not_served_is_refused(expression: str) -> None:
    with pytest.raises(UnknownExpression):
        is_due(expression, NOON)


def test_a_minute_is_due_once_however_often_one_looks() -> None:
    second = timedelta(seconds=1)
    looks = [(NOON + n * second, NOON + (n + 1) * second) for n in range(-90, 90)]
    assert sum(due_between("cron(0 12 * * ? *)", before, now) for before, now in looks) == 1


@pytest.mark.parametrize(
    ("expression", "seconds"), [("rate(5 minutes)", 300), ("rate(1 day)", 86_400), ("cron(x)", None)]
)
def test_a_rate_is_an_interval(expression: str, seconds: int | None) -> None:
    assert rate_seconds(expression) == seconds
