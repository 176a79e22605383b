"""Locks between commands of the sandbox: one at a time for a home, one at a time for the machine's addresses."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

_FOLDERS = (Path("/run/lock"), Path("/tmp"))


@contextlib.contextmanager
def exclusive(name: str, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of this name; where another process has it, say whose it is (its process id) and wait.

    The lock goes with its process, however that ends. Its file is removed with the lock: whoever opened it before and
    gets the lock of a removed file tries again.
    """
    path = _path(name)
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(file, waiting)
            if _is_at(path, file):
                _sign(file)
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return
        finally:
            os.close(file)


def _path(name: str) -> Path:
    """The same for every shell: TMPDIR is another one for each user on some systems."""
    folder = next((folder for folder in _FOLDERS if os.access(folder, os.W_OK | os.X_OK)), _FOLDERS[-1])
    return folder / f"pear-sandbox-{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock"


def _sign(file: int) -> None:
    """Who waits is told this process id; a full disk keeps nobody from working."""
    with contextlib.suppress(OSError):
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)


def _lock(file: int, waiting: Callable[[str], None]) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting(os.pread(file, 20, 0).decode() or "unknown")
        fcntl.flock(file, fcntl.LOCK_EX)


def _is_at(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False
