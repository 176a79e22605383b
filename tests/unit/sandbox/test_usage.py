"""What tasks use, in percent of what they reserve."""

from __future__ import annotations

from pathlib import Path

from sandbox.fargate.usage import Used, control_groups, used_by, utilization

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
