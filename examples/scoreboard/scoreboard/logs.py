"""One JSON object per line on standard output, where a log driver picks it up."""

from __future__ import annotations

import json
import sys
import threading
from datetime import UTC, datetime
from typing import Any

LEVELS = ("debug", "info", "warning", "error")


class Log:
    """Every line carries time, level and version."""

    def __init__(self, version: str, least: str = "info") -> None:
        self._version = version
        self._written = LEVELS[LEVELS.index(least) :]
        self._lock = threading.Lock()

    def debug(self, message: str, **fields: Any) -> None:
        self._write("debug", message, fields)

    def info(self, message: str, **fields: Any) -> None:
        self._write("info", message, fields)

    def warning(self, message: str, **fields: Any) -> None:
        self._write("warning", message, fields)

    def error(self, message: str, **fields: Any) -> None:
        self._write("error", message, fields)

    def _write(self, level: str, message: str, fields: dict[str, Any]) -> None:
        if level not in self._written:
            return
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": time, "level": level, "message": message, "version": self._version, **fields})
        with self._lock:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
