"""Up, down, SIGKILL, no engine: what the command line promises about the machine."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from sandbox.config import Settings
from tests.sandbox.conftest import Running, bring_up, cli, take_down


def bridges() -> set[str]:
    links = subprocess.run(["ip", "-o", "link", "show", "type", "bridge"], capture_output=True, text=True, check=True)
    return {line.split(":")[1].strip() for line in links.stdout.splitlines()}


def mounts_below(folder: Path) -> list[str]:
    return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if f" {folder}" in line]


def processes_of(folder: Path) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(folder) in words:
            found.append(words)
    return found


def test_two_sandboxes_stand_side_by_side_and_down_leaves_nothing(sandbox: Running, tmp_path: Path) -> None:
    running = bring_up(tmp_path / "home")
    # Other sandboxes of the machine come and go meanwhile: only its own is looked for.
    network = running.settings.network
    assert running.settings.endpoint != sandbox.settings.endpoint
    running.client("ecs").create_cluster(clusterName="only-there")
    assert not [arn for arn in sandbox.client("ecs").list_clusters()["clusterArns"] if "only-there" in arn]
    assert {"AWS_ENDPOINT_URL", "CONTAINERS_CONF"} <= set(running.settings.environment())
    again = cli(tmp_path / "home", "up")
    assert again.returncode == 0 and "already running" in again.stderr
    take_down(tmp_path / "home")
    assert network not in bridges()
    assert mounts_below(tmp_path) == []
    assert processes_of(tmp_path / "home") == []
    assert not (Path("/var/lib/cni/networks") / running.settings.network).exists()
    assert "nothing to do" in cli(tmp_path / "home", "down").stderr


@pytest.mark.long
def test_the_next_up_cleans_what_a_killed_sandbox_left(tmp_path: Path) -> None:
    first = bring_up(tmp_path / "home")
    for name in ("api", "edge", "registry", "registry-front"):
        os.kill(first.pid(name), signal.SIGKILL)
    second = cli(tmp_path / "home", "up")
    try:
        assert second.returncode == 0, second.stderr
        assert "cleaning up" in second.stderr
        settings = Settings.load(tmp_path / "home")
        assert settings.network != first.settings.network
        networks = Running(settings).engine.call("network", "ls", "--format", "{{.Name}}").split()
        assert first.settings.network not in networks
    finally:
        take_down(tmp_path / "home")


def test_without_an_engine_it_refuses_and_says_what_to_type(tmp_path: Path) -> None:
    refused = cli(tmp_path / "home", "up", PATH="/nonexistent")
    assert refused.returncode == 1
    assert "no container engine" in refused.stderr
    assert "apt-get install" in refused.stderr
    assert not (tmp_path / "home").exists()
