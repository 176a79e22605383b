"""A sandbox of its own for these tests: brought up once, taken down at the end, and nothing of it may be left."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.config import REPOSITORY, Settings
from sandbox.engine import Engine
from sandbox.processes import alive
from sandbox.status import client

if TYPE_CHECKING:
    from tests.sandbox.world import World

# A minute of CloudWatch's and of deregistration lasts two seconds.
TIME_FACTOR = 30


@dataclass(frozen=True)
class Running:
    """A sandbox that runs, and the ways to reach it."""

    settings: Settings

    @property
    def engine(self) -> Engine:
        return Engine(self.settings)

    def client(self, service: str, region: str = "") -> Any:
        return client(self.settings, service, region)

    def pid(self, name: str) -> int:
        found = alive(self.settings, name)
        assert found is not None, f"{name} does not run"
        return found


def cli(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the sandbox's command line for a home, as a person does."""
    return subprocess.run(
        [sys.executable, "-m", "sandbox", "--home", str(home), *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
    )


def bring_up(home: Path, *options: str) -> Running:
    done = cli(home, "up", *options)
    assert done.returncode == 0, done.stderr
    return Running(Settings.load(home))


def take_down(home: Path) -> None:
    done = cli(home, "down")
    assert done.returncode == 0, done.stderr
    assert not home.exists()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("sandbox") / "home"
    running = bring_up(home, "--time-factor", str(TIME_FACTOR))
    try:
        yield running
    finally:
        take_down(home)


@pytest.fixture(scope="session")
def world(sandbox: Running) -> World:
    """A VPC, a load balancer, a cluster and an image: made once, each test uses names and paths of its own."""
    from tests.sandbox.world import build

    return build(sandbox)


@pytest.fixture
def aws(sandbox: Running) -> Callable[[str], Any]:
    """Clients of the sandbox's AWS: aws("ecs")."""
    return sandbox.client
