"""Steady traffic beside a story: `python -m sandbox load` in its own process, so that no playbook slows it down."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.plays import ROOT

from .conftest import Stage

# The host name that inventories/local gives the sample app; the load balancer's rule asks for it.
HOST = "scores.local.example.test"
# On a machine with other work, more would only queue up in the application until a drain ends before its turn.
IN_FLIGHT = 20


@dataclass
class Traffic:
    """The process that sends, and once it has stopped, what it saw."""

    process: subprocess.Popen[str]
    summary: dict[str, Any] | None = None

    def stop(self) -> dict[str, Any]:
        if self.summary is None:
            self.process.terminate()
            output, errors = self.process.communicate(timeout=180)
            assert output.strip(), errors
            self.summary = json.loads(output)
        return self.summary


@contextlib.contextmanager
def traffic(
    stage: Stage,
    path: str = "/leaderboard",
    rate: int = 100,
    *options: str,
    host: str = HOST,
    url: str = "",
    resolve: str = "",
) -> Iterator[Traffic]:
    """Send up to `rate` requests a second to the live service, or to a URL, until the block ends, for half an hour at most."""
    command = [
        *(sys.executable, "-m", "sandbox", "load", url or f"https://{host}{path}", "--insecure"),
        *("--resolve", resolve or f"{host}:443:{stage.load_balancer}"),
        *("--rate", str(rate), "--seconds", "1800", "--in-flight", str(IN_FLIGHT)),
        *("--group-by-header", "x-version", *options),
    ]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **stage.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    running = Traffic(process)
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("sending to "), process.communicate()
        yield running
        running.stop()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def assert_not_one_failed(summary: dict[str, Any], at_least: int) -> None:
    assert summary["ok"] == summary["sent"], summary
    assert summary["sent"] >= at_least, summary
