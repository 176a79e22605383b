"""One sandbox for all stories, brought up and taken down by its command line, with the sample app deployed on it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.plays import ROOT, Player

_EXPORT = re.compile(r"^export (\w+)=(.*)$")


@dataclass(frozen=True)
class Stage:
    """A running sandbox as a story sees it: the environment that steers every AWS client and container engine to it."""

    home: Path
    environment: dict[str, str]

    def client(self, service: str, region: str = "") -> Any:
        session = boto3.Session(
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=region or self.environment["AWS_DEFAULT_REGION"],
        )
        client: Any = session.client  # a service by its name, whichever it is
        return client(service, endpoint_url=self.environment["AWS_ENDPOINT_URL"])

    def engine(self, *arguments: str) -> str:
        """Run podman or docker against the sandbox's own storage; return what it printed."""
        return _run([os.environ.get("PEAR_SANDBOX_ENGINE", "podman"), *arguments], self.environment).stdout

    @property
    def load_balancer(self) -> str:
        """The address of the environment's load balancer."""
        return self.client("elbv2").describe_load_balancers(Names=["local"])["LoadBalancers"][0]["DNSName"]


def _run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done


def _exports(text: str) -> dict[str, str]:
    return {m[1]: m[2].strip("'\"") for line in text.splitlines() if (m := _EXPORT.match(line))}


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    home = tmp_path_factory.mktemp("stories") / "home"
    environment = {"PEAR_SANDBOX_HOME": str(home)}
    cli = [sys.executable, "-m", "sandbox"]
    # A minute of CloudWatch lasts five seconds here.
    _run([*cli, "up", "--time-factor", "12"], environment)
    try:
        environment |= _exports(_run([*cli, "env"], environment).stdout)
        environment["PEAR_BASE_IMAGE"] = "localhost/pear/base:bookworm"
        environment.setdefault("PEAR_CACHE", os.environ.get("PEAR_CACHE", str(ROOT / ".cache")))
        _run(["examples/base/build.sh", environment["PEAR_BASE_IMAGE"]], environment)
        yield Stage(home, environment)
    finally:
        _run([*cli, "down"], environment)
        assert not home.exists(), "sandbox down left files behind"


@pytest.fixture(scope="session")
def player(stage: Stage) -> Player:
    return Player(stage.environment)


@pytest.fixture(scope="module")
def deployed(player: Player) -> Player:
    """The sample app as its inventory has it, for stories that begin with a live service; the ones before may have changed it."""
    player.run("playbooks/deploy.yml").succeeded()
    return player
