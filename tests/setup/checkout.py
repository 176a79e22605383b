"""A copy of this checkout to set up, interrupt and remove, and commands in it as a person's terminal runs them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What a run of make hands to its children, and what would steer them to this checkout's own environment.
_INHERITED = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VENV", "PYTHON", "ANSIBLE_CONFIG", "ANSIBLE_COLLECTIONS_PATH")


def environment(**values: str) -> dict[str, str]:
    """The environment of a new terminal: this test's own virtual environment is not in it."""
    kept = {name: value for name, value in os.environ.items() if name not in _INHERITED}
    path = [folder for folder in kept["PATH"].split(os.pathsep) if not folder.startswith(str(ROOT))]
    return {**kept, "PATH": os.pathsep.join(path), **values}


@dataclass(frozen=True)
class Ended:
    status: int
    output: str


@dataclass(frozen=True)
class Command:
    """A command in a session of its own, so that a signal reaches all of its processes, as Ctrl-C in a terminal does."""

    process: subprocess.Popen[str]
    log: Path

    def wait_until(self, condition: Callable[[], bool], timeout: float = 120) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            assert self.process.poll() is None, f"ended before the moment came: {self.log.read_text()}"
            assert time.monotonic() < deadline, f"the moment did not come: {self.log.read_text()}"
            time.sleep(0.02)

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def says(self, text: str) -> bool:
        return text in self.log.read_text()

    def end_by_interrupts(self, timeout: float = 120) -> Ended:
        """Ctrl-C, and again as a person does where nothing happens: ansible-core loses one that arrives while it forks a worker, since
        Python ignores what a signal's handler raises in the hooks of a fork."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self.interrupt()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(15)
                break
        return self.end(timeout=1)

    def end(self, timeout: float = 300) -> Ended:
        status = self.process.wait(timeout)
        return Ended(status, self.log.read_text())


def start(command: Sequence[str], folder: Path, logs: Path, **variables: str) -> Command:
    """Start a command in a folder; what it says goes to a file of its own among the logs."""
    log = logs / f"output-{time.monotonic_ns()}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            # nohup and background jobs hand ignored signals on; a terminal does not.
            ["env", "--default-signal=HUP,INT", *command],
            cwd=folder,
            env=environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
    return Command(process, log)


@dataclass(frozen=True)
class Checkout:
    """A copy of what git holds here, at a path of its own."""

    path: Path
    variables: dict[str, str] = field(default_factory=dict)

    def start(self, *command: str) -> Command:
        return start(command, self.path, self.path.parent, **self.variables)

    def run(self, *command: str, timeout: float = 300) -> Ended:
        return self.start(*command).end(timeout)

    def processes(self) -> list[str]:
        """Command lines of processes whose arguments or working folder lie in this checkout."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
                inside = (entry / "cwd").readlink().is_relative_to(self.path)
                if words and (inside or str(self.path) in words):
                    found.append(f"{entry.name}: {words}")
        return found

    def left(self) -> list[str]:
        """Those that are still there after some seconds: on a busy machine one that was killed takes a moment to go."""
        deadline = time.monotonic() + 5
        while (found := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return found


def copy_to(path: Path, **variables: str) -> Checkout:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            target = path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    return Checkout(path, variables)
