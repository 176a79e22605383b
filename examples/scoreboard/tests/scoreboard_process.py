"""A scoreboard in a process of its own, on a free port of loopback."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Heard:
    """An answer: its body parsed where it is JSON."""

    status: int
    body: Any
    headers: dict[str, str]


class Scoreboard:
    """A running scoreboard, to ask and to stop."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self._logged: list[str] = []
        # Read all the time: a pipe that is full would stop the process in the middle of a request.
        self._reader = threading.Thread(target=lambda: self._logged.extend(process.stdout or ()), daemon=True)
        self._reader.start()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def ask(self, path: str, body: Any = None, *, method: str = "", headers: dict[str, str] | None = None) -> Heard:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = self.connect()
        try:
            connection.request(method or ("GET" if body is None else "POST"), path, data, headers or {})
            answer = connection.getresponse()
            text = answer.read().decode()
            is_json = answer.headers["Content-Type"] == "application/json" and text
            return Heard(answer.status, json.loads(text) if is_json else text, dict(answer.headers))
        finally:
            connection.close()

    def stop(self) -> list[dict[str, Any]]:
        """SIGTERM; then everything it logged."""
        self.process.send_signal(signal.SIGTERM)
        return self.logged()

    def logged(self) -> list[dict[str, Any]]:
        """Everything it logged, once it has ended."""
        self.process.wait(timeout=30)
        self._reader.join(timeout=5)
        return [json.loads(line) for line in self._logged]


def start(port: int, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "scoreboard"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PORT": str(port), "APP_VERSION": "1.2.3", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(**environment: str) -> Iterator[Scoreboard]:
    service = Scoreboard(process := start(port := free_port(), **environment), port)
    try:
        _wait(service)
        yield service
    finally:
        process.kill()
        process.wait()


def _wait(service: Scoreboard) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and service.process.poll() is None:
        try:
            service.ask("/healthz")
            return
        except ConnectionError:
            time.sleep(0.02)
    raise AssertionError(f"the scoreboard does not listen; exit status {service.process.poll()}")
