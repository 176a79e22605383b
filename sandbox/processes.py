"""The sandbox's processes: start them apart from the terminal, know whether they live, end them, and nothing else's."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .config import REPOSITORY, Settings


class NotStarted(RuntimeError):
    """A process ended, or did not answer, while it was coming up; the text carries the end of its log."""


@dataclass(frozen=True)
class Program:
    """One process of the sandbox: how it is started, and how one sees that it answers."""

    name: str
    command: tuple[str, ...]
    ready: Callable[[], bool]


def python(module: str, settings: Settings, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, "--home", str(settings.home), *arguments)


def start(settings: Settings, program: Program, clock: Callable[[], float], timeout: float = 60) -> None:
    """Start a process in a session of its own and wait until it answers.

    Raises NotStarted with the last lines of its log where it does not within timeout seconds of the clock, which is slower
    on a machine that does not keep up.
    """
    settings.logs.mkdir(parents=True, exist_ok=True)
    log = settings.logs / f"{program.name}.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            program.command,
            cwd=REPOSITORY,
            env={**os.environ, **settings.engine_environment()},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    pid_file = _pid_file(settings, program.name)
    pid_file.parent.mkdir(exist_ok=True)
    part = pid_file.with_suffix(".part")
    part.write_text(json.dumps({"pid": process.pid, "born": _born(process.pid)}))
    part.replace(pid_file)
    deadline = clock() + timeout
    while not program.ready():
        if process.poll() is not None:
            raise NotStarted(f"{program.name} ended with status {process.returncode}:\n{_tail(log)}")
        if clock() > deadline:
            raise NotStarted(f"{program.name} did not answer within {timeout:.0f} s:\n{_tail(log)}")
        time.sleep(0.05)


def alive(settings: Settings, name: str) -> int | None:
    """The process id, if this very process (not a later one with its number) still runs."""
    try:
        known = json.loads(_pid_file(settings, name).read_text())
    except FileNotFoundError:
        return None
    return known["pid"] if known["born"] is not None and _born(known["pid"]) == known["born"] else None


def stop(settings: Settings, name: str, timeout: float = 20) -> bool:
    """End a process and its children: SIGTERM, and SIGKILL after timeout seconds. False where none ran."""
    pid = alive(settings, name)
    if pid is None:
        return False
    _signal_group(pid, signal.SIGTERM)
    deadline = time.monotonic() + timeout
    while alive(settings, name) is not None and time.monotonic() < deadline:
        _reap(pid)
        time.sleep(0.05)
    # Children that outlived their leader are in its group still.
    _signal_group(pid, signal.SIGKILL)
    _reap(pid)
    _pid_file(settings, name).unlink(missing_ok=True)
    return True


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a closed terminal wait: what gives things back is not left in the middle."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def _reap(pid: int) -> None:
    """Where the process is our own child (tests), let it vanish from the process table."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _born(pid: int) -> str | None:
    """Start time from the process table; with the id it names a process for good. None for a dead one or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in {"Z", "X"} else fields[19]


def _pid_file(settings: Settings, name: str) -> Path:
    return settings.home / "run" / f"{name}.json"


def _tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
