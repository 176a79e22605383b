"""What tasks use, in percent of what they reserve."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sandbox.fargate.usage import INSIGHTS, UsageSampler, Used, control_groups, used_by, utilization
from sandbox.metrics.store import Regions

DEFINITION = {"cpu": "512", "memory": "1024"}
MIB = 1024 * 1024


def test_utilization_is_a_share_of_the_reservation() -> None:
    now, before = (20.0, Used(4.0, 256 * MIB)), (10.0, Used(3.0, 0))
    assert utilization(DEFINITION, now, before) == {"MemoryUtilization": 25.0, "CPUUtilization": 20.0}
    assert utilization(DEFINITION, now, None) == {"MemoryUtilization": 25.0}


def test_control_groups_of_both_versions_are_found() -> None:
    old = control_groups("5:cpu,cpuacct:/x/y\n4:memory:/x/y\n0::/\n")
    assert old["cpuacct"] == Path("/sys/fs/cgroup/cpu,cpuacct/x/y")
    assert old["memory"] == Path("/sys/fs/cgroup/memory/x/y")
    assert control_groups("0::/x/y")[""] == Path("/sys/fs/cgroup/x/y")


def test_a_process_that_is_gone_uses_nothing_that_is_known() -> None:
    assert used_by([2**22 + 1]) is None
    assert used_by([]) is None


@pytest.mark.parametrize(("insights", "counted"), [("disabled", False), ("enabled", True), ("enhanced", True)])
def test_container_insights_count_only_where_the_cluster_has_them_on(insights: str, counted: bool) -> None:
    settings = [{"name": "containerInsights", "value": insights}]
    ecs = SimpleNamespace(clusters={"live": SimpleNamespace(settings=settings)})
    core = SimpleNamespace(metrics=Regions(), settings=SimpleNamespace(region="r"), backend=lambda _: ecs)
    service = SimpleNamespace(cluster="live", name="web", desired=2, deployments=[])
    store = SimpleNamespace(lock=threading.RLock(), tasks={}, services={("live", "web"): service}, service_of=None)
    sampler = UsageSampler(cast(Any, core), cast(Any, store), cast(Any, SimpleNamespace(processes=lambda _: [])))
    sampler.sample(1_000_000.0)
    kept = {metric.name for metric in core.metrics.of("r").metrics() if metric.namespace == INSIGHTS}
    assert kept == ({"RunningTaskCount", "DesiredTaskCount", "DeploymentCount"} if counted else set())
