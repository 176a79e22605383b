"""A sandbox of the bench's own, the programs that run against it, and the count of calls that it saw."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tools.failed_tests import errors_of_plays

ROOT = Path(__file__).resolve().parents[1]
_EXPORT = re.compile(r"^export (\w+)=(.*)$")


class BenchError(RuntimeError):
    """A command that is measured failed: there is no figure."""


class Stage:
    """Runs commands with the sandbox's environment; fails where they fail."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def run(self, *command: str, timeout: float = 600) -> str:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if done.returncode != 0:
            raise BenchError(f"{' '.join(command)} ended with {done.returncode}:\n{_told(done.stdout + done.stderr)}")
        return done.stdout

    def python(self, *arguments: str) -> str:
        return self.run(sys.executable, *arguments)

    def play(
        self, playbook: str, *inventories: str, variables: dict[str, Any] | None = None, more: tuple[str, ...] = ()
    ) -> str:
        """Run a playbook as a person does, in a process of its own; fail after an hour."""
        command = [str(Path(sys.executable).parent / "ansible-playbook"), playbook]
        for inventory in inventories:
            command += ["-i", inventory]
        if variables:
            command += ["-e", json.dumps(variables)]
        return self.run(*command, *more, timeout=3600)

    def client(self, service: str) -> Any:
        session = boto3.Session(
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self.environment["AWS_DEFAULT_REGION"],
        )
        client: Any = session.client  # a service by its name, whichever it is
        # The sandbox has AWS's rates: of task definitions twenty at once, and then one a second.
        patient = Config(retries={"mode": "standard", "total_max_attempts": 20})
        return client(service, endpoint_url=self.environment["AWS_ENDPOINT_URL"], config=patient)

    def calls(self) -> list[str]:
        """Every API call since the sandbox began, but those of running containers."""
        return [name for name, _at in self.timed_calls()]

    def throttled(self) -> dict[str, int]:
        """How many calls were throttled since the sandbox began, by service and operation."""
        with urllib.request.urlopen(self.environment["AWS_ENDPOINT_URL"] + "/_sandbox/throttled", timeout=10) as answer:
            found: dict[str, int] = json.load(answer)
        return found

    def timed_calls(self) -> list[tuple[str, float]]:
        """The same, each with the time of its arrival in seconds since the epoch."""
        with urllib.request.urlopen(self.environment["AWS_ENDPOINT_URL"] + "/_sandbox/calls", timeout=10) as answer:
            made = json.load(answer)["calls"]
        named = [(f"{call['service']}:{call['operation']}", float(call["at"])) for call in made]
        return [call for call in named if call[0] != "logs:PutLogEvents"]


def _told(output: str) -> str:
    """The errors of a play, of which many hosts may follow; of another program its last words."""
    return "\n".join(errors_of_plays(output))[:6000] or output[-3000:]


@contextmanager
def stage(*options: str) -> Iterator[Stage]:
    """Bring a sandbox up, with options of `sandbox up`; take it down whatever happens."""
    with tempfile.TemporaryDirectory(prefix="pear-bench-") as folder:
        environment = {
            "PEAR_SANDBOX_HOME": f"{folder}/home",
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "PEAR_PROGRESS": "0",
        }
        here = Stage(environment)
        here.python("-m", "sandbox", "up", *options)
        try:
            for line in here.python("-m", "sandbox", "env").splitlines():
                if match := _EXPORT.match(line):
                    environment[match[1]] = match[2].strip("'\"")
            environment["PEAR_BASE_IMAGE"] = "localhost/pear/base:bookworm"
            here.run("examples/base/build.sh", environment["PEAR_BASE_IMAGE"])
            yield here
        finally:
            here.python("-m", "sandbox", "down")
