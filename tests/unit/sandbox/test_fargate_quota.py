"""The quota of vCPUs: a release's preflight reads it and its use, and no service starts a task beyond it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.pear.fargate.plugins.module_utils.aws import service_quotas
from ansible_collections.pear.fargate.plugins.module_utils.aws.session import Aws
from moto import mock_aws

from sandbox.api import service_quotas as overlay
from sandbox.api.overlay import registered
from sandbox.fargate.scheduler import Scheduler
from sandbox.fargate.usage import USAGE, UsageSampler
from sandbox.laws import fargate

SMALL, LARGE = {"cpu": "256", "memory": "512"}, {"cpu": "1024", "memory": "2048"}


@pytest.fixture
def quotas(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    before = len(registered.patches)
    overlay.install(cast(Any, None))
    with mock_aws():
        yield
    while len(registered.patches) > before:
        owner, name, original = registered.patches.pop()
        setattr(owner, name, original)


def test_the_collection_reads_the_quota(quotas: None) -> None:
    assert service_quotas.vcpus_allowed(Aws({"region": "eu-central-1"})) == fargate.ALLOWED


@pytest.mark.parametrize(
    ("running", "more", "fits"),
    [([SMALL] * 3, SMALL, True), ([SMALL] * 4, SMALL, False), ([], LARGE, True), ([SMALL], LARGE, False)],
)
def test_a_task_fits_while_the_quota_has_room(running: list[Any], more: Any, fits: bool) -> None:
    assert fargate.has_room(running, more, allowed=1.0) is fits


def task(definition: dict[str, str], spot: bool = False) -> Any:
    return SimpleNamespace(id=str(id(definition)), alive=True, running=True, on_demand=not spot, definition=definition)


def test_a_service_is_told_once_that_the_quota_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fargate.has_room, "__defaults__", (1.0,))
    said: list[str] = []
    store = SimpleNamespace(new_task=lambda *_: task(SMALL), tasks={str(n): task(SMALL) for n in range(4)})
    given_back: list[Any] = []
    scheduler = SimpleNamespace(_store=store, _network=SimpleNamespace(release=given_back.append))
    scheduler._say_unplaced = lambda *a: Scheduler._say_unplaced(cast(Any, scheduler), *a)
    service, deployment = SimpleNamespace(say=said.append), SimpleNamespace(events_said=set())
    for _ in range(2):
        assert Scheduler._start_one(cast(Any, scheduler), cast(Any, service), cast(Any, deployment)) is None
    assert len(given_back) == 2
    assert said == [f"was unable to place a task. Reason: {fargate.REACHED}"]


def test_what_runs_on_demand_is_counted_as_usage() -> None:
    added: dict[str, float] = {}
    metrics = SimpleNamespace(
        seconds=lambda seconds: seconds,
        add=lambda metric, _at, samples, _unit: added.update({f"{metric.namespace} {metric.name}": samples.total}),
        told_until=lambda *_: None,
    )
    core = SimpleNamespace(
        metrics=SimpleNamespace(of=lambda _: metrics),
        settings=SimpleNamespace(region="r"),
        backend=lambda _: SimpleNamespace(clusters={}),
    )
    tasks = {"a": task(SMALL), "b": task(LARGE), "c": task(LARGE, spot=True)}
    store = SimpleNamespace(lock=threading.Lock(), tasks=tasks, services={}, service_of=lambda _: None)
    sampler = UsageSampler(cast(Any, core), cast(Any, store), cast(Any, SimpleNamespace(processes=lambda _: [])))
    sampler.sample(time.time())
    assert added == {f"{USAGE} ResourceCount": 1.25}
