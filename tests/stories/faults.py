"""Faults of a stage's API, such as calls that are denied, for as long as a block lasts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.plays import ROOT

from .arcade import Arcade


@contextmanager
def fault(arcade: Arcade, *what: str) -> Iterator[None]:
    def command(*words: str) -> None:
        line = [sys.executable, "-m", "sandbox", "--home", str(arcade.stage.home), "fault", *words]
        subprocess.run(line, cwd=ROOT, check=True, capture_output=True, timeout=300)

    command("add", *what)
    try:
        yield
    finally:
        command("clear")
