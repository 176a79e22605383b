"""Commands inside containers: by the helper that enters them where it can, by the engine's exec where it can not."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..engine import Engine, EngineError
from ..lateness import Lateness, wait

_HELPER = Path(__file__).with_name("enter.py")


class TookTooLong(Exception):
    """A command was ended because its time was up."""


@dataclass(frozen=True)
class Place:
    """A running container, as a command in it finds it."""

    container: str
    pid: int
    environment: Mapping[str, str]
    user: str
    directory: str

    @classmethod
    def of(cls, inspected: Mapping[str, Any]) -> Place:
        """From what the engine says of a container."""
        settings = inspected["Config"]
        return cls(
            container=inspected["Id"],
            pid=int(inspected["State"]["Pid"]),
            environment=dict(line.split("=", 1) for line in settings.get("Env") or [] if "=" in line),
            user=settings.get("User") or "",
            directory=settings.get("WorkingDir") or "/",
        )


@dataclass
class _Asked:
    answered: threading.Event = field(default_factory=threading.Event)
    answer: dict[str, Any] = field(default_factory=dict)


class Inside:
    """Runs commands in containers, many at once; the helper is started with the first one."""

    def __init__(self, engine: Engine, lateness: Lateness) -> None:
        self._engine = engine
        self._lateness = lateness
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._asked: dict[str, _Asked] = {}
        self._helper: subprocess.Popen[bytes] | None = None
        # Containers that cannot be entered: another machine's, or this user's who may not.
        self._by_engine: set[str] = set()

    def run(self, place: Place, command: Sequence[str], seconds: float) -> int | None:
        """The command's exit status; None where it could not be run. TookTooLong after so many machine seconds."""
        if os.geteuid() != 0 or place.container in self._by_engine:
            return self._by_exec(place, command, seconds)
        request_id = str(next(self._numbers))
        asked = self._asked[request_id] = _Asked()
        try:
            request = {
                "id": request_id,
                "container": place.container,
                "pid": place.pid,
                "command": list(command),
                "environment": dict(place.environment),
                "user": place.user,
                "directory": place.directory,
            }
            self._send(request)
            if not wait(asked.answered, self._lateness, seconds):
                self._send({"cancel": request_id})
                raise TookTooLong
        finally:
            del self._asked[request_id]
        if "refused" not in asked.answer:
            return int(asked.answer["status"])
        if not _lives(place.pid):
            return None
        print(
            f"container {place.container[:12]} is not entered: {asked.answer['refused']}", file=sys.stderr, flush=True
        )
        self._by_engine.add(place.container)
        return self._by_exec(place, command, seconds)

    def _by_exec(self, place: Place, command: Sequence[str], seconds: float) -> int | None:
        began = self._lateness.now()
        try:
            return self._engine.exec(place.container, command, timeout=seconds).returncode
        except EngineError as refused:
            if self._lateness.now() - began >= seconds:
                raise TookTooLong from refused
            return None

    def _send(self, request: dict[str, Any]) -> None:
        text = json.dumps(request).encode() + b"\n"
        with self._lock:
            if self._helper is None or self._helper.poll() is not None:
                self._helper = self._start()
            assert self._helper.stdin is not None
            self._helper.stdin.write(text)
            self._helper.stdin.flush()

    def _start(self) -> subprocess.Popen[bytes]:
        helper = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_HELPER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        threading.Thread(target=self._listen, args=(helper,), name="inside", daemon=True).start()
        return helper

    def _listen(self, helper: subprocess.Popen[bytes]) -> None:
        assert helper.stdout is not None
        for line in helper.stdout:
            answer = json.loads(line)
            asked = self._asked.get(answer["id"])
            if asked is not None:
                asked.answer = answer
                asked.answered.set()
        for asked in list(self._asked.values()):
            asked.answer = {"refused": "the helper has ended"}
            asked.answered.set()


def _lives(pid: int) -> bool:
    return pid > 0 and Path(f"/proc/{pid}").exists()
