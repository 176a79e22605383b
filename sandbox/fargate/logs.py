"""awslogs: what containers write goes to CloudWatch Logs, a batch at a time, in one thread for all of them."""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from ..core import Core
from ..periodic import Periodic

_TICK_SECONDS = 1.0
_BATCH = 1000


@dataclass
class Tail:
    """One container's log file, read up to `offset`."""

    path: Path
    group: str
    stream: str
    offset: int = 0
    partial: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


class LogShipper:
    """Follows log files by the id of their container."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._tails: dict[str, Tail] = {}
        self._loop = Periodic("logs", _TICK_SECONDS, self._ship_all)
        core.keep("shipper", self, "_tails")

    def start(self) -> None:
        self._loop.start(self._core.stopping)

    def follow(self, key: str, path: Path, group: str, stream: str) -> None:
        self._tails[key] = Tail(path, group, stream)

    def finish(self, key: str) -> None:
        """Ship what is left, and follow no longer."""
        tail = self._tails.pop(key, None)
        if tail is not None:
            self._ship(tail)

    def _ship_all(self) -> None:
        for tail in list(self._tails.values()):
            self._ship(tail)

    def _ship(self, tail: Tail) -> None:
        with tail.lock:
            try:
                with tail.path.open("rb") as file:
                    file.seek(tail.offset)
                    text = file.read()
            except FileNotFoundError:
                return
            whole, newline, _ = text.rpartition(b"\n")
            if not newline:
                return
            tail.offset += len(whole) + 1
            events = [
                event for line in whole.split(b"\n") if (event := self._event(tail, line.decode(errors="replace")))
            ]
            for start in range(0, len(events), _BATCH):
                batch = sorted(events[start : start + _BATCH], key=lambda event: event[0])
                try:
                    self._core.client("logs").put_log_events(
                        logGroupName=tail.group,
                        logStreamName=tail.stream,
                        logEvents=[{"timestamp": at, "message": message} for at, message in batch],
                    )
                except (ClientError, BotoCoreError) as refused:
                    # As on Fargate, lines are lost where the log group is gone; the container goes on.
                    print(f"logs: {tail.stream}: {refused}", file=sys.stderr, flush=True)

    def _event(self, tail: Tail, line: str) -> tuple[int, str] | None:
        """Timestamp in ms and message of a line as podman (k8s-file) or docker (json-file) write it."""
        if line.startswith("{"):
            record = json.loads(line)
            stamp, message, whole = record["time"], record["log"].rstrip("\n"), record["log"].endswith("\n")
        else:
            fields = line.split(" ", 3)
            if len(fields) < 4:
                return None
            stamp, message, whole = fields[0], fields[3], fields[2] == "F"
        if not whole:
            tail.partial += message
            return None
        message, tail.partial = tail.partial + message, ""
        return (_milliseconds(stamp), message) if message else None


def _milliseconds(stamp: str) -> int:
    """RFC 3339 with nanoseconds, which Python reads up to microseconds."""
    head, point, rest = stamp.partition(".")
    if not point:
        return int(datetime.fromisoformat(stamp).timestamp() * 1000)
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    zone = rest[len(digits) :].replace("Z", "+00:00") or "+00:00"
    try:
        return int(datetime.fromisoformat(f"{head}.{digits[:6].ljust(6, '0')}{zone}").timestamp() * 1000)
    except ValueError:
        return int(time.time() * 1000)
